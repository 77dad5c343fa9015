/**
 * The proxy replicas of the lane `nested`, with `fairlead proxy` as processes: one that cannot
 * start does not count, and nothing is asked of them once the load is over.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { realClock, VirtualClock } from "../../src/base/index.ts";
import { LabError } from "../../src/lab/error.ts";
import { laneSite } from "../../src/lab/lanes/index.ts";
import { NESTED } from "../../src/lab/lanes/nested.ts";
import { Deployment } from "../../src/lab/pods/deployment.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { Children } from "../../src/lab/system/children.ts";
import { FAIRLEAD } from "../cli/harness.ts";
import { startEchoCluster } from "../support/lab-cluster.ts";

/** The lane, opened, and what it was opened with: `fairlead` may be changed. */
async function open(t: TestContext, clock = realClock()) {
  const children = new Children(realClock());
  const { cluster, kubeconfig, close } = await startEchoCluster();
  t.after(async () => {
    await children.close();
    await close();
  });
  const fairlead: string[] = [FAIRLEAD];
  const { replicas } = await NESTED.open({
    pods: new Deployment(1, { children, clock, objects: cluster.objects, network: LOOPBACK }),
    podsReady: Promise.resolve(),
    dns: "",
    kubernetes: { server: new URL(cluster.url).host, kubeconfig },
    ...{ children, clock, fairlead, policy: "round_robin", hasPeers: false },
    client: children.program("client", "caller", []),
    ...laneSite("no namespace here"),
    onBroken: () => {},
  });
  return { replicas: replicas!, fairlead };
}

test("a replica that cannot start does not count as one of the two", async (t) => {
  const { replicas, fairlead } = await open(t);
  t.after(() => replicas.close());
  fairlead[0] = "/nonexistent/fairlead";
  await assert.rejects(replicas.add(), /could not be started/);
  fairlead[0] = FAIRLEAD;
  assert.equal(await replicas.add(), "proxy-2");
  assert.deepEqual(
    replicas.views.map(({ name }) => name),
    ["proxy-1", "proxy-2"],
  );
  await assert.rejects(replicas.add(), new LabError("both proxy replicas run already"));
});

test("a look that is under way when the load ends is the last one", async (t) => {
  const clock = new VirtualClock();
  const { replicas } = await open(t, clock);
  assert.equal(clock.pendingCount, 1);
  clock.advance(500);
  replicas.close();
  // The look above was asked for before this one.
  await replicas.refresh();
  await sleep(200);
  assert.equal(clock.pendingCount, 0);
});
