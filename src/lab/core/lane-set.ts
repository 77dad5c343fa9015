/**
 * The lanes of a lab: those that are on, and how others are added and taken away while it runs.
 *
 * All of them have the same load, know the same pods, and begin together; one that is added begins
 * from zero when its client is connected. It counts nothing and decides no load.
 */
import type { Clock, Timer } from "../../base/index.ts";
import { LabError } from "../error.ts";
import { LANES, type Lane, type LaneSite } from "../lanes/index.ts";
import type { LaneName } from "../options.ts";
import type { Children } from "../system/children.ts";
import type { LabEvent, LaneChoice } from "../view.ts";
import type { LinkEnv, LoadSettings } from "./lane-link.ts";
import { type FailingPods, LaneRun } from "./lane-run.ts";

/** From a policy's being set to its being heard of everywhere, and the last report of before. */
const POLICY_SETTLES_MS = 500;

/** What changes between lanes that are opened earlier and later. */
export interface LaneSettings {
  readonly load: LoadSettings;
  readonly hasPeers: boolean;
}

/** What lanes are run with. */
export interface LaneSetDeps {
  readonly children: Children;
  readonly clock: Clock;
  readonly site: LaneSite;
  readonly failing: () => FailingPods;
}

/** What all lanes are opened with, beside the settings. */
export type SharedEnv = Omit<LinkEnv, "hasPeers">;

/** The lanes. */
export class LaneSet {
  readonly #deps: LaneSetDeps;
  readonly #runs: LaneRun[];
  /** Those that were taken away and are not gone yet, by name. */
  readonly #leaving = new Map<string, Promise<void>>();
  #settings: LaneSettings;
  #env: SharedEnv | null = null;
  #hasBegun = false;
  /** Proxies that were told to find each other, or not to, are not up yet. */
  #isRestarting = false;
  /** Replicas that are being started, which no view has yet. */
  #replicasComing = 0;
  #settling: Timer | null = null;
  /** Names of the pods that may answer, and of those that calls should reach. */
  #known: readonly string[];
  #current: readonly string[];

  /** Starts the clients of the first lanes. */
  constructor(
    lanes: readonly (LaneName | Lane)[],
    pods: readonly string[],
    settings: LaneSettings,
    deps: LaneSetDeps,
  ) {
    this.#deps = deps;
    this.#known = pods;
    this.#current = pods;
    this.#settings = settings;
    this.#runs = lanes.map((lane) => this.#newRun(typeof lane === "string" ? LANES[lane] : lane));
  }

  /** Those that are on, in the order of their coming. */
  get runs(): readonly LaneRun[] {
    return this.#runs;
  }

  /** How many of them wait for nothing any more: they are connected, or have failed. */
  get settled(): number {
    return this.#runs.filter((run) => run.isSettled).length;
  }

  /** Whether proxy replicas find each other. */
  get hasPeers(): boolean {
    return this.#settings.hasPeers;
  }

