/**
 * The HTTPS server that API servers ask: `POST /inject` with an AdmissionReview, `GET /livez`.
 *
 * HTTP/1.1 of Node: a review or two a second need no engine of ours.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { ListenError, listenAddressText } from "../../../transport/index.ts";
import type { ReviewAnswer } from "./review.ts";

/** Bytes of a review: twice what an API server stores of an object, old and new. */
export const REVIEW_BYTES_MAX = 8 * 1024 * 1024;
/** How long a request may take to come. */
const REVIEW_TIMEOUT_MS = 10_000;
/** Connections of API servers, of which there are a few. */
const WEBHOOK_CONNECTIONS_MAX = 256;

/** See the head of this file. */
export class WebhookServer {
  readonly #server: Server;
  readonly #answer: (body: string) => ReviewAnswer;

  /** @param answer must not throw. */
  constructor(pair: { cert: string; key: string }, answer: (body: string) => ReviewAnswer) {
    this.#answer = answer;
    const options = { ...pair, minVersion: "TLSv1.2", requestTimeout: REVIEW_TIMEOUT_MS } as const;
    this.#server = createServer(options, (request, response) => this.#onRequest(request, response));
    this.#server.maxConnections = WEBHOOK_CONNECTIONS_MAX;
    // Who breaks off, or speaks no TLS, is no concern of the others.
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** From now on handshakes show this one; connections that are open stay. */
  renew(pair: { cert: string; key: string }): void {
    this.#server.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
  }

  /** Binds; resolves with the address, rejects with ListenError. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string> {
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => reject(new ListenError(address, error));
      this.#server.once("error", onError);
      this.#server.listen(address, () => {
        this.#server.off("error", onError);
        this.#server.on("error", () => {});
        const { port } = this.#server.address() as AddressInfo;
        resolve(listenAddressText({ host: address.host, port }));
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const other = otherAnswer(request);
    if (other !== null) {
      end(response, other[0], other[1]);
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= REVIEW_BYTES_MAX) chunks.push(chunk);
      else {
        chunks.length = 0;
        end(response, 413, `fairlead: a review has at most ${REVIEW_BYTES_MAX} bytes\n`);
        request.removeAllListeners("data").resume();
      }
    });
    request.on("end", () => {
      if (response.writableEnded) return;
      const { status, body } = this.#answer(Buffer.concat(chunks).toString("utf8"));
      end(response, status, body);
    });
    request.on("error", () => {});
  }
}

/** What anything but a review is answered; null for a review. */
function otherAnswer({ url, method }: IncomingMessage): [status: number, text: string] | null {
  const path = (url ?? "").replace(/\?.*$/, "");
  if (path === "/livez" && method === "GET") return [200, "live\n"];
  if (path !== "/inject") return [404, "fairlead: there is POST /inject\n"];
  return method === "POST" ? null : [405, "fairlead: POST an AdmissionReview\n"];
}

function end(response: ServerResponse, status: number, body: string): void {
  const type = status === 200 && body.startsWith("{") ? "application/json" : "text/plain";
  response.writeHead(status, { "content-type": type }).end(body);
}
