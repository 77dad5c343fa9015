/**
 * Whether a replica is to shed load now, and how much: the rounds, the hysteresis and the budget.
 *
 * Pure: figures, time and chance come in, an order goes out, so that a simulation runs this very
 * code. Which connections carry an order out is `shed-order.ts`. Nothing is agreed between
 * replicas: each sheds its own excess over the mean, in rounds of random length, and only on
 * figures that have seen what it shed before.
 */
import { jittered, type Rng } from "../../base/index.ts";
import { type LoadFigures, loadOf, RATE_WINDOW_MS, sumFigures } from "./load.ts";
import type { ShedOrder } from "./shed-order.ts";

/** Shedding begins when our load is this share above the mean; 1.2 is to be kept to, with noise. */
export const START_ABOVE_MEAN = 0.13;
/** And it goes on down to this one. */
export const STOP_ABOVE_MEAN = 0.05;
/** It does not begin below so many standard deviations of a rate that is counted (Poisson). */
export const NOISE_SIGMAS = 3;
/** So many rounds in a row must find it before the first connection is shed. */
export const CONFIRM_ROUNDS = 2;
/** From one round to the next, shorter or longer by up to `ROUND_JITTER`. */
export const ROUND_MS = 1500;
/** As a share of `ROUND_MS`. */
export const ROUND_JITTER = 0.25;
/** Connections that one round may shed, as a share of ours. */
export const ROUND_SHARE_MAX = 1 / 3;
/** The same as a number: clients that come back at once must not be a storm. */
export const SHEDS_PER_ROUND_MAX = 500;
/** Peers' figures count when they were taken so long after our last shed: clients have landed. */
export const LANDING_MS = 500;
/** Of so many of the peers that must be so before the next round. */
export const SETTLED_SHARE_MIN = 0.75;
/** Older figures of a peer do not count. */
export const FIGURES_AGE_MS_MAX = 5000;
/**
 * What may be shed at once, in shares of our connections: evening out 2 replicas to 50 takes one.
 * Whatever peers claim, more than this is shed only as fast as `BUDGET_REFILL_MS` lets it.
 */
export const BUDGET_SHARES_MAX = 2;
/** One share is earned back in this time. */
export const BUDGET_REFILL_MS = 300_000;

/** What a peer said of its load. */
export interface PeerLoad extends LoadFigures {
  /** How long ago that was so. */
  readonly ageMs: number;
}

/** What a plan is made of. */
export interface PlanInput {
  readonly own: LoadFigures;
  /** Of those that answered and take connections. */
  readonly peers: readonly PeerLoad[];
  /** Peers that should have answered and did not. */
  readonly missing: number;
  /** We take no connections any more. */
  readonly isDraining: boolean;
}

/** Where the planner stands. */
export type ShedVerdict =
  | "draining"
  | "alone"
  | "blind"
  | "balanced"
  | "confirming"
  | "waiting"
  | "spent"
  | "shedding";

/** What came of one look. */
export interface ShedPlan {
  readonly verdict: ShedVerdict;
  /** The verdict in words, with figures. */
  readonly reason: string;
  /** Ours and the mean of all replicas, in calls per second. */
  readonly load: number;
  readonly mean: number;
  /** Replicas that take connections, ours included. */
  readonly replicas: number;
  /** The load of all of these. */
  readonly totalLoad: number;
  /** What is to be done now; null: nothing. */
  readonly order: ShedOrder | null;
}

