/**
 * What answers peers: HTTP/1.1 on `node:http`, GET of the load figures and nothing else.
 *
 * It stands on an address of its own, because the admin endpoint can end the process and belongs on
 * loopback. Whoever reaches it learns how loaded it is; with TLS, only who has a certificate of the
 * CA.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Logger } from "../../base/index.ts";
import type { TcpAddress } from "../config.ts";
import { listenHttp } from "../http-server.ts";
import type { PeerAnswer } from "./figures.ts";
import type { PeerTls } from "./peer-tls.ts";

/** The one path. */
export const PEER_PATH = "/load";
/** Peers hold one each; more at once are closed unheard. */
export const PEER_CONNECTIONS_MAX = 512;
/** Request line and headers of one request. */
export const PEER_HEADER_BYTES_MAX = 4096;
/** For a request, and for a connection that asks nothing. */
export const PEER_REQUEST_TIMEOUT_MS = 5000;

/** The peer port of one replica. */
export class PeerServer {
  readonly #server: Server;
  readonly #answer: () => PeerAnswer;
  readonly #log: Logger;

  /** @param answer our figures at the moment. */
  constructor(answer: () => PeerAnswer, tls: PeerTls | null, log: Logger) {
    this.#answer = answer;
    this.#log = log;
    const limits = {
      maxHeaderSize: PEER_HEADER_BYTES_MAX,
      headersTimeout: PEER_REQUEST_TIMEOUT_MS,
      requestTimeout: PEER_REQUEST_TIMEOUT_MS,
      keepAliveTimeout: PEER_REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1000,
    };
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      this.#serve(request, response);
    if (tls === null) this.#server = createServer(limits, serve);
    else {
      const server = createTlsServer({ ...tls.serverOptions(), ...limits }, serve);
      tls.server.attach(server);
      // Whose certificate does not do is told by the handshake itself.
      server.on("tlsClientError", (error, socket) => {
        this.#log.debug("peer refused", { reason: error.message });
        socket.destroy();
      });
      this.#server = server;
    }
    this.#server.maxConnections = PEER_CONNECTIONS_MAX;
  }

  /** Listens; resolves with the address in use. Rejects with `ListenError`. */
  listen(address: TcpAddress): Promise<string> {
    return listenHttp(this.#server, address, (error) =>
      this.#log.warn("peer listener failed", { reason: error.message }),
    );
  }

  /** Stops listening and cuts the connections. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    // No request has a body; one that has is answered, and its connection ends unread.
    const hasBody = "content-length" in request.headers || "transfer-encoding" in request.headers;
    if (hasBody) response.shouldKeepAlive = false;
    const status = request.url !== PEER_PATH ? 404 : request.method !== "GET" ? 405 : 200;
    const body = status === 200 ? `${JSON.stringify(this.#answer())}\n` : "";
    if (status === 405) response.setHeader("allow", "GET");
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(body, () => {
      if (hasBody) request.socket.destroySoon();
    });
  }
}
