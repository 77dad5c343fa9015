/**
 * The lab: control plane, pods, lanes and their load, composed in one place.
 *
 * It draws nothing and writes nothing; `views()` is all that a terminal or a page needs.
 */
import type { Clock } from "../../base/index.ts";
import type { Action } from "../actions.ts";
import type { Objects } from "../cluster/index.ts";
import { type Lane, laneSite } from "../lanes/index.ts";
import type { LaneName } from "../options.ts";
import { Deployment } from "../pods/deployment.ts";
import { countConnections } from "../pods/pod-connections.ts";
import type { PodLanguage } from "../pods/pod-language.ts";
import { ISOLATED, LOOPBACK, type PodNetwork } from "../pods/pod-network.ts";
import { NAMESPACE, SERVICES } from "../pods/pod-objects.ts";
import { type PodSettings, podEnvironment } from "../pods/pod-settings.ts";
import { podNames } from "../pods/pods.ts";
import { Children } from "../system/children.ts";
import type {
  ClusterIpBy,
  LabEvent,
  LabView,
  LaneChoice,
  LaneView,
  LoadView,
  PodState,
} from "../view.ts";
import { type CallsAnswer, type WhyAnswer, WhyDesk } from "../why/index.ts";
import { ControlPlane } from "./control-plane.ts";
import { Controls } from "./controls.ts";
import { EjectionWatch } from "./ejection-watch.ts";
import type { LoadSettings } from "./lane-link.ts";
import { LaneSet } from "./lane-set.ts";
import { LoadControl } from "./load-control.ts";
import { PolicyControl } from "./policy-control.ts";

/** Lanes begin together; one that is not open by then begins when it is. */
const BEGIN_TIMEOUT_MS = 5000;

/** What to build a lab from. */
export interface LabSetup {
  readonly pods: number;
  /** By their words, or changed as a scenario has them; each has a name of its own. */
  readonly lanes: readonly (LaneName | Lane)[];
  /** How pods serve; as usual unless given. */
  readonly podSettings?: PodSettings;
  /** Of each lane. */
  readonly load: LoadSettings;
  /** Of the pods; Node unless given. */
  readonly podLanguage?: PodLanguage;
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
  readonly #lanes: LaneSet;
  readonly #load: LoadControl;
  readonly #desk: WhyDesk;
  readonly #controlPlane: ControlPlane;
  #deployment: Deployment | null = null;
  #controls: Controls | null = null;
  readonly #policy: PolicyControl;
  #arePodsReady = false;
  #isClosed = false;
  #problem: string | null = null;
  /** Complete columns of the histories. */
  #columnCount = 0;
  /** When the load began, or all of it began anew. */
  #beganAtMs: number | null = null;
  #endedAtMs: number | null = null;

  /** Starts the clients' processes at once (they load while the pods do), but no load yet. */
  constructor(setup: LabSetup) {
    const { clock, lanes, load, policy, hasPeers, whyNoNetns } = setup;
    this.#setup = setup;
    this.#network = whyNoNetns === null ? ISOLATED : LOOPBACK;
    this.#controlPlane = new ControlPlane(clock, this.#network);
    this.#children = new Children(clock);
    this.#lanes = new LaneSet(
      lanes,
      podNames(setup.pods),
      { load, hasPeers },
      {
        ...{ children: this.#children, clock, site: laneSite(whyNoNetns) },
        failing: () => ({ sick: this.sickPods, areEjected: this.hasOutliers }),
      },
    );
    this.#desk = new WhyDesk(this, () => this.#lanes.runs, clock);
    this.#policy = new PolicyControl(policy, {
      objects: () => this.#controlPlane.objects,
      ejections: new EjectionWatch(() => this.#lanes.runs, clock),
      onPolicy: () => this.#lanes.onPolicy(),
    });
    this.#load = new LoadControl(load, {
      clock,
      cpuUsage: () => process.cpuUsage(),
      takeCosts: () => this.#lanes.runs.flatMap((run) => run.takeCost() ?? []),
      setLoad: (now) => this.#lanes.setLoad(now),
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
    return this.#controlPlane.access;
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

