/**
 * A TCP relay that can fall silent: what is open stays open and nothing passes any more, as when a
 * machine is lost without a FIN. Connections made afterwards work.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A relay that listens. */
export interface Relay {
  /** "127.0.0.1:PORT". */
  readonly address: string;
  /** Silences the connections that are open. */
  freeze(): void;
  close(): void;
}

/** Opens a relay to `target` ("HOST:PORT"). */
export async function openRelay(target: string): Promise<Relay> {
  const { hostname, port } = new URL(`tcp://${target}`);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
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
