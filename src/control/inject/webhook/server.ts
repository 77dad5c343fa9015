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
/** Bytes of all reviews that are coming: a client must not make us hold one on each connection. */
export const REVIEWS_BYTES_MAX = 32 * 1024 * 1024;
/** How long a handshake or a request may take to come; twice that, a client read no answer. */
const REVIEW_TIMEOUT_MS = 10_000;
/** Looks for those that are too slow, in that time. */
const TIMEOUT_LOOKS = 10;
/** Connections of API servers, of which there are a few. */
const WEBHOOK_CONNECTIONS_MAX = 256;

/** See the head of this file. */
export class WebhookServer {
  readonly #server: Server;
  readonly #answer: (body: string) => ReviewAnswer;
  /** Of reviews that are coming. */
  #heldBytes = 0;

  /** @param answer must not throw. @param timeoutMs see REVIEW_TIMEOUT_MS. */
  constructor(
    pair: { cert: string; key: string },
    answer: (body: string) => ReviewAnswer,
    timeoutMs = REVIEW_TIMEOUT_MS,
  ) {
    this.#answer = answer;
    const times = {
      ...{ handshakeTimeout: timeoutMs, headersTimeout: timeoutMs, requestTimeout: timeoutMs },
      connectionsCheckingInterval: timeoutMs / TIMEOUT_LOOKS,
    };
    const options = { ...pair, ...times, minVersion: "TLSv1.2" } as const;
    this.#server = createServer(options, (request, response) => this.#onRequest(request, response));
    // Who does not read its answer; who does not ask is told so before.
    this.#server.timeout = 2 * timeoutMs;
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
    const body = new ReviewBody();
    const release = (): void => {
      this.#heldBytes -= body.length;
      body.clear();
    };
    const refuse = (status: number, text: string): void => {
      release();
      request.removeAllListeners("data").resume();
      end(response, status, `fairlead: ${text}\n`);
    };
    request.on("data", (chunk: Buffer) => {
      if (body.length + chunk.length > REVIEW_BYTES_MAX) {
        refuse(413, `a review has at most ${REVIEW_BYTES_MAX} bytes`);
      } else if (this.#heldBytes + chunk.length > REVIEWS_BYTES_MAX) {
        refuse(503, `reviews of more than ${REVIEWS_BYTES_MAX} bytes are coming`);
      } else {
        this.#heldBytes += chunk.length;
        body.push(chunk);
      }
    });
    request.on("end", () => {
      if (response.writableEnded) return;
      const text = body.text();
      release();
      const answer = this.#answer(text);
      end(response, answer.status, answer.body);
    });
    request.on("error", () => {});
    request.on("close", release);
  }
}

/** What has come of one: in one piece, because a client may send it byte by byte. */
class ReviewBody {
  #bytes = Buffer.alloc(0);
  length = 0;

  push(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.length);
    this.length = length;
  }

  text(): string {
    return this.#bytes.toString("utf8", 0, this.length);
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.length = 0;
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
