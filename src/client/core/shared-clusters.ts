/**
 * The clusters of a process: channels of the same settings share one, and so its connections.
 *
 * A hundred clients of one Service, as frameworks make them, then hold one connection to each of
 * its pods. A cluster is made by the first call (or by whoever asks for a connection), rests after
 * a time without calls, and ends with its last channel.
 */
import { assert } from "../../base/index.ts";
import {
  type Cluster,
  type ClusterView,
  type Connectivity,
  createCluster,
  type ServiceConfig,
  tryServiceConfig,
} from "../../cluster/index.ts";
import { parseTarget, type ServiceConfigResult } from "../../discovery/index.ts";
import type { MethodConfigs } from "../../grpc/index.ts";
import type { ScopedStatus } from "../../mesh/index.ts";
import { type MetricsSnapshot, mergeSnapshots, Registry } from "../../telemetry/index.ts";
import type { Ticking } from "../../transport/index.ts";
import type { CallPlace, ClusterUser, PlacedRequest, WireCall } from "./call-place.ts";
import { IdleWatch } from "./idle-watch.ts";
import { RoutedPlace } from "./routed-place.ts";
import { type ChannelSettings, type ClientDeps, clientClusterSettings } from "./settings.ts";

/** One cluster and its channels. */
class SharedCluster implements CallPlace, Ticking {
  /** Its figures: clusters of one target and other settings would share series in one registry. */
  readonly registry = new Registry();
  readonly #settings: ChannelSettings;
  readonly #deps: ClientDeps;
  readonly #onUnused: () => void;
  readonly #users = new Set<ClusterUser>();
  #cluster: Cluster | null = null;
  /** What holds now: the channels' own, or the resolver's. */
  #inForce: ServiceConfig;
  /** Of the resolver, as it was last said, and what holds of it. */
  #serviceConfig: ServiceConfigResult | null = null;
  #methods: MethodConfigs | null = null;
  readonly #idle: IdleWatch;

  constructor(settings: ChannelSettings, deps: ClientDeps, onUnused: () => void) {
    this.#settings = settings;
    this.#idle = new IdleWatch(settings.idleTimeoutMs);
    this.#deps = deps;
    this.#inForce = settings.ownConfig;
    this.#onUnused = onUnused;
  }

  /** Its figures. */
  snapshot(): MetricsSnapshot {
    return this.registry.snapshot();
  }

  /** The state of its connections; IDLE while there is no need for any. */
  get connectivity(): Connectivity {
    return this.#cluster === null ? "IDLE" : this.#cluster.connectivity;
  }

  view(): ClusterView | null {
    return this.#cluster?.view() ?? null;
  }

  call({ list, call, deadlineMs, nowMs, config }: PlacedRequest): WireCall {
    this.#idle.countCall();
    const cluster = this.#cluster ?? this.#open();
    return cluster.call(list, false, call, deadlineMs, nowMs, config);
  }

