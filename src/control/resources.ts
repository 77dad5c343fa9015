/**
 * What the ADS server serves, and whom: the contract between snapshots (which know objects) and
 * streams (which know nodes).
 */
import type { ResourceType } from "../xds/index.ts";

/** One resource, encoded once for all who get it. */
export interface Resource {
  readonly name: string;
  /** Hash of its content: equal on every replica. */
  readonly version: string;
  /** An encoded `google.protobuf.Any`. Shared: never changed. */
  readonly any: Uint8Array;
  /**
   * What was asked for and nodes of this kind cannot do, one clause each: "retryThrottling: ...".
   * Shown beside the resource; nothing of it is sent.
   */
  readonly problems: readonly string[];
}

/**
 * What a node wants to be told: `grpc` for programs that balance themselves, `gateway` for a proxy
 * at the edge (one Gateway's listeners), `sidecar` for a proxy that captures what a pod sends.
 */
export type NodeKind = "grpc" | "gateway" | "sidecar";

/** A node, as its first request introduces it. */
export interface NodeInfo {
  readonly id: string;
  readonly kind: NodeKind;
  /** Whose words it understands best: policies are said in its terms. */
  readonly agent: "envoy" | "fairlead" | "grpc";
  /** "grpc-go 1.85.0", "envoy 1.40.0": for people. */
  readonly userAgent: string;
  /** "namespace/name" of the Gateway; only of `gateway`. */
  readonly gateway: string | null;
  /** Namespace and Kubernetes node that it runs on, as far as it says; "" and null otherwise. */
  readonly namespace: string;
  readonly nodeName: string | null;
  readonly zone: string | null;
  /** Where a gateway listens; absent: on all addresses. */
  readonly listenHost?: string;
}

/** All resources of one generation, as one class of nodes sees them. Immutable. */
export interface View {
  readonly generation: number;
  /** Null: there is none of that name. Made when first asked for. */
  get(type: ResourceType, name: string): Resource | null;
  /** Everything of a type, sorted by name: what a wildcard subscription gets. */
  all(type: ResourceType): readonly Resource[];
  /** What `all` has by a name; null: nothing, whatever `get` has. Costs no look at the others. */
  listed(type: ResourceType, name: string): Resource | null;
  /** The namespace that a resource belongs to, for authorization; null: everybody's. */
  namespaceOf(type: ResourceType, name: string): string | null;
  /**
   * Whether the namespace that a resource belongs to exports it to another one. Where it is absent,
   * nothing is exported.
   */
  isExportedTo?(type: ResourceType, name: string, namespace: string): boolean;
  /**
   * Why there is nothing by a name that was asked for, one clause; "*" for a wildcard. Null: there
   * is something, or nothing to tell of it.
   */
  absenceOf?(type: ResourceType, name: string): string | null;
}

/** What a new generation changed: names by type. Names that nobody asked for may be among them. */
export interface SnapshotChange {
  readonly generation: number;
  readonly names: ReadonlyMap<ResourceType, ReadonlySet<string>>;
}

/** Hears of new generations, one after the other. */
export interface SnapshotListener {
  onSnapshot(change: SnapshotChange): void;
}

/** Where views come from. */
export interface SnapshotSource {
  /** False until all objects that existed at the start are known: nodes wait until then. */
  readonly isSynced: boolean;
  /** Nodes with the same key have the same view. */
  viewKeyOf(node: NodeInfo): string;
  /** Its own word, or what its Kubernetes node says; null: neither is known. */
  zoneOf(node: NodeInfo): string | null;
  /** The view of the newest generation. */
  viewOf(key: string): View;
  subscribe(listener: SnapshotListener): void;
}
