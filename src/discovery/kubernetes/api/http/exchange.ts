/**
 * One request and its answer over `node:http`, with its deadlines and its two second chances.
 *
 * Sent again, once each and at once: what a connection at rest lost as it was taken up (a race that
 * HTTP/1.1 knows; what our requests change they change from one version that they name, so that a
 * second one is refused), and what was refused with 401 when newer credentials are at hand.
 * Everything else is a failure for whoever asked. Redirects are failures: credentials are for the
 * server that the user named.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock, Timer } from "../../../../base/index.ts";
import { ApiAccessError } from "../error.ts";
import type { Secret } from "../secret.ts";
import { type ApiFailure, newFailure } from "./failure.ts";
import { type Gate, Turn } from "./gate.ts";
import { errorReason } from "./network.ts";
import { type PooledOptions, TCP_KEEPALIVE_MS } from "./pool.ts";
import { cleanStatus, failureOfStatus, heededMs } from "./status.ts";
import type { ApiRequest } from "./transport.ts";

/** From the request to the head of the answer: name, connection, TLS and the server's thoughts. */
export const RESPONSE_TIMEOUT_MS = 15_000;
/** The longest silence within the body of a document. */
export const BODY_SILENCE_MS = 15_000;
/** A body that is to be short, and that of an error, is whole within this time. */
export const SHORT_BODY_MS_MAX = 15_000;
/** Header block of an answer. */
const HEADER_BYTES_MAX = 32 * 1024;
/** Body of an answer that is an error. */
export const ERROR_BYTES_MAX = 64 * 1024;

/** What is sent. */
export interface Outgoing {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly url: URL;
  /** JSON; null for none. A PATCH is a merge patch (RFC 7396). */
  readonly body: string | null;
  /** The answer goes on until either side ends it. */
  readonly isStream: boolean;
  /** The answer is short: its body has `SHORT_BODY_MS_MAX`, however busily it comes. */
  readonly isShort: boolean;
}

/** With what it is sent. */
export interface Means {
  readonly options: PooledOptions;
  readonly token: Secret | null;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Takes the body of a good answer. */
export interface BodySink {
  /** Returns a failure when it cannot go on. */
  push(chunk: Buffer): ApiFailure | null;
  /** The body is whole. */
  end(): void;
}

/** What an exchange needs of its client. */
export interface ExchangeDeps {
  readonly clock: Clock;
  /** Its connection does not keep the process alive. */
  readonly isUnref: boolean;
  /** Null: does not wait for its turn. */
  readonly gate: Gate | null;
  /** Asked for each try. @throws ApiAccessError */
  readonly means: () => Promise<Means>;
  /** Credentials were refused; true when others can be tried. */
  readonly renew: () => boolean;
  /** A text without the tokens in use. */
  readonly redact: (text: string) => string;
  /** Something came from the server. */
  readonly onHeard: (bytes: number) => void;
  /** It is over, in whatever way. */
  readonly onOver: (exchange: Exchange) => void;
}

/** See the head of this file. */
export class Exchange implements ApiRequest {
  readonly outgoing: Outgoing;
  readonly #deps: ExchangeDeps;
  readonly #accept: (answer: IncomingMessage) => BodySink;
  readonly #onFailure: (failure: ApiFailure) => void;
  readonly #turn: Turn;
  #request: ClientRequest | null = null;
  #options: PooledOptions | null = null;
  #timer: Timer | null = null;
  #heardAtMs = 0;
  /** When the body has to be whole. */
  #wholeAtMs = Number.POSITIVE_INFINITY;
  #isOver = false;
  /** The head of an answer has come. */
  #isHeard = false;
  #isResent = false;
  #isRenewed = false;

  /**
   * @param accept called for an answer of 2xx.
   * @param onFailure called once; nothing after it.
   */
  constructor(
    outgoing: Outgoing,
    deps: ExchangeDeps,
    accept: (answer: IncomingMessage) => BodySink,
    onFailure: (failure: ApiFailure) => void,
  ) {
    this.outgoing = outgoing;
    this.#deps = deps;
    this.#accept = accept;
    this.#onFailure = onFailure;
    this.#turn = new Turn(() => this.#send());
    if (deps.gate === null) this.#send();
    else deps.gate.enter(this.#turn);
  }

  /** See `ApiRequest`. The connection is closed unless the answer has ended. */
  close(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#request?.destroy();
    this.#options?.proxyAbort?.abort();
  }

  /** Ends it as a failure; for its client, which knows that the server is dead. */
  fail(failure: ApiFailure): void {
    if (this.#isOver) return;
    this.close();
    this.#tell(failure);
  }

  #tell(failure: ApiFailure): void {
    this.#onFailure({ ...failure, reason: this.#deps.redact(failure.reason) });
  }

  #finish(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#deps.gate?.leave(this.#turn);
    this.#deps.onOver(this);
  }