  /** Whether fairlead's lanes eject pods that fail calls. */
  get hasOutliers(): boolean {
    return this.#policy.hasOutliers;
  }

  /** Whether proxy replicas find each other. */
  get hasPeers(): boolean {
    return this.#lanes.hasPeers;
  }

  /** What was done and what came of it, oldest first. */
  get events(): readonly LabEvent[] {
    return this.#controls?.events ?? [];
  }

  /** Nothing that was done is still to come to its end: pods, proxies or lanes that start or go. */
  get isSettled(): boolean {
    const { runs, settled } = this.#lanes;
    return settled === runs.length && (this.#controls?.isSettled ?? true);
  }

  /** How many columns of history are complete. */
  get columnCount(): number {
    return this.#columnCount;
  }

  /** Why the latest thing that was asked for did not come to its end, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** What it waits for while it starts; null once the load has begun. */
  get progress(): string | null {
    if (this.#beganAtMs !== null || this.#isClosed) return null;
    if (!this.#arePodsReady) {
      return `starting ${this.#setup.pods} pods: ${this.#deployment?.serving ?? 0} serve`;
    }
    return `connecting the clients: ${this.#lanes.settled} of ${this.#lanes.runs.length}`;
  }

  /** Starts pods, opens the lanes, begins the load. Throws `LabError` when there can be no pods. */
  async start(): Promise<void> {
    const { clock, fairlead, whyNoNetns } = this.#setup;
    const controlPlane = this.#controlPlane;
    await controlPlane.start();
    const { objects, zone, kubernetes } = controlPlane;
    this.#desk.follow(objects.store, () => zone.slices(NAMESPACE, SERVICES.clusterIp));
    const deployment = this.#newDeployment(objects);
    this.#deployment = deployment;
    this.#controls = this.#newControls(deployment);
    const podsReady = deployment.start().then(() => this.#policy.tell());
    // Whoever awaits it hears of a failure; nobody may be awaiting it yet.
    podsReady.catch(() => {});
    const dns = await controlPlane.listen();
    const opened = this.#lanes.open({
      ...{ pods: deployment, podsReady, dns, kubernetes, clock },
      ...{ ...laneSite(whyNoNetns), fairlead },
    });
    await podsReady;
    this.#arePodsReady = true;
    this.#onPods();
    deployment.onChange(() => this.#onPods());
    deployment.onReady((pod) => this.#lanes.podReady(pod, clock.wallMs()));
    await Promise.race([
      opened,
      new Promise<void>((resolve) => clock.setTimer(BEGIN_TIMEOUT_MS, resolve).unref()),
    ]);
    this.#beganAtMs = clock.nowMs();
    this.#lanes.begin();
    this.#load.start();
  }

  #newDeployment(objects: Objects): Deployment {
    const { clock, pods, podSettings = {}, podLanguage = "node" } = this.#setup;
    const children = this.#children.scope(podEnvironment(podSettings));
    const network = this.#network;
    return new Deployment(pods, { children, clock, objects, network, language: podLanguage });
  }

  #newControls(deployment: Deployment): Controls {
    const lanes = this.#lanes;
    return new Controls({
      deployment,
      lab: {
        setLoad: (change) => this.#load.set(change),
        setPolicy: (policy) => this.#policy.setPolicy(policy),
        setOutliers: (isOn) => this.#policy.setOutliers(isOn),
        addLane: (name) => lanes.add(name),
        removeLane: (name) => lanes.remove(name),
        setPeers: (isOn) => lanes.setPeers(isOn),
        addReplica: () => lanes.addReplica(),
        reset: () => this.#reset(),
      },
      elapsedMs: () => this.elapsedMs,
      columns: () => this.#columnCount,
      onEvent: (event) => {
        if (!event.isOutcome) lanes.mark(event);
      },
      onProblem: (reason) => {
        if (this.#isClosed) return;
        this.#problem = reason;
        this.#setup.onProblem(reason);
      },
    });
  }

  /** Does something to the lab. Answers why not, or null; effects show in what follows. */
  act(action: Action): string | null {
    if (this.#controls === null || this.#beganAtMs === null) return "the lab has not begun yet";
    this.#problem = this.#controls.act(action);
    return this.#problem;
  }

  /** Pods, load and policy as at the start; figures, events and histories from zero. */
  async #reset(): Promise<void> {
    const { pods } = this.#setup;
    const deployment = this.#deployment!;
    deployment.restore();
    this.#policy.reset();
    this.#load.reset();
    this.#beginAnew();
    const before = this.#currentPods().join();
    await deployment.scale(pods);
    // What came of bringing the pods about belongs to no experiment that follows.
    if (this.#currentPods().join() !== before) this.#beginAnew();
    // Calls are counted by name and drawn by row: with other rows, all that is drawn begins anew.
    await deployment.forgetGone(() => this.#beginAnew());
  }

  #beginAnew(): void {
    this.#lanes.reset();
    this.#columnCount = 0;
    this.#beganAtMs = this.#setup.clock.nowMs();
  }

  #currentPods(): readonly string[] {
    return this.#deployment!.ready.map(({ name }) => name);
  }

  #onPods(): void {
    this.#lanes.setPods(this.#deployment!.names, this.#currentPods());
  }

  /**
   * Why a pod gets calls of a lane or none, or of the lane as a whole. Rejects with `LabError` when
   * there is no such lane or pod, or one of those who know does not answer.
   */
  why(lane: string, pod: string | null): Promise<WhyAnswer> {
    return this.#desk.why(lane, pod);
  }

  /** The latest calls of a lane. Rejects as `why`. */
  calls(lane: string): Promise<CallsAnswer> {
    return this.#desk.calls(lane);
  }

  /** Ends the load; what is in flight finishes. The figures are final then. */
  async stop(): Promise<void> {
    this.#endedAtMs = this.#setup.clock.nowMs();
    this.#load.close();
    await this.#lanes.stop();
  }

  /** Ends every process. Safe at any time, also while `start` is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#policy.close();
    this.#controlPlane.refuse();
    this.#load.close();
    // Together: what hangs is waited for once.
    await Promise.all([this.#lanes.close(), this.#children.close()]);
    this.#deployment?.release();
    await this.#controlPlane.close();
  }

  /** How long the load has run since it began, or began anew, in ms; 0 before. */
  get elapsedMs(): number {
    if (this.#beganAtMs === null) return 0;
    return (this.#endedAtMs ?? this.#setup.clock.nowMs()) - this.#beganAtMs;
  }

  /**
   * Open connections of all processes of a lane to pods, by lane; null where the system does not
   * tell.
   */
  podConnections(): Readonly<Record<string, number | null>> {
    const addresses = this.#deployment?.alive.map(({ address }) => address) ?? [];
    const counts = this.#lanes.runs.map(
      ({ name, pids }) => [name, countConnections(addresses, pids)] as const,
    );
    return Object.fromEntries(counts);
  }

  /** The lanes as they stand. */
  views(): readonly LaneView[] {
    return this.#lanes.runs.map((lane) => lane.view());
  }

  /** All lanes that there are. */
  get laneChoices(): readonly LaneChoice[] {
    return this.#lanes.choices;
  }

  /** What the clients are told to do, and what the lab costs. */
  get load(): LoadView {
    const { callsPerSecond, inFlightMax: inFlight } = this.#load.wanted;
    const { overheadCpu, heldBackTo } = this.#load;
    return { callsPerSecond, inFlight, policy: this.#policy.policy, overheadCpu, heldBackTo };
  }

  /** Who carries connections to the ClusterIP. */
  get clusterIpBy(): ClusterIpBy {
    return laneSite(this.#setup.whyNoNetns).clusterIpBy;
  }

  /** Closes an interval of every lane's history; answers the columns, a lane each. */
  closeInterval(): readonly (readonly number[])[] {
    this.#columnCount += 1;
    const rows = this.pods;
    return this.#lanes.runs.map((lane) => lane.closeInterval(rows));
  }

  /** The histories by lane: columns of calls by row, oldest first. */
  histories(): Readonly<Record<string, readonly (readonly number[])[]>> {
    return Object.fromEntries(this.#lanes.runs.map((lane) => [lane.name, lane.columns]));
  }
}
