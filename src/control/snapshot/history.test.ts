/**
 * Random histories of objects: after every generation, what each kind of node sees is the same as
 * if the objects had been there from the start, every cluster that a route names is there, and the
 * change named everything that is another than before.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rng, seededRng } from "../../base/index.ts";
import type { RouteTable } from "../../routes/index.ts";
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { NodeInfo } from "../resources.ts";
import { EMPTY_PLAN, type PlannedChain, type RoutePlan, type ServiceTables } from "./plan.ts";
import { endpoint, type Json, nodeOf, read, World } from "./world-suite.ts";

const SERVICES = ["a", "b", "c"];
const PORTS = [1, 2];
const ZONES = [null, "z1", "z2"];
const { LDS, RDS, CDS, EDS, SDS } = RESOURCE_TYPES;

const NODES: readonly NodeInfo[] = [
  ...ZONES.map((zone) => nodeOf({ zone })),
  nodeOf({ namespace: "other" }),
  nodeOf({ kind: "sidecar", agent: "envoy", zone: "z1", nodeName: "n1" }),
  nodeOf({ kind: "sidecar", agent: "fairlead" }),
  nodeOf({ kind: "gateway", agent: "envoy", gateway: "prod/edge" }),
];

/** Every name that a test asks for, by type. */
const CLUSTERS = SERVICES.flatMap((name) => PORTS.map((port) => `prod/${name}:${port}`));
const TARGETS = SERVICES.flatMap((name) =>
  ["", ".svc", ".svc.cluster.local"].flatMap((suffix) =>
    ["", ":1", ":2", ":grpc", ":grpc-2"].map((port) => `${name}.prod${suffix}${port}`),
  ),
);
const GATEWAY_NAMES = ["prod/edge:80", "prod/edge:443", "prod/edge:443/*", "prod/edge:443/h.a"];
const LISTENERS = [...CLUSTERS, ...TARGETS, ...SERVICES, ...GATEWAY_NAMES];
const NAMES: ReadonlyMap<ResourceType, readonly string[]> = new Map([
  [LDS, LISTENERS],
  [RDS, LISTENERS],
  [CDS, CLUSTERS],
  [EDS, CLUSTERS],
  [SDS, ["prod/cert"]],
]);

/** Versions of everything, as all nodes see it. */
function versionsOf(world: World): Map<string, string> {
  const versions = new Map<string, string>();
  for (const [i, node] of NODES.entries()) {
    const view = world.snapshots.viewOf(world.snapshots.viewKeyOf(node));
    for (const [type, names] of NAMES) {
      for (const name of names) {
        const found = view.get(type, name);
        if (found !== null) versions.set(JSON.stringify([i, type, name]), found.version);
      }
      // A wildcard is told of names too: what comes to it or goes must be among the changed.
      for (const { name, version } of view.all(type)) {
        versions.set(JSON.stringify([i, type, name, "*"]), version);
      }
    }
  }
  return versions;
}

function assertWhole(world: World): void {
  for (const node of NODES) {
    const view = world.snapshots.viewOf(world.snapshots.viewKeyOf(node));
    for (const name of LISTENERS) {
      const routes = view.get(RDS, name);
      if (routes === null) continue;
      const text = JSON.stringify(read(routes));
      const named = [...text.matchAll(/"cluster":"([^"]+)"/g)];
      for (const [, cluster] of named) {
        assert.ok(view.get(CDS, cluster!) !== null, `${node.kind} ${name}: ${cluster}`);
        assert.ok(view.get(EDS, cluster!) !== null, `${node.kind} ${name}: ${cluster}`);
      }
    }
    for (const [type, names] of NAMES) {
      const all = new Map(view.all(type).map((one) => [one.name, one]));
      for (const [name, { version }] of all) {
        assert.equal(view.get(type, name)?.version, version, name);
      }
      for (const name of new Set([...names, ...all.keys()])) {
        assert.equal(view.listed(type, name)?.version, all.get(name)?.version, name);
      }
    }
  }
}

/** The objects as they are, to be put into another world. */
class Truth {
  readonly services = new Map<string, { readonly spec: object; readonly config: Json }>();
  readonly slices = new Map<string, { readonly service: string; readonly endpoints: object[] }>();
  plan: RoutePlan = EMPTY_PLAN;

  change(rng: Rng): void {
    const service = SERVICES[rng.int(SERVICES.length)]!;
    const what = rng.int(10);
    if (what === 0) this.services.delete(service);
    else if (what <= 2) this.services.set(service, randomService(rng));
    else if (what <= 4) this.plan = randomPlan(rng, this.plan);
    else {
      const half = rng.int(2);
      const name = `${service}-${half}`;
      if (what === 5) this.slices.delete(name);
      else this.slices.set(name, { service, endpoints: randomEndpoints(rng, half) });
    }
  }

  /** Tells a world what differs from what it was told. */
  tell(world: World, before: Truth | null): void {
    world.plan = this.plan;
    for (const [name, value] of this.services) {
      if (before?.services.get(name) === value) continue;
      world.service(name, value.spec, value.config);
    }
    for (const [name, value] of this.slices) {
      if (before?.slices.get(name) === value) continue;
      world.slice(value.service, value.endpoints, name);
    }
    for (const name of before?.services.keys() ?? []) {
      if (!this.services.has(name)) world.source.delete("Service", name);
    }
    for (const name of before?.slices.keys() ?? []) {
      if (!this.slices.has(name)) world.source.delete("EndpointSlice", name);
    }
    // Routes are asked for when objects of theirs have changed.
    if (before?.plan !== this.plan) {
      planCount += 1;
      world.service("other", { ports: [{ name: "web", port: planCount }] });
    }
    world.settle();
  }

