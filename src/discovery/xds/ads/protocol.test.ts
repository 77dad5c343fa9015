/**
 * The two dialects of ADS, and what an answer does to what is watched. gRFCs A53, A57, A88, and
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { bytesOf, sotwBytes } from "../../../../test/mesh/json-bytes.ts";
import { cluster, type Json } from "../../../../test/mesh/resources.ts";
import { seededRng, VirtualClock } from "../../../base/index.ts";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  RESOURCE_TYPES,
} from "../../../xds/index.ts";
import { bootstrapOf } from "../bootstrap/bootstrap.ts";
import { clusterKind } from "../decode/cluster.ts";
import { ENDPOINTS_KIND } from "../decode/endpoints.ts";
import { DeltaDialect } from "./delta.ts";
import type { Wanted } from "./dialect.ts";
import { SotwDialect } from "./sotw.ts";
import { TypeTable } from "./type-table.ts";
import { type AdsResponse, decodeDelta, decodeSotw, nodeOf } from "./wire.ts";

const SERVER = { server_uri: "127.0.0.1:1", channel_creds: [{ type: "insecure" }] };
const NODE = nodeOf(bootstrapOf({ xds_servers: [SERVER], node: { id: "me" } }, "t").node, "1");
const TYPE_URL = RESOURCE_TYPES.CDS;
const KIND = clusterKind(() => null);
const DIALECT = new SotwDialect(NODE);

function wanted(names: readonly string[], isWildcard = false): Wanted {
  return { typeUrl: TYPE_URL, names, isWildcard };
}

function sotw(bytes: Uint8Array | null) {
  const { node, resourceNames, versionInfo, responseNonce, errorDetail } = fromBinary(
    DiscoveryRequestSchema,
    bytes!,
  );
  const problem = errorDetail?.message ?? "";
  return [node?.id ?? "", resourceNames.join(), versionInfo, responseNonce, problem];
}

function answer(version: string, nonce: string): AdsResponse {
  return { typeUrl: TYPE_URL, version, nonce, resources: [], removed: [] };
}

test("state of the world: node once a stream, version and nonce, and a NACK", () => {
  const dialect = new SotwDialect(NODE);
  dialect.reset();
  assert.equal(dialect.subscribe(wanted([])), null);
  assert.deepEqual(sotw(dialect.subscribe(wanted(["a"]))), ["me", "a", "", "", ""]);
  assert.equal(dialect.subscribe(wanted(["a"])), null);
  const ack = dialect.acknowledge(answer("1", "n1"), null, wanted(["a"]));
  assert.deepEqual(sotw(ack), ["", "a", "1", "n1", ""]);
  // "the version_info of a NACK is that of the last good one"
  const nack = dialect.acknowledge(answer("2", "n2"), "CDS a: x", wanted(["a"]));
  assert.deepEqual(sotw(nack), ["", "a", "1", "n2", "CDS a: x"]);
  assert.deepEqual(sotw(dialect.subscribe(wanted(["a", "b"]))), ["", "a,b", "1", "n2", ""]);
  dialect.reset();
  assert.deepEqual(sotw(dialect.subscribe(wanted(["b"]))), ["me", "b", "1", "", ""]);
});

test("a wildcard is an empty list first, and a star beside names", () => {
  const dialect = new SotwDialect(NODE);
  assert.deepEqual(sotw(dialect.subscribe(wanted([], true))), ["me", "", "", "", ""]);
  assert.deepEqual(sotw(dialect.subscribe(wanted(["a"], true))), ["", "*,a", "", "", ""]);
  assert.deepEqual(sotw(dialect.subscribe(wanted([], true))), ["", "*", "", "", ""]);
});

test("by difference: what is had goes with the first request of a stream", () => {
  const dialect = new DeltaDialect(NODE);
  const had = () => ({ a: "v7" });
  const said = (bytes: Uint8Array | null) => {
    const { resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions } =
      fromBinary(DeltaDiscoveryRequestSchema, bytes!);
    return [
      resourceNamesSubscribe.join(),
      resourceNamesUnsubscribe.join(),
      initialResourceVersions,
    ];
  };
  assert.deepEqual(said(dialect.subscribe(wanted(["a", "b"]), had)), ["a,b", "", { a: "v7" }]);
  assert.deepEqual(said(dialect.subscribe(wanted(["b", "c"]), had)), ["c", "a", {}]);
  assert.equal(dialect.subscribe(wanted(["b", "c"]), had), null);
  dialect.reset();
  assert.deepEqual(said(dialect.subscribe(wanted(["c"]), had)), ["c", "", { a: "v7" }]);
});

/** A table of clusters, and what its watchers heard. */
class World {
  readonly clock = new VirtualClock();
  readonly heard: string[] = [];
  readonly table = new TypeTable(KIND, this.clock, { onWanted: () => {} });

