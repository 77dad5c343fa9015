/**
 * Whether a cluster has room for another attempt: the tokens of `retryThrottling` (gRFC A6), the
 * retry budget, and the circuit breaker of retries.
 *
 * What a call's own policy says was asked before. Nothing waits here: an attempt that is refused
 * is not made, and the failure before it is the call's.
 */

import type { Rng } from "../base/index.ts";
import type { MethodConfig, RetryThrottling } from "../grpc/index.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import { CallRetries } from "./call-retries.ts";
import type { CircuitBreakers } from "./circuit-breakers.ts";
import { isWithinBudget, type RetryBudgetConfig } from "./retry-budget.ts";
import type { RetryMetrics } from "./retry-metrics.ts";
import { RetryThrottle } from "./retry-throttle.ts";

/** See the head of this file. */
export class Retries {
  readonly #rng: Rng;
  readonly #breakers: CircuitBreakers;
  readonly #metrics: RetryMetrics;
  readonly #activeCalls: () => number;
  #throttle: RetryThrottle | null = null;
  #throttling: RetryThrottling | null = null;
  #budget: RetryBudgetConfig | null = null;
  #inFlight = 0;
  /** Those of them that are beside the first attempt of their call, not in its place. */
  #hedgesInFlight = 0;

  /** @param activeCalls calls of the cluster that are not over. */
  constructor(
    rng: Rng,
    breakers: CircuitBreakers,
    metrics: RetryMetrics,
    activeCalls: () => number,
  ) {
    this.#rng = rng;
    this.#breakers = breakers;
    this.#metrics = metrics;
    this.#activeCalls = activeCalls;
  }

  /** From now on these hold. What was spent of the tokens stays spent. */
  configure(throttling: RetryThrottling | null, budget: RetryBudgetConfig | null): void {
    this.#budget = budget;
    if (isSame(throttling, this.#throttling)) return;
    this.#throttling = throttling;
    this.#throttle = throttling === null ? null : new RetryThrottle(throttling, this.#throttle);
  }

  /** Further attempts in flight, those that wait for their backoff included. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * What a call of a method keeps of its attempts; null when it needs nothing. A hedging policy is
   * carried out by others.
   */
  planOf(config: MethodConfig | null): AttemptPlan | null {
    const policy = config === null ? null : config.retryPolicy;
    // "Every outgoing RPC (regardless of service or method invoked) will effect `token_count`" (A6)
    return policy === null && this.#throttle === null ? null : new CallRetries(policy, this);
  }

  /** A number from 0 up to 1. */
  chance(): number {
    return this.#rng.next();
  }

  /** An attempt ended well. */
  onSuccess(): void {
    this.#throttle?.onSuccess();
  }

  /** An attempt failed in a way that its policy would have retried. */
  onFailure(): void {
    this.#throttle?.onFailure();
  }

  /** Takes room for one attempt more, until `release`; false, and counted, when there is none. */
  tryTake(): boolean {
    const refused = this.#metrics.refused;
    if (this.#throttle?.isHolding === true) {
      refused.throttled.add();
      return false;
    }
    if (this.#breakers.refusal("maxRetries", this.#inFlight) !== null) {
      refused.max_retries.add();
      return false;
    }
    // A call that is retried is at its first attempt no more; one that is hedged is.
    const attempts = this.#activeCalls() + this.#hedgesInFlight;
    if (!isWithinBudget(this.#budget, this.#inFlight, attempts)) {
      refused.budget.add();
      return false;
    }
    this.#inFlight += 1;
    return true;
  }

  /** The same for a hedge, until `releaseHedge`. */
  tryTakeHedge(): boolean {
    if (!this.tryTake()) return false;
    this.#hedgesInFlight += 1;
    return true;
  }

  /** The hedge that took room is answered or over. */
  releaseHedge(): void {
    this.#hedgesInFlight -= 1;
    this.release();
  }

  /** The attempt that took room is answered or over. */
  release(): void {
    this.#inFlight -= 1;
  }

  /** A call that was retried is over. */
  onCallOver(retries: number, waitedMs: number): void {
    this.#metrics.retries.record(retries);
    this.#metrics.retryDelay.record(waitedMs / 1_000);
  }

  /** A call that was hedged is over. */
  onHedgedOver(hedges: number): void {
    if (hedges > 0) this.#metrics.hedges.record(hedges);
  }

  /** A call that was replayed transparently is over. */
  onReplayedOver(replays: number): void {
    this.#metrics.transparentRetries.record(replays);
  }
}

function isSame(a: RetryThrottling | null, b: RetryThrottling | null): boolean {
  if (a === null || b === null) return a === b;
  return a.maxTokens === b.maxTokens && a.tokenRatioThousandths === b.tokenRatioThousandths;
}
