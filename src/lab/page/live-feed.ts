/**
 * The page's side of a running lab: what every open page was told last, what one that comes now is
 * told first, and the columns of the last minutes.
 *
 * It reads the lab when somebody looks, and has no socket: `send` is the server's.
 */

import type { Lab } from "../core/lab.ts";
import { INTERVAL_MS } from "../figures/history.ts";
import { ACTION_LIMITS } from "../options.ts";
import { type Delta, deltaOf } from "./page-delta.ts";
import {
  type Column,
  type Hello,
  laneSample,
  rounded,
  type Sample,
  STATE_LETTERS,
} from "./page-feed.ts";

/** Of the latest events a sample has so many. */
const EVENTS_SHOWN = 100;
/** Columns that are kept: two minutes, which is more than the widest strip shows. */
const COLUMNS_MAX = 240;

/** What is told of a run beside its lab. */
export interface RunFacts {
  /** The command line of the lab. */
  readonly command: string;
  /** When the run began, in epoch ms. */
  readonly runId: number;
  /** The command line of a new lab that does what was done to this one so far. */
  newLab(): string;
}

/** What it reads of a lab. */
export type ShownLab = Pick<
  Lab,
  | "pods"
  | "podStates"
  | "wantedPods"
  | "slowPods"
  | "notServingPods"
  | "sickPods"
  | "events"
  | "columnCount"
  | "elapsedMs"
  | "progress"
  | "problem"
  | "laneChoices"
  | "load"
  | "clusterIpBy"
  | "views"
>;

/** Tells pages what a lab looks like. */
export class LiveFeed {
  readonly #lab: () => ShownLab;
  readonly #facts: RunFacts;
  #columns: Column[] = [];
  /** Closed, and not told yet. */
  #closed: Column[] = [];
  #columnCount = 0;
  /** What all open pages know; null while none is open. */
  #told: Sample | null = null;
  /** The lab was put back to its start, and open pages have not heard of it. */
  #isAnew = false;

  constructor(lab: () => ShownLab, facts: RunFacts) {
    this.#lab = lab;
    this.#facts = facts;
  }

  /** An interval is over: `columns` are its calls by row, a lane each. */
  close(columns: readonly (readonly number[])[]): void {
    const lab = this.#lab();
    // The lab counts from zero again when it is put back to its start.
    if (lab.columnCount <= this.#columnCount) this.#begin();
    this.#columnCount = lab.columnCount;
    const lanes = lab.views().map(({ name, figures, ejected }, index) => {
      const { recentP50Ms, recentP99Ms } = figures;
      const latency = { p50Ms: rounded(recentP50Ms), p99Ms: rounded(recentP99Ms) };
      const rows = ejected.map((pod) => lab.pods.indexOf(pod)).filter((row) => row >= 0);
      const outlined = rows.length > 0 && { ejected: rows };
      return [name, { calls: columns[index] ?? [], ...latency, ...outlined }] as const;
    });
    const states = lab.podStates.map((state) => STATE_LETTERS[state]).join("");
    const column = { states, lanes: Object.fromEntries(lanes) };
    this.#columns.push(column);
    if (this.#columns.length > COLUMNS_MAX) this.#columns.shift();
    this.#closed.push(column);
    if (this.#told === null) this.#closed = [];
  }

  /** What a page that has just come is told. From now on it is told what changes. */
  hello(): Hello {
    this.#told ??= this.#sample(false);
    const { command, runId } = this.#facts;
    return {
      ...{ command, runId },
      podsMax: ACTION_LIMITS.podsMax,
      policies: ACTION_LIMITS.policies,
      intervalMs: INTERVAL_MS,
      clusterIpBy: this.#lab().clusterIpBy,
      // Those that were closed since the last delta come with the next one.
      columns: this.#columns.slice(0, this.#columns.length - this.#closed.length),
      now: this.#told,
    };
  }

  /** What changed since the last time, for pages that are open; null when nothing did. */
  delta(isLast: boolean): Delta | null {
    if (this.#told === null) return null;
    const now = this.#sample(isLast);
    const changes = deltaOf(this.#told, now);
    const columns = this.#closed;
    if (changes === null && columns.length === 0) return null;
    this.#told = now;
    this.#closed = [];
    return { now: changes ?? { elapsedMs: now.elapsedMs }, columns };
  }

  /** Nobody looks any more: the next one that comes is told the lab as it is then. */
  forget(): void {
    this.#told = null;
    this.#closed = [];
  }

  /**
   * Whether the lab was put back to its start since this was asked last, so that all is to be told
   * anew. An interval that was closed meanwhile may have noticed it first.
   */
  takeBegunAnew(): boolean {
    if (this.#lab().columnCount < this.#columnCount) this.#begin();
    const isAnew = this.#isAnew;
    this.#isAnew = false;
    return isAnew;
  }

  #begin(): void {
    this.#columns = [];
    this.#columnCount = this.#lab().columnCount;
    this.#isAnew = true;
    this.forget();
  }

  #sample(isLast: boolean): Sample {
    const lab = this.#lab();
    const { slowPods, notServingPods, sickPods } = lab;
    // A copy: what the lab changes in place later would not be seen to have changed.
    return structuredClone({
      elapsedMs: Math.round(lab.elapsedMs),
      isLast,
      pods: lab.pods.map((name, index) => ({
        name,
        state: lab.podStates[index]!,
        isSlow: slowPods.includes(name),
        isNotServing: notServingPods.includes(name),
        isSick: sickPods.includes(name),
      })),
      wantedPods: lab.wantedPods,
      events: lab.events.slice(-EVENTS_SHOWN),
      columnCount: lab.columnCount,
      progress: lab.progress,
      problem: lab.problem,
      newLab: this.#facts.newLab(),
      laneChoices: lab.laneChoices,
      load: lab.load,
      lanes: lab.views().map((lane) => laneSample(lane, lab.pods)),
    });
  }
}
