/**
 * One lane at work: where it stands, and the figures of what its client reports.
 *
 * A lane that cannot start or breaks off says why and leaves the other lanes alone.
 */
import type { Clock } from "../../base/index.ts";
import { CallHistory } from "../figures/history.ts";
import { LaneMeasure } from "../figures/measure.ts";
import { shortVerdict } from "../figures/short-verdict.ts";
import { verdict } from "../figures/verdict.ts";
import type { Lane, Replicas } from "../lanes/index.ts";
import type { ReportMessage } from "../messages.ts";
import type { Children } from "../system/children.ts";
import type { LabEvent, LanePhase, LaneView } from "../view.ts";
import type { LaneWhy } from "../why/index.ts";
import type { LaneStrain } from "./holding-back.ts";
import { LaneLink, type LinkEnv, type LoadSettings } from "./lane-link.ts";

/** The span that the rate is taken over. */
const RATE_SPAN_MS = 2000;
/** Columns of history: 4 minutes of half seconds. */
const HISTORY_COLUMNS = 480;

/** What a lane is run with. */
export interface LaneRunDeps {
  /** The lab's. */
  readonly children: Children;
  readonly clock: Clock;
  /** Why it cannot run here, or null: then nothing of it is started. */
  readonly whyNot: string | null;
  /** Its client is alone in a network namespace. */
  readonly hasOwnNetns: boolean;
  /** Names of the pods that calls should reach. */
  readonly pods: readonly string[];
  /** What is done about pods that fail calls, for the verdict. */
  readonly failing: () => FailingPods;
}

/** Pods that fail calls, and whether fairlead's lanes eject such. */
export interface FailingPods {
  /** Names of those that answer every call with UNAVAILABLE. */
  readonly sick: readonly string[];
  readonly areEjected: boolean;
}

/** What a lane's client told since it was last asked: its strain, and its processor time. */
export interface LaneCost extends LaneStrain {
  readonly cpuMs: number;
}

/** A lane, from its being added to its being taken away. */
export class LaneRun {
  readonly #lane: Lane;
  readonly #deps: LaneRunDeps;
  readonly #measure: LaneMeasure;
  #history = new CallHistory(HISTORY_COLUMNS);
  #link: LaneLink | null = null;
  #phase: LanePhase = "starting";
  #failure: string | null = null;
  #isClosed = false;
  /** Names of pods that outlier detection has ejected. */
  #ejected: readonly string[] = [];
  /** Total of ended calls at the latest reports, oldest first. */
  #totals: { readonly atMs: number; readonly calls: number }[] = [];
  /** Pods that came while it was being opened: they are new to it when its load begins. */
  #cameEarly: string[] = [];
  /** Reports since the last time that the cost was asked for. */
  #untold: ReportMessage[] = [];

  /** Starts the lane's client, which loads while the lane is opened. */
  constructor(lane: Lane, deps: LaneRunDeps) {
    this.#lane = lane;
    this.#deps = deps;
    this.#measure = new LaneMeasure(deps.pods);
    if (deps.whyNot === null) this.#link = this.#newLink();
    else this.#fail(deps.whyNot);
  }

  /** Its word on the command line. */
  get name(): string {
    return this.#lane.name;
  }

  /** Of its processes. */
  get pids(): readonly number[] {
    return this.#link?.pids ?? [];
  }

  /** It never ran, or broke off. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** It waits for nothing any more: its client is connected, or it has failed. */
  get isSettled(): boolean {
    return this.hasFailed || this.#link?.isOpen === true;
  }

  /** A policy of fairlead's is at work in it. */
  get hasPolicy(): boolean {
    return this.#lane.hasPolicy === true;
  }

  /** Opens the way to the pods and connects the client. Never throws: a failure is the phase. */
  async open(env: LinkEnv, load: LoadSettings): Promise<void> {
    await this.#link?.open(env, load);
  }

  /** Whom to ask why a pod gets calls or none; null while the lane is not open. */
  get why(): LaneWhy | null {
    return this.#link?.why ?? null;
  }

  /** These pods, and no others, are ejected now. */
  setEjected(pods: readonly string[]): void {
    this.#ejected = pods;
  }

