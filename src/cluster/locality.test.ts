/** Tests of levels in a cluster: who is near, how calls spill over, and what `why` says of it. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, withCluster } from "../../test/support/cluster.ts";
import { Pods } from "../../test/support/pods.ts";
import { eventually } from "../../test/support/raw-http2.ts";
import { newEndpointSet, type SetPlace } from "../discovery/index.ts";
import { Status } from "../grpc/index.ts";
import { parseServiceConfig } from "./service-config.ts";

const HERE: SetPlace = { node: "n1", zone: "a", hints: null };
const ZONE = { fairlead: { locality: { prefer: "zone" } } };
const ROUND_ROBIN = [{ round_robin: {} }];
const LEVELS = {
  loadBalancingConfig: [
    {
      priority_experimental: {
        priorities: ["node", "zone", "any"],
        children: {
          node: { config: ROUND_ROBIN },
          zone: { config: ROUND_ROBIN },
          any: { config: ROUND_ROBIN },
        },
      },
    },
  ],
};
/** Node and zone of four pods: two here, one in our zone, one elsewhere. */
const PLACES = [
  { node: "n1", zone: "a" },
  { node: "n1", zone: "a" },
  { node: "n2", zone: "a" },
  { node: "n3", zone: "b" },
];

function resolve(pods: Pods, place: SetPlace | null, which = [0, 1, 2, 3]): void {
  const set = newEndpointSet(which.map((i) => pods.endpoint(i, PLACES[i])));
  pods.harness.resolver.listener!.onEndpoints(place === null ? set : { ...set, place });
}

async function placed(
  json: object,
  place: SetPlace | null,
  body: (pods: Pods, harness: ClusterHarness) => Promise<void>,
): Promise<void> {
  const serviceConfig = parseServiceConfig({ loadBalancingConfig: ROUND_ROBIN, ...json });
  await withCluster({ config: { serviceConfig } }, async (harness) => {
    const pods = new Pods(harness);
    await pods.start(4);
    resolve(pods, place);
    await harness.untilReady(4);
    await body(pods, harness);
  });
}

test("those in our zone get all calls while they are healthy, evenly", async () => {
  await placed(ZONE, HERE, async (pods, harness) => {
    assert.deepEqual(await pods.calls(30), [10, 10, 10, 0]);
    assert.equal(harness.view(pods.servers[3]!).usable, false);
    const near = "priority: level 0, zone a: 100 % of calls, 3 of 3 available";
    assert.equal(pods.steps(0).at(-2), near);
    const far = "priority: level 1, elsewhere: 0 % of calls, 1 of 1 available";
    assert.equal(pods.steps(3).at(-2), far);
    assert.deepEqual(harness.cluster.view().notes, [near.slice(10), far.slice(10)]);
  });
});

test("those on our node alone, when that is preferred", async () => {
  await placed({ fairlead: { locality: { prefer: "node" } } }, HERE, async (pods) => {
    assert.deepEqual(await pods.calls(20), [10, 10, 0, 0]);
  });
});

test("what a level lacks spills to the next, and back when it is whole again", async () => {
  await placed(ZONE, HERE, async (pods) => {
    await pods.servers[0]!.stop();
    pods.servers[0]!.connections[0]!.destroy();
    await eventually("lost", () => pods.state(0) === "TRANSIENT_FAILURE");
    // 2 of 3 x 140 % = 93.3 %
    const step = "priority: level 0, zone a: 93 % of calls, 2 of 3 available";
    assert.equal(pods.steps(1).at(-2), step);
    const counts = await pods.calls(3_000);
    assert.ok(counts[3]! > 120 && counts[3]! < 290, `${counts}`);
    resolve(pods, HERE, [1, 2, 3]);
    assert.deepEqual(await pods.calls(20), [0, 10, 10, 0]);
  });
});

test("with nobody near, the others get all", async () => {
  await placed(ZONE, { node: "n9", zone: "c", hints: null }, async (pods) => {
    const counts = await pods.calls(20);
    assert.deepEqual(counts, [5, 5, 5, 5]);
  });
});

test("priority: node, then zone, then any; each gets what those before it lack", async () => {
  await placed(LEVELS, HERE, async (pods, harness) => {
    assert.deepEqual(await pods.calls(20), [10, 10, 0, 0]);
    resolve(pods, HERE, [2, 3]);
    assert.deepEqual(await pods.calls(20), [0, 0, 20, 0]);
    resolve(pods, HERE, [3]);
    assert.deepEqual(await pods.calls(20), [0, 0, 0, 20]);
    assert.equal(harness.cluster.view().notes.length, 3);
  });
});

test("priority: without our node known, the level of the zone is the first", async () => {
  await placed(LEVELS, { ...HERE, node: null }, async (pods) => {
    assert.deepEqual(await pods.calls(30), [10, 10, 10, 0]);
  });
});

