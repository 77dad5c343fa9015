/**
 * The HTTP server of the page: the document on `/`, the lab's figures as server-sent events on
 * `/events`, questions about single decisions on `/why` and `/calls`, and `POST /act?event=ACTION`,
 * which is all that can be changed (`POST /scale?pods=N` is the same as the action `scale=N`).
 *
 * It is meant for the browser on the same machine. A page of another site that rebinds its name to
 * our address is refused by the Host header, and one that posts from elsewhere by its Origin; there
 * is no CORS header; and every limit is named.
 */
import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import type { Clock } from "../../base/index.ts";
import type { AskAnswer } from "../why/index.ts";
import type { Delta } from "./page-delta.ts";
import type { Hello } from "./page-feed.ts";

/** Streams of events at a time; a browser tab holds one. */
export const STREAMS_MAX = 16;
const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8192;
const HEADERS_TIMEOUT_MS = 5000;
/** How often connections are looked at for that; Node's own choice is half a minute. */
const HEADERS_LOOK_MS = 1000;
/** At the end, from the last words to a cut: for a reader that takes them slowly. */
const CLOSE_GRACE_MS = 200;
/** A reader that leaves more than this unread is cut off; its browser connects again. */
const UNREAD_BYTES_MAX = 1_048_576;

/** What the server shows. */
export interface PageContent {
  /** The document; called on the first request, and again after a failure. */
  document(): Promise<string>;
  /** Everything a browser that has just come needs. */
  hello(): Hello;
  /** Does what the text says (`actions.ts`). */
  act(text: string): ActAnswer;
  /** Answers a question: `path` is "/why" or "/calls". Without it there are no such paths. */
  ask?(path: string, params: URLSearchParams): Promise<AskAnswer>;
}

/**
 * What was done, as `actions.ts` writes it; or nothing was, because it is no action (400) or cannot
 * be done now (409), and why.
 */
export type ActAnswer =
  | { readonly status: 200; readonly done: readonly string[] }
  | { readonly status: 400 | 409; readonly reason: string };

/** Has a server listen. Rejects with the system's error. */
export type PageListen = (server: http.Server, host: string, port: number) => Promise<void>;

/** A page that is served. */
export interface PageServer {
  readonly url: string;
  /** How many pages are open. */
  readonly openPages: number;
  /** Tells every open page what changed. */
  send(delta: Delta): void;
  /** Tells every open page everything anew. */
  greet(): void;
  /**
   * Ends all streams and closes the port. Connections that are open then for any other reason (a
   * browser opens one before it has a request) are cut after a moment: no end waits for a stranger.
   */
  close(): Promise<void>;
}

/**
 * Listens and serves. Rejects with the system's error (`code` "EADDRINUSE" and so on) when it
 * cannot listen there.
 *
 * @param listen in another network than that of this process.
 */
export async function servePage(
  host: string,
  port: number,
  content: PageContent,
  clock: Clock,
  listen: PageListen = listenHere,
): Promise<PageServer> {
  const streams = new Set<http.ServerResponse>();
  const server = http.createServer(
    {
      ...{ maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS },
      connectionsCheckingInterval: HEADERS_LOOK_MS,
    },
    (request, response) => answer(request, response, host, content, streams),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, host, port);
  const bound = (server.address() as net.AddressInfo).port;
  const tell = (text: string): void => {
    for (const stream of streams) {
      if (stream.writableLength > UNREAD_BYTES_MAX) stream.destroy();
      else stream.write(text);
    }
  };
  return {
    url: `http://${net.isIPv6(host) ? `[${host}]` : host}:${bound}/`,
    get openPages() {
      return streams.size;
    },
    send: (delta) => tell(event("delta", delta)),
    greet: () => tell(event("hello", content.hello())),
    close: () =>
      new Promise((resolve) => {
        for (const stream of streams) stream.end();
        const cut = clock.setTimer(CLOSE_GRACE_MS, () => server.closeAllConnections());
        server.close(() => {
          cut.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** In the network of this process. */
export const listenHere: PageListen = (server, host, port) =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });

function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  boundHost: string,
  content: PageContent,
  streams: Set<http.ServerResponse>,
): void {
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("cache-control", "no-store");
  const path = request.url?.split("?", 1)[0];
  const isAction = path === "/act" || path === "/scale";
  if (!isOwnHost(request.headers.host ?? "", boundHost)) {
    refuse(response, 403, "this Host is not served here; use the address that the lab printed");
  } else if (request.method !== (isAction ? "POST" : "GET")) {
    response.setHeader("allow", isAction ? "POST" : "GET");
    refuse(response, 405, isAction ? "only POST" : "only GET");
  } else if (isAction) {
    act(request, response, content);
  } else if (path === "/") {
    sendDocument(response, content);
  } else if (path === "/events") {
    openStream(response, content, streams);
  } else if ((path === "/why" || path === "/calls") && content.ask) {
    const { searchParams } = new URL(request.url!, "http://page");
    sendAnswer(response, content.ask(path, searchParams));
  } else {
    refuse(response, 404, "there are /, /events, /why, /calls, /act and /scale");
  }
}

/** Browsers say from which page a POST comes; only our own may, and what is no browser. */
function act(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  content: PageContent,
): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    refuse(response, 403, "only the lab's own page may change it");
    return;
  }
  const { pathname, searchParams } = new URL(request.url ?? "", "http://page");
  const [name, text] =
    pathname === "/scale"
      ? ["pods", `scale=${searchParams.get("pods") ?? ""}`]
      : ["event", searchParams.get("event") ?? ""];
  const answer = content.act(text);
  if (answer.status === 200) {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.end(`${answer.done.join("\n")}\n`);
  } else refuse(response, answer.status, `POST ${pathname}?${name}=: ${answer.reason}`);
}

async function sendAnswer(response: http.ServerResponse, asked: Promise<AskAnswer>): Promise<void> {
  try {
    const { status, json } = await asked;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(json));
  } catch (error) {
    refuse(response, 500, `no answer: ${(error as Error).message}`);
  }
}

/** Names could have been rebound to us by a stranger; addresses and our own names cannot. */
function isOwnHost(header: string, boundHost: string): boolean {
  const name = header
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .toLowerCase();
  return net.isIP(name) !== 0 || name === "localhost" || name === boundHost.toLowerCase();
}

function refuse(response: http.ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(`fairlead lab: ${reason}\n`);
}

async function sendDocument(response: http.ServerResponse, content: PageContent): Promise<void> {
  try {
    const document = await content.document();
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policyFor(document),
    });
    response.end(document);
  } catch (error) {
    refuse(response, 500, `the page could not be built: ${(error as Error).message}`);
  }
}

/** Allows the document's own inline script and style by their hashes, and nothing else. */
function policyFor(document: string): string {
  const hashes = (tag: string): string =>
    [...document.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, "g"))]
      .map(([, text]) => `'sha256-${createHash("sha256").update(text!).digest("base64")}'`)
      .join(" ");
  return [
    "default-src 'none'",
    `script-src ${hashes("script")}`,
    `style-src ${hashes("style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function openStream(
  response: http.ServerResponse,
  content: PageContent,
  streams: Set<http.ServerResponse>,
): void {
  if (streams.size >= STREAMS_MAX) {
    refuse(response, 503, `${STREAMS_MAX} pages are open already`);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
  response.write(`retry: 1000\n${event("hello", content.hello())}`);
  streams.add(response);
  response.once("close", () => streams.delete(response));
}

/** One server-sent event. JSON has no line breaks, so one `data` line holds it. */
function event(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
