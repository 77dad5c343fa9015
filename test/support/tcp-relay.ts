/** A TCP relay in front of a server, whose connections can be watched, or fall silent. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A relay that listens. */
export interface TcpRelay {
  /** "127.0.0.1:PORT". */
  readonly address: string;
  /**
   * Silences the connections that are open, as when a machine is lost without a FIN; those that
   * are made afterwards work.
   */
  freeze(): void;
  close(): void;
}

/**
 * Opens a relay to `target` ("HOST:PORT").
 *
 * @param onConnection of each connection both sides, before any bytes.
 */
export async function openTcpRelay(
  target: string,
  onConnection: (client: Socket, upstream: Socket) => void = () => {},
): Promise<TcpRelay> {
  const { hostname, port } = new URL(`tcp://${target}`);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    onConnection(client, upstream);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {}); // It closes, and so does the other.
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