  watch(name: string) {
    return this.table.watch(name, {
      onResource: ({ name: is, notes }) => this.heard.push(`${is} ${notes.length}`),
      onAbsent: (reason) => this.heard.push(`no ${name}: ${reason}`),
      onTrouble: (reason) => this.heard.push(`${name}? ${reason}`),
    });
  }

  /** An answer; the NACK, or null. */
  answer(resources: readonly Json[], discards = false, isDelta = false, removed: string[] = []) {
    const list = resources.map((each) => ({ name: "", version: "1", bytes: bytesOf(each) }));
    const response = { ...answer("1", "n"), resources: list, removed };
    const applied = this.table.apply(response, isDelta, discards, DIALECT);
    this.table.tell(applied);
    return applied.problem;
  }

  said(): string[] {
    return this.heard.splice(0);
  }
}

const BAD: Json = { lbPolicy: "RING_HASH", ringHashLbConfig: { hashFunction: "MURMUR_HASH_2" } };

test("one bad resource takes nothing from the others, and the last good one stays (A88)", () => {
  const world = new World();
  for (const name of ["a", "b"]) world.watch(name);
  assert.equal(world.answer([cluster("a"), cluster("b"), cluster("nobody's", BAD)]), null);
  assert.deepEqual(world.said(), ["a 0", "b 0"]);
  const problem = world.answer([cluster("a", BAD), cluster("b", { lrsServer: { self: {} } })]);
  assert.equal(problem, "CDS a: ring_hash_lb_config.hash_function must be XX_HASH");
  assert.deepEqual(world.said(), [
    "b 1",
    "a? the xDS server sent a bad one: ring_hash_lb_config.hash_function must be XX_HASH; " +
      "the last good one stays in use",
  ]);
  world.answer([cluster("a"), cluster("b", { lrsServer: { self: {} } })]);
  assert.deepEqual(world.said(), ["a? null"]);
});

test("A88: without fail_on_data_errors a deletion is ignored, with it it counts", () => {
  const world = new World();
  world.watch("a");
  world.answer([cluster("a")]);
  world.said();
  world.answer([]);
  assert.match(world.said()[0]!, /^a\? the xDS server says that it does not exist; the last good/);
  world.answer([], true);
  assert.deepEqual(world.said(), ["no a: the xDS server says that it does not exist", "a? null"]);
});

test("by difference only what is named as removed is gone", () => {
  const world = new World();
  for (const name of ["a", "b"]) world.watch(name);
  world.answer([cluster("a")], true, true);
  world.answer([], true, true, ["b"]);
  assert.deepEqual(world.said(), ["a 0", "no b: the xDS server says that it does not exist"]);
  world.answer([], true, true, ["a"]);
  assert.deepEqual(world.said(), ["no a: the xDS server says that it does not exist"]);
});

test("A40: each resource stands as the server last spoke of it, and what was refused is kept", () => {
  const world = new World();
  const states = () =>
    world.table.statuses().map(({ name, state, version, refused, reason }) => {
      return [name, state, version, refused?.version ?? "-", reason ?? "-"].join(" ");
    });
  for (const name of ["a", "b"]) world.watch(name);
  assert.deepEqual(states(), [
    "a REQUESTED  - no answer for it yet",
    "b REQUESTED  - no answer for it yet",
  ]);
  world.answer([cluster("a")]);
  assert.deepEqual(states(), [
    "a ACKED 1 - -",
    "b REQUESTED  - the xDS server has answered, and says nothing of it so far: it may know no " +
      "such name, which its log, or its list of nodes (fairlead proxy-status), would say",
  ]);
  // What another stream has said is no sign of anything.
  world.table.onStreamEnded();
  assert.equal(states()[1], "b REQUESTED  - no answer for it yet");
  const why = "ring_hash_lb_config.hash_function must be XX_HASH";
  world.answer([cluster("a", BAD)]);
  assert.equal(states()[0], `a NACKED 1 1 ${why}`);
  world.answer([cluster("a", BAD)], true);
  assert.equal(states()[0], `a NACKED  1 ${why}`);
  world.answer([cluster("a")]);
  assert.equal(states()[0], "a ACKED 1 - -");
  world.answer([], true);
  const gone = "a DOES_NOT_EXIST  - the xDS server says that it does not exist";
  assert.equal(states()[0], gone);
  world.table.setServerTrouble("it is away");
  assert.deepEqual([states()[0], states()[1]], [gone, "b REQUESTED  - it is away"]);
});

