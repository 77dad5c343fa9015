/** `random`: every pick by chance, each endpoint with the same weight. No state at all. */
import type { Rng } from "../base/index.ts";
import type { Picker, PickTarget, Policy } from "./policy.ts";

class RandomPicker<T extends PickTarget> implements Picker<T> {
  readonly #ready: readonly T[];
  readonly #count: number;
  readonly #rng: Rng;

  constructor(ready: readonly T[], rng: Rng) {
    this.#ready = ready;
    this.#count = ready.length;
    this.#rng = rng;
  }

  pick(exclude: T | null): T | null {
    if (this.#count === 0) return null;
    const index = this.#rng.int(this.#count);
    const target = this.#ready[index];
    if (target !== exclude || this.#count === 1) return target;
    const rank = this.#rng.int(this.#count - 1); // among the others
    return this.#ready[rank < index ? rank : rank + 1];
  }
}

/** See the head of this file. */
export class RandomPolicy implements Policy {
  readonly name = "random";
  readonly connects = "all";
  readonly shuffleAddressList = false;

  /** See `Policy`. */
  newPicker<T extends PickTarget>(ready: readonly T[], rng: Rng): Picker<T> {
    return new RandomPicker(ready, rng);
  }
}
