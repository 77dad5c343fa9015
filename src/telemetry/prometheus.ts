/**
 * The Prometheus text exposition format, version 0.0.4.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Labels, MetricFamily, MetricSeries, MetricsSnapshot } from "./snapshot.ts";

/** The `content-type` of what `renderPrometheus` returns. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The text that `GET /metrics` answers. Families without a series are left out. */
export function renderPrometheus(snapshot: MetricsSnapshot): string {
  const lines: string[] = [];
  for (const family of snapshot.families) {
    if (family.series.length === 0) continue;
    lines.push(`# HELP ${family.name} ${escapeHelp(family.help)}`);
    lines.push(`# TYPE ${family.name} ${family.kind}`);
    for (const series of family.series) pushSeries(lines, family, series);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function pushSeries(lines: string[], family: MetricFamily, series: MetricSeries): void {
  const { name } = family;
  const labels = renderLabels(series.labels);
  if (series.buckets === null) {
    lines.push(`${name}${braced(labels)} ${series.value}`);
    return;
  }
  const boundaries = [...(family.boundaries ?? []), Number.POSITIVE_INFINITY];
  let below = 0;
  for (const [i, boundary] of boundaries.entries()) {
    below += series.buckets[i];
    const le = `le="${boundary === Number.POSITIVE_INFINITY ? "+Inf" : boundary}"`;
    lines.push(`${name}_bucket${braced(labels === "" ? le : `${labels},${le}`)} ${below}`);
  }
  lines.push(`${name}_sum${braced(labels)} ${series.value}`);
  lines.push(`${name}_count${braced(labels)} ${series.count}`);
}

function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(",");
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
