/**
 * How pods get their addresses, with real pod processes and staged answers of the system.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { realClock } from "../../src/base/index.ts";
import { LabError } from "../../src/lab/error.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { PodProcesses } from "../../src/lab/pods/pod-processes.ts";
import { podNames, startPods } from "../../src/lab/pods/pods.ts";
import { Children } from "../../src/lab/system/children.ts";

function processes(t: TestContext): PodProcesses {
  const children = new Children(realClock());
  t.after(() => children.close());
  return new PodProcesses(children);
}

test("where only 127.0.0.1 can be had, pods and ClusterIP have ports of their own", async (t) => {
  const probe = async () => "EADDRNOTAVAIL";
  const { pods, clusterIp } = await startPods(processes(t), podNames(2), LOOPBACK, probe);
  assert.deepEqual(
    pods.map((pod) => pod.name),
    ["echo-1", "echo-2"],
  );
  for (const pod of pods) assert.match(pod.address, /^127\.0\.0\.1:\d+$/);
  assert.notEqual(pods[0]!.address, pods[1]!.address);
  assert.deepEqual(clusterIp, { host: "127.0.0.1", port: 0 });
});

/** Addresses that no other test uses: which port is free there is told by the test alone. */
const OWN = { podPrefix: "127.41", clusterIp: "127.41.96.1", portHolder: "127.41.95.1" };
const NETWORK = { ...LOOPBACK, ...OWN };

test("a port that is taken on one address is given up for all", async (t) => {
  const asked: number[] = [];
  const probe = async (_hosts: readonly string[], port: number) => {
    asked.push(port);
    return port < 50_058 ? "EADDRINUSE" : "";
  };
  const { pods, clusterIp } = await startPods(processes(t), podNames(2), NETWORK, probe);
  assert.deepEqual(
    pods.map((pod) => pod.address),
    ["127.41.1.1:50058", "127.41.1.2:50058"],
  );
  assert.equal(clusterIp.port, 50_058);
  assert.deepEqual(asked, [50_051, 50_052, 50_053, 50_054, 50_055, 50_056, 50_057, 50_058]);
});

// The first lab's pods had been replaced, and both labs had the port: a lane of the second could
// not listen at its ClusterIP.
test("a second lab has another port, wherever the pods of the first have gone", async (t) => {
  const own = processes(t);
  const first = await startPods(own, podNames(1), NETWORK);
  t.after(() => first.release());
  await first.pods[0]!.end();
  const second = await startPods(own, podNames(1), NETWORK);
  t.after(() => second.release());
  assert.ok(second.clusterIp.port > first.clusterIp.port);
  await second.pods[0]!.end();
  first.release();
  const third = await startPods(own, podNames(1), NETWORK);
  t.after(() => third.release());
  assert.notEqual(third.clusterIp.port, second.clusterIp.port);
});

test("all common ports taken, or none allowed: one sentence", async (t) => {
  const all = processes(t);
  await assert.rejects(
    startPods(all, podNames(1), LOOPBACK, async () => "EADDRINUSE"),
    new LabError("ports 50051 to 50060 are all taken on 127.0.1.x"),
  );
  await assert.rejects(
    startPods(all, podNames(1), LOOPBACK, async () => "EACCES"),
    new LabError("pods cannot listen on 127.0.1.x:50051: EACCES"),
  );
});
