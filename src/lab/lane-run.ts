/**
 * One lane at work: its caller process, what the caller reports, and where the lane stands.
 *
 * A lane that cannot start or breaks off says why and leaves the other lanes alone.
 */
import type { Clock } from "../base/index.ts";
import type { Child } from "./children.ts";
import { LabError } from "./error.ts";
import { CallHistory } from "./figures/history.ts";
import { LaneMeasure } from "./figures/measure.ts";
import { shortVerdict } from "./figures/short-verdict.ts";
import { verdict } from "./figures/verdict.ts";
import type { Lane, LaneEnv, Replicas } from "./lanes/index.ts";
import type { ReportMessage } from "./messages.ts";
import { firstWord } from "./pods/pods.ts";
import type { LabEvent, LanePhase, LaneView } from "./view.ts";

/** Load of every lane: firm figures within seconds, and a fraction of one core in all. */
export const CALLS_PER_SECOND = 300;
/** Of a lane. */
export const IN_FLIGHT_MAX = 10;
/** How long a caller may take to finish its open calls when told to stop. */
const STOP_TIMEOUT_MS = 1000;
/** The span that the rate is taken over. */
const RATE_SPAN_MS = 2000;
/** Columns of history: 4 minutes of half seconds. */
const HISTORY_COLUMNS = 480;

/** A lane and its caller. */
export class LaneRun {
  readonly #lane: Lane;
  readonly #caller: Child;
  readonly #clock: Clock;
  readonly #measure: LaneMeasure;
  readonly #history: CallHistory;
  #phase: LanePhase = "starting";
  #failure: string | null = null;
  /** The client is connected, and may begin. */
  #isOpen = false;
  #isStopping = false;
  /** Which of several programs the client is; "" where there is one. */
  #client = "";
  #replicas: Replicas | null = null;
  #onFinal: () => void = () => {};
  /** Total of ended calls at the latest reports, oldest first. */
  readonly #totals: { readonly atMs: number; readonly calls: number }[] = [];

  /** @param caller The lane's `caller` process, started but not yet told anything. */
  constructor(lane: Lane, pods: readonly string[], caller: Child, clock: Clock) {
    this.#lane = lane;
    this.#caller = caller;
    this.#clock = clock;
    this.#measure = new LaneMeasure(pods);
    this.#history = new CallHistory(HISTORY_COLUMNS);
  }

  /** Its word on the command line. */
  get name(): string {
    return this.#lane.name;
  }

  /** Opens the way to the pods and connects the client. Never throws: a failure is the phase. */
  async open(env: Omit<LaneEnv, "onBroken" | "client">): Promise<void> {
    try {
      const why = this.#lane.whyNot?.(env) ?? null;
      if (why !== null) throw new LabError(why);
      const onBroken = (reason: string): void => this.#fail(reason);
      const dial = await this.#lane.open({ ...env, client: this.#caller, onBroken });
      this.#replicas = dial.replicas ?? null;
      const answer = firstWord(this.#caller);
      this.#caller.send({
        type: "dial",
        target: dial.target,
        serviceConfig: dial.serviceConfig,
        connections: dial.connections,
        kubernetes: dial.kubernetes ?? null,
        xdsBootstrap: dial.xdsBootstrap ?? null,
        channels: dial.channels ?? 1,
        connectionsPerPod: dial.connectionsPerPod ?? 1,
        callsPerSecond: CALLS_PER_SECOND,
        inFlightMax: IN_FLIGHT_MAX,
      });
      const word = await answer;
      if (word.type === "failed") this.#fail(word.reason);
      else this.#isOpen = true;
      if (word.type === "ready") this.#client = word.client ?? "";
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.#fail(error.message);
    }
  }

  /** Begins the load if the lane is open, and has not begun. */
  start(): void {
    if (!this.#isOpen || this.#phase !== "starting") return;
    this.#phase = "running";
    this.#totals.push({ atMs: this.#clock.nowMs(), calls: 0 });
    this.#caller.onMessage((message) => {
      if (message.type === "report") this.#onReport(message);
    });
    this.#caller.ended.then(() => this.#fail(`its client ${this.#caller.endReason}`));
    this.#caller.send({ type: "start" });
  }

  /** Ends the load; resolves when the calls in flight are over, or after a second. */
  async stop(): Promise<void> {
    if (this.#phase === "starting") this.#fail("its client was not connected before the end");
    this.#isStopping = true;
    if (this.#phase !== "running") return;
    const final = new Promise<void>((resolve) => {
      this.#onFinal = resolve;
    });
    const timer = this.#clock.setTimer(STOP_TIMEOUT_MS, () => this.#onFinal());
    this.#caller.send({ type: "stop" });
    await Promise.race([final, this.#caller.ended]);
    timer.cancel();
    await this.#replicas?.refresh();
    this.#replicas?.close();
    this.#phase = "ended";
  }

  /** These pods may answer from now on, beside those that could before. */
  addPods(pods: readonly string[]): void {
    this.#measure.addPods(pods);
  }

  /**
   * There are other pods now.
   *
   * @param known names of pods that may answer.
   * @param current those that calls should reach from now on.
   */
  setPods(known: readonly string[], current: readonly string[]): void {
    this.#measure.setPods(current, known);
  }

  /** Something was done to the lab: its effect on this lane is counted from now on. */
  mark({ event, atMs, pod }: LabEvent): void {
    this.#measure.mark({ event, atMs, pod });
  }

  /** The proxy replicas of this lane, or null when it has none that could become more. */
  get replicas(): Replicas | null {
    return this.#replicas;
  }

  /** Closes an interval of the history; answers the column. `rows`: the pods in them now. */
  closeInterval(rows: readonly string[]): readonly number[] {
    return this.#history.push(rows, this.#measure.figures().perPod);
  }

  /** The columns of the history, oldest first. */
  get columns(): readonly (readonly number[])[] {
    return this.#history.columns;
  }

  /** The lane as it stands. */
  view(): LaneView {
    const figures = this.#measure.figures(this.#clock.wallMs());
    const replicas = this.#replicas?.views ?? null;
    const { name } = this.#lane;
    const { effects } = this.#measure;
    const judged = { name, figures, failure: this.#failure, replicas, effects };
    const said = verdict(judged);
    return {
      name,
      title: this.#lane.title,
      how: this.#lane.how,
      phase: this.#phase,
      figures,
      callsPerSecond: this.#rate(),
      verdict: this.#client === "" ? said : `${said}; client: ${this.#client}`,
      ...shortVerdict(judged),
      effects,
      replicas,
      failure: this.#failure,
    };
  }

  #onReport(report: ReportMessage): void {
    // The client closes its connections at the end; the load's are what is told.
    this.#measure.add(report);
    const nowMs = this.#clock.nowMs();
    this.#totals.push({ atMs: nowMs, calls: this.#measure.figures().calls });
    while (this.#totals.length > 2 && this.#totals[1]!.atMs < nowMs - RATE_SPAN_MS) {
      this.#totals.shift();
    }
    if (report.final) this.#onFinal();
  }

  #rate(): number {
    const first = this.#totals[0];
    const last = this.#totals.at(-1);
    if (!first || !last || last.atMs === first.atMs) return 0;
    return ((last.calls - first.calls) * 1000) / (last.atMs - first.atMs);
  }

  #fail(reason: string): void {
    if (this.#isStopping || this.#failure !== null) return;
    this.#failure = reason;
    if (this.#phase === "starting") this.#phase = "failed";
  }
}
