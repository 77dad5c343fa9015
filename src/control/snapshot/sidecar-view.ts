/**
 * What sidecars see: the two ports of capture, and for every gRPC port of every Service a listener
 * by its cluster IP, routes and a cluster. A headless Service has no such IP: its clients dial pods
 * themselves, and are passed through.
 */
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { plainClusters } from "./clusters.ts";
import type { GrpcPort } from "./generation.ts";
import { captureListeners } from "./listeners.ts";
import { Perspective } from "./perspective.ts";

const BY_NAME = (list: readonly Resource[]): ReadonlyMap<string, Resource> =>
  new Map(list.map((one) => [one.name, one]));
const CAPTURE = BY_NAME(captureListeners());
const PLAIN = BY_NAME(plainClusters());

/** See the head of this file. */
export class SidecarView extends Perspective {
  #ports: ReadonlyMap<string, GrpcPort> | null = null;
  #named: ReadonlySet<string> | null = null;

  get(type: ResourceType, name: string): Resource | null {
    switch (type) {
      case RESOURCE_TYPES.CDS:
        return PLAIN.get(name) ?? this.cluster(name, this.#clusters.has(name));
      case RESOURCE_TYPES.EDS:
        return this.assignment(name, this.#clusters.has(name));
      case RESOURCE_TYPES.LDS: {
        const found = this.#byName.get(name);
        return CAPTURE.get(name) ?? found?.entry.captured(found.port.port) ?? null;
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

  /** All of it is named after clusters, or is everybody's. */
  namespaceOf(_type: ResourceType, name: string): string | null {
    return this.namespaceOfCluster(name);
  }

  protected namesOf(type: ResourceType): Iterable<string> {
    if (type === RESOURCE_TYPES.LDS) return [...CAPTURE.keys(), ...this.#byName.keys()];
    if (type === RESOURCE_TYPES.RDS) return this.#byName.keys();
    if (type === RESOURCE_TYPES.CDS) return [...PLAIN.keys(), ...this.#clusters];
    return type === RESOURCE_TYPES.EDS ? this.#clusters : [];
  }

  get #byName(): ReadonlyMap<string, GrpcPort> {
    this.#ports ??= new Map(this.of.grpcPorts.map((port) => [port.name, port]));
    return this.#ports;
  }

  /** Clusters of gRPC ports, and those that their routes lead to. */
  get #clusters(): ReadonlySet<string> {
    this.#named ??= new Set([...this.#byName.keys(), ...this.of.namedByServices]);
    return this.#named;
  }
}
