/** Tests of random subsetting in a cluster: who is connected, and what the others are told. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { Pods } from "../../test/support/pods.ts";
import { parseServiceConfig } from "./service-config.ts";

function configOf(subsetSize: number) {
  const policy = { subsetSize, childPolicy: [{ round_robin: {} }] };
  return parseServiceConfig({ loadBalancingConfig: [{ random_subsetting_experimental: policy }] });
}

async function subsetting(
  body: (pods: Pods, harness: ClusterHarness) => Promise<void>,
): Promise<void> {
  await withCluster({ config: { serviceConfig: configOf(3) } }, async (harness) => {
    const pods = new Pods(harness);
    await pods.start(8);
    harness.resolve(...pods.servers);
    await harness.untilReady(3);
    await body(pods, harness);
  });
}

function readyOf(harness: ClusterHarness): string[] {
  return harness.states("READY").map(({ address }) => address);
}

test("only the subset is connected, and gets all calls; why says what the others are", async () => {
  await subsetting(async (pods, harness) => {
    await settle();
    const connected = pods.servers.filter(({ connections }) => connections.length > 0);
    assert.deepEqual(
      connected.map(({ address }) => address),
      readyOf(harness),
    );
    const counts = await pods.calls(9);
    assert.deepEqual(
      counts.filter((count) => count > 0),
      [3, 3, 3],
    );
    const outside = counts.indexOf(0);
    assert.equal(harness.view(pods.servers[outside]!).reason, "outside the subset");
    assert.deepEqual(pods.steps(outside), [
      "in the endpoint set: yes, from static",
      "random_subsetting: no: outside the subset",
    ]);
    assert.equal(harness.cluster.readiness().reason, "3 of 3 endpoints are ready");
  });
});

test("the same set again, and one pod less outside of the subset, change nothing", async () => {
  await subsetting(async (pods, harness) => {
    const before = readyOf(harness);
    harness.resolve(...pods.servers);
    const outside = pods.servers.find(({ address }) => !before.includes(address))!;
    harness.resolve(...pods.servers.filter((each) => each !== outside));
    await settle();
    assert.deepEqual(readyOf(harness), before);
    const opened = pods.servers.reduce((sum, { connections }) => sum + connections.length, 0);
    assert.equal(opened, 3);
  });
});

test("a member that leaves is replaced by one other", async () => {
  await subsetting(async (pods, harness) => {
    const [gone, ...stay] = readyOf(harness);
    harness.resolve(...pods.servers.filter(({ address }) => address !== gone));
    await harness.untilReady(3);
    const after = readyOf(harness);
    assert.ok(stay.every((address) => after.includes(address)));
    assert.ok(!after.includes(gone!));
  });
});

test("a larger subset keeps the smaller one; without the policy all are connected", async () => {
  await subsetting(async (_, harness) => {
    const before = readyOf(harness);
    harness.cluster.reconfigure(configOf(5));
    await harness.untilReady(5);
    assert.ok(before.every((address) => readyOf(harness).includes(address)));
    harness.cluster.reconfigure(parseServiceConfig({}));
    await harness.untilReady(8);
    harness.cluster.reconfigure(configOf(3));
    await harness.untilReady(3);
    assert.deepEqual(readyOf(harness), before);
    const left = harness.endpoints.filter(({ reason }) => reason === "outside the subset");
    assert.equal(left.length, 5);
  });
});
