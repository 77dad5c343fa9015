/** What one cluster comes to, over a real stream: absence, return, and names that are looked up. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { eventually } from "../../../../test/kubernetes/wait.ts";
import { AdsServer } from "../../../../test/mesh/ads-server.ts";
import { sotwBytes } from "../../../../test/mesh/json-bytes.ts";
import {
  aggregate,
  cluster,
  endpoints,
  type Json,
  lbEndpoint,
  locality,
} from "../../../../test/mesh/resources.ts";
import { realClock, realRng, silentLogger } from "../../../base/index.ts";
import { TransportLoop } from "../../../transport/index.ts";
import { RESOURCE_TYPES } from "../../../xds/index.ts";
import { type EndpointSet, newEndpoint, newEndpointSet } from "../../endpoint.ts";
import type { ResolverListener } from "../../resolver.ts";
import { bootstrapOf } from "../bootstrap/bootstrap.ts";
import { XdsClient } from "../client.ts";
import { clusterKind } from "../decode/cluster.ts";
import { AGGREGATE_CLUSTERS_MAX, AGGREGATE_DEPTH_MAX } from "../limits.ts";
import { XdsClusterResolver } from "./resolver.ts";

/** A resolver of cluster "a", what it told last, and the names that it looks up. */
class World {
  readonly names = new Map<string, ResolverListener>();
  set: EndpointSet | null = null;
  toldCount = 0;
  readonly server: AdsServer;
  readonly resolver: XdsClusterResolver;

  constructor(server: AdsServer, t: TestContext) {
    this.server = server;
    // What is gone, or bad, is gone for us as well.
    const server_features = ["fail_on_data_errors"];
    const listed = [
      { server_uri: server.address, channel_creds: [{ type: "insecure" }], server_features },
    ];
    const bootstrap = bootstrapOf({ xds_servers: listed, node: { id: "me" } }, "t");
    const clock = realClock();
    const system = { clock, rng: realRng(), log: silentLogger, loop: new TransportLoop(clock) };
    const client = new XdsClient(bootstrap, { ...system, version: "1", isUnref: true });
    const kind = clusterKind(() => null);
    const createResolver = (target: string) => ({
      target,
      start: (listener: ResolverListener) => void this.names.set(target, listener),
      resolveNow: () => {},
      close: () => {},
    });
    this.resolver = new XdsClusterResolver("a", {
      ...{ client, clock, kind, createResolver, hashHeader: null },
    });
    t.after(() => {
      this.resolver.close();
      client.close();
      server.close();
    });
    this.resolver.start({
      onEndpoints: (set) => {
        this.toldCount += 1;
        this.set = set;
      },
      onError: () => {},
    });
  }

  static async start(t: TestContext): Promise<World> {
    const world = new World(await AdsServer.start(), t);
    await eventually("a request", () => world.server.asked.length > 0);
    return world;
  }

  say(type: "CDS" | "EDS", resources: readonly Json[]): void {
    this.server.say(sotwBytes(RESOURCE_TYPES[type], resources));
  }

  /** Says clusters, which are asked for one level after the other, until a set has come. */
  async sayUntil(clusters: readonly Json[], isIt: (set: EndpointSet) => boolean) {
    await eventually("what the clusters come to", () => {
      this.say("CDS", clusters);
      return this.set !== null && isIt(this.set);
    });
    return this.set!;
  }

  async until(what: string, isIt: (set: EndpointSet) => boolean): Promise<EndpointSet> {
    await eventually(what, () => this.set !== null && isIt(this.set));
    return this.set!;
  }
}

test("a cluster and endpoints that were absent once are whole when they come", async (t) => {
  const world = await World.start(t);
  const isWhole = ({ endpoints, isStale }: EndpointSet) => endpoints.length === 1 && !isStale;
  const isGone = ({ endpoints }: EndpointSet) => endpoints.length === 0;
  world.say("CDS", [cluster("a")]);
  await eventually("EDS is asked for", () => world.server.asked.length > 2);
  world.say("EDS", [endpoints("a", [locality("z", ["127.0.0.1:1"], { priority: 1 })])]);
  await world.until("endpoints that cannot be used", isGone);
  world.say("EDS", [endpoints("a", ["127.0.0.1:1"])]);
  await world.until("good endpoints", isWhole);
  world.say("CDS", []);
  await world.until("no cluster", isGone);
  world.say("CDS", [cluster("a")]);
  await eventually("EDS is asked for again", () => world.server.asked.length > 8);
  world.say("EDS", [endpoints("a", ["127.0.0.1:1"])]);
  await world.until("the cluster again", isWhole);
  world.say("EDS", [endpoints("a", [])]);
  const none = await world.until("none", isGone);
  assert.equal(none.reason, "the control plane names no endpoint of a", "a call names its target");
});

