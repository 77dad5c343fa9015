/**
 * `weighted_round_robin`: endpoints in turn, each as often as its weight says, which it reports
 * itself (ORCA). gRFC A58, with the metrics of A78.
 *
 * Weights change all the time and pickers do not: a new picker is made every update period. Where a
 * picker stood outlives it, as with round robin.
 */
import type { Rng } from "../base/index.ts";
import type { EndpointLoad, Picker, PickTarget, Policy, Weighing } from "./policy.ts";
import { ReportedWeight } from "./reported-weight.ts";
import { StaticStride, type StridePosition, strideWeights } from "./static-stride.ts";
import type { WeightedRoundRobinConfig } from "./weighted-round-robin-config.ts";

/** Picks in a row that fall on the excluded endpoint; then its neighbour is taken. */
const EXCLUDED_PICKS_MAX = 4;

/** What the weights of endpoints are worth at a moment: 0 for one that cannot be used. */
function weigh(ready: readonly PickTarget[], nowMs: number): Omit<Weighing, "isFallback"> {
  const weights = new Float64Array(ready.length);
  let notYetUsableCount = 0;
  let staleCount = 0;
  for (let i = 0; i < ready.length; i += 1) {
    const { load } = ready[i];
    const state = load instanceof ReportedWeight ? load.stateAt(nowMs) : "not-yet";
    if (state === "usable") weights[i] = (load as ReportedWeight).weight;
    else if (state === "stale") staleCount += 1;
    else notYetUsableCount += 1;
  }
  return { weights, notYetUsableCount, staleCount };
}

class WeightedRoundRobinPicker<T extends PickTarget> implements Picker<T> {
  readonly weighing: Weighing;
  readonly #ready: readonly T[];
  readonly #count: number;
  /** Null for round robin, with `#next` in its place. */
  readonly #stride: StaticStride | null;
  #next: number;
  /** What goes on when weights are known again. */
  readonly #generation: number;

  constructor(ready: readonly T[], { index, generation }: StridePosition, nowMs: number) {
    this.#ready = ready;
    this.#count = ready.length;
    this.#next = index;
    this.#generation = generation;
    const weighing = weigh(ready, nowMs);
    const weights = strideWeights(weighing.weights);
    this.weighing = { ...weighing, isFallback: weights === null };
    this.#stride = weights === null ? null : new StaticStride(weights, { index, generation });
  }

  pick(exclude: T | null): T | null {
    if (this.#count === 0) return null;
    let index = this.#take();
    if (this.#ready[index] !== exclude || this.#count === 1) return this.#ready[index];
    for (let i = 1; i < EXCLUDED_PICKS_MAX; i += 1) {
      index = this.#take();
      if (this.#ready[index] !== exclude) return this.#ready[index];
    }
    return this.#ready[index + 1 === this.#count ? 0 : index + 1];
  }

  #take(): number {
    if (this.#stride !== null) return this.#stride.next();
    const index = this.#next;
    this.#next = index + 1 === this.#count ? 0 : index + 1;
    return index;
  }

  /** Where a picker over `ready` goes on: at the one whose turn it was, or at its place. */
  positionIn(ready: readonly PickTarget[]): StridePosition {
    const at = this.#stride?.position ?? { index: this.#next, generation: this.#generation };
    if (ready.length === 0 || this.#count === 0) return { ...at, index: 0 };
    const index = ready.indexOf(this.#ready[at.index]);
    return { ...at, index: index >= 0 ? index : at.index % ready.length };
  }
}

/** See the head of this file. */
export class WeightedRoundRobinPolicy implements Policy {
  readonly name = "weighted_round_robin";
  readonly connects = "all";
  readonly shuffleAddressList = false;
  readonly refreshMs: number;
  /** "While enable_oob_load_report is set, per-call load reports are never parsed" (A58). */
  readonly usesReports: boolean;
  readonly reportPeriodMs: number | null;
  readonly config: WeightedRoundRobinConfig;

  constructor(config: WeightedRoundRobinConfig) {
    this.config = config;
    this.refreshMs = config.updateMs;
    this.reportPeriodMs = config.reportPeriodMs;
    this.usesReports = config.reportPeriodMs === null;
  }

  /** See `Policy`. */
  newLoad(_nowMs: number, previous: EndpointLoad | null): EndpointLoad {
    return new ReportedWeight(this.config, previous);
  }

  /** See `Policy`. */
  newPicker<T extends PickTarget>(
    ready: readonly T[],
    rng: Rng,
    previous: Picker<T> | null,
    nowMs: number,
  ): Picker<T> {
    return new WeightedRoundRobinPicker(ready, this.#start(ready, rng, previous), nowMs);
  }

  #start<T extends PickTarget>(
    ready: readonly T[],
    rng: Rng,
    previous: Picker<T> | null,
  ): StridePosition {
    if (previous instanceof WeightedRoundRobinPicker) return previous.positionIn(ready);
    return { index: ready.length === 0 ? 0 : rng.int(ready.length), generation: 0 };
  }
}
