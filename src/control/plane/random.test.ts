/**
 * From objects to nodes, at random: Services, slices, a Gateway and routes change, while nodes that
 * ask as gRPC clients and Envoys do lag, refuse, die and come back. In the end each has what a
 * control plane of the last objects would tell it, and no Envoy ever had a route whose cluster it
 * had not. `FUZZ_SEED` replays a run, `FUZZ_ROUNDS` makes it longer.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { type Rng, seededRng, silentLogger } from "../../base/index.ts";
import type { KindName } from "../../discovery/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import { AdsService } from "../ads/service.ts";
import type { View } from "../resources.ts";
import { nodeOf, World } from "../snapshot/world-suite.ts";
import { AskingNode, type NodeWay, textOf } from "./asking-node-suite.ts";
import { RoutePlanning } from "./routes.ts";

const CHANGES = 1_000 * Number(process.env.FUZZ_ROUNDS ?? 1);
const SEED = Number(process.env.FUZZ_SEED ?? 7);
const { LDS, RDS, CDS, EDS } = RESOURCE_TYPES;
const TYPES: readonly ResourceType[] = [LDS, RDS, CDS, EDS];
const SERVICES = ["a", "b", "c", "d"];

const sidecar = { kind: "sidecar", agent: "envoy" } as const;
const gateway = { kind: "gateway", agent: "envoy", gateway: "prod/edge" } as const;
const WAYS: readonly NodeWay[] = [
  { node: nodeOf({ zone: "z1" }), isDelta: false, targets: ["a.prod:50051", "b.prod:grpc"] },
  { node: nodeOf({ zone: "z2" }), isDelta: false, targets: ["c.prod.svc.cluster.local:50051"] },
  { node: nodeOf(), isDelta: false, targets: ["a.prod:50051", "d.prod:50051", "none.prod:1"] },
  { node: nodeOf({ ...sidecar, zone: "z1" }), isDelta: true, targets: null },
  { node: nodeOf(sidecar), isDelta: true, targets: null },
  { node: nodeOf(sidecar), isDelta: false, targets: null },
  { node: nodeOf(gateway), isDelta: true, targets: null },
  { node: nodeOf(gateway), isDelta: false, targets: null },
];

/** What the objects are, to be told to one world after the other. */
class Truth {
  readonly objects = new Map<string, { readonly kind: KindName; readonly object: object }>();

  /** @param object null: it is no more. */
  put(world: World, kind: KindName, name: string, object: object | null): void {
    const key = `${kind} ${name}`;
    if (object === null) {
      if (this.objects.delete(key)) world.source.delete(kind, name);
      return;
    }
    this.objects.set(key, { kind, object });
    world.source.put(kind, object as never);
  }

  tellAll(world: World): World {
    for (const { kind, object } of this.objects.values()) world.source.put(kind, object as never);
    return world.settle();
  }
}

function change(world: World, truth: Truth, rng: Rng): void {
  const name = SERVICES[rng.int(SERVICES.length)]!;
  const what = rng.int(20);
  if (what < 9) truth.put(world, "EndpointSlice", `${name}-1`, sliceOf(name, rng));
  else if (what < 12)
    truth.put(world, "Service", name, rng.int(4) === 0 ? null : serviceOf(name, rng));
  else if (what < 18)
    truth.put(world, "GRPCRoute", name, rng.int(4) === 0 ? null : routeOf(name, rng));
  else truth.put(world, "Gateway", "edge", rng.int(5) === 0 ? null : gatewayOf(rng));
}

function serviceOf(name: string, rng: Rng): object {
  const configs = [
    {},
    { loadBalancingConfig: [{ ring_hash: { requestHashHeader: "x" } }] },
    { methodConfig: [{ name: [{ service: "s.S" }], timeout: `${1 + rng.int(3)}s` }] },
    { fairlead: { locality: { prefer: "zone" } } },
  ];
  const config = JSON.stringify(configs[rng.int(configs.length)]);
  const clusterIP = rng.int(3) === 0 ? "None" : `127.1.0.${1 + SERVICES.indexOf(name)}`;
  const ports = [{ name: rng.int(6) === 0 ? "web" : "grpc", port: 50051 }];
  const annotations = { "fairlead.dev/service-config": config };
  return { metadata: { name, annotations }, spec: { clusterIP, ports } };
}

