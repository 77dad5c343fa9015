/**
 * `round_robin`: one endpoint after the other. gRFC A61, with the random start that keeps many
 * clients that begin at once from all calling the same endpoint first.
 *
 * The position outlives the picker. Otherwise, with endpoints coming and going, each update would
 * begin anew, and chance alone would decide who serves.
 */
import type { Rng } from "../base/index.ts";
import type { Picker, PickTarget, Policy } from "./policy.ts";

class RoundRobinPicker<T extends PickTarget> implements Picker<T> {
  readonly #ready: readonly T[];
  readonly #count: number;
  #next: number;

  constructor(ready: readonly T[], next: number) {
    this.#ready = ready;
    this.#count = ready.length;
    this.#next = next;
  }

  pick(exclude: T | null): T | null {
    if (this.#count === 0) return null;
    const target = this.#take();
    return target === exclude && this.#count > 1 ? this.#take() : target;
  }

  /** Where a picker over `ready` goes on: at the one whose turn it was, or at its place. */
  positionIn(ready: readonly T[]): number {
    if (ready.length === 0 || this.#count === 0) return 0;
    const index = ready.indexOf(this.#ready[this.#next]);
    return index >= 0 ? index : this.#next % ready.length;
  }

  #take(): T {
    const target = this.#ready[this.#next];
    this.#next = this.#next + 1 === this.#count ? 0 : this.#next + 1;
    return target;
  }
}

/** See the head of this file. */
export class RoundRobinPolicy implements Policy {
  readonly name = "round_robin";
  readonly connects = "all";
  readonly shuffleAddressList = false;

  /** See `Policy`. */
  newPicker<T extends PickTarget>(
    ready: readonly T[],
    rng: Rng,
    previous: Picker<T> | null,
  ): Picker<T> {
    return new RoundRobinPicker(ready, this.#start(ready, rng, previous));
  }

  #start<T extends PickTarget>(ready: readonly T[], rng: Rng, previous: Picker<T> | null): number {
    if (ready.length === 0) return 0;
    if (previous instanceof RoundRobinPicker) return previous.positionIn(ready);
    return rng.int(ready.length);
  }
}
