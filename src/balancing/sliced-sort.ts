/**
 * A sort by key that can be done in slices: 10,000 texts at once would hold the process up for
 * many milliseconds. Merge sort from the bottom up; what is sorted already costs one pass.
 *
 * Not for anything but the builds of `ring_hash` and `maglev`, which must not depend on the order
 * in which a resolver happens to list endpoints.
 */

/** What is sorted. */
interface Keyed {
  readonly key: string;
}

/** Runs of this many are sorted at once. */
const RUN = 256;
/** Comparisons, or runs, between two yields: well under a millisecond. */
const SLICE = 8192;

/** Yields now and then; returns the items by `key` ascending, equal ones in their order. */
export function* sortedByKey<T extends Keyed>(items: readonly T[]): Generator<undefined, T[]> {
  const n = items.length;
  let from: T[] = [];
  for (let at = 0; at < n; at += RUN) {
    for (const item of items.slice(at, at + RUN).sort(byKey)) from.push(item);
    if ((at / RUN) % 8 === 7) yield;
  }
  let into: T[] = new Array(n);
  for (let width = RUN; width < n; width *= 2) {
    for (let at = 0; at < n; at += 2 * width) {
      const merge = new Merge(from, into, at, Math.min(at + width, n), Math.min(at + 2 * width, n));
      while (!merge.run(SLICE)) yield;
    }
    [from, into] = [into, from];
    yield;
  }
  return from;
}

function byKey(a: Keyed, b: Keyed): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** [start, middle) and [middle, end) of one list, merged into another one. */
class Merge<T extends Keyed> {
  readonly #from: readonly T[];
  readonly #into: T[];
  readonly #middle: number;
  readonly #end: number;
  #left: number;
  #right: number;
  #at: number;

  constructor(from: readonly T[], into: T[], start: number, middle: number, end: number) {
    this.#from = from;
    this.#into = into;
    this.#middle = middle;
    this.#end = end;
    this.#left = start;
    this.#right = middle;
    this.#at = start;
  }

  /** Moves up to `count` items. Whether all have been moved. */
  run(count: number): boolean {
    const [from, into, middle, end] = [this.#from, this.#into, this.#middle, this.#end];
    const stop = Math.min(this.#at + count, end);
    for (; this.#at < stop; this.#at += 1) {
      const takesLeft =
        this.#left < middle &&
        (this.#right >= end || from[this.#left].key <= from[this.#right].key);
      into[this.#at] = takesLeft ? from[this.#left++] : from[this.#right++];
    }
    return this.#at === end;
  }
}
