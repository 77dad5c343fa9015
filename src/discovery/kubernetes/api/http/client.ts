/**
 * The client of one API server: documents and watches as JSON, by HTTP/1.1 over `node:http`.
 *
 * It owns connections, credentials and the question whether the server is still there; what answers
 * mean is for others. All bytes of a peer are bounded here.
 */
import type { IncomingMessage } from "node:http";
import { type Clock, isJsonObject, type Logger, type Rng } from "../../../../base/index.ts";
import type { ApiAccess } from "../config/access.ts";
import { type Credentials, createCredentials } from "../credentials/credentials.ts";
import type { LoadClientNode } from "../credentials/plugin.ts";
import { Redaction } from "../redaction.ts";
import {
  type BodySink,
  Exchange,
  type ExchangeDeps,
  type Means,
  type Outgoing,
} from "./exchange.ts";
import { type ApiFailure, newFailure } from "./failure.ts";
import { Gate, OPENINGS_MAX } from "./gate.ts";
import { LineSplitter } from "./lines.ts";
import { Liveness, PROBE_TIMEOUT_MS, PROBES_MAX } from "./liveness.ts";
import { ConnectionPool } from "./pool.ts";
import { cleanStatus } from "./status.ts";
import { ApiTls, type TlsSettings } from "./tls.ts";
import type { ApiRequest, ApiTransport, DocumentHandler, WatchHandler } from "./transport.ts";

/** A document, such as one page of a list. */
export const DOCUMENT_BYTES_MAX = 32 * 1024 * 1024;
/** One event of a watch. etcd takes no object above 1.5 MiB. */
export const EVENT_BYTES_MAX = 8 * 1024 * 1024;

/** What a client needs. */
export interface ApiClientDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Loads the optional package for plugins; for tests. */
  readonly loadClientNode?: LoadClientNode | undefined;
  /** The connections do not keep the process alive. */
  readonly isUnref?: boolean | undefined;
  /** Bytes that came. */
  readonly onBytes?: (bytes: number) => void;
  /** A question whether the server is there was not answered. */
  readonly onSilence?: () => void;
}

/** A document and what stood around it: for the questions of `check`. */
export interface AnswerHandler {
  onAnswer(value: unknown, answer: IncomingMessage): void;
  onFailure(failure: ApiFailure): void;
}

/** See the head of this file. */
export class ApiClient implements ApiTransport {
  readonly credentials: Credentials;
  /** Knows the tokens that were presented. */
  readonly redaction = new Redaction();
  readonly #access: ApiAccess;
  readonly #deps: ApiClientDeps;
  readonly #tls: ApiTls | null;
  readonly #pool: ConnectionPool;
  readonly #gate = new Gate(OPENINGS_MAX);
  readonly #liveness: Liveness;
  readonly #open = new Set<Exchange>();
  readonly #watches = new Set<Exchange>();
  /** What the last request was made with: good enough to ask whether the server is there. */
  #tlsSettings: TlsSettings | null = null;
  #isClosed = false;

