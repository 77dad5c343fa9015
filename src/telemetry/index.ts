/**
 * Room `telemetry`: figures about what happens, and their exporters.
 *
 * What it is: counters, gauges and histograms that are bound to their labels once and then cost a
 * few nanoseconds, a registry of them, snapshots that add up across processes, and the Prometheus
 * text format.
 * Promises: recording allocates nothing and looks nothing up; a removed series is gone.
 * Must never: know what is being counted or by whom, or do I/O.
 */
export { latencySecondsBoundaries, sizeBytesBoundaries } from "./boundaries.ts";
export { Counter, Histogram, Reading } from "./instruments.ts";
export { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from "./prometheus.ts";
export { Registry } from "./registry.ts";
export type {
  GaugeMerge,
  Labels,
  MetricFamily,
  MetricKind,
  MetricSeries,
  MetricsSnapshot,
} from "./snapshot.ts";
export { mergeSnapshots } from "./snapshot.ts";
