/**
 * One generation as nodes of one kind, agent and place see it: a `View`. Three kinds, three files'
 * worth of rules: see `grpc-view.ts`, `sidecar-view.ts` and `gateway-view.ts`; here is what they
 * share, which is the clusters that routes name and their endpoints.
 */
import type { Place } from "../../discovery/index.ts";
import { parseClusterName } from "../../routes/index.ts";
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { NodeInfo, NodeKind, Resource, View } from "../resources.ts";
import { absentCluster } from "./clusters.ts";
import { absentAssignment } from "./endpoints.ts";
import type { Generation } from "./generation.ts";

/** Who looks. */
export interface Viewer {
  readonly kind: NodeKind;
  readonly agent: NodeInfo["agent"];
  readonly place: Place;
  /** "" when it is not known. */
  readonly namespace: string;
  readonly gateway: string | null;
  /** Where a gateway listens. */
  readonly listenHost: string;
}

/** See the head of this file. */
export abstract class Perspective implements View {
  readonly generation: number;
  protected readonly of: Generation;
  protected readonly viewer: Viewer;
  readonly #all = new Map<ResourceType, readonly Resource[]>();

  constructor(of: Generation, viewer: Viewer) {
    this.generation = of.number;
    this.of = of;
    this.viewer = viewer;
  }

  abstract get(type: ResourceType, name: string): Resource | null;
  abstract namespaceOf(type: ResourceType, name: string): string | null;
  /** Names of what a wildcard gets, in any order, each once. */
  protected abstract namesOf(type: ResourceType): Iterable<string>;
  /** Whether it is one of these. */
  protected abstract isListed(type: ResourceType, name: string): boolean;

  isExportedTo(type: ResourceType, name: string, namespace: string): boolean {
    const service = this.of.services.get(this.serviceKeyOf(type, name) ?? "")?.service;
    return service?.exportTo?.some((to) => to === "*" || to === namespace) ?? false;
  }

  /** The key of the Service that a resource is of; null: of none. */
  protected serviceKeyOf(_type: ResourceType, name: string): string | null {
    return parseClusterName(name)?.service ?? null;
  }

  all(type: ResourceType): readonly Resource[] {
    const known = this.#all.get(type);
    if (known !== undefined) return known;
    const names = [...this.namesOf(type)].sort();
    const found = names.map((name) => this.get(type, name)).filter((one) => one !== null);
    const all = Object.freeze(found);
    this.#all.set(type, all);
    return all;
  }

  listed(type: ResourceType, name: string): Resource | null {
    return this.isListed(type, name) ? this.get(type, name) : null;
  }

  /** The cluster of that name; of one that is named and has no Service, an empty one. */
  protected cluster(name: string, isNamed: boolean): Resource | null {
    const { kind, agent } = this.viewer;
    const backend = this.of.backendOf(name);
    if (backend !== null) return backend.entry.cluster(backend.port, kind, agent);
    if (!isNamed) return null;
    return this.of.encoded(`absent ${kind} ${name}`, () => absentCluster(name, kind));
  }

  protected assignment(name: string, isNamed: boolean): Resource | null {
    const { kind, agent, place } = this.viewer;
    const audience = { hearsOfLeaving: kind !== "grpc", hearsOfPods: agent === "fairlead" };
    const known = this.of.assignment(name, audience, place);
    if (known !== null || !isNamed) return known;
    return this.of.encoded(`nowhere ${name}`, () => absentAssignment(name));
  }

  /** The namespace of a cluster. */
  protected namespaceOfCluster(name: string): string | null {
    return parseClusterName(name)?.namespace ?? null;
  }
}

/** Whether a name of that type is a cluster's. */
export function isOfCluster(type: ResourceType): boolean {
  return type === RESOURCE_TYPES.CDS || type === RESOURCE_TYPES.EDS;
}
