/**
 * What one lane did: the reports of its caller added up, and the figures of imbalance.
 *
 * Pure: no clock, no process. The balance (`balance.ts`) is over *all* pods, used or not.
 */
import { fairness, maxOverMean, sum } from "./balance.ts";
import type { CallReport } from "./call-report.ts";
import { type EffectFigures, EffectMeasure } from "./effect.ts";
import { type JudgedCalls, judgedCalls, type Step } from "./judged.ts";
import { LatencyHistogram, RecentLatency } from "./latency.ts";
import { type NewPodFigures, NewPods } from "./new-pods.ts";

/** The balance among some pods, while there were these and no others. */
export interface StepFigures {
  /** How many there were. */
  readonly pods: number;
  readonly podsUsed: number;
  readonly maxOverMean: number | null;
  readonly fairness: number | null;
  /** Calls that they answered. */
  readonly answered: number;
}

/** A lane's figures so far. What needs a call to be known is null before the first. */
export interface LaneFigures {
  /** Answered calls by pod; every pod that ever was has a key. */
  readonly perPod: Readonly<Record<string, number>>;
  /** The same since the number of pods last changed, and of the pods there have been since. */
  readonly current: Readonly<Record<string, number>>;
  /** Of the current pods, like the two that follow. */
  readonly podsUsed: number;
  /** The busiest pod's calls over the mean of all pods: 1 at best, the number of pods at worst. */
  readonly maxOverMean: number | null;
  /** Jain's fairness index, 1/pods to 1. */
  readonly fairness: number | null;
  /** One for each number of pods there was, the current one last. */
  readonly steps: readonly StepFigures[];
  /** What verdicts are of: the same where there are enough calls since, else with those before. */
  readonly judged: JudgedCalls;
  /** Names of the pods that answered the latest calls; none when these failed. */
  readonly answeredLast: readonly string[];
  /** Calls that ended, answered or failed. */
  readonly calls: number;
  readonly failed: number;
  /** Status and details of the last failed call, or "". */
  readonly lastFailure: string;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** The same of the latest second; null when it has no answered call. */
  readonly recentP50Ms: number | null;
  readonly recentP99Ms: number | null;
  /** Open TCP connections of the client at the last report of the load. */
  readonly connections: number;
  /** From a pod's being ready to its first call, of the latest new pod; null before one. */
  readonly firstCallOfNewPodMs: number | null;
  /** The longest that a new pod has waited for its first call; null when none waits. */
  readonly newPodWaitsMs: number | null;
  /** The pods that came since the start and are there, in the order of their coming. */
  readonly newPods: readonly NewPodFigures[];
}

/** The caller reports every 100 ms: so many are a second. */
const RECENT_REPORTS = 10;
/** What was before other pods came or went is told for five seconds at most. */
const PAST_REPORTS = 50;
/** Effects that are kept; older ones go. */
const EFFECTS_MAX = 500;

/** Adds up the reports of one lane. */
export class LaneMeasure {
  #perPod = new Map<string, number>();
  /** The totals when the number of pods last changed, of the pods there have been since. */
  #since = new Map<string, number>();
  #steps: StepFigures[] = [];
  /** The calls of the steps that ended lately, the latest first. */
  #past: { readonly calls: Step; reports: number }[] = [];
  #answeredLast: readonly string[] = [];
  #latency = new LatencyHistogram();
  #recent = new RecentLatency(RECENT_REPORTS);
  #newPods = new NewPods();
  #effects: EffectFigures[] = [];
  #effect = new EffectMeasure({ event: "start", atMs: 0, pod: null });
  #failed = 0;
  #lastFailure = "";
  #connections = 0;

  /** @param pods Names of all pods, so that the unused ones count as well. */
  constructor(pods: readonly string[]) {
    this.#begin(pods);
  }

  /** Everything from zero, with these pods: none of them is new. */
  reset(pods: readonly string[]): void {
    this.#perPod = new Map();
    this.#steps = [];
    this.#past = [];
    this.#answeredLast = [];
    this.#latency = new LatencyHistogram();
    this.#recent = new RecentLatency(RECENT_REPORTS);
    this.#newPods = new NewPods();
    this.#effects = [];
    this.#effect = new EffectMeasure({ event: "start", atMs: 0, pod: null });
    this.#failed = 0;
    this.#lastFailure = "";
    this.#begin(pods);
  }

  /** A pod that was not there at the start, or had gone, takes calls from `epochMs` on. */
  podReady(pod: string, epochMs: number): void {
    this.addPods([pod]);
    this.#newPods.ready(pod, epochMs);
  }

