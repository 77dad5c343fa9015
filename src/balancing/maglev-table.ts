/**
 * The lookup table of `maglev`: slots that endpoints take in turn, each in an order of its own that
 * only its key decides. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer" (NSDI 2016), listing 1, with weights as in Envoy.
 *
 * Where all weights are equal it is Envoy's table: the same hashes, and the same turns.
 */
import { Xxh64 } from "./xxh64.ts";

/** What of an endpoint makes its slots. */
export interface TableMember {
  readonly key: string;
  readonly weight: number;
}

/** Keys that are hashed, and slots that are tried, between two yields: well under a millisecond. */
const HASH_SLICE = 1024;
const TRY_SLICE = 32_768;
/** The first slice is short, and each one twice as long as the last: code is slow at first. */
const FIRST_TRY_SLICE = 2048;
/** A weight below counts as this: the heaviest would fill the table before its turn. */
const WEIGHT_MIN = 1e-6;
const FREE = -1;
const UINT32 = 2 ** 32;

/** Hashes of two int32 halves modulo a number below 2^24. */
export class HashModulo {
  readonly #modulus: number;
  /** 2^32, reduced. */
  readonly #power: number;

  constructor(modulus: number) {
    this.#modulus = modulus;
    this.#power = UINT32 % modulus;
  }

  /** (hi x 2^32 + lo) mod the modulus: no step leaves the 53 bits of a double. */
  of(hi: number, lo: number): number {
    const modulus = this.#modulus;
    const value = ((hi >>> 0) % modulus) * this.#power + (lo >>> 0);
    const rest = value - Math.floor(value / modulus) * modulus;
    return rest < 0 ? rest + modulus : rest; // the quotient was rounded up
  }
}

/**
 * Yields now and then; returns for each slot the index of its owner in `members`.
 *
 * @param members at least one, ordered by `key`: the turns are taken in this order.
 * @param size a prime, so that every endpoint's order visits every slot.
 */
export function* buildTable(
  members: readonly TableMember[],
  size: number,
): Generator<undefined, Int32Array> {
  const places = new Int32Array(members.length);
  const skips = new Int32Array(members.length);
  for (let at = 0; at < members.length; at += HASH_SLICE) {
    hashSlice(members, places, skips, size, at);
    yield;
  }
  const filling = new Filling(places, skips, weightsOf(members), size);
  for (let slice = FIRST_TRY_SLICE; !filling.run(slice); slice *= 2) {
    slice = Math.min(slice, TRY_SLICE / 2);
    yield;
  }
  return filling.table;
}

/** Where each begins, and how far it jumps; two hashes of its key say so. */
function hashSlice(
  members: readonly TableMember[],
  places: Int32Array,
  skips: Int32Array,
  size: number,
  from: number,
): void {
  const hash = new Xxh64();
  const place = new HashModulo(size);
  const skip = new HashModulo(size - 1);
  for (let i = from; i < Math.min(from + HASH_SLICE, members.length); i += 1) {
    hash.text(members[i].key);
    places[i] = place.of(hash.hi, hash.lo);
    hash.text(members[i].key, 1);
    skips[i] = skip.of(hash.hi, hash.lo) + 1;
  }
}

/** Each weight in relation to the greatest, which is 1. */
function weightsOf(members: readonly TableMember[]): Float64Array {
  const weights = Float64Array.from(members, ({ weight }) => Math.max(weight, WEIGHT_MIN));
  const most = weights.reduce((max, weight) => Math.max(max, weight), 0);
  return weights.map((weight) => Math.max(weight / most, WEIGHT_MIN));
}

class Filling {
  readonly table: Int32Array;
  /** By member: the slot that it tries next. */
  readonly #places: Int32Array;
  readonly #skips: Int32Array;
  readonly #weights: Float64Array;
  /** By member: turns that it has had, and one more, as rounds of the heaviest. */
  readonly #due: Float64Array;
  #round = 1;
  #member = 0;
  #filled = 0;

  constructor(places: Int32Array, skips: Int32Array, weights: Float64Array, size: number) {
    this.table = new Int32Array(size).fill(FREE);
    this.#places = places;
    this.#skips = skips;
    this.#weights = weights;
    this.#due = new Float64Array(weights.length);
  }

  /** Tries up to about `count` slots. Whether the table is full. */
  run(count: number): boolean {
    const { table } = this;
    const [weights, due] = [this.#weights, this.#due];
    const [members, size] = [weights.length, table.length];
    let tries = 0;
    while (this.#filled < size && tries < count) {
      const member = this.#member;
      tries += 1;
      // One of a third of the greatest weight takes a slot in every third round.
      if (this.#round * weights[member] >= due[member]) {
        due[member] += 1;
        tries += this.#take(member);
      }
      this.#member = member + 1 === members ? 0 : member + 1;
      if (this.#member === 0) this.#round += 1;
    }
    return this.#filled === size;
  }

  /** The next free slot in the member's order. How many it tried. */
  #take(member: number): number {
    const { table } = this;
    const skip = this.#skips[member];
    const size = table.length;
    let place = this.#places[member];
    let tries = 1;
    while (table[place] !== FREE) {
      place += skip;
      if (place >= size) place -= size;
      tries += 1;
    }
    table[place] = member;
    this.#filled += 1;
    place += skip;
    this.#places[member] = place >= size ? place - size : place;
    return tries;
  }
}