  #send(): void {
    this.#timer?.cancel(); // credentials have deadlines of their own
    this.#deps
      .means()
      .then((means) => {
        if (!this.#isOver) this.#sendWith(means);
      })
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.fail(newFailure({ reason, isInvalid: error instanceof ApiAccessError }));
      });
  }

  #sendWith({ options, token, headers }: Means): void {
    const { method, url, body } = this.outgoing;
    this.#options = options;
    this.#arm(RESPONSE_TIMEOUT_MS, `no answer within ${RESPONSE_TIMEOUT_MS / 1000} s`);
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(url, {
      ...options,
      method,
      maxHeaderSize: HEADER_BYTES_MAX,
      headers: {
        accept: "application/json",
        "user-agent": "fairlead",
        ...(token === null ? {} : { authorization: `Bearer ${token.reveal()}` }),
        ...(body === null ? {} : { "content-type": contentTypeOf(method) }),
        ...headers,
      },
    });
    this.#request = request;
    request.on("socket", (socket) => {
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      // Each time: Node refs a connection that is taken up from rest.
      if (this.#deps.isUnref) socket.unref();
    });
    request.on("error", (error) => this.#onError(request, error));
    request.on("response", (answer) => {
      if (!this.#isOver && this.#request === request) this.#onAnswer(answer);
    });
    request.end(body ?? undefined);
  }

  #onError(request: ClientRequest, error: Error): void {
    if (this.#isOver || this.#request !== request) return;
    const { code } = error as NodeJS.ErrnoException;
    const isStale = request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
    if (isStale && !this.#isResent && !this.#isHeard) {
      this.#isResent = true;
      this.#send();
      return;
    }
    this.fail(newFailure({ reason: this.#reasonOf(error) }));
  }

  #onAnswer(answer: IncomingMessage): void {
    this.#isHeard = true;
    this.#deps.gate?.leave(this.#turn);
    this.#heardAtMs = this.#deps.clock.nowMs();
    this.#deps.onHeard(0);
    const status = answer.statusCode ?? 0;
    if (status === 401 && !this.#isRenewed) {
      this.#isRenewed = true;
      if (this.#deps.renew()) {
        this.#isHeard = false;
        this.#request?.destroy();
        this.#request = null;
        this.#send();
        return;
      }
    }
    const isGood = status >= 200 && status < 300;
    if (!isGood || this.outgoing.isShort) this.#wholeAtMs = this.#heardAtMs + SHORT_BODY_MS_MAX;
    if (isGood && this.outgoing.isStream) this.#timer?.cancel();
    else this.#armSilence();
    const sink = isGood ? this.#accept(answer) : this.#errorBody(answer);
    if (!this.#isOver) this.#read(answer, sink);
  }

  #read(answer: IncomingMessage, sink: BodySink): void {
    answer.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      this.#heardAtMs = this.#deps.clock.nowMs();
      this.#deps.onHeard(chunk.length);
      const failure = sink.push(chunk);
      if (failure !== null) this.fail(failure);
    });
    answer.on("error", (error) => {
      if (!this.#isOver) this.fail(newFailure({ reason: this.#reasonOf(error) }));
    });
    answer.on("end", () => {
      if (this.#isOver) return;
      this.#finish(); // the connection goes back to the pool
      sink.end();
    });
  }

  #errorBody(answer: IncomingMessage): BodySink {
    const status = answer.statusCode ?? 0;
    const isRedirect = status >= 300 && status < 400;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const over = () => {
      if (isRedirect) {
        const reason = `the API server answers ${status}: redirects are not followed`;
        return newFailure({ status, reason });
      }
      return failureOf(answer, Buffer.concat(chunks), this.#deps.redact);
    };
    return {
      push: (chunk) => {
        bytes += chunk.length;
        if (bytes > ERROR_BYTES_MAX) return over();
        chunks.push(chunk);
        return null;
      },
      end: () => this.#tell(over()),
    };
  }

  #armSilence(): void {
    const { clock } = this.#deps;
    const dueMs = () => Math.min(this.#heardAtMs + BODY_SILENCE_MS, this.#wholeAtMs);
    this.#timer?.cancel();
    this.#timer = clock.setTimer(Math.max(0, dueMs() - clock.nowMs()), () => {
      const nowMs = clock.nowMs();
      if (nowMs < dueMs()) this.#armSilence();
      else if (nowMs - this.#heardAtMs >= BODY_SILENCE_MS) {
        this.#timeOut(`an answer that stopped for ${BODY_SILENCE_MS / 1000} s`);
      } else this.#timeOut(`an answer that did not end within ${SHORT_BODY_MS_MAX / 1000} s`);
    });
  }

  #arm(delayMs: number, reason: string): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(delayMs, () => this.#timeOut(reason));
  }

  #reasonOf(error: Error): string {
    return errorReason(this.outgoing.url, error, this.#options?.proxyAbort !== undefined);
  }

  #timeOut(reason: string): void {
    this.fail(newFailure({ reason: `${this.outgoing.url.host}: ${reason}` }));
  }
}

function contentTypeOf(method: Outgoing["method"]): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

/** The failure of an answer that is an error, with its Status object when there is one. */
function failureOf(
  answer: IncomingMessage,
  body: Buffer,
  redact: ExchangeDeps["redact"],
): ApiFailure {
  let status: unknown = null;
  try {
    status = JSON.parse(body.toString("utf8"));
  } catch {
    // A text of something in between; its status says enough.
  }
  const failure = failureOfStatus(cleanStatus(status, redact), answer.statusCode ?? 0);
  const seconds = /^\d{1,9}$/.exec(answer.headers["retry-after"] ?? "");
  return seconds === null ? failure : { ...failure, retryAfterMs: heededMs(Number(seconds[0])) };
}
