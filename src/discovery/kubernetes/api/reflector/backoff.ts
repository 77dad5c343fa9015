/**
 * When a reflector tries again: exponential backoff with full jitter, quick at first; and when a
 * watch ends that nothing disturbs.
 *
 * Full jitter ("anywhere up to the step") and not a share of it, because all clients of an API
 * server lose it at the same moment: their returns have to spread over the whole step.
 */
import type { Rng } from "../../../../base/index.ts";

/** The first retry comes within this time: a cut watch is as a rule back at once. */
export const RETRY_MS_FIRST = 500;
/** No delay is longer, and each return after a long outage comes within this time. */
export const RETRY_MS_MAX = 30_000;
/** No delay is shorter. */
const RETRY_MS_MIN = 50;
/** A watch that stood this long was a success: the next failure begins anew. */
export const STABLE_MS = 10_000;
/** The first list after a 410 comes within this time: the server says it to all at once. */
export const RELIST_SPREAD_MS = 2000;
/** Answers with `Retry-After` in a row that are heeded without backing off, as in client-go. */
export const RETRY_AFTER_COUNT_MAX = 10;

/** A watch asks the server for an end within this time, at random; so watches end apart. */
const WATCH_TIMEOUT_S_MIN = 300;
/** The longest such time. */
const WATCH_TIMEOUT_S_MAX = 600;

/** `timeoutSeconds` of one watch. */
export function watchTimeoutS(rng: Rng): number {
  return WATCH_TIMEOUT_S_MIN + rng.int(WATCH_TIMEOUT_S_MAX - WATCH_TIMEOUT_S_MIN + 1);
}

/** The delays of one reflector. */
export class RetryDelay {
  readonly #rng: Rng;
  #stepMs = RETRY_MS_FIRST;
  #heededCount = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /**
   * The delay before the next attempt. A server that says when it can be asked again (429, 503) is
   * there: it is asked then, and not when the backoff of an outage would have it. Without such a
   * word, or when it says so again and again, each call doubles the step of the one after.
   *
   * @param retryAfterMs what the server asked for, 0 for nothing: some jitter comes on top.
   */
  nextMs(retryAfterMs: number): number {
    if (retryAfterMs > 0 && this.#heededCount < RETRY_AFTER_COUNT_MAX) {
      this.#heededCount += 1;
      return retryAfterMs + this.#jitterMs(RETRY_MS_FIRST);
    }
    if (retryAfterMs === 0) this.#heededCount = 0;
    const stepMs = this.#stepMs;
    this.#stepMs = Math.min(RETRY_MS_MAX, stepMs * 2);
    return retryAfterMs + this.#jitterMs(stepMs);
  }

  #jitterMs(stepMs: number): number {
    return RETRY_MS_MIN + this.#rng.next() * (stepMs - RETRY_MS_MIN);
  }

  /** The delay before a list after 410: spread, and backed off like the rest when it repeats. */
  relistMs(): number {
    const isFirst = this.#stepMs === RETRY_MS_FIRST;
    const backoffMs = this.nextMs(0);
    return isFirst ? this.#rng.next() * RELIST_SPREAD_MS : backoffMs;
  }

  /** The next failure is the first one again. */
  reset(): void {
    this.#stepMs = RETRY_MS_FIRST;
    this.#heededCount = 0;
  }
}
