/**
 * The answers of several workers as one: figures add up, and an endpoint is READY when any worker's
 * is. Pure functions.
 */
import type {
  BreakerView,
  ClusterView,
  EndpointState,
  EndpointView,
  Readiness,
} from "../../cluster/index.ts";
import type { ListenerView } from "../serving/views.ts";

/** Of two states the one further to the left is shown. */
const STATE_ORDER: readonly EndpointState[] = [
  "READY",
  "CONNECTING",
  "TRANSIENT_FAILURE",
  "IDLE",
  "UNHEALTHY",
  "EJECTED",
  "DRAINING",
];

/** The clusters of all workers, by target, in the order in which they first appear. */
export function mergeClusters(lists: readonly (readonly ClusterView[])[]): ClusterView[] {
  const byTarget = new Map<string, ClusterView[]>();
  for (const cluster of lists.flat()) {
    const same = byTarget.get(cluster.target);
    if (same === undefined) byTarget.set(cluster.target, [cluster]);
    else same.push(cluster);
  }
  return [...byTarget.values()].map(mergeCluster);
}

/** The listeners of all workers: connections add up; one that is bound anywhere is. */
export function mergeListeners(lists: readonly (readonly ListenerView[])[]): ListenerView[] {
  const byName = new Map<string, ListenerView>();
  for (const listener of lists.flat()) {
    const other = byName.get(listener.name);
    const shown = other === undefined || other.address === null ? listener : other;
    const connections = (other?.connections ?? 0) + listener.connections;
    byName.set(listener.name, { ...shown, connections });
  }
  return [...byName.values()];
}

/** Ready when any worker is. */
export function mergeReadiness(list: readonly Readiness[]): Readiness {
  const ready = list.filter((one) => one.ready);
  if (list.length === 0) return { ready: false, reason: "no worker is running" };
  return ready[0] ?? list[0];
}

function mergeCluster(same: readonly ClusterView[]): ClusterView {
  const first = same[0];
  const byKey = new Map<string, EndpointView>();
  for (const endpoint of same.flatMap((cluster) => cluster.endpoints)) {
    // A pod that drains and the next one that has its address are two.
    const key = `${endpoint.address} ${endpoint.uid}`;
    const other = byKey.get(key);
    byKey.set(key, other === undefined ? endpoint : mergePair(other, endpoint));
  }
  const endpoints = [...byKey.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
  return {
    ...first,
    draining: same.some((cluster) => cluster.draining),
    stale: same.some((cluster) => cluster.stale),
    staleMs: Math.max(...same.map((cluster) => cluster.staleMs)),
    reason: same.find((cluster) => cluster.reason !== null)?.reason ?? null,
    circuitBreakers: mergeBreakers(same),
    endpoints,
  };
}

/** What they count adds up; the limit is each worker's own. */
function mergeBreakers(same: readonly ClusterView[]): BreakerView[] {
  const byName = new Map<string, BreakerView>();
  // An older proxy that is asked tells none.
  for (const breaker of same.flatMap(({ circuitBreakers }) => circuitBreakers ?? [])) {
    const other = byName.get(breaker.name);
    const { current = 0, refused = 0, open = false } = other ?? {};
    byName.set(breaker.name, {
      ...breaker,
      current: current + breaker.current,
      refused: refused + breaker.refused,
      open: open || breaker.open,
    });
  }
  return [...byName.values()];
}

/** State, reason and decision come from the same worker, so that they belong together. */
function mergePair(a: EndpointView, b: EndpointView): EndpointView {
  const order = STATE_ORDER.indexOf(b.state) - STATE_ORDER.indexOf(a.state);
  const shown = order < 0 || (order === 0 && b.usable && !a.usable) ? b : a;
  return {
    ...shown,
    usable: a.usable || b.usable,
    connections: a.connections + b.connections,
    activeCalls: a.activeCalls + b.activeCalls,
    calls: a.calls + b.calls,
    failures: a.failures + b.failures,
    latencyMs: meanLatency(a, b),
  };
}

/** The mean by calls: a worker that served one call says little. */
function meanLatency(a: EndpointView, b: EndpointView): number | null {
  if (a.latencyMs === null || b.latencyMs === null) return a.latencyMs ?? b.latencyMs;
  const calls = a.calls + b.calls;
  if (calls === 0) return (a.latencyMs + b.latencyMs) / 2;
  return (a.latencyMs * a.calls + b.latencyMs * b.calls) / calls;
}
