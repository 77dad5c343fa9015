/** A few distinct indices by chance, for policies that compare a few endpoints. */
import type { Rng } from "../base/index.ts";

/** Draws without replacement; allocates only when it is made. */
export class DistinctDraw {
  readonly #size: number;
  readonly #rng: Rng;
  /** Indices of the current draw so far, ascending: room for all, reused by every draw. */
  readonly #drawn: Int32Array;

  /** @param count how many indices one draw has at most; no more than `size`. */
  constructor(size: number, count: number, rng: Rng) {
    this.#size = size;
    this.#rng = rng;
    this.#drawn = new Int32Array(count);
  }

  /**
   * An index in [0, size) that differs from the `count` drawn before in this draw: a rank among
   * those left, moved up past each taken index not above it.
   */
  next(count: number): number {
    const drawn = this.#drawn;
    let index = this.#rng.int(this.#size - count);
    let at = 0;
    while (at < count && drawn[at] <= index) {
      index += 1;
      at += 1;
    }
    for (let i = count; i > at; i -= 1) drawn[i] = drawn[i - 1];
    drawn[at] = index;
    return index;
  }
}