  /** @throws ApiAccessError when credentials or certificates cannot be used. */
  constructor(access: ApiAccess, deps: ApiClientDeps) {
    const { cluster, user } = access;
    this.#access = access;
    this.#deps = deps;
    this.credentials = createCredentials(user, cluster, deps);
    this.#tls = cluster.server.startsWith("https:") ? new ApiTls(cluster, user, deps) : null;
    this.#pool = new ConnectionPool(cluster);
    this.#liveness = new Liveness({
      clock: deps.clock,
      rng: deps.rng,
      ask: (onDone) => this.#ask(onDone),
      onSilence: () => deps.onSilence?.(),
      onDead: (reason) => this.#onDead(reason),
    });
  }

  /** Watches that the server has accepted and that still stand. */
  get openWatches(): number {
    return this.#watches.size;
  }

  /** See `ApiTransport`. */
  get(path: string, handler: DocumentHandler): ApiRequest {
    const outgoing = { ...this.#outgoing(path), isShort: false };
    return this.#startDocument(outgoing, {
      onAnswer: (value) => handler.onDocument(value),
      onFailure: (failure) => handler.onFailure(failure),
    });
  }

  /** A request whose answer is one short document. @param body JSON to send, or null. */
  request(
    method: Outgoing["method"],
    path: string,
    body: string | null,
    handler: AnswerHandler,
  ): ApiRequest {
    return this.#startDocument({ ...this.#outgoing(path), method, body }, handler);
  }

  /** See `ApiTransport`. */
  watch(path: string, handler: WatchHandler): ApiRequest {
    const outgoing = { ...this.#outgoing(path), isStream: true, isShort: false };
    const accept = () => {
      this.#watches.add(exchange);
      this.#liveness.start();
      handler.onOpen();
      return watchBody(handler, (text) => this.redaction.clean(text));
    };
    const exchange = this.#start(outgoing, {}, accept, (f) => handler.onFailure(f));
    return exchange;
  }

  /** Ends all requests, unheard, and closes all connections. */
  close(): void {
    this.#isClosed = true;
    for (const exchange of [...this.#open]) exchange.close();
    this.#liveness.stop();
    this.#pool.close();
  }

  #startDocument(outgoing: Outgoing, handler: AnswerHandler): Exchange {
    const accept = (answer: IncomingMessage) => documentBody(answer, handler);
    return this.#start(outgoing, {}, accept, (failure) => handler.onFailure(failure));
  }

  /** @param other what is not as for most requests. */
  #start(
    outgoing: Outgoing,
    other: Partial<ExchangeDeps>,
    accept: (answer: IncomingMessage) => BodySink,
    onFailure: (failure: ApiFailure) => void,
  ): Exchange {
    const deps: ExchangeDeps = {
      clock: this.#deps.clock,
      isUnref: this.#deps.isUnref === true,
      gate: this.#gate,
      means: () => this.#means(),
      renew: () => this.#renew(),
      redact: (text) => this.redaction.clean(text),
      onHeard: (bytes) => {
        this.#liveness.heard();
        if (bytes > 0) this.#deps.onBytes?.(bytes);
      },
      onOver: (exchange) => this.#onOver(exchange),
      ...other,
    };
    const exchange = new Exchange(outgoing, deps, accept, onFailure);
    this.#open.add(exchange);
    if (this.#isClosed) exchange.close();
    return exchange;
  }

  /** GET of something short; what is not so is for the caller to say. */
  #outgoing(path: string): Outgoing {
    return { method: "GET", url: this.#urlOf(path), body: null, isStream: false, isShort: true };
  }

  #urlOf(path: string): URL {
    return new URL(this.#access.cluster.server + path);
  }

  async #means(): Promise<Means> {
    const { token, certificate } = await this.credentials.present();
    if (token !== null) this.redaction.add(token);
    this.#tlsSettings = this.#tls?.settings(certificate) ?? null;
    const options = await this.#pool.options(this.#tlsSettings);
    return { options, token, headers: this.#access.user.impersonate };
  }

  /** Both are asked: a refused certificate is answered with 401 too. */
  #renew(): boolean {
    const hasCredentials = this.credentials.renew();
    const hasCertificates = this.#tls?.renew() ?? false;
    return hasCredentials || hasCertificates;
  }

  #onOver(exchange: Exchange): void {
    this.#open.delete(exchange);
    if (this.#watches.delete(exchange) && this.#watches.size === 0) this.#liveness.stop();
  }

  /**
   * Any answer will do: a server that refuses us lives. So nothing is asked of the credentials: a
   * plugin that hangs says nothing of the server.
   */
  #ask(onDone: (failure: ApiFailure | null) => void): ApiRequest {
    const outgoing = this.#outgoing("/livez");
    const means = async (): Promise<Means> => {
      const options = await this.#pool.options(this.#tlsSettings);
      return { options, token: null, headers: {} };
    };
    const other = { gate: null, means, renew: () => false };
    const accept = () => ({ push: () => null, end: () => onDone(null) });
    const onFailure = (failure: ApiFailure) => onDone(failure.status > 0 ? null : failure);
    return this.#start(outgoing, other, accept, onFailure);
  }

  #onDead(cause: string | null): void {
    const seconds = Math.round((PROBE_TIMEOUT_MS * PROBES_MAX) / 1000);
    const { host } = this.#urlOf("/");
    const reason = cause ?? `${host}: the API server is silent and did not answer for ${seconds} s`;
    this.#pool.retire();
    for (const watch of [...this.#watches]) watch.fail(newFailure({ reason, isSilent: true }));
  }
}

function documentBody(answer: IncomingMessage, handler: AnswerHandler): BodySink {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      if (bytes > DOCUMENT_BYTES_MAX) {
        const reason = `the API server answers with more than ${DOCUMENT_BYTES_MAX} bytes`;
        return newFailure({ reason, isTooLarge: true });
      }
      chunks.push(chunk);
      return null;
    },
    end() {
      const value = parseJson(Buffer.concat(chunks).toString("utf8"));
      if (value === undefined) {
        const reason = "the API server answers with something that is not JSON";
        handler.onFailure(newFailure({ reason }));
      } else handler.onAnswer(value, answer);
    },
  };
}

function watchBody(handler: WatchHandler, redact: (text: string) => string): BodySink {
  let events: unknown[] = [];
  const lines = new LineSplitter(EVENT_BYTES_MAX, (line) => {
    const event = parseJson(line);
    const isError = isJsonObject(event) && event.type === "ERROR";
    events.push(isError ? { ...event, object: cleanStatus(event.object, redact) } : event);
  });
  return {
    push(chunk) {
      const isGood = lines.push(chunk);
      const batch = events;
      events = [];
      if (batch.length > 0) handler.onEvents(batch);
      if (isGood) return null;
      const reason = `the API server sends an event of more than ${EVENT_BYTES_MAX} bytes`;
      return newFailure({ reason, isTooLarge: true });
    },
    end: () => handler.onEnd(),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
