/**
 * The figures of retries: those of gRFC A96, which are recorded when a call is over, and what was
 * refused. Without `grpc_method`, of which clients could make any number.
 */

import {
  type Counter,
  type Histogram,
  latencySecondsBoundaries,
  type Registry,
} from "../telemetry/index.ts";

/** Why a further attempt was not made: label values. */
const REASONS = ["throttled", "budget", "max_retries"] as const;

/** "Recommended histogram bucket boundaries are [1,2,3,4,5]." (A96) */
const RETRY_BOUNDARIES = [1, 2, 3, 4, 5];
/** "[1,2,3,4,5,10]" (A96) */
const TRANSPARENT_BOUNDARIES = [1, 2, 3, 4, 5, 10];

/** See the head of this file. */
export class RetryMetrics {
  readonly refused: Readonly<Record<(typeof REASONS)[number], Counter>>;
  readonly retries: Histogram;
  readonly transparentRetries: Histogram;
  readonly hedges: Histogram;
  readonly retryDelay: Histogram;

  constructor(registry: Registry, target: string) {
    const labels = { grpc_target: target };
    const refused = (reason: (typeof REASONS)[number]): Counter =>
      registry.counter("fairlead_retry_refusals_total", "Retries and hedges that were not made.", {
        ...labels,
        reason,
      });
    this.refused = {
      throttled: refused("throttled"),
      budget: refused("budget"),
      max_retries: refused("max_retries"),
    };
    this.retries = registry.histogram(
      "grpc_client_call_retries",
      "Retries of a call by its policy (gRFC A96); calls without any are left out.",
      RETRY_BOUNDARIES,
      labels,
    );
    this.transparentRetries = registry.histogram(
      "grpc_client_call_transparent_retries",
      "Transparent retries of a call (gRFC A96); calls without any are left out.",
      TRANSPARENT_BOUNDARIES,
      labels,
    );
    this.hedges = registry.histogram(
      "grpc_client_call_hedges",
      "Hedges of a call (gRFC A96); calls without any are left out.",
      RETRY_BOUNDARIES,
      labels,
    );
    this.retryDelay = registry.histogram(
      "grpc_client_call_retry_delay_seconds",
      "Backoff of a call that was retried, in all (gRFC A96).",
      latencySecondsBoundaries,
      labels,
    );
  }

  /** The cluster is gone: so are its series. */
  remove(): void {
    for (const reason of REASONS) this.refused[reason].remove();
    this.retries.remove();
    this.transparentRetries.remove();
    this.hedges.remove();
    this.retryDelay.remove();
  }
}