/** See the head of this file. */
export class ShedPlanner {
  readonly #rng: Rng;
  #nextRoundMs = Number.NEGATIVE_INFINITY;
  #lastShedMs = Number.NEGATIVE_INFINITY;
  #roundsAbove = 0;
  #isShedding = false;
  #budgetShares = BUDGET_SHARES_MAX;
  #budgetMs = Number.NEGATIVE_INFINITY;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Looks at the figures. Call about once a second; most looks order nothing. */
  plan(input: PlanInput, nowMs: number): ShedPlan {
    const { own } = input;
    const peers = input.peers.filter(({ ageMs }) => ageMs <= FIGURES_AGE_MS_MAX);
    const missing = input.missing + input.peers.length - peers.length;
    const loads = [own, ...peers].map(loadOf);
    const totalLoad = loads.reduce((sum, load) => sum + load, 0);
    const replicas = loads.length;
    const base = { load: loads[0], mean: totalLoad / replicas, replicas, totalLoad, order: null };
    this.#earn(nowMs);
    const blocked = blockedBy(input.isDraining, peers.length, missing);
    if (blocked !== null) {
      this.#rest();
      return { ...base, ...blocked };
    }
    if (nowMs < this.#nextRoundMs || !this.#isSettled(peers, nowMs))
      return { ...base, ...this.#between(base) };
    this.#nextRoundMs = nowMs + jittered(ROUND_MS, ROUND_JITTER, this.#rng);
    const callsPerSecond = sumFigures([own, ...peers]).callsPerSecond / replicas;
    const judged = this.#judge(base, noiseOf(callsPerSecond));
    if (judged.verdict !== "shedding") return { ...base, ...judged };
    const countMax = this.#countMax(own.connections);
    if (countMax === 0) return { ...base, verdict: "spent", reason: SPENT };
    const squares = loads.reduce((sum, load) => sum + load * load, 0);
    const amount = base.load - base.mean;
    const order = { replicas, load: base.load, totalLoad, squares, amount, countMax };
    return { ...base, ...judged, order };
  }

  /**
   * Notes that an order was carried out: so many of our `connections` were closed. With none, as
   * none fits, shedding is over until the load is as far above the mean as at its beginning.
   */
  onShed(count: number, connections: number, nowMs: number): void {
    if (count === 0) {
      this.#rest();
      return;
    }
    this.#lastShedMs = nowMs;
    this.#budgetShares = Math.max(0, this.#budgetShares - count / Math.max(1, connections));
  }

  /** Whether the figures have seen what was shed last, and where it went. */
  #isSettled(peers: readonly PeerLoad[], nowMs: number): boolean {
    const landedMs = this.#lastShedMs + LANDING_MS;
    const settled = peers.filter(({ ageMs }) => nowMs - ageMs >= landedMs).length;
    return settled >= SETTLED_SHARE_MIN * peers.length;
  }

  #judge({ load, mean }: { load: number; mean: number }, noise: number): Judged {
    const excess = load - mean;
    if (this.#isShedding && excess <= STOP_ABOVE_MEAN * mean) this.#rest();
    if (this.#isShedding) return { verdict: "shedding", reason: aboveText(load, mean) };
    const startAbove = Math.max(START_ABOVE_MEAN * mean, noise);
    if (excess <= startAbove) {
      this.#rest();
      const most = figure(mean + startAbove);
      return {
        verdict: "balanced",
        reason: `${figure(load)} calls/s here; up to ${most} is near enough to the mean`,
      };
    }
    this.#roundsAbove += 1;
    this.#isShedding = this.#roundsAbove >= CONFIRM_ROUNDS;
    const verdict = this.#isShedding ? "shedding" : "confirming";
    return { verdict, reason: aboveText(load, mean) };
  }

  #between({ load, mean }: { load: number; mean: number }): Judged {
    if (this.#isShedding) return { verdict: "waiting", reason: WAITING };
    if (this.#roundsAbove > 0) return { verdict: "confirming", reason: aboveText(load, mean) };
    return { verdict: "balanced", reason: `${figure(load)} calls/s, the mean is ${figure(mean)}` };
  }

  #rest(): void {
    this.#isShedding = false;
    this.#roundsAbove = 0;
  }

  #earn(nowMs: number): void {
    const elapsedMs = Number.isFinite(this.#budgetMs) ? nowMs - this.#budgetMs : 0;
    this.#budgetMs = nowMs;
    const earned = this.#budgetShares + elapsedMs / BUDGET_REFILL_MS;
    this.#budgetShares = Math.min(BUDGET_SHARES_MAX, earned);
  }

  #countMax(connections: number): number {
    const ofRound = Math.min(SHEDS_PER_ROUND_MAX, Math.ceil(connections * ROUND_SHARE_MAX));
    return Math.min(ofRound, Math.floor(this.#budgetShares * connections));
  }
}

type Judged = Pick<ShedPlan, "verdict" | "reason">;

const SPENT = "as many connections were shed as the budget allows; it earns some back with time";
const WAITING = "until the peers' figures show what was shed last";

function blockedBy(isDraining: boolean, peers: number, missing: number): Judged | null {
  if (isDraining) return { verdict: "draining", reason: "this replica takes no new connections" };
  // With few of them known, the mean is a guess.
  if (missing > peers + 1) {
    return { verdict: "blind", reason: `${missing} peers do not answer, only ${peers} do` };
  }
  if (peers === 0) return { verdict: "alone", reason: "no other replica is known" };
  return null;
}

/** Of an exponential mean of a Poisson process the variance is rate / (2 window). */
function noiseOf(callsPerSecond: number): number {
  return NOISE_SIGMAS * Math.sqrt((callsPerSecond * 1000) / (2 * RATE_WINDOW_MS));
}

function aboveText(load: number, mean: number): string {
  const percent = Math.round((load / mean - 1) * 100);
  return `${figure(load)} calls/s are ${percent} % above the mean, ${figure(mean)}`;
}

/** A load for people. */
function figure(load: number): string {
  return load >= 100 ? String(Math.round(load)) : load.toFixed(1);
}