  /**
   * From now on these are the pods: the balance is measured anew among them.
   *
   * @param all names of pods that may answer: none of them is a stranger.
   */
  setPods(pods: readonly string[], all: readonly string[]): void {
    const ended = this.#current();
    this.#steps.push(stepOf(ended));
    this.#past.unshift({ calls: ended, reports: 0 });
    this.addPods(all);
    const stays = new Set(pods);
    for (const pod of this.#since.keys()) if (!stays.has(pod)) this.#newPods.gone(pod);
    this.#begin(pods);
  }

  /** These may answer from now on, too, though they are not among those that are compared. */
  addPods(pods: readonly string[]): void {
    for (const pod of pods) this.#perPod.set(pod, this.#perPod.get(pod) ?? 0);
  }

  /** Something was done to the lab: its effect is counted from now on. */
  mark(event: Pick<EffectFigures, "event" | "atMs" | "pod">): void {
    this.#effects.push(this.#effect.figures());
    if (this.#effects.length > EFFECTS_MAX) this.#effects.shift();
    this.#effect = new EffectMeasure(event);
  }

  /** From one event to the next, oldest first; the present one last. */
  get effects(): readonly EffectFigures[] {
    return [...this.#effects, this.#effect.figures()];
  }

  #begin(pods: readonly string[]): void {
    this.addPods(pods);
    this.#since = new Map(pods.map((pod) => [pod, this.#perPod.get(pod)!]));
  }

  #current(): ReadonlyMap<string, number> {
    const calls = ([pod, before]: [string, number]): [string, number] => [
      pod,
      this.#perPod.get(pod)! - before,
    ];
    return new Map([...this.#since].map(calls));
  }

  /** Adds one report. Calls answered by a name that is no pod are counted as failed. */
  add(report: CallReport): void {
    for (const [pod, epochMs] of Object.entries(report.firstAnswers ?? {})) {
      this.#newPods.answered(pod, epochMs);
    }
    const perPod: Record<string, number> = {};
    let { failed } = report;
    for (const [pod, calls] of Object.entries(report.perPod)) {
      const before = this.#perPod.get(pod);
      if (before === undefined) {
        failed += calls;
        this.#lastFailure = `answered by "${pod}", which is no pod`;
        continue;
      }
      perPod[pod] = calls;
      this.#perPod.set(pod, before + calls);
      if (calls > 0) this.#newPods.used(pod);
    }
    this.#age(perPod, failed);
    this.#effect.add({ ...report, perPod, failed });
    for (const us of report.latenciesUs) this.#latency.record(us);
    this.#recent.add(report.latenciesUs);
    this.#failed += failed;
    if (report.lastFailure !== "") this.#lastFailure = report.lastFailure;
    this.#connections = report.connections;
  }

  /** Another report is in. */
  #age(perPod: CallReport["perPod"], failed: number): void {
    const answered = Object.keys(perPod).filter((pod) => perPod[pod]! > 0);
    if (answered.length > 0 || failed > 0) this.#answeredLast = answered;
    for (const step of this.#past) step.reports += 1;
    while ((this.#past.at(-1)?.reports ?? 0) > PAST_REPORTS) this.#past.pop();
  }

  /** Calls that ended, answered or failed. */
  get calls(): number {
    return sum([...this.#perPod.values()]) + this.#failed;
  }

  /** Answered calls of each pod that there ever was. */
  get perPod(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#perPod);
  }

  /**
   * The figures of everything added so far.
   *
   * @param nowEpochMs for how long new pods have waited; without it none is said to wait.
   */
  figures(nowEpochMs: number | null = null): LaneFigures {
    const current = this.#current();
    const newPods = this.#newPods.figures(current, nowEpochMs);
    const step = stepOf(current);
    return {
      perPod: this.perPod,
      current: Object.fromEntries(current),
      podsUsed: step.podsUsed,
      maxOverMean: step.maxOverMean,
      fairness: step.fairness,
      steps: [...this.#steps, step],
      judged: judgedCalls(
        current,
        this.#past.map(({ calls }) => calls),
      ),
      answeredLast: this.#answeredLast,
      calls: this.calls,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
      p50Ms: this.#latency.quantileMs(0.5),
      p99Ms: this.#latency.quantileMs(0.99),
      recentP50Ms: this.#recent.quantileMs(0.5),
      recentP99Ms: this.#recent.quantileMs(0.99),
      connections: this.#connections,
      ...firstCalls(newPods),
      newPods,
    };
  }
}

type FirstCalls = Pick<LaneFigures, "firstCallOfNewPodMs" | "newPodWaitsMs">;

function firstCalls(newPods: readonly NewPodFigures[]): FirstCalls {
  const waits = newPods.flatMap(({ waitsMs }) => waitsMs ?? []);
  return {
    firstCallOfNewPodMs:
      newPods.findLast(({ firstCallMs }) => firstCallMs !== null)?.firstCallMs ?? null,
    newPodWaitsMs: waits.length === 0 ? null : Math.max(...waits),
  };
}

function stepOf(perPod: ReadonlyMap<string, number>): StepFigures {
  const counts = [...perPod.values()];
  return {
    pods: counts.length,
    podsUsed: counts.filter((calls) => calls > 0).length,
    maxOverMean: maxOverMean(counts),
    fairness: fairness(counts),
    answered: sum(counts),
  };
}
