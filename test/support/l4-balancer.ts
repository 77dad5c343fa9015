/**
 * A stand-in for what stands before replicas: TCP connections, each spliced to a backend that is
 * picked at random. It knows nothing of HTTP/2.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Rng } from "../../src/base/index.ts";

/** A running one. */
export interface L4Balancer {
  readonly address: string;
  /** Backends, by address; connections that stand are not moved when it changes. */
  backends: readonly string[];
  /** By the port of the client's end: the backend of its connection. */
  readonly placed: ReadonlyMap<number, string>;
  close(): Promise<void>;
}

/** Starts one on 127.0.0.1. */
export async function startL4(backends: readonly string[], rng: Rng): Promise<L4Balancer> {
  const placed = new Map<number, string>();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const backend = balancer.backends[rng.int(balancer.backends.length)]!;
    const clientPort = client.remotePort!;
    const [host, port] = backend.split(":");
    const upstream = connect({ host: host!, port: Number(port), noDelay: true });
    placed.set(clientPort, backend);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one!);
      one!.on("error", () => {});
      one!.once("close", () => {
        sockets.delete(one!);
        placed.delete(clientPort);
        other!.destroy();
      });
      one!.pipe(other!);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const balancer: L4Balancer = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    backends,
    placed,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return balancer;
}
