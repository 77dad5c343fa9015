/**
 * The attempts of one call by its retry policy: how many there were, where, and when the next is
 * due. gRFC A6.
 *
 * Whether the cluster has room for another one is for `Retries` to say.
 */

import { parsePushback, type RetryPolicy, Status } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";
import { type AttemptPlan, NO_RETRY } from "./attempt-plan.ts";
import type { Retries } from "./retries.ts";
import type { Subchannel } from "./subchannel.ts";

/** "Jitter of plus or minus 0.2 is applied to the backoff delay" (A6). */
const JITTER = 0.2;

/**
 * "The initial retry attempt will occur after `initialBackoff * random(0.8, 1.2)`. After that, the
 * `n`-th attempt will occur after
 * `min(initialBackoff*backoffMultiplier**(n-1), maxBackoff) * random(0.8, 1.2))`." (A6)
 *
 * @param n from 1.
 * @param chance from 0 up to 1.
 */
export function retryBackoffMs(policy: RetryPolicy, n: number, chance: number): number {
  const { initialBackoffMs, backoffMultiplier, maxBackoffMs } = policy;
  const ms = n === 1 ? initialBackoffMs : initialBackoffMs * backoffMultiplier ** (n - 1);
  return (n === 1 ? ms : Math.min(ms, maxBackoffMs)) * (1 - JITTER + 2 * JITTER * chance);
}

/** What the server says in `grpc-retry-pushback-ms`; null when it says nothing. */
export function pushbackOf(last: HeaderList | null): number | null {
  const value = last === null ? null : last.joined("grpc-retry-pushback-ms");
  return value === null ? null : parsePushback(value);
}

/** See the head of this file. */
export class CallRetries implements AttemptPlan {
  readonly isPart = false;
  previous = 0;
  readonly tried: Subchannel[] = [];
  /** Null: it is here for the tokens of `retryThrottling` alone. */
  readonly #policy: RetryPolicy | null;
  readonly #retries: Retries;
  /** Retries since the server last said when: n of the formula. */
  #n = 0;
  /** It counts among the retries in flight. */
  #isRetrying = false;
  #waitedMs = 0;

  constructor(policy: RetryPolicy | null, retries: Retries) {
    this.#policy = policy;
    this.#retries = retries;
  }

  onPlaced(): void {}

  onAttemptEnded(status: Status, last: HeaderList | null, mayRetry: boolean): number {
    this.#release();
    const retries = this.#retries;
    if (status === Status.OK) {
      retries.onSuccess();
      return NO_RETRY;
    }
    const policy = this.#policy;
    const pushbackMs = pushbackOf(last);
    const isRetryable = policy?.retryableStatuses.includes(status) === true;
    // "The only RPCs that are counted as failures [...] fail with a status code that qualifies as a
    // retryable or non-fatal status code, or [...] receive a pushback response indicating not to
    // retry." Before all that follows, or failures would go uncounted for other reasons.
    if (isRetryable || pushbackMs === NO_RETRY) retries.onFailure();
    if (policy === null || !isRetryable || pushbackMs === NO_RETRY || !mayRetry) return NO_RETRY;
    if (this.previous + 1 >= policy.maxAttempts || !retries.tryTake()) return NO_RETRY;
    this.#isRetrying = true;
    this.previous += 1;
    if (pushbackMs !== null) {
      // "it will retry after exactly that delay. For subsequent retries, the delay period will be
      // reset to the `initialBackoff`"
      this.#n = 0;
      return pushbackMs;
    }
    this.#n += 1;
    return retryBackoffMs(policy, this.#n, retries.chance());
  }

  onBackoffOver(waitedMs: number): void {
    this.#waitedMs += waitedMs;
  }

  onCommitted(): void {
    this.#release();
  }

  onOver(): void {
    this.#release();
    if (this.previous > 0) this.#retries.onCallOver(this.previous, this.#waitedMs);
  }

  #release(): void {
    if (!this.#isRetrying) return;
    this.#isRetrying = false;
    this.#retries.release();
  }
}
