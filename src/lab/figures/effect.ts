/**
 * What became of a lane since something was done to the lab: failed calls, latency, and the part of
 * the calls that went to the pod concerned.
 *
 * Pure. Counted by the caller's reports, so up to 100 ms of before may be in it.
 */

import type { CallReport } from "./call-report.ts";
import { LatencyHistogram } from "./latency.ts";
import { latencyText, percentText } from "./number-words.ts";

/** A lane's figures from one event to the next. */
export interface EffectFigures {
  /** What was done, as `actions.ts` writes it; "start" for what was before the first event. */
  readonly event: string;
  /** When, in ms of load. */
  readonly atMs: number;
  /** The pod concerned, or null. */
  readonly pod: string | null;
  /** Its part of the answered calls, 0 to 1; null without such a pod, or before a call. */
  readonly podShare: number | null;
  /** Calls that ended, answered or failed. */
  readonly calls: number;
  readonly failed: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** Adds up the reports of a lane since an event. */
export class EffectMeasure {
  readonly #event: Pick<EffectFigures, "event" | "atMs" | "pod">;
  readonly #latency = new LatencyHistogram();
  #answered = 0;
  #podAnswered = 0;
  #failed = 0;

  constructor(event: Pick<EffectFigures, "event" | "atMs" | "pod">) {
    this.#event = event;
  }

  /** Adds one report. */
  add({ perPod, failed, latenciesUs }: CallReport): void {
    for (const [pod, calls] of Object.entries(perPod)) {
      this.#answered += calls;
      if (pod === this.#event.pod) this.#podAnswered += calls;
    }
    this.#failed += failed;
    for (const us of latenciesUs) this.#latency.record(us);
  }

  /** The figures of everything added so far. */
  figures(): EffectFigures {
    const { event, atMs, pod } = this.#event;
    const isKnown = pod !== null && this.#answered > 0;
    return {
      ...{ event, atMs, pod },
      podShare: isKnown ? this.#podAnswered / this.#answered : null,
      calls: this.#answered + this.#failed,
      failed: this.#failed,
      p50Ms: this.#latency.quantileMs(0.5),
      p99Ms: this.#latency.quantileMs(0.99),
    };
  }
}

/** The figures in one sentence, or null when nothing was done yet, or no call ended since. */
export function effectSentence(effect: EffectFigures): string | null {
  const { event, pod, podShare, calls, failed, p99Ms } = effect;
  if (event === "start" || calls === 0) return null;
  const parts = [`${failed} of ${calls} calls failed`];
  if (podShare !== null) parts.unshift(`${percentText(podShare)} of calls to ${pod}`);
  if (p99Ms !== null) parts.push(`p99 ${latencyText(p99Ms)}`);
  return `since ${event}: ${parts.join(", ")}`;
}
