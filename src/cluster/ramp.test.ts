/** Tests of slow start in a cluster: who counts as new, with every policy that spreads calls. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, withCluster } from "../../test/support/cluster.ts";
import { Pods } from "../../test/support/pods.ts";
import { eventually, RawServer } from "../../test/support/raw-http2.ts";
import { KNOWN_POLICY_NAMES, parsePolicy } from "../balancing/index.ts";
import { Status } from "../grpc/index.ts";
import { parseServiceConfig } from "./service-config.ts";

const SLOW = { fairlead: { slowStart: { window: "30s" } } };

async function slowly(
  json: object,
  body: (pods: Pods, harness: ClusterHarness) => Promise<void>,
): Promise<void> {
  const serviceConfig = parseServiceConfig({ ...SLOW, ...json });
  await withCluster({ config: { serviceConfig } }, async (harness) => {
    const pods = new Pods(harness);
    await pods.start(4);
    await body(pods, harness);
  });
}

/** Whether `why` says that it is slowed, and how far it is. */
function ramp(pods: Pods, pod: number): string | null {
  return pods.steps(pod).find((step) => step.startsWith("slow start")) ?? null;
}

test("at a cold start nobody is slowed, however late some become ready", async () => {
  await slowly({}, async (pods, harness) => {
    const late = await harness.server({ settings: null });
    harness.resolve(...pods.servers, late);
    await harness.untilReady(4);
    await harness.pass(2_000);
    late.connections[0]!.settings([]);
    await harness.untilReady(5);
    assert.ok([0, 1, 2, 3].every((i) => ramp(pods, i) === null));
    assert.ok(!harness.view(late).decision.some(({ rule }) => rule === "slow start"));
  });
});

for (const name of KNOWN_POLICY_NAMES.filter((each) => parsePolicy(each).connects === "all")) {
  test(`${name}: one that joins gets little at first, and its share at the end`, async () => {
    await slowly({ loadBalancingConfig: [{ [name]: {} }] }, async (pods, harness) => {
      harness.resolve(...pods.servers.slice(1));
      await harness.untilReady(3);
      await harness.pass(10); // Some pickers are built in pieces.
      harness.resolve(...pods.servers);
      await harness.untilReady(4);
      await harness.pass(10);
      assert.equal(ramp(pods, 0), "slow start: 10 % of its share, all of it in 30.0 s");
      const calls = async (): Promise<number> => {
        let first = 0;
        for (let i = 0; i < 400; i += 1) first += (await pods.calls(1))[0]!;
        return first;
      };
      // Without a header maglev's slots decide by chance, like the rest: 100 of 400 is fair.
      assert.ok((await calls()) < 30);
      await harness.pass(12_000);
      assert.equal(ramp(pods, 0), "slow start: 40 % of its share, all of it in 18.0 s");
      await harness.pass(18_000);
      assert.equal(ramp(pods, 0), null);
      const share = await calls();
      assert.ok(share > 60 && share < 140, `${share} of 400`);
    });
  });
}

test("one that only reconnects is not new; one that had failed is", async () => {
  await slowly({}, async (pods, harness) => {
    harness.resolve(...pods.servers);
    await harness.untilReady(4);
    await pods.calls(8);
    pods.servers[0]!.connections[0]!.destroy();
    await eventually("reconnected", () => pods.servers[0]!.connections.length === 2);
    await harness.untilReady(4);
    assert.equal(ramp(pods, 0), null);
    const { port } = pods.servers[1]!;
    await pods.servers[1]!.stop();
    pods.servers[1]!.connections[0]!.destroy();
    await eventually("failed", () => pods.state(1) === "TRANSIENT_FAILURE");
    const again = await RawServer.listen({}, port);
    harness.servers.push(again);
    await harness.pass(3_000);
    await harness.untilReady(4);
    assert.match(ramp(pods, 1) ?? "", /^slow start: /);
  });
});

test("one that returns from an ejection is not new", async () => {
  const detection = {
    consecutiveErrors: { threshold: 2 },
    baseEjectionTime: "1s",
    childPolicy: [{ round_robin: {} }],
  };
  const json = { loadBalancingConfig: [{ outlier_detection_experimental: detection }] };
  await slowly(json, async (pods, harness) => {
    harness.resolve(...pods.servers);
    await harness.untilReady(4);
    pods.statuses[0] = String(Status.INTERNAL);
    await pods.calls(8);
    assert.equal(pods.state(0), "EJECTED");
    await harness.pass(10_000);
    assert.deepEqual([pods.state(0), ramp(pods, 0)], ["READY", null]);
  });
});

test("when all were lost, the start is cold again", async () => {
  await slowly({}, async (pods, harness) => {
    harness.resolve(...pods.servers.slice(0, 2));
    await harness.untilReady(2);
    harness.resolve(...pods.servers.slice(2));
    await harness.untilReady(2);
    assert.deepEqual([ramp(pods, 2), ramp(pods, 3)], [null, null]);
  });
});

test("a pod that takes over an address is new, whatever the one before was", async () => {
  await slowly({}, async (pods, harness) => {
    const set = (uid: string) => [
      pods.endpoint(0, { uid }),
      ...[1, 2, 3].map((i) => pods.endpoint(i, { uid: "same" })),
    ];
    harness.resolve(...set("old"));
    await harness.untilReady(4);
    await harness.pass(40_000);
    harness.resolve(...set("new"));
    await harness.untilReady(4);
    const shown = harness.endpoints.filter(({ uid }) => uid === "new");
    const step = shown[0]!.decision.find(({ rule }) => rule === "slow start");
    assert.equal(step?.effect, "10 % of its share, all of it in 30.0 s");
  });
});
