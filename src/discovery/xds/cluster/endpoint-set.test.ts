/** Leaves of clusters as endpoint sets: health, weights, priorities, drops. gRFCs A27, A37, A42. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../../test/mesh/json-bytes.ts";
import {
  cluster,
  endpoints,
  type Json,
  lbEndpoint,
  locality,
} from "../../../../test/mesh/resources.ts";
import { clusterKind } from "../decode/cluster.ts";
import { ENDPOINTS_KIND } from "../decode/endpoints.ts";
import { EndpointSets, isSameSet } from "./endpoint-set.ts";

const KIND = clusterKind(() => null);

function leaf(name: string, list: readonly Json[], more: Json = {}, policy: Json = {}) {
  const assignment = ENDPOINTS_KIND.decode(bytesOf({ ...endpoints(name, list), ...policy })).value!;
  return { cluster: KIND.decode(bytesOf(cluster(name, more))).value!, assignment };
}

function setOf(leaves: readonly ReturnType<typeof leaf>[], sets = new EndpointSets()) {
  const root = leaves[0]!.cluster;
  return sets.next({ root, leaves, isStale: false, reason: "none" });
}

test("A27: only endpoints that are HEALTHY or UNKNOWN are used, the others are told with why", () => {
  const states = ["UNKNOWN", "HEALTHY", "DRAINING", "UNHEALTHY", "DEGRADED", "TIMEOUT"];
  const lbEndpoints = states.map((healthStatus, i) =>
    lbEndpoint(`127.0.0.${i + 1}:1`, { healthStatus }),
  );
  const set = setOf([leaf("c", [{ loadBalancingWeight: 1, lbEndpoints }])]);
  assert.deepEqual(
    set.endpoints.map(({ address }) => address),
    ["127.0.0.1:1", "127.0.0.2:1"],
  );
  assert.deepEqual(
    set.skipped!.map(({ reason }) => reason.split(" ").at(-1)),
    ["DRAINING", "UNHEALTHY", "DEGRADED", "TIMEOUT"],
  );
});

test("localities are groups with their weights; one without a weight is left out", () => {
  const set = setOf([
    leaf("c", [
      locality("a", ["127.0.0.1:1"], { loadBalancingWeight: 3 }),
      locality("b", ["127.0.0.2:1"], { priority: 1 }),
      locality("c", ["127.0.0.3:1"], { loadBalancingWeight: undefined }),
    ]),
  ]);
  assert.deepEqual(
    set.endpoints.map(({ group, zone }) => [group, zone]),
    [
      [{ priority: 0, name: "r/a", weight: 3 }, "a"],
      [{ priority: 1, name: "r/b", weight: 1 }, "b"],
    ],
  );
  assert.equal(set.skipped![0]!.reason, "its locality has no weight");
});

test("A37: priorities of an aggregate's children stand one behind the other", () => {
  const first = [locality("a", ["127.0.0.1:1"]), locality("b", ["127.0.0.2:1"], { priority: 1 })];
  const set = setOf([leaf("one", first), leaf("two", [locality("a", ["127.0.0.3:1"])])]);
  assert.deepEqual(
    set.endpoints.map(({ group }) => group!.priority),
    [0, 1, 2],
  );
  const at = { locality: "r/a", health: "UNKNOWN" };
  assert.deepEqual(
    set.endpoints.map(({ assignment }) => assignment),
    [
      { ...at, cluster: "one", priority: 0 },
      { ...at, cluster: "one", priority: 1, locality: "r/b" },
      { ...at, cluster: "two", priority: 2 },
    ],
  );
});

test("A42: with ring_hash weights of localities are part of each endpoint's, in one group", () => {
  const weighted = {
    ...{ lbPolicy: "RING_HASH" },
    commonLbConfig: { localityWeightedLbConfig: {} },
  };
  const list = [
    locality("a", ["127.0.0.1:1", "127.0.0.2:1"], { loadBalancingWeight: 6 }),
    locality("b", ["127.0.0.3:1"], { loadBalancingWeight: 2 }),
  ];
  const set = setOf([leaf("c", list, weighted)]);
  assert.deepEqual(
    set.endpoints.map(({ weight, group }) => [weight, group!.name]),
    [
      [3, ""],
      [3, ""],
      [2, ""],
    ],
  );
  assert.deepEqual(set.serviceConfig, {
    json: { loadBalancingConfig: [{ ring_hash: {} }] },
  });
});

test("drops, overprovisioning and pods are taken over", () => {
  const policy = {
    policy: {
      dropOverloads: [{ category: "shed", dropPercentage: { numerator: 20 } }],
      overprovisioningFactor: 200,
    },
  };
  const metadata = { filterMetadata: { fairlead: { pod: "echo-1", node: "n1", uid: "u" } } };
  const list = [{ loadBalancingWeight: 1, lbEndpoints: [lbEndpoint("127.0.0.1:1", { metadata })] }];
  const set = setOf([leaf("c", list, {}, policy)]);
  assert.deepEqual(set.drops, [{ category: "shed", perMillion: 200_000 }]);
  const { pod, node, uid } = set.endpoints[0]!;
  assert.deepEqual([pod, node, uid], ["echo-1", "n1", "u"]);
  assert.deepEqual(Object(set.serviceConfig).json.fairlead, {
    locality: { overprovisioningPercent: 200 },
  });
});

test("weights of endpoints that the policy does not use are told", () => {
  const weighted = {
    loadBalancingWeight: 1,
    lbEndpoints: [
      lbEndpoint("127.0.0.1:1", { loadBalancingWeight: 3 }),
      lbEndpoint("127.0.0.2:1", { loadBalancingWeight: 1 }),
    ],
  };
  const note = "load_balancing_weight of endpoints is not applied: round_robin does not use it";
  assert.deepEqual(setOf([leaf("c", [weighted])]).notes, [note]);
  assert.equal(setOf([leaf("c", [weighted], { lbPolicy: "MAGLEV" })]).notes, undefined);
  const stale = { policy: { weightedPriorityHealth: true } };
  const plain = [locality("a", ["127.0.0.1:1"])];
  assert.deepEqual(setOf([leaf("c", plain, {}, stale)]).notes, [
    "policy.weighted_priority_health is not applied",
  ]);
});

test("of many endpoints only those are made anew that say something else", () => {
  const all = Array.from({ length: 500 }, (_, i) => `127.0.${i >> 8}.${i & 255}:1`);
  const sets = new EndpointSets();
  const first = setOf([leaf("c", [locality("a", all)])], sets);
  const again = setOf([leaf("c", [locality("a", all)])], sets);
  assert.ok(isSameSet(first, again));
  const others = (set: typeof first, before: typeof first) =>
    set.endpoints.filter((each) => !before.endpoints.includes(each)).map(({ address }) => address);
  assert.deepEqual(others(again, first), []);
  const reversed = setOf([leaf("c", [locality("a", all.toReversed())])], sets);
  assert.ok(isSameSet(again, reversed), "in whatever order they are told");
  // One more, one less, and one of another pod.
  const list = locality("a", [...all.slice(1, -1), "127.0.9.9:1"]);
  const pod = { filterMetadata: { fairlead: { pod: "echo-2", node: "n1", uid: "u2" } } };
  const moved = lbEndpoint(all.at(-1)!, { metadata: pod });
  const lbEndpoints = [...(list.lbEndpoints as Json[]), moved];
  const changed = setOf([leaf("c", [{ ...list, lbEndpoints }])], sets);
  assert.deepEqual(others(changed, again).sort(), [all.at(-1), "127.0.9.9:1"].sort());
  assert.ok(!isSameSet(again, changed));
  // Another share of the calls is another group, of all.
  const heavier = setOf([leaf("c", [locality("a", all, { loadBalancingWeight: 7 })])], sets);
  assert.ok(!isSameSet(first, heavier));
});

test("an endpoint of another health, locality or priority is another one", () => {
  const one = (name: string, priority: number, healthStatus: string): Json => ({
    ...locality(name, [], { priority }),
    lbEndpoints: [lbEndpoint("127.0.0.1:1", { healthStatus })],
  });
  const of = (each: Json, sets: EndpointSets) =>
    setOf([leaf("c", [locality("z", ["127.0.0.9:1"]), each])], sets).endpoints[0]!;
  const sets = new EndpointSets();
  const first = of(one("a", 0, "UNKNOWN"), sets);
  assert.equal(of(one("a", 0, "UNKNOWN"), sets), first);
  const healthy = of(one("a", 0, "HEALTHY"), sets);
  assert.equal(healthy.assignment!.health, "HEALTHY");
  assert.match(healthy.rule!, /HEALTHY/);
  const elsewhere = of(one("b", 0, "HEALTHY"), sets);
  assert.match(elsewhere.assignment!.locality, /b/);
  assert.equal(of(one("b", 1, "HEALTHY"), sets).assignment!.priority, 1);
});

test("sets that differ in anything but endpoints are not the same", () => {
  const sets = new EndpointSets();
  const plain = () => leaf("c", [locality("a", ["127.0.0.1:1", "127.0.0.2:1"])]);
  const first = setOf([plain()], sets);
  assert.ok(isSameSet(first, setOf([plain()], sets)));
  const root = plain().cluster;
  const stale = sets.next({ root, leaves: [plain()], isStale: true, reason: "none" });
  assert.ok(!isSameSet(first, stale));
  const ring = setOf(
    [leaf("c", [locality("a", ["127.0.0.1:1", "127.0.0.2:1"])], { lbPolicy: "RING_HASH" })],
    sets,
  );
  assert.ok(!isSameSet(first, ring));
  const draining = [
    lbEndpoint("127.0.0.1:1"),
    lbEndpoint("127.0.0.2:1", { healthStatus: "DRAINING" }),
  ];
  const skipping = setOf([leaf("c", [{ ...locality("a", []), lbEndpoints: draining }])], sets);
  assert.ok(!isSameSet(first, skipping));
  const failing = draining.map((each, i) =>
    i === 0 ? each : { ...each, healthStatus: "UNHEALTHY" },
  );
  const other = setOf([leaf("c", [{ ...locality("a", []), lbEndpoints: failing }])], sets);
  assert.ok(!isSameSet(skipping, other), "for another reason");
});
