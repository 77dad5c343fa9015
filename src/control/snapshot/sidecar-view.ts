/**
 * What sidecars see: the two ports of capture, for IPv6 too where objects have it; and for every
 * gRPC port of every Service a listener for each of its cluster IPs, routes and a cluster. A
 * headless Service has no such IP: its clients dial pods themselves, and are passed through.
 */
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { plainClusters } from "./clusters.ts";
import type { GrpcPort } from "./generation.ts";
import { captureListeners, captureListenersOfIPv6 } from "./listeners.ts";
import { Perspective } from "./perspective.ts";

const BY_NAME = (list: readonly Resource[]): ReadonlyMap<string, Resource> =>
  new Map(list.map((one) => [one.name, one]));
const CAPTURE = BY_NAME(captureListeners());
const CAPTURE_BOTH = BY_NAME([...captureListeners(), ...captureListenersOfIPv6()]);
const PLAIN = BY_NAME(plainClusters());

/** A listener, and what it captures. */
interface Captured {
  readonly of: GrpcPort;
  readonly ip: string;
}

/** See the head of this file. */
export class SidecarView extends Perspective {
  #ports: ReadonlyMap<string, GrpcPort> | null = null;
  #listeners: ReadonlyMap<string, Captured> | null = null;
  #named: ReadonlySet<string> | null = null;

  get(type: ResourceType, name: string): Resource | null {
    switch (type) {
      case RESOURCE_TYPES.CDS:
        return PLAIN.get(name) ?? this.cluster(name, this.#clusters.has(name));
      case RESOURCE_TYPES.EDS:
        return this.assignment(name, this.#clusters.has(name));
      case RESOURCE_TYPES.LDS: {
        const found = this.#captured.get(name);
        if (found === undefined) return this.#capture.get(name) ?? null;
        return found.of.entry.captured(name, found.ip, found.of.port.port);
      }
      case RESOURCE_TYPES.RDS: {
        const found = this.#byName.get(name);
        if (found === undefined) return null;
        const { namespace } = this.viewer;
        const at = this.of.consumerOf(name, namespace);
        return this.of.routes(name, this.of.tableOf(found, namespace), "sidecar", at);
      }
      default:
        return null;
    }
  }

  /** A gRPC client that is told what is for sidecars finds none of its targets. */
  absenceOf(type: ResourceType, name: string): string | null {
    if (type !== RESOURCE_TYPES.LDS || name === "*" || this.viewer.agent !== "grpc") return null;
    if (this.get(type, name) !== null) return null;
    return (
      "it is told what is for sidecars, which have no listener of that name: node.metadata " +
      'fairlead.kind of a gRPC client is "grpc", or not there'
    );
  }

  /** All of it is named after clusters, or is everybody's. */
  namespaceOf(type: ResourceType, name: string): string | null {
    return this.namespaceOfCluster(this.#clusterOf(type, name));
  }

  protected override serviceKeyOf(type: ResourceType, name: string): string | null {
    return super.serviceKeyOf(type, this.#clusterOf(type, name));
  }

  #clusterOf(type: ResourceType, name: string): string {
    const found = type === RESOURCE_TYPES.LDS ? this.#captured.get(name) : undefined;
    return found?.of.name ?? name;
  }

  protected namesOf(type: ResourceType): Iterable<string> {
    if (type === RESOURCE_TYPES.LDS) return [...this.#capture.keys(), ...this.#captured.keys()];
    if (type === RESOURCE_TYPES.RDS) return this.#byName.keys();
    if (type === RESOURCE_TYPES.CDS) return [...PLAIN.keys(), ...this.#clusters];
    return type === RESOURCE_TYPES.EDS ? this.#clusters : [];
  }

  protected isListed(type: ResourceType, name: string): boolean {
    if (type === RESOURCE_TYPES.LDS) return this.#capture.has(name) || this.#captured.has(name);
    if (type === RESOURCE_TYPES.RDS) return this.#byName.has(name);
    if (type === RESOURCE_TYPES.CDS) return PLAIN.has(name) || this.#clusters.has(name);
    return type === RESOURCE_TYPES.EDS && this.#clusters.has(name);
  }

  /** A cluster of IPv4 alone may have kernels that cannot bind an address of IPv6. */
  get #capture(): ReadonlyMap<string, Resource> {
    return this.of.hasIPv6 ? CAPTURE_BOTH : CAPTURE;
  }

  get #byName(): ReadonlyMap<string, GrpcPort> {
    this.#ports ??= new Map(this.of.grpcPorts.map((port) => [port.name, port]));
    return this.#ports;
  }

  get #captured(): ReadonlyMap<string, Captured> {
    this.#listeners ??= new Map(
      this.of.grpcPorts.flatMap((of) =>
        [...of.entry.capturedNames(of.port.port)].map(([name, ip]) => [name, { of, ip }] as const),
      ),
    );
    return this.#listeners;
  }

  /** Clusters of gRPC ports, and those that their routes lead to. */
  get #clusters(): ReadonlySet<string> {
    this.#named ??= new Set([...this.#byName.keys(), ...this.of.namedByServices]);
    return this.#named;
  }
}
