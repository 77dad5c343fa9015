/**
 * What the two small HTTP/1 servers of a proxy (admin, peers) have in common: how they are bound.
 *
 * What they answer, and what they refuse, is each one's own.
 */
import type { Server } from "node:http";
import { ListenError, listenAddressText } from "../transport/index.ts";
import type { TcpAddress } from "./config.ts";

/**
 * Binds a server; resolves with the address in use. Rejects with `ListenError`.
 *
 * @param onFailure hears of errors after that.
 */
export function listenHttp(
  server: Server,
  address: TcpAddress,
  onFailure: (error: Error) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(new ListenError(address, error));
    server.once("error", onError);
    // `exclusive`: also in a worker this is a listener of its own.
    server.listen({ ...address, exclusive: true }, () => {
      server.off("error", onError);
      server.on("error", onFailure);
      const bound = server.address();
      if (bound === null || typeof bound === "string") throw new Error("not a TCP address");
      resolve(listenAddressText({ host: bound.address, port: bound.port }));
    });
  });
}