  copy(): Truth {
    const copy = new Truth();
    for (const [name, value] of this.services) copy.services.set(name, value);
    for (const [name, value] of this.slices) copy.slices.set(name, value);
    copy.plan = this.plan;
    return copy;
  }
}

let planCount = 0;

function randomService(rng: Rng) {
  const names = ["grpc", rng.int(3) === 0 ? "web" : "grpc-2"];
  const ports = PORTS.slice(0, 1 + rng.int(2)).map((port, i) => ({ name: names[i], port }));
  const spec = {
    ports,
    clusterIP: rng.int(3) === 0 ? "None" : `127.1.0.${rng.int(250) + 1}`,
    internalTrafficPolicy: rng.int(5) === 0 ? "Local" : "Cluster",
    publishNotReadyAddresses: rng.int(5) === 0,
  };
  const configs = [
    null,
    { loadBalancingConfig: [{ round_robin: {} }] },
    { fairlead: { locality: { prefer: "zone" } } },
    { methodConfig: [{ name: [{}], timeout: "1s" }] },
  ];
  return { spec, config: configs[rng.int(configs.length)] };
}

/** Of two slices with one address the newer counts: then the order of writes would matter. */
function randomEndpoints(rng: Rng, half: number): object[] {
  const isHinted = rng.int(4) === 0;
  return Array.from({ length: rng.int(4) }, () => {
    const zone = ZONES[rng.int(ZONES.length)];
    const serving = rng.int(4) > 0;
    const conditions = { ready: rng.int(4) > 0, serving, terminating: rng.int(3) === 0 };
    const hints = isHinted ? { forZones: [{ name: zone ?? "z1" }] } : {};
    const place = zone == null ? {} : { zone };
    return endpoint(`10.0.${half}.${1 + rng.int(6)}`, {
      ...place,
      conditions,
      hints,
      nodeName: "n1",
    });
  });
}

function randomTable(rng: Rng): RouteTable {
  const cluster = CLUSTERS[rng.int(CLUSTERS.length)]!;
  const none = { request: null, response: null };
  const path = { kind: "prefix", value: "", ignoresCase: false } as const;
  const clusters = [{ cluster, weight: 1, ...none }];
  const rest = { mirrors: [], timeoutMs: null, retryPolicy: null, hashHeader: null };
  const action = { kind: "forward", clusters, ...none, ...rest } as const;
  const match = { path, headers: [], perMillion: null };
  return { hosts: [{ name: "h", domains: ["*"], routes: [{ name: "r", match, action }] }] };
}

function randomTables(rng: Rng): ServiceTables {
  const consumers = new Map(rng.int(2) === 0 ? [] : [["prod", randomTable(rng)]]);
  return { table: randomTable(rng), consumers };
}

function randomPlan(rng: Rng, before: RoutePlan): RoutePlan {
  const services = new Map(before.services);
  const gateways = new Map(before.gateways);
  const cluster = CLUSTERS[rng.int(CLUSTERS.length)]!;
  if (rng.int(3) === 0) services.delete(cluster);
  else services.set(cluster, randomTables(rng));
  if (rng.int(4) === 0) gateways.delete("prod/edge");
  else if (rng.int(2) === 0) {
    const tls: PlannedChain = {
      serverNames: ["h.a"],
      secrets: ["prod/cert"],
      table: randomTable(rng),
    };
    const plain: PlannedChain = { serverNames: [], secrets: [], table: randomTable(rng) };
    const listeners = [
      { port: 80, chains: [plain] },
      { port: 443, chains: rng.int(2) === 0 ? [tls] : [tls, { ...tls, serverNames: [] }] },
    ].slice(0, 1 + rng.int(2));
    gateways.set("prod/edge", { listeners });
  }
  return { services, gateways, otherGateways: new Map() };
}

for (const seed of [1, 2, 3]) {
  test(`after any history the views are those of the last objects (seed ${seed})`, () => {
    const rng = seededRng(seed);
    const truth = new Truth();
    const world = new World();
    truth.tell(world, null);
    let versions = versionsOf(world);
    for (let round = 0; round < 60; round += 1) {
      const before = truth.copy();
      for (let i = rng.int(3); i >= 0; i -= 1) truth.change(rng);
      world.changes.length = 0;
      truth.tell(world, before);
      assertWhole(world);
      const now = versionsOf(world);
      const told = new Set(
        world.changes.flatMap(({ names }) =>
          [...names].flatMap(([type, list]) => [...list].map((name) => `${type} ${name}`)),
        ),
      );
      for (const key of new Set([...versions.keys(), ...now.keys()])) {
        if (versions.get(key) === now.get(key)) continue;
        const [, type, name] = JSON.parse(key) as [number, string, string];
        assert.ok(told.has(`${type} ${name}`), `round ${round}: ${key} changed and was not told`);
      }
      versions = now;
      if (round % 10 === 0) {
        const other = new World();
        truth.tell(other, null);
        assert.deepEqual(now, versionsOf(other), `round ${round}`);
        other.close();
      }
    }
    world.close();
  });
}
