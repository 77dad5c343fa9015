/**
 * The clusters that a mesh's configuration names: made when it first names them, kept while it does
 * under the same key, and let go when it does not: calls in flight finish there before connections
 * close, and for CLUSTER_LEAVE_TIMEOUT_MS retries and waiting ones do.
 */
import type { Clock, Logger, Rng, TimerWheel } from "../../base/index.ts";
import type {
  Cluster,
  ClusterView,
  Connectivity,
  Readiness,
  ServiceConfig,
} from "../../cluster/index.ts";
import { type MetricsSnapshot, mergeSnapshots } from "../../telemetry/index.ts";
import type { Ticking, TransportLoop } from "../../transport/index.ts";
import type { ClusterSpec } from "../config.ts";
import { MeshCluster, type MeshClusterSettings } from "./mesh-cluster.ts";

/**
 * How long calls of a cluster that is named no more may wait there and be sent again. Then those
 * fail; what an endpoint is at work on still finishes, and its connection closes behind it.
 */
export const CLUSTER_LEAVE_TIMEOUT_MS = 300_000;

/** Who wants to know how clusters are. */
export interface MeshClustersListener {
  /** A cluster's state as a whole changed. Not called for one that left. */
  onConnectivity(cluster: MeshCluster, state: Connectivity): void;
}

/** What clusters are made of. */
export interface MeshClustersDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** For what another process says. */
  readonly quiet: Logger;
  readonly loop: TransportLoop;
  readonly wheel: TimerWheel;
  readonly settings: MeshClusterSettings;
  /** Holds for all, whatever specs and resolvers say; null: what these say. */
  readonly serviceConfig: ServiceConfig | null;
  /** Whether they connect at once; otherwise when first used. */
  readonly isEager: boolean;
  readonly listener: MeshClustersListener | null;
}

/** One that is named no more. */
interface Leaving {
  readonly cluster: MeshCluster;
  readonly untilMs: number;
}

/** See the head of this file. */
export class MeshClusters implements Ticking {
  readonly #deps: MeshClustersDeps;
  readonly #byName = new Map<string, MeshCluster>();
  #leaving: Leaving[] = [];
  #isClosed = false;

  constructor(deps: MeshClustersDeps) {
    this.#deps = deps;
    deps.loop.add(this);
  }

  /** The cluster of a name; undefined when there is none. Asked once a call. */
  get(name: string): MeshCluster | undefined {
    return this.#byName.get(name);
  }

  /** All that are named now. */
  get all(): Iterable<MeshCluster> {
    return this.#byName.values();
  }

  /** How many are named now. */
  get size(): number {
    return this.#byName.size;
  }

  /** From now on these are named. To be called before routes that name new ones are in force. */
  configure(specs: ReadonlyMap<string, ClusterSpec>): void {
    if (this.#isClosed) return;
    for (const [name, cluster] of this.#byName) {
      if (specs.get(name)?.key !== cluster.spec.key) this.#leave(name, cluster);
    }
    for (const [name, spec] of specs) {
      const known = this.#byName.get(name) ?? this.#takeBack(name, spec);
      if (known !== undefined) {
        known.update(spec);
        continue;
      }
      const cluster = new MeshCluster(spec, this.#deps);
      this.#byName.set(name, cluster);
      if (this.#deps.isEager) cluster.use();
    }
  }

  #leave(name: string, cluster: MeshCluster): void {
    this.#byName.delete(name);
    if (cluster.current === null) return;
    const untilMs = this.#deps.clock.nowMs() + CLUSTER_LEAVE_TIMEOUT_MS;
    this.#leaving.push({ cluster, untilMs });
    this.#letGo(untilMs - CLUSTER_LEAVE_TIMEOUT_MS);
  }

  /** One that had not gone yet: its connections are as good as before. */
  #takeBack(name: string, spec: ClusterSpec): MeshCluster | undefined {
    const isSame = ({ cluster }: Leaving): boolean =>
      cluster.spec.name === name && cluster.spec.key === spec.key;
    const found = this.#leaving.find(isSame);
    if (found === undefined) return undefined;
    this.#leaving = this.#leaving.filter((one) => one !== found);
    this.#byName.set(name, found.cluster);
    return found.cluster;
  }

  /** About once a second. */
  onTick(nowMs: number): void {
    if (this.#leaving.length > 0) this.#letGo(nowMs);
  }

  #letGo(nowMs: number): void {
    this.#leaving = this.#leaving.filter(({ cluster, untilMs }) => {
      if (cluster.current!.activeCalls > 0 && nowMs < untilMs) return true;
      cluster.retire();
      return false;
    });
  }

  /** Calls that are not over, the waiting ones and those of clusters that leave included. */
  get activeCalls(): number {
    let sum = 0;
    for (const cluster of this.used()) sum += cluster.activeCalls;
    return sum;
  }

  /** Those that are in use, the ones that leave included. */
  *used(): Iterable<Cluster> {
    for (const { current } of this.#byName.values()) if (current !== null) yield current;
    for (const { cluster } of this.#leaving) yield cluster.current!;
  }

  /** Those that are in use, sorted by name. */
  views(): ClusterView[] {
    const views = [...this.#byName.values()].map((cluster) => cluster.view());
    return views
      .filter((view) => view !== null)
      .sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
  }

  /** The figures of all of them together. */
  snapshot(): MetricsSnapshot {
    const registries = [...this.#byName.values()].map(({ registry }) => registry.snapshot());
    return mergeSnapshots(registries);
  }

  /** Ready when one of them is; those that nobody has used yet do not count against it. */
  readiness(): Readiness {
    if (this.#byName.size === 0) return { ready: false, reason: "no route leads to a cluster" };
    let ready = 0;
    let used = 0;
    let why = "";
    for (const { current } of this.#byName.values()) {
      if (current === null) continue;
      used += 1;
      const readiness = current.readiness();
      if (readiness.ready) ready += 1;
      else if (why === "") why = readiness.reason;
    }
    if (used === 0) return { ready: true, reason: `${this.#byName.size} clusters, none used yet` };
    const reason = `${ready} of ${used} clusters are ready`;
    return { ready: ready > 0, reason: ready === used ? reason : `${reason}; ${why}` };
  }

  /** Ends everything: waiting calls fail, connections close. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deps.loop.remove(this);
    for (const cluster of this.#byName.values()) cluster.close();
    for (const { cluster } of this.#leaving) cluster.close();
    this.#byName.clear();
    this.#leaving = [];
  }
}
