/**
 * What the workers have counted: the last answers of each, and what those that ended left behind,
 * so that a counter of the whole proxy never falls because a worker crashed or is slow.
 *
 * What a worker counted between its last answer and its crash is lost with it.
 */
import type { ClusterView, EndpointView } from "../../cluster/index.ts";
import { type MetricSeries, type MetricsSnapshot, mergeSnapshots } from "../../telemetry/index.ts";
import { mergeClusters } from "../admin/index.ts";

/** See the head of this file. */
export class Figures {
  /** By the number of the worker's slot. */
  readonly #metrics = new Map<number, MetricsSnapshot>();
  readonly #clusters = new Map<number, ClusterView[]>();
  /** Sums over all workers that ended: counters and histograms only. */
  #endedMetrics: MetricsSnapshot = { families: [] };
  #endedClusters: ClusterView[] = [];

  /** A worker answered. */
  noteMetrics(slot: number, snapshot: MetricsSnapshot): void {
    this.#metrics.set(slot, snapshot);
  }

  /** A worker answered. */
  noteClusters(slot: number, views: ClusterView[]): void {
    this.#clusters.set(slot, views);
  }

  /** The slot's worker is gone: what it counted stays, what it held (gauges, connections) goes. */
  onEnded(slot: number): void {
    const metrics = this.#metrics.get(slot);
    if (metrics !== undefined) {
      const sum = mergeSnapshots([this.#endedMetrics, countersOf(metrics)]);
      this.#endedMetrics = onlySeriesOf(sum, [...this.#metrics.values()]);
      this.#metrics.delete(slot);
    }
    const views = this.#clusters.get(slot);
    if (views !== undefined) {
      const sum = mergeClusters([this.#endedClusters, views.map(countsOf)]);
      this.#endedClusters = onlyEndpointsOf(sum, [...this.#clusters.values()].flat());
      this.#clusters.delete(slot);
    }
  }

  /** The sum over all workers, those that ended included. */
  metrics(): MetricsSnapshot {
    const live = [...this.#metrics.values()];
    if (live.length === 0) return this.#endedMetrics;
    return mergeSnapshots([...live, onlySeriesOf(this.#endedMetrics, live)]);
  }

  /** The same of the endpoints that a living worker knows. */
  clusters(): ClusterView[] {
    const live = [...this.#clusters.values()];
    return mergeClusters([...live, onlyEndpointsOf(this.#endedClusters, live.flat())]);
  }
}

function countersOf({ families }: MetricsSnapshot): MetricsSnapshot {
  return { families: families.filter(({ kind }) => kind !== "gauge") };
}

/** Series of endpoints that are gone in all of `live` are gone for good, or they would pile up. */
function onlySeriesOf(sum: MetricsSnapshot, live: readonly MetricsSnapshot[]): MetricsSnapshot {
  const key = (name: string, { labels }: MetricSeries) => `${name} ${JSON.stringify(labels)}`;
  const known = new Set(
    live.flatMap(({ families }) =>
      families.flatMap(({ name, series }) => series.map((one) => key(name, one))),
    ),
  );
  const families = sum.families.map((family) => ({
    ...family,
    series: family.series.filter((one) => known.has(key(family.name, one))),
  }));
  return { families: families.filter(({ series }) => series.length > 0) };
}

/** A cluster's counts without anything that would say how its endpoints are now. */
function countsOf(view: ClusterView): ClusterView {
  const endpoints = view.endpoints.map(
    (endpoint): EndpointView => ({
      ...endpoint,
      state: "DRAINING",
      usable: false,
      connections: 0,
      activeCalls: 0,
      latencyMs: null,
    }),
  );
  return { ...view, stale: false, staleMs: 0, reason: null, endpoints };
}

function onlyEndpointsOf(
  views: readonly ClusterView[],
  live: readonly ClusterView[],
): ClusterView[] {
  return views.flatMap((view) => {
    const same = live.filter(({ target }) => target === view.target);
    const known = new Set(same.flatMap(({ endpoints }) => endpoints.map((each) => each.address)));
    const endpoints = view.endpoints.filter(({ address }) => known.has(address));
    return endpoints.length === 0 ? [] : [{ ...view, endpoints }];
  });
}
