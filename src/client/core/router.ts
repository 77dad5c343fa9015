/**
 * The routes of an `xds` target and the clusters that they name: finds the cluster of each call.
 * Loaded when a channel has such a target only.
 */
import { silentLogger } from "../../base/index.ts";
import type { ClusterView, Connectivity } from "../../cluster/index.ts";
import { withTimeout } from "../../cluster/index.ts";
import { parseTarget } from "../../discovery/index.ts";
import { Status } from "../../grpc/index.ts";
import {
  MeshClusters,
  type MeshConfig,
  openXds,
  type ScopedStatus,
  type XdsSource,
} from "../../mesh/index.ts";
import {
  type ForwardAction,
  PreparedForward,
  type Route,
  RouteFinder,
  type RouteTable,
} from "../../routes/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { PlacedRequest, Refusal, WireCall } from "./call-place.ts";
import { type ChannelSettings, type ClientDeps, clientClusterSettings } from "./settings.ts";
import { packageVersion } from "./version.ts";

/** Who has a router. */
export interface RouterUser {
  /** Routes came, the first or others. */
  onRouted(): void;
  /** There are no routes, and this is why. */
  onUnrouted(reason: string): void;
  onState(state: Connectivity): void;
}

/** What is not there may come: grpc-go and grpc-js let calls that wait for ready do so. */
const absent = (reason: string): Refusal => {
  return { status: Status.UNAVAILABLE, reason, isPassing: true };
};

/**
 * A router that is not started.
 *
 * @throws DiscoveryError, TargetError or RangeError (rejects) when the bootstrap cannot be used.
 */
export async function openRouter(
  settings: ChannelSettings,
  deps: ClientDeps,
  user: RouterUser,
): Promise<Router> {
  const parsed = parseTarget(settings.target);
  if (parsed.kind !== "xds") throw new RangeError(`${settings.target} is no xds target`);
  const { clock, rng, loop, env } = deps;
  const options = { bootstrap: null, env, target: parsed.name };
  const system = { clock, rng, log: settings.log, loop, version: packageVersion(), isUnref: true };
  const source = await openXds(options, system);
  return new Router(parsed.name, settings, deps, source, user);
}

/** See the head of this file. */
export class Router {
  readonly #authority: string;
  readonly #settings: ChannelSettings;
  readonly #deps: ClientDeps;
  readonly #source: XdsSource;
  readonly #user: RouterUser;
  readonly #clusters: MeshClusters;
  readonly #prepared = new WeakMap<Route, PreparedForward>();
  #finder: RouteFinder | null = null;
  #table: RouteTable | null = null;
  /** Why the target has no listener; null while it has one. */
  #absence: string | null = null;
  #trouble: string | null = null;

