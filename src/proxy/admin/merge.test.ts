/** Workers' answers merged into one: sums, states, latency. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeClusters, mergeReadiness } from "./merge.ts";
import { clusterView, endpointView } from "./views.fixture.ts";

test("the figures of workers add up, endpoint by endpoint, sorted by address", () => {
  const one = endpointView({ address: "a:1", connections: 1, activeCalls: 2, calls: 30 });
  const other = endpointView({ address: "a:1", connections: 3, calls: 10, failures: 4 });
  const second = endpointView({ address: "b:1" });
  const merged = mergeClusters([[clusterView([second, one])], [clusterView([other])]]);
  assert.equal(merged.length, 1);
  const [a, b] = merged[0].endpoints;
  assert.deepEqual([a.address, b.address], ["a:1", "b:1"]);
  const { connections, activeCalls, calls, failures } = a;
  assert.deepEqual([connections, activeCalls, calls, failures], [4, 2, 40, 4]);
});

test("an endpoint is READY when any worker's is, with that worker's reason", () => {
  const ready = endpointView();
  const failing = endpointView({
    state: "TRANSIENT_FAILURE",
    usable: false,
    reason: "connect ECONNREFUSED",
    decision: [],
  });
  for (const pair of [
    [ready, failing],
    [failing, ready],
  ]) {
    const merged = mergeClusters(pair.map((endpoint) => [clusterView([endpoint])]));
    assert.deepEqual(merged[0].endpoints, [{ ...ready, connections: 2 }]);
  }
});

test("a connection that is being made counts more than one that failed", () => {
  const connecting = endpointView({ state: "CONNECTING", usable: false });
  const failing = endpointView({ state: "TRANSIENT_FAILURE", usable: false });
  const merged = mergeClusters([[clusterView([failing])], [clusterView([connecting])]]);
  assert.equal(merged[0].endpoints[0].state, "CONNECTING");
});

test("a pod that drains and the next one with its address stay two", () => {
  const old = endpointView({ uid: "u1", state: "DRAINING", usable: false, activeCalls: 3 });
  const next = endpointView({ uid: "u2", calls: 7 });
  const merged = mergeClusters([[clusterView([old, next])], [clusterView([old, next])]]);
  const seen = merged[0].endpoints.map(({ uid, state, calls }) => [uid, state, calls]);
  assert.deepEqual(seen.sort(), [
    ["u1", "DRAINING", 0],
    ["u2", "READY", 14],
  ]);
});

test("latency is the mean by calls, and what one worker does not know is left out", () => {
  const latency = (a: [number, number | null], b: [number, number | null]): number | null =>
    mergeClusters(
      [a, b].map(([calls, latencyMs]) => [clusterView([endpointView({ calls, latencyMs })])]),
    )[0].endpoints[0].latencyMs;
  assert.equal(latency([30, 1], [10, 5]), 2);
  assert.equal(latency([30, null], [10, 5]), 5);
  assert.equal(latency([0, 1], [0, 3]), 2);
  assert.equal(latency([0, null], [0, null]), null);
});

test("clusters are told apart by target, and one that is stale anywhere is stale", () => {
  const x = clusterView([], { target: "x:1", reason: "lookup of x: ENOTFOUND" });
  const stale = clusterView([], { target: "y:1", stale: true, staleMs: 70 });
  const fresh = clusterView([], { target: "y:1" });
  assert.deepEqual(mergeClusters([[x, fresh], [stale]]), [x, stale]);
  const draining = { ...fresh, draining: true };
  assert.deepEqual(mergeClusters([[fresh], [draining]]), [draining]);
  assert.deepEqual(mergeClusters([]), []);
});

test("a process is ready when any worker is, and without a worker it is not", () => {
  const no = { ready: false, reason: "no endpoint is ready" };
  const yes = { ready: true, reason: "3 of 3 endpoints are ready" };
  assert.deepEqual(mergeReadiness([no, yes]), yes);
  assert.deepEqual(mergeReadiness([no, no]), no);
  assert.deepEqual(mergeReadiness([]), { ready: false, reason: "no worker is running" });
});
