/**
 * The resolver of one xDS cluster: CDS, and what its endpoints are found by, down through aggregate
 * clusters, as endpoint sets. gRFCs A27, A37.
 *
 * A set is yielded when it is known of every leaf what there is; what changes in one turn is one
 * set.
 */
import { assert, type Clock, type Timer } from "../../../base/index.ts";
import { type EndpointSet, newEndpointSet } from "../../endpoint.ts";
import type { Resolver, ResolverListener } from "../../resolver.ts";
import type { XdsClient } from "../client.ts";
import type { ClusterResource } from "../decode/cluster.ts";
import type { Followed } from "../followed.ts";
import { AGGREGATE_CLUSTERS_MAX, AGGREGATE_DEPTH_MAX } from "../limits.ts";
import type { ResourceKind } from "../resource.ts";
import { type ClusterLeaf, EndpointSets, isSameSet } from "./endpoint-set.ts";
import { LeafWatch, type ResolverMaker } from "./leaf-watch.ts";

/** What a resolver of clusters needs. */
export interface ClusterResolverDeps {
  readonly client: XdsClient;
  readonly clock: Clock;
  /** CDS, the same object as for all watches of the client. */
  readonly kind: ResourceKind<ClusterResource>;
  /** For clusters whose names are looked up. */
  readonly createResolver: ResolverMaker;
}

/** One cluster of the tree. */
interface ClusterNode {
  readonly cluster: Followed<ClusterResource>;
  leaf: LeafWatch | null;
}

/** See the head of this file. */
export class XdsClusterResolver implements Resolver {
  readonly target: string;
  readonly #deps: ClusterResolverDeps;
  /** By name: a cluster that stands in a tree twice is watched once. */
  readonly #nodes = new Map<string, ClusterNode>();
  #listener: ResolverListener | null = null;
  #timer: Timer | null = null;
  readonly #sets = new EndpointSets();
  /** What was told last, and what it was made of. */
  #told: { readonly made: MadeOf; readonly set: EndpointSet } | null = null;
  #isClosed = false;

  /** @param target name of the cluster. */
  constructor(target: string, deps: ClusterResolverDeps) {
    this.target = target;
    this.#deps = deps;
  }

  start(listener: ResolverListener): void {
    assert(this.#listener === null, "a resolver is started once");
    this.#listener = listener;
    this.#watch(this.target);
  }

  resolveNow(): void {
    for (const { leaf } of this.#nodes.values()) leaf?.resolveNow();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const node of this.#nodes.values()) closeNode(node);
  }

  #watch(name: string): ClusterNode {
    const { client, kind } = this.#deps;
    const cluster = client.follow(kind, name, () => this.#soon());
    const node: ClusterNode = { cluster, leaf: null };
    this.#nodes.set(name, node);
    return node;
  }

  #soon(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#deps.clock.setTimer(0, () => this.#settle());
  }

  /** Follows the tree, and yields what it comes to when all of it is known. */
  #settle(): void {
    this.#timer = null;
    const leaves: ClusterLeaf[] = [];
    const seen = new Set<string>();
    const problem = this.#walk(this.target, 0, seen, leaves);
    for (const [name, node] of [...this.#nodes]) {
      if (seen.has(name)) continue;
      closeNode(node);
      this.#nodes.delete(name);
    }
    this.#tell(problem ?? this.#trouble(), leaves, problem !== null);
  }

  /**
   * Depth first: the leaf clusters in the order in which they are listed (A37). Returns why
   * the whole is refused, or null.
   */
  #walk(name: string, depth: number, seen: Set<string>, leaves: ClusterLeaf[]): string | null {
    // if the depth is exceeded the resource will be TRANSIENT_FAILURE (A37).
    if (depth > AGGREGATE_DEPTH_MAX) {
      return `aggregate clusters are nested deeper than ${AGGREGATE_DEPTH_MAX}`;
    }
    // a cluster that stands there already is passed over: the first place counts (A37).
    if (seen.has(name)) return null;
    seen.add(name);
    if (seen.size > AGGREGATE_CLUSTERS_MAX) {
      return `more than ${AGGREGATE_CLUSTERS_MAX} clusters in the aggregate`;
    }
    const node = this.#nodes.get(name) ?? this.#watch(name);
    const resource = node.cluster.value;
    if (resource === null || resource.discovery.kind === "aggregate") {
      node.leaf?.close();
      node.leaf = null;
      if (resource === null || resource.discovery.kind !== "aggregate") return null;
      for (const child of resource.discovery.clusters) {
        const problem = this.#walk(child, depth + 1, seen, leaves);
        if (problem !== null) return problem;
      }
      return null;
    }
    if (node.leaf === null || !node.leaf.isFor(resource)) {
      node.leaf?.close();
      const { client, createResolver } = this.#deps;
      node.leaf = new LeafWatch(resource, client, createResolver, { onLeaf: () => this.#soon() });
    }
    leaves.push({ cluster: resource, assignment: node.leaf.assignment });
    return null;
  }

  #trouble(): string | null {
    for (const { cluster, leaf } of this.#nodes.values()) {
      const found = cluster.trouble ?? leaf?.trouble ?? null;
      if (found !== null) return found;
    }
    return null;
  }

  get #isWholeKnown(): boolean {
    for (const { cluster, leaf } of this.#nodes.values()) {
      if (!cluster.isKnown || (leaf !== null && !leaf.isKnown)) return false;
    }
    return true;
  }

  #tell(trouble: string | null, leaves: readonly ClusterLeaf[], isRefused: boolean): void {
    const listener = this.#listener!;
    const root = this.#nodes.get(this.target)!.cluster.value;
    if (this.#isWholeKnown || isRefused) {
      const made = { root: isRefused ? null : root, leaves, trouble };
      if (this.#told === null || !isSameMade(this.#told.made, made)) {
        const set = this.#setOf(made);
        const isNews = this.#told === null || !isSameSet(this.#told.set, set);
        this.#told = { made, set };
        if (isNews) listener.onEndpoints(set);
      }
    }
    if (trouble !== null && !this.#isClosed) listener.onError(trouble);
  }

  #setOf({ root, leaves, trouble }: MadeOf): EndpointSet {
    const reason = trouble ?? `the control plane names no endpoint of ${this.target}`;
    if (root === null) return newEndpointSet([], reason);
    return this.#sets.next({ root, leaves, isStale: trouble !== null, reason });
  }
}

/** What a set is made of: resources are immutable, and one that is told again stays the same. */
interface MadeOf {
  /** Null: there is none, or the whole is refused. */
  readonly root: ClusterResource | null;
  readonly leaves: readonly ClusterLeaf[];
  readonly trouble: string | null;
}

function isSameMade(a: MadeOf, b: MadeOf): boolean {
  if (a.root !== b.root || a.trouble !== b.trouble || a.leaves.length !== b.leaves.length)
    return false;
  return a.leaves.every(
    ({ cluster, assignment }, i) =>
      cluster === b.leaves[i]!.cluster && assignment === b.leaves[i]!.assignment,
  );
}

function closeNode({ cluster, leaf }: ClusterNode): void {
  cluster.close();
  leaf?.close();
}
