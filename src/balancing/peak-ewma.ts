/**
 * `peak_ewma`: of two endpoints drawn by chance, the one where a call is expected to take less
 * time: its recent latency, times the calls that would be in flight there. As in Finagle and
 * Linkerd, with a decay of 2.5 s where these have 10 s: an endpoint that was ten times as slow as
 * the others gets calls again after 2.5 s x ln 10, and not after 23 s.
 *
 * How latency is estimated is in `peak-ewma-load.ts`.
 */
import { assert, type Rng } from "../base/index.ts";
import { DistinctDraw } from "./distinct-draw.ts";
import { CHOICE_COUNT_MAX, CHOICE_COUNT_MIN } from "./least-request.ts";
import { PeakEwmaLoad } from "./peak-ewma-load.ts";
import type { EndpointLoad, Picker, PickRequest, PickTarget, Policy } from "./policy.ts";

/** The parameters, checked. */
export interface PeakEwmaConfig {
  /** In this time an estimate sinks to 1/e of itself; above 0. */
  readonly decayMs: number;
  /** What is assumed of an endpoint that has long not answered its first call; above 0. */
  readonly defaultRttMs: number;
  /** How many endpoints a pick compares: 2 or more; more than 10 counts as 10. */
  readonly choiceCount: number;
}

/** What holds where the config says nothing. */
export const PEAK_EWMA_DEFAULTS: PeakEwmaConfig = Object.freeze({
  decayMs: 2_500,
  defaultRttMs: 30,
  choiceCount: 2,
});

class PeakEwmaPicker<T extends PickTarget> implements Picker<T> {
  readonly #ready: readonly T[];
  readonly #choiceCount: number;
  readonly #draw: DistinctDraw;

  constructor(ready: readonly T[], choiceCount: number, rng: Rng) {
    this.#ready = ready;
    this.#choiceCount = Math.min(choiceCount, ready.length);
    this.#draw = new DistinctDraw(ready.length, this.#choiceCount, rng);
  }

  pick(exclude: T | null, _request: PickRequest | null, nowMs: number): T | null {
    const choices = this.#choiceCount;
    if (choices < 2) return choices === 0 ? null : this.#ready[0];
    let best: T | null = null;
    let bestCost = 0;
    for (let i = 0; i < choices; i += 1) {
      const target = this.#ready[this.#draw.next(i)];
      if (target === exclude) continue;
      const cost = costOf(target, nowMs);
      if (best !== null && cost >= bestCost) continue;
      best = target;
      bestCost = cost;
    }
    return best;
  }
}

/** One that is no longer ours to judge, as its policy is another one by now, costs nothing. */
function costOf({ load, activeCalls }: PickTarget, nowMs: number): number {
  return load instanceof PeakEwmaLoad ? load.cost(activeCalls, nowMs) : 0;
}

/** See the head of this file. */
export class PeakEwmaPolicy implements Policy {
  readonly name = "peak_ewma";
  readonly connects = "all";
  readonly levelsCalls = true;
  readonly shuffleAddressList = false;
  readonly config: PeakEwmaConfig;

  constructor(config: PeakEwmaConfig = PEAK_EWMA_DEFAULTS) {
    assert(config.decayMs > 0, "the parser of the config rejected a decay of nothing");
    assert(config.choiceCount >= CHOICE_COUNT_MIN, "and a choiceCount below 2");
    this.config = { ...config, choiceCount: Math.min(config.choiceCount, CHOICE_COUNT_MAX) };
  }

  /** See `Policy`. */
  newLoad(nowMs: number, previous: EndpointLoad | null): EndpointLoad {
    const { decayMs, defaultRttMs } = this.config;
    const load = new PeakEwmaLoad(decayMs, defaultRttMs, nowMs);
    if (previous instanceof PeakEwmaLoad) load.resume(previous);
    return load;
  }

  /** See `Policy`. */
  newPicker<T extends PickTarget>(ready: readonly T[], rng: Rng): Picker<T> {
    return new PeakEwmaPicker(ready, this.config.choiceCount, rng);
  }
}
