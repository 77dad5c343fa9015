/**
 * The admin endpoint of a control plane: HTTP/1.1 on `node:http` for probes, Prometheus and people.
 *
 * It only shows: /livez, /ready, /metrics, /nodes and /statuses. No TLS and no passwords: it
 * belongs on loopback or inside a pod. More paths can be given by who composes the process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "../../base/index.ts";
import { type ListenAddress, ListenError, listenAddressText } from "../../transport/index.ts";

/** Probes and scrapers are few; more than this at once is an accident or an attack. */
export const CONTROL_ADMIN_CONNECTIONS_MAX = 256;
/** Request line and headers of one request. */
export const CONTROL_ADMIN_HEADER_BYTES_MAX = 8 * 1024;
/** For the headers of a request, and for the whole of it; twice that for one that reads nothing. */
const CONTROL_ADMIN_TIMEOUT_MS = 10_000;
/** Looks for those that are too slow, in that time: Node has one in 30 s. */
const TIMEOUT_LOOKS = 10;

/** What a path answers. */
export interface AdminPage {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Answers of GET, by path. */
export type AdminPages = Readonly<Record<string, (query: URLSearchParams) => AdminPage>>;

/** A page of text. */
export function textPage(status: number, body: string): AdminPage {
  return { status, contentType: "text/plain; charset=utf-8", body };
}

/** A page of JSON. */
export function jsonPage(value: unknown): AdminPage {
  return { status: 200, contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}

/** See the head of this file. */
export class ControlAdmin {
  readonly #server: Server;
  readonly #pages: AdminPages;
  readonly #log: Logger;

  /** @param timeoutMs see CONTROL_ADMIN_TIMEOUT_MS. */
  constructor(pages: AdminPages, log: Logger, timeoutMs = CONTROL_ADMIN_TIMEOUT_MS) {
    this.#pages = pages;
    this.#log = log;
    const options = {
      maxHeaderSize: CONTROL_ADMIN_HEADER_BYTES_MAX,
      headersTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      connectionsCheckingInterval: timeoutMs / TIMEOUT_LOOKS,
    };
    this.#server = createServer(options, (request, response) => this.#serve(request, response));
    this.#server.maxConnections = CONTROL_ADMIN_CONNECTIONS_MAX;
    // How all nodes stand is long: who does not read it must not have it kept.
    this.#server.timeout = 2 * timeoutMs;
  }

  /** Resolves with the address in use. Rejects with ListenError. */
  listen(address: ListenAddress & { readonly port: number }): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => reject(new ListenError(address, error));
      this.#server.once("error", fail);
      this.#server.listen({ ...address }, () => {
        this.#server.off("error", fail);
        this.#server.on("error", ({ message }) =>
          this.#log.warn("admin listener failed", { reason: message }),
        );
        const bound = this.#server.address();
        if (bound === null || typeof bound === "string") throw new Error("not a TCP address");
        resolve(listenAddressText({ host: bound.address, port: bound.port }));
      });
    });
  }

  /** Stops listening and cuts the connections. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { status, contentType, body } = this.#answer(request);
    response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? "" : body);
  }

  #answer({ method, url = "/" }: IncomingMessage): AdminPage {
    if (method !== "GET" && method !== "HEAD") return textPage(405, "only GET\n");
    const parsed = URL.parse(url, "http://admin");
    if (parsed === null) return textPage(400, "not a URL\n");
    if (parsed.pathname === "/") return textPage(200, `${Object.keys(this.#pages).join("\n")}\n`);
    const page = Object.hasOwn(this.#pages, parsed.pathname)
      ? this.#pages[parsed.pathname]
      : undefined;
    if (page !== undefined) return page(parsed.searchParams);
    const known = Object.keys(this.#pages).join(", ");
    return textPage(404, `there is no ${parsed.pathname} here, but ${known}\n`);
  }
}