  /** Begins to connect without a call. */
  connect(): void {
    this.#idle.touch(this.#deps.clock.nowMs());
    if (this.#cluster === null) this.#open();
  }

  #open(): Cluster {
    const { target, dialTarget, discovery, log } = this.#settings;
    // The records of a HTTP proxy's name say nothing of the servers behind it.
    const txt = this.#settings.takesServiceConfig && dialTarget === null;
    const { clock, rng, loop, wheel } = this.#deps;
    const resolver = this.#deps.createResolver(dialTarget ?? target, discovery, txt);
    const cluster = createCluster(
      {
        ...clientClusterSettings(this.#settings),
        target,
        serviceConfig: this.#inForce,
      },
      { clock, rng, log, loop, wheel, registry: this.registry, resolver, listener: this },
    );
    this.#cluster = cluster;
    this.#idle.touch(clock.nowMs());
    loop.add(this);
    cluster.start();
    return cluster;
  }

  join(user: ClusterUser): void {
    this.#users.add(user);
    if (this.#methods !== null) user.onMethodConfigs(this.#methods);
  }

  /** The last one ends the cluster: calls in flight finish, waiting ones fail. */
  leave(user: ClusterUser): void {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    this.#end();
    this.#onUnused();
  }

  #end(): void {
    const cluster = this.#cluster;
    if (cluster === null) return;
    this.#cluster = null;
    this.#deps.loop.remove(this);
    cluster.retire();
  }

  /** About once a second: without calls for a time, it rests. */
  onTick(nowMs: number): void {
    const cluster = this.#cluster;
    assert(cluster !== null, "an idle cluster does not tick");
    if (!this.#idle.isOver(nowMs, cluster.activeCalls > 0)) return;
    this.#end();
    this.onConnectivity("IDLE");
  }

  // ClusterListener

  onConnectivity(state: Connectivity): void {
    // The end of a cluster that rests is none of the channels'.
    if (state === "SHUTDOWN") return;
    for (const user of [...this.#users]) user.onConnectivity(state);
  }

  /** What is wrong leaves the last good one in force: a typo must not stop a Service. */
  onServiceConfig(result: ServiceConfigResult | null): void {
    // It comes with every change of endpoints, and is nearly always the same.
    if (result === this.#serviceConfig || !this.#settings.takesServiceConfig) return;
    this.#serviceConfig = result;
    const { ownConfig, log, target } = this.#settings;
    const applied = result === null ? ownConfig : tryServiceConfig(result);
    if (typeof applied === "string") {
      log.warn("service config of the resolver is not used", { target, reason: applied });
      return;
    }
    // Each channel has methods of its own while the resolver says nothing of them.
    this.#methods = result === null ? null : applied.methods;
    this.#inForce = applied;
    this.#cluster?.reconfigure(applied);
    for (const user of [...this.#users]) user.onMethodConfigs(this.#methods);
  }
}

/** All places of a process, by what their channels agree in. */
export class SharedClusters {
  readonly #deps: ClientDeps;
  readonly #byKey = new Map<string, SharedCluster | RoutedPlace>();
  /** Those that are shared, and those that are not. */
  readonly #all = new Set<SharedCluster | RoutedPlace>();
  readonly #ids = new WeakMap<object, number>();
  #nextId = 1;

  constructor(deps: ClientDeps) {
    this.#deps = deps;
  }

  /** The figures of all of them together. */
  snapshot(): MetricsSnapshot {
    return mergeSnapshots([...this.#all].map((each) => each.snapshot()));
  }

  /** How the xDS clients of all of them stand: those that rest have none. */
  xdsStatuses(): ScopedStatus[] {
    const places = [...this.#all].filter((each) => each instanceof RoutedPlace);
    return places.map((each) => each.xdsStatus()).filter((each) => each !== null);
  }

  /** Where the calls of a channel of these settings go; the channel joins it. */
  get(settings: ChannelSettings): CallPlace {
    const key = settings.isShared ? this.#keyOf(settings) : null;
    const known = key === null ? undefined : this.#byKey.get(key);
    if (known !== undefined) return known;
    const onUnused = () => {
      this.#all.delete(place);
      if (key !== null) this.#byKey.delete(key);
    };
    const isRouted = parseTarget(settings.target).kind === "xds";
    const place: SharedCluster | RoutedPlace = isRouted
      ? new RoutedPlace(settings, this.#deps, onUnused)
      : new SharedCluster(settings, this.#deps, onUnused);
    this.#all.add(place);
    if (key !== null) this.#byKey.set(key, place);
    return place;
  }

  /** Values by what they say, objects with a life of their own by which they are. */
  #keyOf(settings: ChannelSettings): string {
    const { target, dialTarget, discovery, serviceConfig, ownConfig, takesServiceConfig } =
      settings;
    const { secure, ...values } = settings.cluster;
    // Methods are each channel's own; all the rest is the cluster's.
    const { methodConfig: _, ...shared } = Object(serviceConfig);
    return JSON.stringify([
      ...[target, dialTarget, discovery, ownConfig.balancing.policy.name, takesServiceConfig],
      shared,
      ...[values, this.#idOf(secure), this.#idOf(settings.log)],
      // Infinity has no JSON.
      String(settings.idleTimeoutMs),
    ]);
  }

  #idOf(thing: object | null): number {
    if (thing === null) return 0;
    const known = this.#ids.get(thing);
    if (known !== undefined) return known;
    this.#ids.set(thing, this.#nextId);
    return this.#nextId++;
  }
}