test("of several names each has its own trouble, and none stands for all", async (t) => {
  const world = await World.start(t);
  const hosts = ["b:1", "c:1"].map((host) => lbEndpoint(host));
  const loadAssignment = { clusterName: "a", endpoints: [{ lbEndpoints: hosts }] };
  world.say("CDS", [cluster("a", { type: "STRICT_DNS", loadAssignment })]);
  await eventually("two names", () => world.names.size === 2);
  const [b, c] = [...world.names.values()];
  const found = (address: string) => newEndpointSet([newEndpoint(address, "t")]);
  b!.onEndpoints(found("127.0.0.1:1"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(world.set, null, "a part is not the whole");
  c!.onError("SERVFAIL");
  assert.equal((await world.until("one", (set) => set.endpoints.length === 1)).isStale, true);
  b!.onEndpoints(found("127.0.0.2:1"));
  const isSecond = ({ endpoints }: EndpointSet) => endpoints[0]!.address === "127.0.0.2:1";
  assert.equal((await world.until("another", isSecond)).isStale, true);
  c!.onEndpoints(found("127.0.0.3:1"));
  const both = await world.until("both", ({ endpoints }) => endpoints.length === 2);
  assert.equal(both.isStale, undefined);
  const { toldCount } = world;
  c!.onEndpoints(found("127.0.0.3:1"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(world.toldCount, toldCount, "the same again is no news");
});

/** A cluster that brings its endpoint along. */
function fixed(name: string): Json {
  const loadAssignment = { clusterName: name, endpoints: [locality("z", ["127.0.0.1:1"])] };
  return cluster(name, { type: "STATIC", loadAssignment });
}

/** Aggregates below each other, "a" being the first, and at the end a cluster that is none. */
function chain(depth: number): Json[] {
  const names = ["a", ...Array.from({ length: depth }, (_, i) => `n${i + 1}`)];
  const above = names.slice(0, -1).map((name, i) => aggregate(name, [names[i + 1]!]));
  return [...above, fixed(names.at(-1)!)];
}

test(`A37: aggregates are ${AGGREGATE_DEPTH_MAX} deep, and refused when they are deeper`, async (t) => {
  const world = await World.start(t);
  const isUsed = ({ endpoints }: EndpointSet) => endpoints.length === 1;
  const [used] = (await world.sayUntil(chain(AGGREGATE_DEPTH_MAX), isUsed)).endpoints;
  assert.equal(used!.source, `xDS cluster n${AGGREGATE_DEPTH_MAX}`);
  const deeper = chain(AGGREGATE_DEPTH_MAX + 1);
  const refused = await world.sayUntil(deeper, ({ endpoints }) => endpoints.length === 0);
  assert.equal(refused.reason, `aggregate clusters are nested deeper than ${AGGREGATE_DEPTH_MAX}`);
  assert.equal((await world.sayUntil(chain(1), isUsed)).reason, undefined);
});

test(`${AGGREGATE_CLUSTERS_MAX} clusters make one aggregate, those between included`, async (t) => {
  const world = await World.start(t);
  // Beside the leaves there are "a" and "mid".
  const most = Array.from({ length: AGGREGATE_CLUSTERS_MAX - 2 }, (_, i) => `leaf-${i}`);
  const of = (leaves: readonly string[]) => [
    ...[aggregate("a", ["mid"]), aggregate("mid", leaves), ...leaves.map(fixed)],
  ];
  const used = await world.sayUntil(of(most), ({ endpoints }) => endpoints.length > 0);
  assert.equal(used.reason, undefined);
  const isRefused = ({ endpoints }: EndpointSet) => endpoints.length === 0;
  const refused = await world.sayUntil(of([...most, "one-more"]), isRefused);
  assert.equal(refused.reason, `more than ${AGGREGATE_CLUSTERS_MAX} clusters in the aggregate`);
});