test("A57: what was asked for and does not come for 15 s does not exist; a lost stream stops that", () => {
  const world = new World();
  world.watch("a");
  world.table.onAsked(false);
  world.clock.advance(14_000);
  world.table.onStreamEnded();
  world.clock.advance(60_000);
  assert.deepEqual(world.said(), []);
  world.table.onAsked(false);
  world.clock.advance(15_000);
  assert.deepEqual(world.said(), ["no a: the xDS server does not know it (15 s)"]);
  world.answer([cluster("a")]);
  assert.deepEqual(world.said(), ["a 0"]);
  assert.equal(world.clock.pendingCount, 0);
});

test("A88: the timer tells of trouble where the server says itself what does not exist", () => {
  const world = new World();
  world.watch("a");
  world.table.onAsked(true);
  world.clock.advance(30_000);
  assert.deepEqual(world.said(), ["a? no answer for it within 30 s"]);
});

test("a wildcard has all that the server has, and loses what it takes away", () => {
  const world = new World();
  const all: string[] = [];
  world.table.watchAll({
    onResources: (map) => all.push([...map.keys()].join()),
    onTrouble: () => {},
  });
  world.answer([]);
  world.answer([cluster("a"), cluster("b")]);
  world.answer([cluster("a"), cluster("b")]);
  world.answer([cluster("b")]);
  assert.deepEqual(all, ["", "a,b", "b"]);
});

// They stayed NACKED for ever, and at last good ones were refused because there were too many.
test("what a wildcard's server had refused is forgotten when it is there no more", () => {
  const world = new World();
  let toldCount = 0;
  world.table.watchAll({ onResources: () => void (toldCount += 1), onTrouble: () => {} });
  const states = () => world.table.statuses().map(({ name, state }) => `${name} ${state}`);
  world.watch("named");
  for (const name of ["bad0", "bad1"]) world.answer([cluster(name, BAD)]);
  assert.deepEqual(states(), ["named REQUESTED", "bad1 NACKED"]);
  world.answer([cluster("good"), cluster("bad1", BAD)], false, true);
  assert.deepEqual(states(), ["named REQUESTED", "bad1 NACKED", "good ACKED"]);
  const before = toldCount;
  world.answer([], false, true, ["bad1"]);
  assert.deepEqual(states(), ["named REQUESTED", "good ACKED"]);
  assert.equal(toldCount, before, "all that there are: the same as before");
});

test("a wildcard keeps XDS_RESOURCES_MAX resources, and refuses those beyond by name", () => {
  const world = new World();
  world.table.watchAll({ onResources: () => {}, onTrouble: () => {} });
  const names = Array.from({ length: 65_537 }, (_, i) => `c${i}`);
  const bytes = bytesOf(cluster("c"));
  const kind = {
    ...KIND,
    decode: (b: Uint8Array) => ({ ...KIND.decode(bytes), name: Buffer.from(b).toString() }),
  };
  const table = new TypeTable(kind, world.clock, { onWanted: () => {} });
  table.watchAll({ onResources: () => {}, onTrouble: () => {} });
  const resources = names.map((name) => ({ name, version: "", bytes: Buffer.from(name) }));
  const { problem } = table.apply({ ...answer("1", "n"), resources }, false, false, DIALECT);
  assert.equal(problem, "CDS c65536: more than 65536 resources");
});

test("a NACK says no more than XDS_REASON_CHARS_MAX characters", () => {
  const world = new World();
  const names = Array.from({ length: 50 }, (_, i) => `cluster-${i}`);
  for (const name of names) world.watch(name);
  const problem = world.answer(names.map((name) => cluster(name, BAD)))!;
  assert.equal(problem.length, 1_024 + "...".length);
});

test("bytes that are no messages never throw: any bits flipped, any end cut", () => {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(seededRng(7).next() * 1e9));
  const rng = seededRng(seed);
  const rounds = Number(process.env.FUZZ_ROUNDS ?? 3_000);
  const good = sotwBytes(TYPE_URL, [cluster("a", { lbPolicy: "LEAST_REQUEST" }), cluster("b")]);
  const world = new World();
  world.watch("a");
  const table = new TypeTable(ENDPOINTS_KIND, world.clock, { onWanted: () => {} });
  table.watch("a", { onResource: () => {}, onAbsent: () => {}, onTrouble: () => {} });
  for (let round = 0; round < rounds; round += 1) {
    const bytes = new Uint8Array(good).subarray(0, 1 + rng.int(good.length));
    for (let i = rng.int(6); i >= 0; i -= 1) bytes[rng.int(bytes.length)] = rng.int(256);
    for (const response of [decodeSotw(bytes), decodeDelta(bytes)]) {
      if (response === null) continue;
      const isDelta = rng.int(2) === 0;
      world.table.tell(world.table.apply(response, isDelta, rng.int(2) === 0, DIALECT));
      table.tell(table.apply(response, isDelta, false, DIALECT));
    }
  }
  assert.equal(world.answer([cluster("a")]), null, `replay: FUZZ_SEED=${seed}`);
});
