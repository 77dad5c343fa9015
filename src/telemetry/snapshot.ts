/**
 * The state of a registry at one time as plain JSON, and the sum of several of them: how one
 * process answers for all of its workers.
 */
import { assert } from "../base/index.ts";

/** Names and values of labels. */
export type Labels = Readonly<Record<string, string>>;

/** As Prometheus calls them. */
export type MetricKind = "counter" | "gauge" | "histogram";

/** What several processes' values of one gauge make together. */
export type GaugeMerge = "sum" | "max";

/** One line of a metric, or one histogram. */
export interface MetricSeries {
  readonly labels: Labels;
  /** The value; of a histogram, the sum of the values recorded. */
  readonly value: number;
  /** Of a histogram, the count in each bucket by itself, the one above all boundaries last. */
  readonly buckets: readonly number[] | null;
  /** Of a histogram, how many values were recorded; otherwise 0. */
  readonly count: number;
}

/** All series of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
  readonly merge: GaugeMerge;
  /** Of a histogram; otherwise null. */
  readonly boundaries: readonly number[] | null;
  readonly series: readonly MetricSeries[];
}

/** Survives `JSON.parse(JSON.stringify(...))`, so it can be sent to another process. */
export interface MetricsSnapshot {
  readonly families: readonly MetricFamily[];
}

/**
 * One snapshot in place of many: counters and histograms add up, and so do gauges unless they
 * were made with "max". Families and series keep the order in which they first appear.
 */
export function mergeSnapshots(list: readonly MetricsSnapshot[]): MetricsSnapshot {
  const families = new Map<string, MetricFamily>();
  const series = new Map<string, Map<string, MetricSeries>>();
  for (const family of list.flatMap((snapshot) => snapshot.families)) {
    const first = families.get(family.name) ?? family;
    assert(first.kind === family.kind, "a name has one kind in every process");
    families.set(family.name, first);
    const merged = series.get(family.name) ?? new Map<string, MetricSeries>();
    series.set(family.name, merged);
    for (const one of family.series) {
      const key = labelsKey(one.labels);
      const other = merged.get(key);
      merged.set(key, other === undefined ? one : mergeSeries(first, other, one));
    }
  }
  return {
    families: [...families.values()].map((family) => ({
      ...family,
      series: [...series.get(family.name)!.values()],
    })),
  };
}

/** The same text for the same labels, whatever order they were written in. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function mergeSeries(family: MetricFamily, a: MetricSeries, b: MetricSeries): MetricSeries {
  if (family.kind === "gauge" && family.merge === "max") return a.value >= b.value ? a : b;
  return {
    labels: a.labels,
    value: a.value + b.value,
    buckets: a.buckets === null || b.buckets === null ? null : sum(a.buckets, b.buckets),
    count: a.count + b.count,
  };
}

function sum(a: readonly number[], b: readonly number[]): number[] {
  assert(a.length === b.length, "a histogram has the same boundaries in every process");
  return a.map((n, i) => n + b[i]);
}