function sliceOf(service: string, rng: Rng): object | null {
  if (rng.int(8) === 0) return null;
  const endpoints = Array.from({ length: rng.int(4) }, () => ({
    addresses: [`10.0.0.${1 + rng.int(9)}`],
    conditions: { ready: rng.int(3) > 0, serving: true, terminating: rng.int(4) === 0 },
    ...(rng.int(2) === 0 && { zone: `z${1 + rng.int(2)}` }),
  }));
  const labels = { "kubernetes.io/service-name": service };
  const ports = [{ name: "grpc", port: 7000, protocol: "TCP" }];
  return { metadata: { name: `${service}-1`, labels }, addressType: "IPv4", ports, endpoints };
}

function routeOf(name: string, rng: Rng): object {
  const parents = [{ group: "", kind: "Service", name }, { name: "edge" }];
  const rules = Array.from({ length: 1 + rng.int(3) }, () => ({
    matches: [{ headers: [{ name: "x-to", value: String(rng.int(3)) }] }],
    backendRefs: Array.from({ length: 1 + rng.int(2) }, () => ({
      name: [...SERVICES, "gone"][rng.int(5)],
      ...{ port: 50051, weight: rng.int(3) },
    })),
  }));
  const parentRefs = parents.slice(rng.int(2), 1 + rng.int(2) + 1);
  return { metadata: { name }, spec: { parentRefs, rules } };
}

function gatewayOf(rng: Rng): object {
  const listeners = [8080, 8081].slice(0, 1 + rng.int(2));
  return {
    metadata: { name: "edge" },
    spec: {
      gatewayClassName: "fairlead",
      listeners: listeners.map((port) => ({ name: `l${port}`, port, protocol: "HTTP" })),
    },
  };
}

/** What a node should have, by type and name: what it asks for, and is there. */
function wanted(view: View, way: NodeWay): Map<ResourceType, Map<string, string>> {
  const found = new Map(TYPES.map((type) => [type, new Map<string, string>()]));
  const add = (type: ResourceType, names: Iterable<string>): void => {
    for (const name of names) {
      const resource = view.get(type, name);
      if (resource !== null) found.get(type)!.set(name, textOf(resource.any));
    }
  };
  const textsOf = (type: ResourceType) => [...found.get(type)!.values()];
  const all = (type: ResourceType) => view.all(type).map(({ name }) => name);
  add(LDS, way.targets ?? all(LDS));
  add(RDS, textsOf(LDS).flatMap(AskingNode.routesOf));
  add(CDS, way.targets === null ? all(CDS) : textsOf(RDS).flatMap(AskingNode.clustersOf));
  add(
    EDS,
    [...found.get(CDS)!].flatMap(([name, text]) => AskingNode.endpointsOf(name, text)),
  );
  return found;
}

test(`${CHANGES} random changes of objects: every live node ends with what they say`, () => {
  const rng = seededRng(SEED);
  const truth = new Truth();
  const world = new World(new RoutePlanning());
  truth.put(world, "GatewayClass", "fairlead", {
    metadata: { name: "fairlead", namespace: "" },
    spec: { controllerName: "fairlead.dev/gateway-controller" },
  });
  world.settle();
  const { clock, snapshots: source } = world;
  const system = { clock, log: silentLogger, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized: false });
  const start = (way: NodeWay, i: number) => new AskingNode(way, i, clock, rng).connect(service);
  const nodes = WAYS.map(start);
  for (let i = 0; i < CHANGES; i += 1) {
    change(world, truth, rng);
    if (rng.int(3) > 0) world.settle();
    if (rng.int(100) === 0) {
      const at = rng.int(nodes.length);
      nodes[at]!.die();
      nodes[at] = start(WAYS[at]!, at);
    }
    clock.advance(rng.int(30));
  }
  world.settle();
  clock.advance(120_000);
  const fresh = truth.tellAll(new World(new RoutePlanning()));
  for (const [i, node] of nodes.entries()) {
    const way = WAYS[i]!;
    const hint = `node ${i}; replay: FUZZ_SEED=${SEED}`;
    assert.equal(node.worst, "", hint);
    const view = fresh.snapshots.viewOf(fresh.snapshots.viewKeyOf(way.node));
    const all = wanted(view, way);
    for (const type of TYPES) {
      const has = node.has(type, all.get(type)!.keys());
      const order = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : 1);
      assert.deepEqual(has.sort(order), [...all.get(type)!].sort(order), `${hint}, ${type}`);
    }
  }
  for (const node of nodes) node.die();
  service.close();
  for (const each of [world, fresh]) each.close();
});
