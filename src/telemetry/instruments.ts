/**
 * The handles by which code records: one object per series, bound to its labels when it is made.
 *
 * Made by `Registry` only; recording touches nothing but the handle.
 */
import { assert } from "../base/index.ts";
import type { Labels, MetricSeries } from "./snapshot.ts";

/** What a registry needs of each handle. */
export abstract class Instrument {
  readonly #labels: Labels;
  readonly #onRemove: () => void;

  /** @param onRemove takes the handle out of its registry. */
  constructor(labels: Labels, onRemove: () => void) {
    this.#labels = Object.freeze({ ...labels });
    this.#onRemove = onRemove;
  }

  /** The name and value of each label. */
  get labels(): Labels {
    return this.#labels;
  }

  /** The present state as plain data, or null when there is nothing to tell. */
  abstract read(): MetricSeries | null;

  /**
   * Ends the series: it is in no later snapshot. For what it was about having gone, such as a pod.
   * The handle may still be written to, without effect. No-op when repeated.
   */
  remove(): void {
    this.#onRemove();
  }
}

/** A sum that only grows. */
export class Counter extends Instrument {
  #value = 0;

  /** The sum so far. */
  get value(): number {
    return this.#value;
  }

  /** Adds `n`, which is not negative. */
  add(n = 1): void {
    this.#value += n;
  }

  /** See `Instrument`. */
  read(): MetricSeries {
    return { labels: this.labels, value: this.#value, buckets: null, count: 0 };
  }
}

/** A value that is asked for when somebody looks: a gauge, or a sum that is kept elsewhere. */
export class Reading extends Instrument {
  readonly #read: () => number;

  /** @param read cheap and without side effects; NaN when there is no value at present. */
  constructor(labels: Labels, onRemove: () => void, read: () => number) {
    super(labels, onRemove);
    this.#read = read;
  }

  /** See `Instrument`. */
  read(): MetricSeries | null {
    const value = this.#read();
    if (!Number.isFinite(value)) return null;
    return { labels: this.labels, value, buckets: null, count: 0 };
  }
}

/** How values spread over fixed boundaries. */
export class Histogram extends Instrument {
  readonly #boundaries: Float64Array;
  /** One for the values up to each boundary and above the one before, and one for the rest. */
  readonly #buckets: Float64Array;
  #sum = 0;

  /** @param boundaries ascending. */
  constructor(labels: Labels, onRemove: () => void, boundaries: readonly number[]) {
    super(labels, onRemove);
    this.#boundaries = Float64Array.from(boundaries);
    this.#buckets = new Float64Array(boundaries.length + 1);
    for (let i = 1; i < boundaries.length; i += 1) {
      assert(boundaries[i - 1] < boundaries[i], "boundaries ascend");
    }
  }

  /** How many values were recorded. */
  get count(): number {
    return this.#buckets.reduce((sum, n) => sum + n, 0);
  }

  /** The sum of the values that were recorded. */
  get sum(): number {
    return this.#sum;
  }

  /** Counts one value. NaN is not counted: it would spoil the sum for good. */
  record(value: number): void {
    if (Number.isNaN(value)) return;
    const boundaries = this.#boundaries;
    let low = 0;
    let high = boundaries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= boundaries[middle]) high = middle;
      else low = middle + 1;
    }
    this.#buckets[low] += 1;
    this.#sum += value;
  }

  /** See `Instrument`. The value is the sum. */
  read(): MetricSeries {
    const buckets = Array.from(this.#buckets);
    return { labels: this.labels, value: this.#sum, buckets, count: this.count };
  }
}
