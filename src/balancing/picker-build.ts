/** Pickers that are made piece by piece, by a generator that yields between the pieces. */
import type { Picker, PickerBuild, PickTarget } from "./policy.ts";

/** A generator as the build that the contract wants. */
export class SlicedBuild<T extends PickTarget> implements PickerBuild<T> {
  readonly #pieces: Generator<undefined, Picker<T>>;

  constructor(pieces: Generator<undefined, Picker<T>>) {
    this.#pieces = pieces;
  }

  step(): Picker<T> | null {
    const { done, value } = this.#pieces.next();
    return done ? value : null;
  }
}

/** All pieces at once. */
export function buildAtOnce<T extends PickTarget>(
  pieces: Generator<undefined, Picker<T>>,
): Picker<T> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}
