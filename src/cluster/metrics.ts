/**
 * The figures of a cluster, bound once to their labels.
 *
 * gRFC A66 has no per-endpoint label by design; the per-pod picture is in `fairlead_lb_*`, whose
 * series go when the endpoint goes.
 */

import type { Weighing } from "../balancing/index.ts";
import type { Endpoint } from "../discovery/index.ts";
import { Status, statusName } from "../grpc/index.ts";
import {
  type Counter,
  type Histogram,
  latencySecondsBoundaries,
  type Reading,
  type Registry,
} from "../telemetry/index.ts";
import { RetryMetrics } from "./retry-metrics.ts";
import type { EndpointState } from "./view.ts";
import { WeighingMetrics } from "./weighing-metrics.ts";

/** Reasons for which a cluster refuses a call: label values. */
const REFUSALS = [
  "not_ready",
  "queue_full",
  "capacity_full",
  "capacity_timeout",
  "deadline",
  "max_calls",
  "drop_overload",
  "max_pending_calls",
] as const;

/** Label values of `fairlead_lb_endpoints`. */
const STATES: readonly (readonly [label: string, state: EndpointState])[] = [
  ["ready", "READY"],
  ["connecting", "CONNECTING"],
  ["failed", "TRANSIENT_FAILURE"],
  ["unhealthy", "UNHEALTHY"],
  ["ejected", "EJECTED"],
  ["draining", "DRAINING"],
];

/** One of `REFUSALS`. */
export type Refusal = (typeof REFUSALS)[number];

/**
 * The durations of attempts, one histogram a status, each made when the first one ends so: of the
 * 17 few ever occur.
 */
class AttemptDurations {
  readonly #registry: Registry;
  readonly #target: string;
  readonly #byStatus: (Histogram | null)[] = Array.from({ length: 17 }, () => null);

  constructor(registry: Registry, target: string) {
    this.#registry = registry;
    this.#target = target;
    this.of(Status.OK);
  }

  /** Seconds. */
  of(status: Status): Histogram {
    return this.#byStatus[status] ?? this.#newHistogram(status);
  }

  #newHistogram(status: Status): Histogram {
    const histogram = this.#registry.histogram(
      "grpc_client_attempt_duration_seconds",
      "Time from the start of an attempt to its end (gRFC A66); without grpc_method, " +
        "of which clients could make any number.",
      latencySecondsBoundaries,
      { grpc_target: this.#target, grpc_status: statusName(status) },
    );
    this.#byStatus[status] = histogram;
    return histogram;
  }

  /** The cluster is gone: so are its series. */
  remove(): void {
    for (const histogram of this.#byStatus) histogram?.remove();
  }
}

/** Figures of one endpoint. */
export class EndpointMetrics {
  /** Attempts started. */
  readonly calls: Counter;
  /** Attempts that did not end with grpc-status 0. */
  readonly failures: Counter;
  /** These two are shared by all endpoints of the cluster. */
  readonly durations: AttemptDurations;
  readonly connectFailures: Counter;

  constructor(
    registry: Registry,
    target: string,
    endpoint: Endpoint,
    shared: { readonly durations: AttemptDurations; readonly connectFailures: Counter },
  ) {
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
    this.durations = shared.durations;
    this.connectFailures = shared.connectFailures;
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
  readonly retrying: RetryMetrics;
  readonly durations: AttemptDurations;
  /** Connections to endpoints that could not be made. */
  readonly connectFailures: Counter;
  readonly #gauges: Reading[];
  /** Made when a policy first uses weights. */
  #weighing: WeighingMetrics | null = null;

  constructor(
    registry: Registry,
    target: string,
    countOf: (state: EndpointState) => number,
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
    this.retrying = new RetryMetrics(registry, target);
    this.durations = new AttemptDurations(registry, target);
    this.connectFailures = registry.counter(
      "fairlead_upstream_connect_failures_total",
      "Connections to endpoints that could not be made, TLS and HTTP/2 SETTINGS included.",
      labels,
    );
    // Each worker holds the same set: their counts are no sum.
    const byState = "Endpoints by state.";
    const endpoints = STATES.map(([state, which]) => {
      const read = () => countOf(which);
      return registry.gauge("fairlead_lb_endpoints", byState, { ...labels, state }, read, "max");
    });
    const waiting = Object.entries(queues).map(([queue, read]) =>
      registry.gauge("fairlead_calls_waiting", "Calls that wait.", { ...labels, queue }, read),
    );
    const stale = registry.gauge(
      "fairlead_discovery_stale_seconds",
      "How long the source of endpoints has been away; 0 when it is there.",
      labels,
      staleSeconds,
      "max",
    );
    this.#gauges = [...endpoints, ...waiting, stale];
  }

  /** A picker was made, of endpoints with weights. */
  onWeighing(weighing: Weighing): void {
    this.#weighing ??= new WeighingMetrics(this.#registry, this.#target);
    this.#weighing.record(weighing);
  }

  /** The figures of a new endpoint. */
  endpoint(endpoint: Endpoint): EndpointMetrics {
    return new EndpointMetrics(this.#registry, this.#target, endpoint, this);
  }

  /** The cluster is gone: so are its series. */
  remove(): void {
    for (const counter of this.refusals.values()) counter.remove();
    this.replays.remove();
    this.retrying.remove();
    this.durations.remove();
    this.connectFailures.remove();
    for (const gauge of this.#gauges) gauge.remove();
    this.#weighing?.remove();
  }
}
