/**
 * What one lane did: the reports of its caller added up, and the figures of imbalance.
 *
 * Pure: no clock, no process. The figures have their usual meanings: max/mean over *all* pods, used
 * or not, and Jain's fairness index (sum x)^2 / (n * sum x^2), which is 1 when all pods got the
 * same and 1/n when one got everything.
 */
import { LatencyHistogram } from "./latency.ts";

/** One report of a lane's caller; the parts of `ReportMessage` that are counted. */
export interface CallReport {
  readonly perPod: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly lastFailure: string;
  readonly latenciesUs: readonly number[];
  readonly connections: number;
}

/** A lane's figures so far. What needs a call to be known is null before the first. */
export interface LaneFigures {
  /** Answered calls by pod; every pod has a key. */
  readonly perPod: Readonly<Record<string, number>>;
  readonly podsUsed: number;
  /** The busiest pod's calls over the mean of all pods: 1 at best, the number of pods at worst. */
  readonly maxOverMean: number | null;
  /** Jain's fairness index, 1/pods to 1. */
  readonly fairness: number | null;
  /** Calls that ended, answered or failed. */
  readonly calls: number;
  readonly failed: number;
  /** Status and details of the last failed call, or "". */
  readonly lastFailure: string;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Open TCP connections of the client at the last report of the load. */
  readonly connections: number;
}

/** Adds up the reports of one lane. */
export class LaneMeasure {
  readonly #perPod = new Map<string, number>();
  readonly #latency = new LatencyHistogram();
  #failed = 0;
  #lastFailure = "";
  #connections = 0;

  /** @param pods Names of all pods, so that the unused ones count as well. */
  constructor(pods: readonly string[]) {
    for (const pod of pods) this.#perPod.set(pod, 0);
  }

  /** Adds one report. Calls answered by a name that is no pod are counted as failed. */
  add(report: CallReport): void {
    for (const [pod, calls] of Object.entries(report.perPod)) {
      const before = this.#perPod.get(pod);
      if (before === undefined) {
        this.#failed += calls;
        this.#lastFailure = `answered by "${pod}", which is no pod`;
      } else {
        this.#perPod.set(pod, before + calls);
      }
    }
    for (const us of report.latenciesUs) this.#latency.record(us);
    this.#failed += report.failed;
    if (report.lastFailure !== "") this.#lastFailure = report.lastFailure;
    this.#connections = report.connections;
  }

  /** The figures of everything added so far. */
  figures(): LaneFigures {
    const counts = [...this.#perPod.values()];
    const sum = counts.reduce((total, calls) => total + calls, 0);
    const squares = counts.reduce((total, calls) => total + calls * calls, 0);
    const max = Math.max(...counts);
    return {
      perPod: Object.fromEntries(this.#perPod),
      podsUsed: counts.filter((calls) => calls > 0).length,
      maxOverMean: sum === 0 ? null : (max * counts.length) / sum,
      fairness: sum === 0 ? null : (sum * sum) / (counts.length * squares),
      calls: sum + this.#failed,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
      p50Ms: this.#latency.quantileMs(0.5),
      p99Ms: this.#latency.quantileMs(0.99),
      connections: this.#connections,
    };
  }
}
