/**
 * The interface of chance, and two sources that can be replayed: a seeded and a scripted one.
 *
 * Not for secrets. The real source is in `real.ts`.
 */
import { assert } from "./assert.ts";

/** Where chance comes from. Neither method allocates in the real and the seeded one. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number, uniform in [0, n). `n` is at least 1. */
  int(n: number): number;
}

/** Chris Doty-Humphrey's sfc32: 128 bits of state, passes PractRand, a few ns a number. */
class SeededRng implements Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 15; i += 1) this.#uint32(); // mixes neighbouring seeds apart
  }

  next(): number {
    return this.#uint32() / 2 ** 32;
  }

  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  #uint32(): number {
    const out = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }
}

class ScriptedRng implements Rng {
  readonly #values: readonly number[];
  #at = 0;

  constructor(values: readonly number[]) {
    this.#values = values;
  }

  next(): number {
    assert(this.#at < this.#values.length, "scriptedRng: more was asked than the script has");
    return this.#values[this.#at++];
  }

  int(n: number): number {
    const value = this.next();
    assert(value >= 0 && value < n, "scriptedRng: the next value lies outside [0, n)");
    return value;
  }
}

/** A generator that yields the same numbers for the same seed, on every machine and version. */
export function seededRng(seed: number): Rng {
  return new SeededRng(seed);
}

/**
 * For tests: `next()` and `int()` both take the next value of the list, as it is.
 *
 * Throws an `AssertionError` when the list is used up, or when the value is no possible answer.
 */
export function scriptedRng(...values: number[]): Rng {
  return new ScriptedRng(values);
}

/** `value` moved by chance by up to `share` of it, either way. */
export function jittered(value: number, share: number, rng: Rng): number {
  return value * (1 + share * (2 * rng.next() - 1));
}

/** A copy of `list` in random order, each order as likely as any other (Fisher and Yates). */
export function shuffled<T>(list: readonly T[], rng: Rng): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
