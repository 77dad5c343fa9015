/** What `weighted_round_robin` knows of its endpoints, in figures: gRFC A78. */

import type { Weighing } from "../balancing/index.ts";
import type { Counter, Histogram, Registry } from "../telemetry/index.ts";

/** Weights are calls per second at full use: from one to a million. 0: not usable. */
const WEIGHT_BOUNDARIES: readonly number[] = [
  0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000,
];

/** Figures of one cluster. */
export class WeighingMetrics {
  readonly #fallbacks: Counter;
  readonly #notYetUsable: Counter;
  readonly #stale: Counter;
  readonly #weights: Histogram;

  constructor(registry: Registry, target: string) {
    const labels = { grpc_target: target };
    this.#fallbacks = registry.counter(
      "grpc_lb_wrr_rr_fallback_total",
      "Updates of weights with fewer than two usable ones, so that calls went round robin.",
      labels,
    );
    this.#notYetUsable = registry.counter(
      "grpc_lb_wrr_endpoint_weight_not_yet_usable_total",
      "Endpoints, at each update of weights, that had not reported, or not for long enough.",
      labels,
    );
    this.#stale = registry.counter(
      "grpc_lb_wrr_endpoint_weight_stale_total",
      "Endpoints, at each update of weights, whose last report was too old.",
      labels,
    );
    this.#weights = registry.histogram(
      "grpc_lb_wrr_endpoint_weights",
      "Weight of each endpoint, at each update of weights; 0 where none is usable.",
      WEIGHT_BOUNDARIES,
      labels,
    );
  }

  /** A picker was made with these. */
  record({ weights, notYetUsableCount, staleCount, isFallback }: Weighing): void {
    if (isFallback && weights.length > 0) this.#fallbacks.add();
    this.#notYetUsable.add(notYetUsableCount);
    this.#stale.add(staleCount);
    for (const weight of weights) this.#weights.record(weight);
  }

  /** The cluster is gone: so are its series. */
  remove(): void {
    for (const each of [this.#fallbacks, this.#notYetUsable, this.#stale, this.#weights]) {
      each.remove();
    }
  }
}
