/**
 * One address of the peers' target, asked for its load again and again.
 *
 * One connection, one question at a time, a time limit on the whole of each: a peer that hangs or
 * trickles is silent, and costs nobody else anything.
 */
import { Agent, type ClientRequest, get, type IncomingMessage } from "node:http";
import { get as secureGet, Agent as TlsAgent } from "node:https";
import type { Clock, Rng, Timer } from "../../base/index.ts";
import { placeOf, socketReason, tlsFailureReason } from "../../transport/index.ts";
import { type PeerAnswer, parsePeerAnswer } from "./figures.ts";
import { PEER_PATH } from "./peer-server.ts";
import type { PeerTls } from "./peer-tls.ts";

/** From an answer to the next question, shorter or longer by up to a fifth. */
export const POLL_MS = 1000;
/** A peer that takes longer to answer is silent. */
export const POLL_TIMEOUT_MS = 2000;
/** More is no answer. */
export const PEER_ANSWER_BYTES_MAX = 4096;

/** Why there was no answer that counts: label values. */
export type PollFailure = "unreachable" | "malformed";

/** What a poll needs and tells. */
export interface PollDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly tls: PeerTls | null;
  onAnswer(answer: PeerAnswer): void;
  onSilent(why: PollFailure, reason: string): void;
}

/** See the head of this file. Asks at once when it is made. */
export class PeerPoll {
  readonly #address: string;
  readonly #deps: PollDeps;
  readonly #agent: Agent;
  #request: ClientRequest | null = null;
  /** Of the question under way, or until the next one. */
  #timer: Timer | null = null;
  #isClosed = false;

  /** @param address "HOST:PORT", "[IPV6]:PORT" or "unix:PATH". */
  constructor(address: string, deps: PollDeps) {
    this.#address = address;
    this.#deps = deps;
    const options = { keepAlive: true, maxSockets: 1 };
    // Without sessions: each connection is verified by the files of its own time.
    this.#agent =
      deps.tls === null ? new Agent(options) : new TlsAgent({ ...options, maxCachedSessions: 0 });
    this.#ask();
  }

  /** Asks no more; nothing is told any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#request?.destroy();
    this.#agent.destroy();
  }

  #ask(): void {
    const { clock, tls } = this.#deps;
    const { path, host, port } = placeOf(this.#address);
    const where = path === null ? { host, port } : { host, socketPath: path };
    const options = { ...where, path: PEER_PATH, agent: this.#agent };
    const request =
      tls === null ? get(options) : secureGet({ ...options, ...tls.clientOptions(host) });
    this.#request = request;
    this.#timer = clock.setTimer(POLL_TIMEOUT_MS, () => {
      this.#silent(request, "unreachable", `no answer within ${POLL_TIMEOUT_MS} ms`);
    });
    request.on("error", (error) => {
      this.#silent(request, "unreachable", reasonOf(error, tls !== null));
    });
    request.on("response", (response) => this.#read(request, response));
  }

  #read(request: ClientRequest, response: IncomingMessage): void {
    let text = "";
    response.setEncoding("latin1");
    response.on("error", (error) => this.#silent(request, "unreachable", reasonOf(error, false)));
    response.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > PEER_ANSWER_BYTES_MAX) {
        this.#silent(request, "malformed", "its answer is too long");
      }
    });
    response.on("end", () => {
      const answer = response.statusCode === 200 ? parsePeerAnswer(text) : null;
      if (answer !== null) this.#answered(request, answer);
      else
        this.#silent(request, "malformed", `not the figures of a replica (${response.statusCode})`);
    });
  }

  #answered(request: ClientRequest, answer: PeerAnswer): void {
    if (this.#end(request)) this.#deps.onAnswer(answer);
  }

  #silent(request: ClientRequest, why: PollFailure, reason: string): void {
    if (!this.#end(request)) return;
    request.destroy();
    this.#deps.onSilent(why, reason);
  }

  /** The question is over, once: the next one is asked after a while. */
  #end(request: ClientRequest): boolean {
    if (this.#isClosed || this.#request !== request) return false;
    this.#request = null;
    this.#timer?.cancel();
    const { clock, rng } = this.#deps;
    this.#timer = clock.setTimer(POLL_MS * (0.8 + 0.4 * rng.next()), () => this.#ask());
    return true;
  }
}

/** Of codes that start with E only the system's have no underscore: "ECONNRESET", "ERR_SSL_...". */
function reasonOf(error: Error, isTls: boolean): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error.message;
  return isTls && code.includes("_") ? tlsFailureReason(error, "--peers") : socketReason(code);
}
