/**
 * The sockets of the lab's API server: HTTP or HTTPS on loopback, request bodies, client
 * certificates. What a request means is in `handler.ts`.
 */
import http from "node:http";
import https from "node:https";
import net from "node:net";
import type tls from "node:tls";
import { LabError } from "../error.ts";
import type { CertificatePair } from "./certificates.ts";
import { Handler, type HandlerDeps } from "./handler.ts";
import { ApiError } from "./status.ts";

/** A request's body (the real server takes about as much). */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;
/** As Go's server is set up by kube-apiserver. */
const KEEP_ALIVE_MS = 90_000;
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1)$/;

/** Where and how the server listens. */
export interface ListenOptions {
  /** A loopback address, or any one in a network of our own. */
  readonly host: string;
  /** We are in a network namespace of our own, where nobody else is. */
  readonly isIsolated?: boolean;
  /** 0 for any. */
  readonly port: number;
  /** HTTPS with this; HTTP without. */
  readonly tls?: CertificatePair & {
    /** Accepts client certificates signed by this (PEM): the CN is the user. */
    readonly clientCa?: string;
  };
}

/** A server that listens. */
export interface ApiServer {
  /** "https://127.0.0.1:6443": no slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly handler: Handler;
  /** Open connections. */
  readonly connectionCount: number;
  /** Resets (RST) every open connection. */
  resetConnections(): void;
  /** Ends all watches and connections, and the port. */
  close(): Promise<void>;
}

/**
 * Listens and serves. Rejects with `LabError` when the host is no loopback address (and the network
 * not isolated), and with the system's error when it cannot listen there.
 */
export async function serveApi(options: ListenOptions, deps: HandlerDeps): Promise<ApiServer> {
  const { host, port, tls: secure } = options;
  if (!options.isIsolated && !LOOPBACK.test(host)) {
    throw new LabError(`host "${host}": the lab's API server listens on loopback addresses only`);
  }
  const handler = new Handler(deps);
  // Of TLS these are the sockets below it: what is reset has to be the TCP connection.
  const sockets = new Set<net.Socket>();
  const onRequest: http.RequestListener = (request, response) => {
    const reset = (): void => {
      for (const socket of sockets) if (isSame(socket, request.socket)) socket.resetAndDestroy();
    };
    void accept(handler, request, response, reset);
  };
  const server = secure
    ? https.createServer(
        {
          ...{ cert: secure.cert, key: secure.key },
          ...(secure.clientCa === undefined
            ? {}
            : { ca: secure.clientCa, requestCert: true, rejectUnauthorized: false }),
        },
        onRequest,
      )
    : http.createServer(onRequest);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as net.AddressInfo).port;
  return {
    url: `${secure ? "https" : "http"}://${net.isIPv6(host) ? `[${host}]` : host}:${bound}`,
    port: bound,
    handler,
    get connectionCount() {
      return sockets.size;
    },
    resetConnections: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function accept(
  handler: Handler,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  reset: () => void,
): Promise<void> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length <= BODY_BYTES_MAX) chunks.push(chunk);
    }
  } catch {
    return; // The client went away in the middle of its request.
  }
  const url = parseUrl(request.url ?? "/");
  const refusal = refusalOf(request, url, length);
  if (refusal !== null || url === null) {
    const { code, body } = refusal ?? new ApiError(400, "BadRequest", "the path is no URL");
    response.writeHead(code, { "content-type": "application/json" });
    response.end(`${JSON.stringify(body)}\n`);
    return;
  }
  await handler.handle(
    {
      ...{ method: request.method ?? "GET", url, headers: request.headers },
      body: Buffer.concat(chunks).toString("utf8"),
      certificate: certificateName(request.socket),
      reset,
    },
    response,
  );
}

/** A TLS socket and the TCP socket below it have the same peer. */
function isSame(a: net.Socket, b: net.Socket): boolean {
  return a.remotePort === b.remotePort && a.remoteAddress === b.remoteAddress;
}

function parseUrl(path: string): URL | null {
  return URL.canParse(path, "http://api") ? new URL(path, "http://api") : null;
}

function refusalOf(
  { socket }: http.IncomingMessage,
  url: URL | null,
  length: number,
): ApiError | null {
  if (url === null) return new ApiError(400, "BadRequest", "the path is no URL");
  if (length > BODY_BYTES_MAX) {
    const message = `Request entity too large: limit is ${BODY_BYTES_MAX}`;
    return new ApiError(413, "RequestEntityTooLarge", message, { details: {} });
  }
  const { authorized, authorizationError } = socket as tls.TLSSocket;
  const isUnknown = authorized === false && hasCertificate(socket as tls.TLSSocket);
  return isUnknown && authorizationError ? new ApiError(401, "Unauthorized", "Unauthorized") : null;
}

function hasCertificate(socket: tls.TLSSocket): boolean {
  if (typeof socket.getPeerCertificate !== "function") return false;
  return Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
}

function certificateName(socket: net.Socket): string | null {
  const secure = socket as tls.TLSSocket;
  if (secure.authorized !== true || !hasCertificate(secure)) return null;
  const { CN } = secure.getPeerCertificate().subject;
  return typeof CN === "string" ? CN : null;
}
