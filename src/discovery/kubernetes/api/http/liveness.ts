/**
 * Whether a silent API server is still there. Sans-I/O: the question itself is injected.
 *
 * A watch may be silent for minutes because nothing happens: its silence proves nothing. TCP does
 * not help either: the kernel of a stopped process acknowledges whatever comes. So when nothing at
 * all was heard of the server for a while, it is asked something cheap on another connection; any
 * answer, whatever its status, shows that it lives. Two questions without an answer: it is dead,
 * and all watches are cut, at most 28 s after its last byte. A question that fails early, such as a
 * connection that is refused, is followed by the second no sooner than one that is not answered.
 *
 * What it costs the server: while the watched kinds move, nothing, because events are answers too.
 * In a cluster at rest one GET /livez each 10-12 s per process, on a kept connection; 10,000 of
 * them ask less than 1,000 times a second. It is asked without credentials, which may themselves be
 * slow or broken and say nothing of the server: /livez needs no RBAC rule of its own
 * (system:public-info-viewer, which 401 and 403 are as good as) and is exempt from API Priority and
 * Fairness, so that a busy server is not taken for a dead one. HTTP/2 could ask on the connection
 * of the watch itself; what the question cannot see over HTTP/1.1 (a watch lost on its way, one
 * server of several) is left to TCP keepalive and to the silence of bookmarks (`watch-session.ts`).
 */
import type { Clock, Rng, Timer } from "../../../../base/index.ts";
import type { ApiFailure } from "./failure.ts";
import type { ApiRequest } from "./transport.ts";

/** The server is asked when it was silent for this long, */
export const SILENT_MS_MIN = 10_000;
/** or up to this, at random, so that many clients do not ask in step. */
export const SILENT_MS_MAX = 12_000;
/** An answer takes no longer. */
export const PROBE_TIMEOUT_MS = 8000;
/** Questions without an answer that make a server dead. */
export const PROBES_MAX = 2;

/** What liveness needs. */
export interface LivenessDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  /**
   * Asks; `onDone` is called on a later turn unless the request was closed: with null for an
   * answer, or why there is none. One that `isInvalid` was not asked, and says nothing.
   */
  readonly ask: (onDone: (failure: ApiFailure | null) => void) => ApiRequest;
  /** A question was not answered. */
  readonly onSilence: () => void;
  /**
   * The server is dead. Asking goes on only when something is heard or watched again.
   *
   * @param reason why the last question failed; null when nothing came of it in time.
   */
  readonly onDead: (reason: string | null) => void;
}

/** See the head of this file. */
export class Liveness {
  readonly #deps: LivenessDeps;
  #heardAtMs = 0;
  #timer: Timer | null = null;
  #probe: ApiRequest | null = null;
  #failedCount = 0;

  constructor(deps: LivenessDeps) {
    this.#deps = deps;
  }

  /** Something came from the server. Called for every read: it sets no timer. */
  heard(): void {
    this.#heardAtMs = this.#deps.clock.nowMs();
  }

  /** There are watches to look after. No-op when that is known. */
  start(): void {
    if (this.#timer !== null || this.#probe !== null) return;
    this.heard();
    this.#failedCount = 0;
    this.#arm(this.#silentMs());
  }

  /** There are none. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#probe?.close();
    this.#probe = null;
  }

  #silentMs(): number {
    return SILENT_MS_MIN + this.#deps.rng.next() * (SILENT_MS_MAX - SILENT_MS_MIN);
  }

  #arm(delayMs: number): void {
    const dueAtMs = this.#deps.clock.nowMs() + delayMs;
    this.#timer = this.#deps.clock.setTimer(delayMs, () => this.#check(dueAtMs));
    this.#timer.unref();
  }

  #check(dueAtMs: number): void {
    const { clock } = this.#deps;
    const silentMs = clock.nowMs() - this.#heardAtMs;
    if (silentMs < SILENT_MS_MIN) {
      this.#failedCount = 0;
      this.#arm(this.#silentMs() - silentMs);
      return;
    }
    // A process that was stopped itself, or starved, has not listened: let it read first.
    if (clock.nowMs() - dueAtMs > SILENT_MS_MIN) {
      this.heard();
      this.#arm(this.#silentMs());
      return;
    }
    this.#ask();
  }

  #ask(): void {
    const { clock, ask } = this.#deps;
    const askedAtMs = clock.nowMs();
    this.#probe = ask((failure) => {
      if (failure === null) this.#onAnswer();
      else this.#onFailure(failure, askedAtMs);
    });
    this.#timer = clock.setTimer(PROBE_TIMEOUT_MS, () => this.#onFailure(null, askedAtMs));
    this.#timer.unref();
  }

  #onAnswer(): void {
    this.stop();
    this.#failedCount = 0;
    this.heard();
    this.#arm(this.#silentMs());
  }

  /** @param failure null when time is over. */
  #onFailure(failure: ApiFailure | null, askedAtMs: number): void {
    // Anything that came on a watch meanwhile is as good as an answer.
    if (this.#heardAtMs > askedAtMs) {
      this.#onAnswer();
      return;
    }
    this.stop();
    if (failure?.isInvalid) {
      this.#arm(this.#silentMs());
      return;
    }
    this.#deps.onSilence();
    this.#failedCount += 1;
    if (this.#failedCount >= PROBES_MAX) {
      this.#deps.onDead(failure?.reason ?? null);
      return;
    }
    const restMs = PROBE_TIMEOUT_MS - (this.#deps.clock.nowMs() - askedAtMs);
    if (restMs > 0) this.#arm(restMs);
    else this.#ask();
  }
}
