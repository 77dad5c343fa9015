/**
 * One Service in one generation, and the resources that it alone decides. Immutable to those who
 * look; resources are made when first asked for, and kept for as long as what they are made of.
 */
import type { EndpointSlice, Place, Service, ServicePort } from "../../discovery/index.ts";
import { capturedName } from "../../mesh/index.ts";
import { clusterNameOf, defaultTable, type RouteTable } from "../../routes/index.ts";
import type { ObjectKey } from "../objects/state.ts";
import type { NodeInfo, NodeKind, Resource } from "../resources.ts";
import { clusterResource } from "./clusters.ts";
import { type Audience, endpointsResource } from "./endpoints.ts";
import { PLACES_KEPT_MAX } from "./limits.ts";
import { capturedListener } from "./listeners.ts";
import { grpcPortsOf } from "./names.ts";
import { ServiceEndpoints, type ServiceObjects } from "./service-endpoints.ts";
import { DEFAULT_SETTINGS, type Settings, settingsOf } from "./settings.ts";

/** What of a node's place decides about the endpoints of a Service. */
export type Sensitivity = "none" | "zone" | "node";

/** See the head of this file. */
export class ServiceEntry implements ServiceObjects {
  readonly key: ObjectKey;
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly settings: Settings;
  readonly sensitivity: Sensitivity;
  /** Whether it has an address of IPv6, or pods of it have. */
  readonly hasIPv6: boolean;
  /** Those that carry gRPC, in the order of the Service. */
  readonly grpcPorts: readonly ServicePort[];
  readonly #endpoints: ServiceEndpoints;
  /** Of the Service alone: shared with the next entry while the Service is the same. */
  readonly #ofService: Map<string, Resource>;
  readonly #tables: Map<string, RouteTable>;
  readonly #ofSlices = new Map<string, Resource>();

  /** @param before this Service in the generation before; null: it is new. */
  constructor(objects: ServiceObjects, before: ServiceEntry | null) {
    const { service, slices } = objects;
    const isSame = before !== null && before.service === service;
    this.key = `${service.metadata.namespace}/${service.metadata.name}`;
    this.service = service;
    this.slices = slices;
    this.settings = isSame
      ? before.settings
      : settingsOf(service.serviceConfig, before?.settings ?? DEFAULT_SETTINGS);
    this.grpcPorts = isSame ? before.grpcPorts : grpcPortsOf(service);
    this.sensitivity = sensitivityOf(objects, this.settings);
    this.hasIPv6 =
      service.clusterIps.some((ip) => ip.includes(":")) ||
      slices.some(({ addressType }) => addressType === "IPv6");
    this.#endpoints = before?.endpoints ?? new ServiceEndpoints(this.key);
    const isKept = isSame && before.sensitivity === this.sensitivity;
    if (!isKept) this.#endpoints.clear();
    this.#ofService = isSame ? before.ofService : new Map();
    this.#tables = before?.tables ?? new Map();
  }

  /** For the next entry. */
  get tables(): Map<string, RouteTable> {
    return this.#tables;
  }

  /** What is routed where no route is attached: the same object for the same cluster. */
  plainTable(cluster: string): RouteTable {
    const known = this.#tables.get(cluster) ?? defaultTable(cluster);
    this.#tables.set(cluster, known);
    return known;
  }

  /** For the next entry. */
  get endpoints(): ServiceEndpoints {
    return this.#endpoints;
  }

  /** For the next entry. */
  get ofService(): Map<string, Resource> {
    return this.#ofService;
  }

  /** Whether a number is that of a port that may be named as a backend. */
  hasPort(port: number): boolean {
    return this.service.ports.some((each) => each.port === port && each.protocol === "TCP");
  }

  /** The port's cluster, for nodes of a kind and agent. */
  cluster(port: number, kind: NodeKind, agent: NodeInfo["agent"]): Resource {
    const words = `${kind === "grpc" ? "grpc" : "proxy"}${agent === "fairlead" ? " whole" : ""}`;
    const name = clusterNameOf(this.key, port);
    return memo(this.#ofService, `cluster ${words} ${port}`, () =>
      clusterResource(name, this.settings, kind, agent),
    );
  }

  /** Names of the listeners that capture the port, with their ClusterIPs; none: nothing can be. */
  capturedNames(port: number): ReadonlyMap<string, string> {
    const cluster = clusterNameOf(this.key, port);
    const { clusterIps } = this.service;
    return new Map(clusterIps.map((ip, i) => [capturedName(cluster, ip, i), ip] as const));
  }

  /** What a sidecar does with connections to the port at a ClusterIP. */
  captured(name: string, ip: string, port: number): Resource {
    const cluster = clusterNameOf(this.key, port);
    const make = () => capturedListener(name, cluster, ip, port);
    return memo(this.#ofService, `captured ${name}`, make);
  }

  /** The port's endpoints, as a node at a place uses them. */
  assignment(port: number, audience: Audience, place: Place): Resource {
    const at = placeFor(this.sensitivity, place);
    const { hearsOfLeaving, hearsOfPods } = audience;
    const name = clusterNameOf(this.key, port);
    const key = JSON.stringify([hearsOfLeaving, hearsOfPods, port, at.node, at.zone]);
    return memo(this.#ofSlices, key, () => {
      const set = this.#endpoints.setOf(this, port, at);
      return endpointsResource(name, set, this.settings.config, audience);
    });
  }
}

/** What of a place decides. */
export function placeFor(sensitivity: Sensitivity, { node, zone }: Place): Place {
  if (sensitivity === "node") return { node, zone };
  return { node: null, zone: sensitivity === "zone" ? zone : null };
}

function sensitivityOf({ service, slices }: ServiceObjects, { config }: Settings): Sensitivity {
  const wanted = config.balancing.priority?.priorities ?? [config.extensions.locality.prefer];
  const endpoints = slices.flatMap((slice) => slice.endpoints);
  const isOfNode =
    service.internalTrafficPolicy === "Local" ||
    wanted.includes("node") ||
    endpoints.some(({ forNodes }) => forNodes.length > 0);
  if (isOfNode) return "node";
  const isOfZone = wanted.includes("zone") || endpoints.some(({ forZones }) => forZones.length > 0);
  return isOfZone ? "zone" : "none";
}

/** What is known by that key, or is made now. */
function memo(map: Map<string, Resource>, key: string, make: () => Resource): Resource {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (map.size >= PLACES_KEPT_MAX) map.clear();
  map.set(key, made);
  return made;
}