  /** Begins the load if the lane is open, and has not begun. */
  start(load: LoadSettings): void {
    if (this.#link?.isOpen !== true || this.#phase !== "starting") return;
    this.#phase = "running";
    this.#totals = [{ atMs: this.#deps.clock.nowMs(), calls: this.#measure.calls }];
    const wallMs = this.#deps.clock.wallMs();
    for (const pod of this.#cameEarly) this.#measure.podReady(pod, wallMs);
    this.#cameEarly = [];
    this.#link.start(load);
  }

  /** Another load from now on. */
  setLoad(load: LoadSettings): void {
    this.#link?.setLoad(load);
  }

  /** Ends the load; resolves when the calls in flight are over, or as `LaneLink.stop`. */
  async stop(): Promise<void> {
    if (this.#phase === "starting") this.#fail("its client was not connected before the end");
    if (this.#phase !== "running") return;
    await this.#link?.stop();
    this.#phase = "ended";
  }

  /** Ends all processes of it. Resolves once they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#link?.close();
  }

  /**
   * All processes of it anew, with the figures as they are. The load begins with the next `start`;
   * resolves when that can be.
   */
  async reopen(env: LinkEnv, load: LoadSettings): Promise<void> {
    if (this.#link === null) return;
    this.#phase = "starting";
    await this.#link.close();
    if (this.#isClosed) return;
    this.#failure = null;
    this.#link = this.#newLink();
    await this.#link.open(env, load);
  }

  /** These pods may answer from now on, beside those that could before. */
  addPods(pods: readonly string[]): void {
    this.#measure.addPods(pods);
  }

  /**
   * There are other pods now, or others are to be compared: the balance is measured anew.
   *
   * @param known names of pods that may answer.
   * @param current those that calls should reach from now on.
   */
  setPods(known: readonly string[], current: readonly string[]): void {
    this.#measure.setPods(current, known);
  }

  /**
   * A pod that was not there when the lane was opened takes calls since `epochMs`. No call can
   * reach it before the load begins, so what it waits for is counted from there.
   */
  podReady(pod: string, epochMs: number): void {
    if (this.#phase === "running") this.#measure.podReady(pod, epochMs);
    else if (this.#phase === "starting") this.#cameEarly.push(pod);
  }

  /** All figures and the history from zero; these are the pods, as in `setPods`. */
  reset(known: readonly string[], current: readonly string[]): void {
    this.#cameEarly = [];
    this.#measure.reset(current);
    this.#measure.addPods(known);
    this.#history = new CallHistory(HISTORY_COLUMNS);
    this.#totals = [{ atMs: this.#deps.clock.nowMs(), calls: 0 }];
  }

  /** Something was done to the lab: its effect on this lane is counted from now on. */
  mark({ event, atMs, pod }: LabEvent): void {
    this.#measure.mark({ event, atMs, pod });
  }

  /** The proxy replicas of this lane, or null when it has none that could become more. */
  get replicas(): Replicas | null {
    return this.#link?.replicas ?? null;
  }

  /** What its client told of itself since the last time; null when it told nothing. */
  takeCost(): LaneCost | null {
    const reports = this.#untold;
    this.#untold = [];
    if (reports.length === 0) return null;
    const sum = (of: (report: ReportMessage) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    return {
      givenUp: sum(({ givenUp }) => givenUp),
      lagMs: sum(({ lagMs }) => lagMs) / reports.length,
      cpuMs: sum(({ cpuMs }) => cpuMs),
    };
  }

  /** Closes an interval of the history; answers the column. `rows`: the pods in them now. */
  closeInterval(rows: readonly string[]): readonly number[] {
    return this.#history.push(rows, this.#measure.perPod);
  }

  /** The columns of the history, oldest first. */
  get columns(): readonly (readonly number[])[] {
    return this.#history.columns;
  }

  /** The lane as it stands. */
  view(): LaneView {
    const figures = this.#measure.figures(this.#deps.clock.wallMs());
    const replicas = this.replicas?.views ?? null;
    const { name } = this.#lane;
    const { effects } = this.#measure;
    const ejected = this.#ejected;
    const { sick, areEjected } = this.#deps.failing();
    const judged = {
      ...{ name, figures, failure: this.#failure, replicas, effects, ejected, sick },
      mayEject: this.hasPolicy && !areEjected,
    };
    const said = verdict(judged);
    const client = this.#link?.clientName ?? "";
    return {
      name,
      title: this.#lane.title,
      how: this.#lane.how,
      phase: this.#phase,
      figures,
      callsPerSecond: this.#rate(),
      verdict: client === "" ? said : `${said}; client: ${client}`,
      ...shortVerdict(judged),
      effects,
      ejected,
      replicas,
      failure: this.#failure,
    };
  }

  #newLink(): LaneLink {
    const { children, clock, hasOwnNetns } = this.#deps;
    return new LaneLink(this.#lane, {
      ...{ clock, hasOwnNetns },
      children: children.scope(),
      onReport: (report) => this.#onReport(report),
      onBroken: (reason) => this.#fail(reason),
    });
  }

  #onReport(report: ReportMessage): void {
    // The client closes its connections at the end; the load's are what is told.
    this.#measure.add(report);
    this.#untold.push(report);
    const nowMs = this.#deps.clock.nowMs();
    this.#totals.push({ atMs: nowMs, calls: this.#measure.calls });
    while (this.#totals.length > 2 && this.#totals[1]!.atMs < nowMs - RATE_SPAN_MS) {
      this.#totals.shift();
    }
  }

  /** Of a client that is gone, or tells nothing, none: its latest reports are of the past. */
  #rate(): number {
    const first = this.#totals[0];
    const last = this.#totals.at(-1);
    if (this.#failure !== null) return 0;
    const silentMs = this.#deps.clock.nowMs() - (last?.atMs ?? 0);
    if (this.#phase === "running" && silentMs > RATE_SPAN_MS) return 0;
    if (!first || !last || last.atMs === first.atMs) return 0;
    return ((last.calls - first.calls) * 1000) / (last.atMs - first.atMs);
  }

  #fail(reason: string): void {
    if (this.#failure !== null) return;
    this.#failure = reason;
    if (this.#phase === "starting") this.#phase = "failed";
  }
}