for (const [what, place, reason] of [
  ["our zone is not known", { node: "n1", zone: null, hints: null }, "our zone is not known"],
  ["the source knows no places", null, "the source of endpoints does not say where they are"],
  [
    "hints of zones hold",
    { ...HERE, hints: "zone" },
    "zone hints hold: every endpoint here is meant for us",
  ],
  [
    "hints of nodes hold",
    { ...HERE, hints: "node" },
    "node hints hold: every endpoint here is meant for us",
  ],
] as const) {
  test(`when ${what}, a preference is not applied, and shown so`, async () => {
    await placed(ZONE, place, async (pods, harness) => {
      assert.deepEqual(await pods.calls(20), [5, 5, 5, 5]);
      const note = `preference for zone, any not applied: ${reason}`;
      assert.deepEqual(harness.cluster.view().notes, [note]);
      assert.ok(pods.steps(0).every((step) => !step.startsWith("priority")));
    });
  });
}

test("our zone may become known later, and a config may change what is preferred", async () => {
  await placed(ZONE, { ...HERE, zone: null }, async (pods, harness) => {
    assert.deepEqual(await pods.calls(20), [5, 5, 5, 5]);
    resolve(pods, HERE);
    assert.deepEqual(await pods.calls(30), [10, 10, 10, 0]);
    harness.cluster.reconfigure(parseServiceConfig({ loadBalancingConfig: ROUND_ROBIN }));
    assert.deepEqual(await pods.calls(20), [5, 5, 5, 5]);
    assert.deepEqual(harness.cluster.view().notes, []);
  });
});

test("a near endpoint that was never ready yet makes nothing spill", async () => {
  await placed(ZONE, HERE, async (pods, harness) => {
    const slow = [
      await harness.server({ settings: null }),
      await harness.server({ settings: null }),
    ];
    const coming = slow.map(({ address }) => ({
      ...pods.endpoint(0, PLACES[0]),
      address,
      addresses: [address],
    }));
    const set = newEndpointSet([...PLACES.map((place, i) => pods.endpoint(i, place)), ...coming]);
    harness.resolver.listener!.onEndpoints({ ...set, place: HERE });
    for (const each of slow) await each.next();
    assert.equal((await pods.calls(60))[3], 0, "3 of 5 would be 84 %");
  });
});

test("a call that the only near endpoint refuses goes elsewhere at once", async () => {
  await placed(ZONE, HERE, async (pods, harness) => {
    resolve(pods, HERE, [0, 3]);
    const probe = harness.call();
    const connection = pods.servers[0]!.connections[0]!;
    const stream = await connection.nextStream();
    connection.reset(stream.id, 7);
    const other = await pods.servers[3]!.connections[0]!.nextStream();
    pods.servers[3]!.connections[0]!.respond(other.id);
    await probe.over();
    assert.equal(probe.grpcStatus, "0");
  });
});

test("pick_first tries those that are near first", async () => {
  const serviceConfig = parseServiceConfig({ loadBalancingConfig: [{ pick_first: {} }], ...ZONE });
  await withCluster({ config: { serviceConfig } }, async (harness) => {
    const pods = new Pods(harness);
    await pods.start(4);
    resolve(pods, { node: "n3", zone: "b", hints: null });
    await harness.untilReady(1);
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => pods.state(i)),
      ["IDLE", "IDLE", "IDLE", "READY"],
    );
    assert.equal((await pods.calls(3))[3], 3);
  });
});

test("ejections spill: a level is as healthy as its endpoints", async () => {
  const detection = {
    consecutiveErrors: { threshold: 2 },
    maxEjectionPercent: 100,
    childPolicy: [{ priority: LEVELS.loadBalancingConfig[0]!.priority_experimental }],
  };
  const json = { loadBalancingConfig: [{ outlier_detection: detection }] };
  await placed(json, HERE, async (pods, harness) => {
    pods.statuses[0] = String(Status.UNAVAILABLE);
    await pods.calls(4);
    assert.equal(pods.state(0), "EJECTED");
    // 1 of 2 x 140 % = 70 %; the rest to our zone.
    const counts = await pods.calls(2_000);
    assert.deepEqual([counts[0], counts[3]], [0, 0]);
    assert.ok(counts[1]! > 1_300 && counts[1]! < 1_500, `${counts}`);
    assert.equal(harness.view(pods.servers[1]!).usable, true);
  });
});

test("priority and locality.prefer exclude each other", () => {
  assert.throws(() => parseServiceConfig({ ...LEVELS, ...ZONE }), {
    name: "ServiceConfigError",
    message: /fairlead\.locality\.prefer and priority in loadBalancingConfig exclude each other/,
  });
});

/** With levels the picker in use is one around the policy's own, which alone knows of weights. */
test("what pickers know of weights is told of each level", async () => {
  const json = { ...ZONE, loadBalancingConfig: [{ weighted_round_robin: {} }] };
  await placed(json, HERE, async (_pods, harness) => {
    const before = harness.metric("grpc_lb_wrr_endpoint_weight_not_yet_usable_total");
    harness.clock.advance(1_000);
    const after = harness.metric("grpc_lb_wrr_endpoint_weight_not_yet_usable_total");
    assert.equal(after - before, 4, "three near, one elsewhere");
  });
});
