/**
 * Scaling with real pod processes: what the API server is told, in which order, and what is left.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { realClock, realRng } from "../../src/base/index.ts";
import { Children } from "../../src/lab/children.ts";
import { startCluster } from "../../src/lab/cluster/index.ts";
import { Deployment } from "../../src/lab/deployment.ts";
import { processTree } from "../peers/usage.ts";

async function start(t: TestContext, count: number) {
  const clock = realClock();
  const children = new Children(clock);
  const cluster = await startCluster({ clock, rng: realRng() });
  t.after(() => Promise.all([children.close(), cluster.close()]));
  const { objects } = cluster;
  const deployment = new Deployment(count, { children, clock, objects });
  await deployment.start();
  const ready: string[] = [];
  deployment.onChange(() => ready.push(deployment.ready.map(({ name }) => name).join(" ")));
  return { deployment, objects, ready };
}

test("pods come and go as objects and as processes, and come back with their addresses", async (t) => {
  const { deployment, objects, ready } = await start(t, 1);
  const told: string[] = [];
  objects.store.onEvent(({ type, kind, object }) => {
    if (kind !== "Pod") return;
    const isTerminating = object.metadata.deletionTimestamp !== undefined;
    told.push(`${type} ${object.metadata.name}${isTerminating ? " terminating" : ""}`);
  });
  const address = (index: number): string => deployment.ready[index]!.address;
  const first = address(0);

  await deployment.scale(2);
  const second = address(1);
  assert.deepEqual(told.splice(0), ["ADDED echo-2", "MODIFIED echo-2", "MODIFIED echo-2"]);
  assert.equal(processTree(process.pid).length, 1 + 1 + 2, "kubelet and pods");

  await deployment.scale(1);
  assert.deepEqual(told.splice(0), ["MODIFIED echo-2 terminating", "DELETED echo-2 terminating"]);
  assert.deepEqual(deployment.states, ["ready", "gone"]);
  assert.deepEqual(deployment.names, ["echo-1", "echo-2"]);
  assert.equal(processTree(process.pid).length, 1 + 1 + 1);

  await deployment.scale(2);
  assert.equal(address(0), first);
  assert.equal(address(1), second);
  // Before a pod comes its name is told, with those that are ready still the same.
  assert.deepEqual(ready, ["echo-1", "echo-1 echo-2", "echo-1", "echo-1", "echo-1 echo-2"]);
});

test("of numbers that follow each other at once, the last one counts", async (t) => {
  const { deployment } = await start(t, 2);
  await Promise.all([deployment.scale(4), deployment.scale(1), deployment.scale(3)]);
  assert.deepEqual(deployment.states.slice(0, 3), ["ready", "ready", "ready"]);
  assert.equal(deployment.ready.length, 3);
  assert.equal(deployment.wanted, 3);
});
