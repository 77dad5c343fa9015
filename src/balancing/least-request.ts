/**
 * `least_request`: of a few endpoints drawn by chance, the one with the fewest calls in flight.
 * gRFC A48.
 *
 * A48 draws with replacement; we draw distinct endpoints, so that two choices are always two, and
 * an excluded endpoint never is the only one. The draw is in random order, and the first of equals
 * wins: ties are random without another draw.
 */
import { assert, type Rng } from "../base/index.ts";
import { DistinctDraw } from "./distinct-draw.ts";
import type { Picker, PickTarget, Policy } from "./policy.ts";

/** A48: "choice_count" when the config does not say. */
export const CHOICE_COUNT_DEFAULT = 2;
/** A48: a smaller "choice_count" makes the config invalid. */
export const CHOICE_COUNT_MIN = 2;
/** A48: a larger "choice_count" counts as this. */
export const CHOICE_COUNT_MAX = 10;

class LeastRequestPicker<T extends PickTarget> implements Picker<T> {
  readonly #ready: readonly T[];
  readonly #choiceCount: number;
  readonly #draw: DistinctDraw;

  constructor(ready: readonly T[], choiceCount: number, rng: Rng) {
    this.#ready = ready;
    this.#choiceCount = Math.min(choiceCount, ready.length);
    this.#draw = new DistinctDraw(ready.length, this.#choiceCount, rng);
  }

  pick(exclude: T | null): T | null {
    const choices = this.#choiceCount;
    if (choices < 2) return choices === 0 ? null : this.#ready[0];
    let best: T | null = null;
    for (let i = 0; i < choices; i += 1) {
      const target = this.#ready[this.#draw.next(i)];
      if (target === exclude) continue;
      if (best === null || target.activeCalls < best.activeCalls) best = target;
    }
    return best;
  }
}

/** See the head of this file. The default policy. */
export class LeastRequestPolicy implements Policy {
  readonly name = "least_request";
  readonly connects = "all";
  readonly levelsCalls = true;
  readonly shuffleAddressList = false;
  /** How many endpoints a pick compares: 2 to 10. */
  readonly choiceCount: number;

  /** @param choiceCount at least 2; more than 10 counts as 10 (A48). */
  constructor(choiceCount: number = CHOICE_COUNT_DEFAULT) {
    assert(choiceCount >= CHOICE_COUNT_MIN, "the parser of the config rejected choiceCount < 2");
    this.choiceCount = Math.min(choiceCount, CHOICE_COUNT_MAX);
  }

  /** See `Policy`. */
  newPicker<T extends PickTarget>(ready: readonly T[], rng: Rng): Picker<T> {
    return new LeastRequestPicker(ready, this.choiceCount, rng);
  }
}
