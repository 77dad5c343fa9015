/**
 * The admin endpoint: HTTP/1.1 on `node:http` for probes, Prometheus and people.
 *
 * It is separate from the relay, so that it answers while that is busy or draining. No TLS and no
 * passwords: it belongs on loopback or inside a pod. What changes something is POST, and refused
 * when a browser sends it from another site.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../../base/index.ts";
import type { TcpAddress } from "../config.ts";
import { listenHttp } from "../http-server.ts";
import { ADMIN_ROUTES, type AdminAnswer, AdminUsageError, listOfPaths, text } from "./routes.ts";
import type { AdminSource } from "./source.ts";

/**
 * Probes and scrapers are few; more than this at once is an accident or an attack. The oldest that
 * asks nothing gives way to a new one, or a crowd that says nothing would fail a liveness probe.
 */
export const ADMIN_CONNECTIONS_MAX = 256;
/** Request line and headers of one request. */
export const ADMIN_HEADER_BYTES_MAX = 8 * 1024;
/** No request needs a body; more than this ends the connection. */
export const ADMIN_BODY_BYTES_MAX = 1024;
/** For the headers of a request, and for the whole of it. */
const ADMIN_REQUEST_TIMEOUT_MS = 10_000;

/** The admin endpoint of one process. */
export class AdminServer {
  readonly #source: AdminSource;
  readonly #log: Logger;
  readonly #server: Server;
  /** Oldest first. */
  readonly #sockets = new Set<Socket>();
  /** Those whose request is being answered. */
  readonly #busy = new Set<Socket>();

  constructor(source: AdminSource, log: Logger) {
    this.#source = source;
    this.#log = log;
    this.#server = createServer(
      {
        maxHeaderSize: ADMIN_HEADER_BYTES_MAX,
        headersTimeout: ADMIN_REQUEST_TIMEOUT_MS,
        requestTimeout: ADMIN_REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 2000,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on("connection", (socket) => this.#admit(socket));
  }

  /** Listens; resolves with the address in use. Rejects with `ListenError`. */
  listen(address: TcpAddress): Promise<string> {
    return listenHttp(this.#server, address, (error) =>
      this.#log.warn("admin listener failed", { reason: error.message }),
    );
  }

  /** Stops listening and cuts the connections. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #admit(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#sockets.size <= ADMIN_CONNECTIONS_MAX) return;
    for (const each of this.#sockets) {
      if (this.#busy.has(each)) continue;
      this.#sockets.delete(each);
      each.destroy();
      return;
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    this.#busy.add(socket);
    response.once("close", () => this.#busy.delete(socket));
    limitBody(request);
    let answer: AdminAnswer;
    try {
      answer = await this.#answer(request, response);
    } catch (error) {
      const isUsage = error instanceof AdminUsageError;
      const message = error instanceof Error ? error.message : String(error);
      if (!isUsage) this.#log.warn("admin request failed", { path: request.url, reason: message });
      answer = text(isUsage ? error.status : 503, `${message}\n`);
    }
    response.writeHead(answer.status, {
      "content-type": answer.contentType,
      "content-length": Buffer.byteLength(answer.body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    // A request with a body of any length is not worth a connection kept open.
    if (!request.complete) response.shouldKeepAlive = false;
    response.end(request.method === "HEAD" ? "" : answer.body, () => answer.afterwards?.());
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<AdminAnswer> {
    const { pathname, searchParams } = parseUrl(request.url ?? "/");
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (pathname === "/" || pathname === "/help") {
      if (method === "GET") return text(200, listOfPaths());
      response.setHeader("allow", "GET, HEAD");
      return text(405, `${pathname} takes GET\n`);
    }
    const route = ADMIN_ROUTES.find(({ path }) => path === pathname);
    if (route === undefined) return text(404, `no such path; there are:\n${listOfPaths()}`);
    if (route.method !== method) {
      response.setHeader("allow", route.method === "GET" ? "GET, HEAD" : "POST");
      return text(405, `${pathname} takes ${route.method}\n`);
    }
    if (method === "POST") {
      if (isFromOtherSite(request)) return text(403, "refused: a browser sent it from a page\n");
      this.#log.info("admin request", { path: pathname, from: request.socket.remoteAddress });
    }
    return route.answer(this.#source, searchParams);
  }
}

/** A page in a browser may send a POST to loopback; it cannot hide these headers. */
function isFromOtherSite(request: IncomingMessage): boolean {
  const site = request.headers["sec-fetch-site"];
  return request.headers.origin !== undefined || (site !== undefined && site !== "none");
}

function limitBody(request: IncomingMessage): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ADMIN_BODY_BYTES_MAX) request.destroy();
  });
  request.on("error", () => {});
}

function parseUrl(target: string): { pathname: string; searchParams: URLSearchParams } {
  const mark = target.indexOf("?");
  const pathname = mark < 0 ? target : target.slice(0, mark);
  return { pathname, searchParams: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)) };
}
