/**
 * The lab: control plane, pods, lanes and their load, composed in one place.
 *
 * It draws nothing and writes nothing; `views()` is all that a terminal or a page needs.
 */
import { type Clock, realRng } from "../base/index.ts";
import type { Action } from "./actions.ts";
import { Children } from "./children.ts";
import { type LabCluster, StoreZone, startCluster } from "./cluster/index.ts";
import { Controls } from "./controls.ts";
import { LabDns } from "./dns/index.ts";
import { LabError } from "./error.ts";
import { type KubeconfigFile, writeKubeconfig } from "./kubeconfig.ts";
import { CALLS_PER_SECOND, IN_FLIGHT_MAX, LaneRun } from "./lane-run.ts";
import { LANES, type Lane, laneSite } from "./lanes/index.ts";
import type { LaneName } from "./options.ts";
import { Deployment } from "./pods/deployment.ts";
import { ISOLATED, LOOPBACK, type PodNetwork } from "./pods/pod-network.ts";
import { LAB_TARGET } from "./pods/pod-objects.ts";
import { type PodSettings, podEnvironment } from "./pods/pod-settings.ts";
import { podNames } from "./pods/pods.ts";
import type { LabEvent, LabView, LaneChoice, LaneView, LoadView, PodState } from "./view.ts";

/** Lanes begin together; one that is not open by then begins when it is. */
const BEGIN_TIMEOUT_MS = 5000;

/** What to build a lab from. */
export interface LabSetup {
  readonly pods: number;
  /** By their words, or changed as a scenario has them; each has a name of its own. */
  readonly lanes: readonly (LaneName | Lane)[];
  /** How pods serve; as usual unless given. */
  readonly podSettings?: PodSettings;
  /** Of fairlead's lanes. */
  readonly policy: string;
  /** Proxy replicas find each other. */
  readonly hasPeers: boolean;
  /** Null in a network namespace of the lab's own; elsewhere why it is not in one. */
  readonly whyNoNetns: string | null;
  /** The `fairlead` command and its first arguments. */
  readonly fairlead: readonly string[];
  readonly clock: Clock;
  /** Called when what was asked for and had begun did not come to its end. */
  onProblem(reason: string): void;
}

/** Pods and lanes, from start to end. */
export class Lab {
  readonly #setup: LabSetup;
  readonly #network: PodNetwork;
  readonly #children: Children;
  readonly #lanes: readonly LaneRun[];
  #cluster: LabCluster | null = null;
  #dns: LabDns | null = null;
  #kubeconfig: KubeconfigFile | null = null;
  #deployment: Deployment | null = null;
  #controls: Controls | null = null;
  /** Names of the pods that take new calls. */
  #current: readonly string[] = [];
  #isClosed = false;
  #problem: string | null = null;
  /** Complete columns of the histories. */
  #columnCount = 0;
  #beganAtMs: number | null = null;
  #endedAtMs: number | null = null;