  constructor(
    authority: string,
    settings: ChannelSettings,
    deps: ClientDeps,
    source: XdsSource,
    user: RouterUser,
  ) {
    this.#authority = authority;
    this.#settings = settings;
    this.#deps = deps;
    this.#source = source;
    this.#user = user;
    const { clock, rng, loop, wheel } = deps;
    this.#clusters = new MeshClusters({
      ...{ clock, rng, loop, wheel, log: settings.log, quiet: silentLogger },
      settings: clientClusterSettings(settings),
      serviceConfig: null,
      isEager: true,
      listener: { onConnectivity: () => this.#tellState() },
    });
  }

  /** Begins. Once only. */
  start(): void {
    this.#source.start({
      onConfig: (config) => this.#onConfig(config),
      onError: (reason) => this.#onError(reason),
    });
  }

  /** Whether it is known where calls go, be it nowhere. */
  get isConfigured(): boolean {
    return this.#finder !== null || this.#absence !== null;
  }

  /** Calls that are not over. */
  get activeCalls(): number {
    return this.#clusters.activeCalls;
  }

  snapshot(): MetricsSnapshot {
    return this.#clusters.snapshot();
  }

  /** How its xDS client stands. */
  xdsStatus(): ScopedStatus {
    return { scope: this.#settings.target, status: this.#source.status() };
  }

  /** All clusters as one. */
  view(): ClusterView | null {
    const views = this.#clusters.views();
    const first = views[0];
    if (first === undefined) return null;
    const isOne = views.length === 1;
    const of = (target: string) => (isOne ? "" : `cluster ${target}: `);
    return {
      ...first,
      target: this.#settings.target,
      policy: [...new Set(views.map(({ policy }) => policy))].join(", "),
      stale: views.some(({ stale }) => stale),
      staleMs: Math.max(...views.map(({ staleMs }) => staleMs)),
      reason: views.find(({ reason }) => reason !== null)?.reason ?? this.#trouble,
      notes: views.flatMap(({ notes, target }) => notes.map((note) => of(target) + note)),
      circuitBreakers: views.flatMap(({ circuitBreakers }) => circuitBreakers),
      endpoints: views.flatMap(({ endpoints }) => endpoints),
    };
  }

  /** A call by its route, not started. Routes are known. */
  call({ list, call, deadlineMs, nowMs, config }: PlacedRequest): WireCall | Refusal {
    const { rng } = this.#deps;
    if (this.#finder === null) return absent(this.#absence!);
    const path = list.path!.value;
    const route = this.#finder.find(this.#authority, path, list, rng);
    if (route === null) {
      const reason = `no route of ${this.#settings.target} matches ${path}`;
      // "If there is no match, the RPC fails with UNAVAILABLE" (A28). Without any route for the
      // target it is the channel that fails (A74).
      const isPassing = !this.#finder.hasHost(this.#authority);
      return { status: Status.UNAVAILABLE, reason, isPassing };
    }
    if (route.action.kind === "refuse") {
      const { status, reason } = route.action;
      return { status, reason, isPassing: false };
    }
    const prepared = this.#prepared.get(route) ?? this.#prepare(route, route.action);
    const chosen = prepared.choose(rng);
    const cluster = this.#clusters.get(chosen.name);
    if (cluster === undefined) {
      return absent(`cluster ${chosen.name} of ${route.name} does not exist`);
    }
    let changed = chosen.request === null ? list : chosen.request.apply(list);
    const { timeoutMs } = route.action;
    const untilMs = timeoutMs === null ? deadlineMs : Math.min(deadlineMs, nowMs + timeoutMs);
    if (untilMs < deadlineMs) changed = withTimeout(changed, untilMs - nowMs);
    const settings = prepared.methodOf(config);
    const made = cluster.use().call(changed, false, call, untilMs, nowMs, settings);
    made.hashHeader = route.action.hashHeader;
    return made;
  }

  #prepare(route: Route, action: ForwardAction): PreparedForward {
    const made = new PreparedForward(route, action, this.#settings.attemptsMax);
    this.#prepared.set(route, made);
    return made;
  }

  /** Ends it: calls that have an endpoint finish there. */
  close(): void {
    this.#source.close();
    this.#clusters.configure(new Map());
    this.#closeWhenDone();
  }

  /** Clusters that were left finish their calls first; then what ticks is ended. */
  #closeWhenDone(): void {
    if (this.#clusters.activeCalls === 0) {
      this.#clusters.close();
      return;
    }
    this.#deps.clock.setTimer(CLOSE_POLL_MS, () => this.#closeWhenDone());
  }

  #onConfig({ listeners, clusters }: MeshConfig): void {
    this.#trouble = null;
    // Clusters first: a route must find those that it names.
    this.#clusters.configure(clusters);
    const table = listeners[0]?.chains[0]?.table ?? null;
    if (table === null) {
      this.#finder = null;
      this.#absence ??= `the xDS server has no listener for ${this.#settings.target}`;
    } else {
      this.#absence = null;
      if (table !== this.#table) this.#finder = new RouteFinder(table);
    }
    this.#table = table;
    this.#tellUnapplied(table);
    this.#user.onRouted();
    this.#tellState();
  }

  #toldUnapplied: RouteTable | null = null;

  /** What routes ask for and a client does not do. */
  #tellUnapplied(table: RouteTable | null): void {
    if (table === null || table === this.#toldUnapplied) return;
    this.#toldUnapplied = table;
    const actions = table.hosts.flatMap(({ routes }) => routes.map(({ action }) => action));
    const forwards = actions.filter((action) => action.kind === "forward");
    const notes: string[] = [];
    if (forwards.some(({ mirrors }) => mirrors.length > 0)) notes.push("request mirrors");
    if (forwards.some(({ response }) => response !== null)) notes.push("changes of answers");
    if (notes.length === 0) return;
    const { log, target } = this.#settings;
    log.info("routes ask for what a client does not do", { target, notes });
  }

  #onError(reason: string): void {
    this.#trouble = reason;
    if (this.#absence !== null || this.#finder === null) {
      if (this.#absence !== null) this.#absence = reason;
      this.#user.onUnrouted(reason);
    }
  }

  #tellState(): void {
    const states = new Set<Connectivity>();
    for (const { current } of this.#clusters.all) states.add(current?.connectivity ?? "IDLE");
    if (this.#absence !== null || states.size === 0) {
      this.#user.onState(this.isConfigured ? "TRANSIENT_FAILURE" : "CONNECTING");
      return;
    }
    // "READY if any child is, else CONNECTING, else IDLE, else TRANSIENT_FAILURE" (A56, A31).
    const order: readonly Connectivity[] = ["READY", "CONNECTING", "IDLE"];
    this.#user.onState(order.find((state) => states.has(state)) ?? "TRANSIENT_FAILURE");
  }
}

const CLOSE_POLL_MS = 1_000;