  /** All lanes that there are, in the order in which they are offered. */
  get choices(): readonly LaneChoice[] {
    return Object.values(LANES).map(({ name, title, how, whyNot }) => ({
      ...{ name, title, how },
      isOn: this.#find(name) !== undefined,
      why: whyNot?.(this.#deps.site) ?? null,
    }));
  }

  /** Opens the first lanes. Resolves when each is connected or has failed. */
  async open(env: SharedEnv): Promise<void> {
    this.#env = env;
    await Promise.all(this.#runs.map((run) => this.#open(run)));
  }

  /** Begins the load of those that are connected; the others begin when they are. */
  begin(): void {
    this.#hasBegun = true;
    for (const run of this.#runs) run.start(this.#settings.load);
  }

  /** One more, or anew one that failed. Throws `LabError` when it is on, or cannot run here. */
  add(name: string): void {
    const known = laneName(name);
    const before = this.#find(known);
    if (before !== undefined && !before.hasFailed) throw new LabError(`lane ${name} is on already`);
    const why = LANES[known].whyNot?.(this.#deps.site) ?? null;
    if (why !== null) throw new LabError(`lane ${name} cannot run here: ${why}`);
    const run = this.#newRun(LANES[known]);
    run.addPods(this.#known);
    if (before !== undefined) this.#leave(before);
    this.#runs.push(run);
    void this.#join(run);
  }

  /** Takes one away, with all its processes. Throws `LabError` when it is not on, or the last. */
  remove(name: string): void {
    const run = this.#find(laneName(name));
    if (run === undefined) throw new LabError(`lane ${name} is not on`);
    if (this.#runs.length === 1) {
      throw new LabError(`${name} is the only lane: add another one before it is taken away`);
    }
    this.#leave(run);
  }

  /** Another load for all from now on. */
  setLoad(load: LoadSettings): void {
    this.#settings = { ...this.#settings, load };
    for (const run of this.#runs) run.setLoad(load);
  }

  /**
   * Fairlead's lanes have another policy now: their balance is measured anew once they have heard
   * of it, or calls of before would be in the figures of what came after.
   */
  onPolicy(): void {
    this.#settling?.cancel();
    this.#settling = this.#deps.clock.setTimer(POLICY_SETTLES_MS, () => this.#measureAnew());
    this.#settling.unref();
  }

  #measureAnew(): void {
    for (const run of this.#runs) if (run.hasPolicy) run.setPods(this.#known, this.#current);
  }

  /**
   * Whether the proxy replicas find each other from now on: they are started anew, as many as they
   * were. Resolves when they run, or rejects with `LabError`. Throws it when that cannot be.
   */
  setPeers(hasPeers: boolean): Promise<void> {
    const run = this.#replicated("peers need the lane nested");
    if (hasPeers === this.#settings.hasPeers) {
      const what = hasPeers ? "find each other already" : "do not find each other as it is";
      throw new LabError(`the proxies ${what}`);
    }
    if (this.#replicasComing > 0) throw new LabError("a proxy replica is starting just now");
    this.#settings = { ...this.#settings, hasPeers };
    this.#isRestarting = true;
    return this.#unlessLeft(run, this.#restart(run)).then(() => {});
  }

  /**
   * One more proxy replica. Resolves with its name, or with null when the lane was taken away
   * meanwhile, or rejects with `LabError`. Throws it when that cannot be.
   */
  addReplica(): Promise<string | null> {
    const run = this.#replicated("a proxy replica needs the lane nested");
    this.#replicasComing += 1;
    const added = run.replicas!.add().finally(() => {
      this.#replicasComing -= 1;
    });
    return this.#unlessLeft(run, added);
  }

  /** There are other pods: `known` may answer, `current` are those that calls should reach. */
  setPods(known: readonly string[], current: readonly string[]): void {
    const isSame = current.join() === this.#current.join();
    this.#known = known;
    this.#current = current;
    for (const run of this.#runs) {
      if (isSame) run.addPods(known);
      else run.setPods(known, current);
    }
  }

  /** A pod takes calls since `epochMs`. */
  podReady(pod: string, epochMs: number): void {
    for (const run of this.#runs) run.podReady(pod, epochMs);
  }

  /** All figures from zero. */
  reset(): void {
    this.#settling?.cancel();
    for (const run of this.#runs) run.reset(this.#known, this.#current);
  }

  /** Something was done to the lab. */
  mark(event: LabEvent): void {
    for (const run of this.#runs) run.mark(event);
  }

  /** Ends the load of all. Resolves when what was in flight is over. */
  async stop(): Promise<void> {
    this.#hasBegun = false;
    await Promise.all(this.#runs.map((run) => run.stop()));
  }

  /** Ends all processes of all lanes. */
  async close(): Promise<void> {
    this.#settling?.cancel();
    await Promise.all([...this.#runs.map((run) => run.close()), ...this.#leaving.values()]);
  }

  /** The lane with proxy replicas. Throws `LabError` when there is none, or they start anew. */
  #replicated(without: string): LaneRun {
    if (this.#isRestarting) throw new LabError("the proxies are starting anew already");
    const run = this.#runs.find(({ replicas }) => replicas !== null);
    if (run === undefined) throw new LabError(without);
    return run;
  }

  async #restart(run: LaneRun): Promise<void> {
    try {
      const count = run.replicas!.views.length;
      await run.reopen(this.#linkEnv(), this.#settings.load);
      if (this.#hasBegun) run.start(this.#settings.load);
      while (run.replicas !== null && run.replicas.views.length < count) await run.replicas.add();
    } finally {
      this.#isRestarting = false;
    }
  }

  /** What fails because its lane was taken away meanwhile comes to nothing: null. */
  async #unlessLeft<T>(run: LaneRun, outcome: Promise<T>): Promise<T | null> {
    try {
      return await outcome;
    } catch (error) {
      if (this.#runs.includes(run)) throw error;
      return null;
    }
  }

  #find(name: string): LaneRun | undefined {
    return this.#runs.find((run) => run.name === name);
  }

  #newRun(lane: Lane): LaneRun {
    const { children, clock, site, failing } = this.#deps;
    return new LaneRun(lane, {
      ...{ children, clock, failing },
      whyNot: lane.whyNot?.(site) ?? null,
      hasOwnNetns: site.whyNoNetns === null && lane.hasOwnNetns === true,
      pods: this.#current,
    });
  }

  /** Opened when the one before it of this name is gone, which may hold what it needs. */
  async #join(run: LaneRun): Promise<void> {
    await this.#leaving.get(run.name);
    await this.#open(run);
  }

  async #open(run: LaneRun): Promise<void> {
    await run.open(this.#linkEnv(), this.#settings.load);
    if (this.#hasBegun) run.start(this.#settings.load);
  }

  #leave(run: LaneRun): void {
    this.#runs.splice(this.#runs.indexOf(run), 1);
    const gone = run.close().then(() => {
      if (this.#leaving.get(run.name) === gone) this.#leaving.delete(run.name);
    });
    this.#leaving.set(run.name, gone);
  }

  #linkEnv(): LinkEnv {
    return { ...this.#env!, hasPeers: this.#settings.hasPeers };
  }
}

function laneName(name: string): LaneName {
  const known = (Object.keys(LANES) as LaneName[]).find((candidate) => candidate === name);
  if (known === undefined) throw new LabError(`${name}: there is no such lane`);
  return known;
}