  /** Starts the clients' processes at once (they load while the pods do), but no load yet. */
  constructor(setup: LabSetup) {
    this.#setup = setup;
    this.#network = setup.whyNoNetns === null ? ISOLATED : LOOPBACK;
    this.#children = new Children(setup.clock);
    const pods = podNames(setup.pods);
    this.#lanes = setup.lanes.map((named) => {
      const lane = typeof named === "string" ? LANES[named] : named;
      const hasOwnNetns = this.#network.isIsolated && lane.hasOwnNetns === true;
      const caller = this.#children.program(`client of ${lane.name}`, "caller", [], hasOwnNetns);
      return new LaneRun(lane, pods, caller, setup.clock);
    });
  }

  /** Names of the pods by row. */
  get pods(): readonly string[] {
    return this.#deployment?.names ?? podNames(this.#setup.pods);
  }

  /** Where each of them stands, in the same order. */
  get podStates(): readonly PodState[] {
    return this.#deployment?.states ?? this.pods.map(() => "starting" as const);
  }

  /** How many pods there should be. */
  get wantedPods(): number {
    return this.#deployment?.wanted ?? this.#setup.pods;
  }

  /**
   * How other programs find the API server and the pods; null before it is there, and where it is
   * out of their reach.
   */
  get access(): LabView["access"] {
    if (this.#network.isIsolated) return null;
    const path = this.#kubeconfig?.path;
    return path === undefined ? null : { kubeconfig: path, target: LAB_TARGET };
  }

  /** Names of the pods that were made slow. */
  get slowPods(): readonly string[] {
    return this.#deployment?.slowed ?? [];
  }

  /** Names of those whose health service says NOT_SERVING. */
  get notServingPods(): readonly string[] {
    return this.#deployment?.notServing ?? [];
  }

  /** Names of those that answer every call with UNAVAILABLE. */
  get sickPods(): readonly string[] {
    return this.#deployment?.sick ?? [];
  }

  /** What was done and what came of it, oldest first. */
  get events(): readonly LabEvent[] {
    return this.#controls?.events ?? [];
  }

  /** How many columns of history are complete. */
  get columnCount(): number {
    return this.#columnCount;
  }

  /** Why the latest thing that was asked for did not come to its end, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Starts pods, opens the lanes, begins the load. Throws `LabError` when there can be no pods. */
  async start(): Promise<void> {
    const { clock, fairlead, policy, hasPeers, whyNoNetns } = this.#setup;
    const deployment = await this.#startCluster();
    const podsReady = deployment.start();
    // Whoever awaits it hears of a failure; nobody may be awaiting it yet.
    podsReady.catch(() => {});
    const dns = await this.#dns!.listen();
    if (this.#isClosed) await this.#dns!.close();
    const server = new URL(this.#cluster!.url).host;
    const kubernetes = { kubeconfig: this.#kubeconfig!.path, server };
    const children = this.#children;
    const env = {
      ...{ pods: deployment, podsReady, dns, kubernetes, children, clock },
      ...{ ...laneSite(whyNoNetns), fairlead, policy, hasPeers },
    };
    let hasBegun = false;
    const opened = this.#lanes.map(async (lane) => {
      await lane.open(env);
      if (hasBegun) lane.start();
    });
    await podsReady;
    this.#current = this.pods;
    deployment.onChange(() => this.#onPods());
    await Promise.race([
      Promise.all(opened),
      new Promise<void>((resolve) => clock.setTimer(BEGIN_TIMEOUT_MS, resolve).unref()),
    ]);
    hasBegun = true;
    this.#beganAtMs = clock.nowMs();
    for (const lane of this.#lanes) lane.start();
  }

  async #startCluster(): Promise<Deployment> {
    const { clock, pods } = this.#setup;
    const network = this.#network;
    const { apiServer: host, isIsolated } = network;
    const cluster = await startCluster({ clock, rng: realRng(), host, isIsolated });
    this.#cluster = cluster;
    this.#dns = new LabDns({ clock, zone: new StoreZone(cluster.objects.store) });
    if (this.#isClosed) {
      await cluster.close();
      throw new LabError("the lab is ending");
    }
    this.#kubeconfig = writeKubeconfig(cluster.url);
    const { objects } = cluster;
    const children = this.#children.scope(podEnvironment(this.#setup.podSettings ?? {}));
    const deployment = new Deployment(pods, { children, clock, objects, network });
    this.#deployment = deployment;
    this.#controls = new Controls({
      deployment,
      replicas: () => this.#lanes.find(({ replicas }) => replicas !== null)?.replicas ?? null,
      elapsedMs: () => this.elapsedMs,
      columns: () => this.#columnCount,
      onEvent: (event) => this.#onEvent(event),
      onProblem: (reason) => {
        if (this.#isClosed) return;
        this.#problem = reason;
        this.#setup.onProblem(reason);
      },
    });
    return deployment;
  }

  /** Does something to the lab. Answers why not, or null; effects show in what follows. */
  act(action: Action): string | null {
    if (this.#controls === null || this.#beganAtMs === null) return "the lab has not begun yet";
    this.#problem = this.#controls.act(action);
    return this.#problem;
  }

  #onEvent(event: LabEvent): void {
    if (event.isOutcome) return;
    for (const lane of this.#lanes) lane.mark(event);
  }

  #onPods(): void {
    const { names, ready } = this.#deployment!;
    const current = ready.map(({ name }) => name);
    const isSame = current.join() === this.#current.join();
    this.#current = current;
    for (const lane of this.#lanes) {
      if (isSame) lane.addPods(names);
      else lane.setPods(names, current);
    }
  }

  /** Ends the load; what is in flight finishes. The figures are final then. */
  async stop(): Promise<void> {
    this.#endedAtMs = this.#setup.clock.nowMs();
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
  }

  /** Ends every process. Safe at any time, also while `start` is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#children.close();
    this.#kubeconfig?.remove();
    await Promise.all([this.#dns?.close(), this.#cluster?.close()]);
  }

  /** How long the load has run, in ms; 0 before it began. */
  get elapsedMs(): number {
    if (this.#beganAtMs === null) return 0;
    return (this.#endedAtMs ?? this.#setup.clock.nowMs()) - this.#beganAtMs;
  }

  /** The lanes as they stand. */
  views(): readonly LaneView[] {
    return this.#lanes.map((lane) => lane.view());
  }

  /** All lanes that there are. */
  get laneChoices(): readonly LaneChoice[] {
    return this.views().map(({ name, title, how }) => ({
      name,
      title,
      how,
      isOn: true,
      why: null,
    }));
  }

  /** What the clients are told to do, and what the lab costs. */
  get load(): LoadView {
    const { policy } = this.#setup;
    const limits = { callsPerSecond: CALLS_PER_SECOND, inFlight: IN_FLIGHT_MAX };
    return { ...limits, policy, overheadCpu: 0, heldBackTo: null };
  }

  /** Who carries connections to the ClusterIP. */
  get clusterIpBy(): LabView["clusterIpBy"] {
    return "relay";
  }

  /** Closes an interval of every lane's history; answers the columns, a lane each. */
  closeInterval(): readonly (readonly number[])[] {
    this.#columnCount += 1;
    const rows = this.pods;
    return this.#lanes.map((lane) => lane.closeInterval(rows));
  }

  /** The histories by lane: columns of calls by row, oldest first. */
  histories(): Readonly<Record<string, readonly (readonly number[])[]>> {
    return Object.fromEntries(this.#lanes.map((lane) => [lane.name, lane.columns]));
  }
}
