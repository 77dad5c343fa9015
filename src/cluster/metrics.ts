/**
 * The figures of a cluster, bound once to their labels.
 *
 * gRFC A66 has no per-endpoint label by design; the per-pod picture is in `fairlead_lb_*`, whose
 * series go when the endpoint goes.
 */

import type { Endpoint } from "../discovery/index.ts";
import {
  type Counter,
  type Histogram,
  latencySecondsBoundaries,
  type Reading,
  type Registry,
} from "../telemetry/index.ts";

/** Reasons for which a cluster refuses a call: label values. */
const REFUSALS = [
  "not_ready",
  "queue_full",
  "capacity_full",
  "capacity_timeout",
  "deadline",
] as const;

/** One of `REFUSALS`. */
export type Refusal = (typeof REFUSALS)[number];

/** Figures of one endpoint. */
export class EndpointMetrics {
  /** Attempts started. */
  readonly calls: Counter;
  /** Attempts that did not end with grpc-status 0. */
  readonly failures: Counter;
  /** Shared by all endpoints of the cluster. Seconds. */
  readonly duration: Histogram;

  constructor(registry: Registry, target: string, endpoint: Endpoint, duration: Histogram) {
    const labels = {
      grpc_target: target,
      endpoint: endpoint.address,
      pod: endpoint.pod ?? "",
      zone: endpoint.zone ?? "",
    };
    this.calls = registry.counter("fairlead_lb_picks_total", "Attempts started.", labels);
    this.failures = registry.counter(
      "fairlead_lb_failures_total",
      "Attempts that did not end with grpc-status 0.",
      labels,
    );
    this.duration = duration;
  }

  /** The endpoint is gone: so are its series. */
  remove(): void {
    this.calls.remove();
    this.failures.remove();
  }
}

/** Figures of one cluster. */
export class ClusterMetrics {
  readonly #registry: Registry;
  readonly #target: string;
  readonly refusals: ReadonlyMap<Refusal, Counter>;
  readonly replays: Counter;
  readonly duration: Histogram;
  readonly #gauges: Reading[];

  constructor(
    registry: Registry,
    target: string,
    reads: Readonly<Record<string, () => number>>,
    queues: Readonly<Record<string, () => number>>,
    staleSeconds: () => number,
  ) {
    this.#registry = registry;
    this.#target = target;
    const labels = { grpc_target: target };
    this.refusals = new Map(
      REFUSALS.map((reason) => [
        reason,
        registry.counter("fairlead_refusals_total", "Calls refused by fairlead itself.", {
          ...labels,
          reason,
        }),
      ]),
    );
    this.replays = registry.counter(
      "fairlead_transparent_replays_total",
      "Calls sent again elsewhere because an endpoint provably did nothing with them.",
      labels,
    );
    this.duration = registry.histogram(
      "grpc_client_attempt_duration_seconds",
      "Time from the start of an attempt to its end (gRFC A66).",
      latencySecondsBoundaries,
      labels,
    );
    const endpoints = Object.entries(reads).map(([state, read]) =>
      registry.gauge("fairlead_lb_endpoints", "Endpoints by state.", { ...labels, state }, read),
    );
    const waiting = Object.entries(queues).map(([queue, read]) =>
      registry.gauge("fairlead_calls_waiting", "Calls that wait.", { ...labels, queue }, read),
    );
    const stale = registry.gauge(
      "fairlead_discovery_stale_seconds",
      "How long the source of endpoints has been away; 0 when it is there.",
      labels,
      staleSeconds,
    );
    this.#gauges = [...endpoints, ...waiting, stale];
  }

  /** The figures of a new endpoint. */
  endpoint(endpoint: Endpoint): EndpointMetrics {
    return new EndpointMetrics(this.#registry, this.#target, endpoint, this.duration);
  }

  /** The cluster is gone: so are its series. */
  remove(): void {
    for (const counter of this.refusals.values()) counter.remove();
    this.replays.remove();
    this.duration.remove();
    for (const gauge of this.#gauges) gauge.remove();
  }
}
