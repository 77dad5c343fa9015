/**
 * Clusters as text: Envoy's `/clusters` lines for programs that know them, and the table of `why`
 * for people. Pure functions.
 */
import { visibleLines } from "../../base/index.ts";
import type { BreakerView, ClusterView, EndpointState, EndpointView } from "../../cluster/index.ts";

/** Envoy's words in `health_flags`; "healthy" when none applies. */
const HEALTH_FLAGS: Partial<Record<EndpointState, string>> = {
  TRANSIENT_FAILURE: "/failed_active_hc",
  UNHEALTHY: "/failed_active_hc",
  EJECTED: "/failed_outlier_check",
  DRAINING: "/pending_dynamic_removal",
};

/** `GET /clusters` as Envoy writes it: "target::address::key::value" lines. */
export function renderClusters(clusters: readonly ClusterView[]): string {
  return clusters.map(renderCluster).join("");
}

function renderCluster(cluster: ClusterView): string {
  const head = `${cluster.target}::`;
  const lines = [
    `${head}policy::${cluster.policy}`,
    `${head}draining::${cluster.draining}`,
    `${head}stale::${cluster.stale}`,
    `${head}stale_ms::${cluster.staleMs}`,
  ];
  if (cluster.reason !== null) lines.push(`${head}reason::${cluster.reason}`);
  for (const { name, limit, current, refused } of cluster.circuitBreakers ?? []) {
    lines.push(`${head}circuit_breaker::${name}::${current} of ${limit}, ${refused} refused`);
  }
  for (const endpoint of cluster.endpoints) {
    for (const [key, value] of endpointFigures(endpoint)) {
      lines.push(`${head}${endpoint.address}::${key}::${value}`);
    }
  }
  return visibleLines(lines);
}

function endpointFigures(e: EndpointView): [string, string | number | boolean][] {
  return [
    ["cx_active", e.connections],
    ["rq_active", e.activeCalls],
    ["rq_total", e.calls],
    ["rq_error", e.failures],
    ["rq_success", e.calls - e.failures - e.activeCalls],
    ["health_flags", HEALTH_FLAGS[e.state] ?? "healthy"],
    ["state", e.state],
    ["usable", e.usable],
    ["reason", e.reason],
    ["hostname", e.pod ?? ""],
    ["zone", e.zone ?? ""],
    ["weight", e.weight],
    ["source", e.source],
  ];
}

const HEADERS = [
  "ADDRESS",
  "POD",
  "STATE",
  "USABLE",
  "SOURCE",
  "CONNECTIONS",
  "ACTIVE",
  "CALLS",
  "FAILURES",
  "LATENCY",
  "REASON",
];
/** Behind SOURCE, where an xDS server says them. */
const ASSIGNED_HEADERS = ["LOCALITY", "PRIORITY", "HEALTH"];
const RIGHT = new Set(["PRIORITY", "CONNECTIONS", "ACTIVE", "CALLS", "FAILURES", "LATENCY"]);

/**
 * One cluster as `fairlead why` prints it: a line of summary, a table, and for each endpoint that
 * is not usable the steps of the decision.
 */
export function renderWhy(cluster: ClusterView): string {
  const usable = cluster.endpoints.filter((endpoint) => endpoint.usable).length;
  const noun = cluster.endpoints.length === 1 ? "endpoint" : "endpoints";
  const lines = [
    `target ${cluster.target}   policy ${cluster.policy}   ` +
      `${usable} of ${cluster.endpoints.length} ${noun} usable`,
  ];
  if (cluster.draining) lines.push("the proxy is draining: it takes no new connections");
  if (cluster.stale) lines.push(`stale for ${(cluster.staleMs / 1000).toFixed(1)} s`);
  if (cluster.reason !== null) lines.push(cluster.reason);
  // An older proxy that is asked tells none.
  lines.push(...(cluster.notes ?? []));
  lines.push(...(cluster.circuitBreakers ?? []).map(breakerLine));
  if (cluster.endpoints.length > 0) {
    lines.push("", ...whyTable(cluster.endpoints));
  }
  for (const endpoint of cluster.endpoints) {
    if (endpoint.usable) continue;
    lines.push("", `${endpoint.address} is not used:`);
    for (const { rule, effect } of endpoint.decision) lines.push(`  ${rule}: ${effect}`);
  }
  return visibleLines(lines);
}

function breakerLine({ name, limit, current, refused, open }: BreakerView): string {
  const state = open ? "   open" : "";
  return `circuit breaker ${name}   ${current} of ${limit}   ${refused} refused${state}`;
}

function whyTable(endpoints: readonly EndpointView[]): string[] {
  // An older proxy that is asked tells none.
  const isAssigned = endpoints.some(({ assignment }) => (assignment ?? null) !== null);
  const at = HEADERS.indexOf("SOURCE") + 1;
  const headers = isAssigned ? HEADERS.toSpliced(at, 0, ...ASSIGNED_HEADERS) : HEADERS;
  const rows = endpoints.map((each) => {
    const row = whyRow(each);
    return isAssigned ? row.toSpliced(at, 0, ...assignedCells(each.assignment ?? null)) : row;
  });
  return renderTable(headers, RIGHT, rows);
}

function assignedCells(said: EndpointView["assignment"]): string[] {
  if (said === null) return ["-", "-", "-"];
  return [said.locality || "-", String(said.priority), said.health];
}

function whyRow(e: EndpointView): string[] {
  return [
    e.address,
    e.pod ?? "-",
    e.state,
    e.usable ? "yes" : "no",
    e.source,
    String(e.connections),
    String(e.activeCalls),
    String(e.calls),
    String(e.failures),
    e.latencyMs === null ? "-" : `${e.latencyMs.toFixed(1)}ms`,
    e.reason,
  ];
}

/** Text to the left, the columns of `right` to the right, three spaces between. */
export function renderTable(
  headers: readonly string[],
  right: ReadonlySet<string>,
  rows: readonly (readonly string[])[],
): string[] {
  const widths = headers.map((header, i) =>
    Math.max(header.length, ...rows.map((row) => row[i].length)),
  );
  return [headers, ...rows].map((row) =>
    row
      .map((cell, i) => (right.has(headers[i]) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("   ")
      .trimEnd(),
  );
}
