/** A small cluster of objects for tests of snapshots, and their resources as JSON. */
import { createRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { silentLogger, VirtualClock } from "../../base/index.ts";
import {
  ClientSideWeightedRoundRobinSchema,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  DownstreamTlsContextSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  LeastRequestSchema,
  ListenerSchema,
  MaglevSchema,
  OriginalDstSchema,
  PickFirstSchema,
  RandomSchema,
  RESOURCE_TYPES,
  type ResourceType,
  RingHashSchema,
  RoundRobinSchema,
  RouteConfigurationSchema,
  RouterSchema,
  SecretSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  WrrLocalitySchema,
} from "../../xds/index.ts";
import { ControlObjects } from "../objects/control-objects.ts";
import type { ObjectsState } from "../objects/state.ts";
import type { NodeInfo, Resource, SnapshotChange } from "../resources.ts";
import { EMPTY_PLAN, type RoutePlan } from "./plan.ts";
import { ObjectSnapshots, type RoutePlanner } from "./snapshots.ts";

const REGISTRY = createRegistry(
  ClientSideWeightedRoundRobinSchema,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  DownstreamTlsContextSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  LeastRequestSchema,
  ListenerSchema,
  MaglevSchema,
  OriginalDstSchema,
  PickFirstSchema,
  RandomSchema,
  RingHashSchema,
  RoundRobinSchema,
  RouteConfigurationSchema,
  RouterSchema,
  SecretSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  WrrLocalitySchema,
);

/** A node of gRPC, unless fields say otherwise. */
export function nodeOf(fields: Partial<NodeInfo> = {}): NodeInfo {
  return {
    id: "n",
    kind: "grpc",
    agent: "grpc",
    userAgent: "test",
    gateway: null,
    namespace: "prod",
    nodeName: null,
    zone: null,
    ...fields,
  };
}

/** One endpoint of a slice, ready unless fields say otherwise. */
export function endpoint(ip: string, fields: object = {}): object {
  return { addresses: [ip], conditions: { ready: true }, ...fields };
}

/** Any JSON: what a test looks into. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every kind.
export type Json = any;

/** Objects, snapshots of them, and what changed. */
export class World {
  readonly clock = new VirtualClock();
  readonly source = new ScriptedSource(this.clock);
  readonly changes: SnapshotChange[] = [];
  readonly snapshots: ObjectSnapshots;
  readonly #objects: ControlObjects;
  /** What routes come to. */
  plan: RoutePlan = EMPTY_PLAN;

  /** @param planner of routes; the plan of the test unless given. */
  constructor(planner: RoutePlanner = { plan: () => this.plan }) {
    const deps = { clock: this.clock, log: silentLogger, namespaces: null };
    this.#objects = new ControlObjects(this.source, deps);
    this.snapshots = new ObjectSnapshots(this.#objects, planner);
    this.snapshots.subscribe({ onSnapshot: (change) => this.changes.push(change) });
    this.#objects.start();
  }

  /** What is known of all objects. */
  get state(): ObjectsState {
    return this.#objects;
  }

  /** A Service of one gRPC port, unless fields of its spec say otherwise. */
  service(name: string, spec: object = {}, config: unknown = null): this {
    const annotations =
      config === null
        ? {}
        : {
            "fairlead.dev/service-config":
              typeof config === "string" ? config : JSON.stringify(config),
          };
    this.source.put("Service", {
      metadata: { name, annotations },
      spec: { clusterIP: "127.1.0.1", ports: [{ name: "grpc", port: 50051 }], ...spec },
    } as never);
    return this;
  }

  /** A slice of a Service. */
  slice(service: string, endpoints: readonly object[], name = `${service}-1`): this {
    this.source.put("EndpointSlice", {
      metadata: { name, labels: { "kubernetes.io/service-name": service } },
      addressType: "IPv4",
      ports: [{ name: "grpc", port: 7000, protocol: "TCP" }],
      endpoints,
    } as never);
    return this;
  }

  /** Tells everything, and takes it in. */
  settle(): this {
    this.clock.advance(0);
    this.source.tellAll();
    this.clock.advance(0);
    return this;
  }

  /** The resource of a name as a node sees it. */
  resource(type: keyof typeof RESOURCE_TYPES, name: string, node = nodeOf()): Resource | null {
    const view = this.snapshots.viewOf(this.snapshots.viewKeyOf(node));
    return view.get(RESOURCE_TYPES[type], name);
  }

  /** The same, read. */
  json(type: keyof typeof RESOURCE_TYPES, name: string, node = nodeOf()): Json {
    const found = this.resource(type, name, node);
    return found === null ? null : read(found);
  }

  /** Names of a wildcard. */
  names(type: ResourceType, node: NodeInfo): readonly string[] {
    const view = this.snapshots.viewOf(this.snapshots.viewKeyOf(node));
    return view.all(type).map(({ name }) => name);
  }

  close(): void {
    this.snapshots.close();
    this.#objects.close();
  }
}

/** A resource as JSON, what is packed into it included. */
export function read(resource: Resource): Json {
  const any: Any = fromBinary(AnySchema, resource.any);
  const message = anyUnpack(any, REGISTRY)!;
  const schema = REGISTRY.getMessage(message.$typeName)!;
  return toJson(schema, message, { registry: REGISTRY });
}
