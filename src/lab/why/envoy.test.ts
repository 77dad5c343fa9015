/** What is read of an Envoy's admin, and what is made of answers that are none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { envoyHosts } from "./envoy.ts";

const HOST = {
  address: { socket_address: { address: "127.0.1.1", port_value: 50051 } },
  stats: [
    { name: "cx_active", type: "GAUGE", value: "2" },
    { name: "rq_active", type: "GAUGE" },
    { name: "rq_total", value: "41" },
  ],
  health_status: { eds_health_status: "HEALTHY" },
  weight: 1,
};

test("a healthy endpoint, and one that was ejected", () => {
  const ejected = { ...HOST, health_status: { failed_outlier_check: true } };
  const [first, second] = envoyHosts({
    cluster_statuses: [{ name: "echo", host_statuses: [HOST, ejected] }],
  });
  assert.deepEqual(first, {
    ...{ address: "127.0.1.1:50051", health: "HEALTHY", isHealthy: true, weight: 1 },
    ...{ connections: 2, activeCalls: 0, calls: 41 },
  });
  assert.equal(second!.health, "failed_outlier_check");
  assert.equal(second!.isHealthy, false);
});

test("answers that are no such thing have no endpoints", () => {
  for (const answer of [null, 7, {}, { cluster_statuses: 3 }, { cluster_statuses: [null] }]) {
    assert.deepEqual(envoyHosts(answer), []);
  }
  const nowhere = { cluster_statuses: [{ host_statuses: [{ address: {} }, "x"] }] };
  assert.deepEqual(envoyHosts(nowhere), []);
});
