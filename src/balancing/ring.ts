/**
 * The ring of `ring_hash`: points of 64 bits, each owned by an endpoint; a hash belongs to the
 * owner of the first point not below it. A42: "uses the same algorithm as Envoy's implementation",
 * so the same endpoints make the same ring here, in Envoy and in gRPC's other clients.
 *
 * Points are found by the top bits of a hash: a table says where on the ring these begin, and the
 * few points that share them are searched by halves. Built in slices; immutable once it is built.
 */
import { Xxh64 } from "./xxh64.ts";

/** What of an endpoint makes its place. */
export interface RingMember {
  readonly key: string;
  readonly weight: number;
}

/** Points that are hashed, or moved, between two yields: well under a millisecond. */
const HASH_SLICE = 4096;
/** The first slice is short, and each one twice as long as the last: code is slow at first. */
const FIRST_HASH_SLICE = 256;
const MOVE_SLICE = 16_384;
const SUM_SLICE = 262_144;
/** A weight below counts as this. Nobody gets a share of nothing, nor a negative one. */
const WEIGHT_MIN = 1e-6;

/**
 * Halves are kept with the top bit turned, so that int32 are in the order of the unsigned halves:
 * an unsigned half would be a number that V8 may have to box.
 */
const TURNED = 0x80000000 | 0;

/** Points in one order or another. */
interface Points {
  readonly hi: Int32Array;
  readonly lo: Int32Array;
  /** Index of the endpoint in the list that the ring was built of. */
  readonly owner: Uint32Array;
}

function newPoints(count: number): Points {
  return {
    hi: new Int32Array(count),
    lo: new Int32Array(count),
    owner: new Uint32Array(count),
  };
}

/** See the head of this file. */
export class Ring {
  /** How many points there are. */
  readonly size: number;
  readonly #points: Points;
  /** By the top bits of a hash: the first point that has them or higher ones. One entry more. */
  readonly #starts: Uint32Array;
  readonly #shift: number;

  constructor(points: Points, starts: Uint32Array, shift: number) {
    this.size = points.hi.length;
    this.#points = points;
    this.#starts = starts;
    this.#shift = shift;
  }

  /** The first point not below the hash, which is given as two int32; around the end, point 0. */
  find(hi: number, lo: number): number {
    const { hi: his, lo: los } = this.#points;
    const high = hi ^ TURNED;
    const low = lo ^ TURNED;
    const bucket = hi >>> this.#shift;
    let from = this.#starts[bucket];
    let to = this.#starts[bucket + 1];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const isBelow = his[middle] < high || (his[middle] === high && los[middle] < low);
      if (isBelow) from = middle + 1;
      else to = middle;
    }
    return from === this.size ? 0 : from;
  }

  /** Index of the endpoint that owns a point, in the list that the ring was built of. */
  ownerOf(point: number): number {
    return this.#points.owner[point];
  }
}

/**
 * Yields now and then; returns the ring.
 *
 * @param members at least one, ordered by `key`: rounding depends on the order.
 * @param sizeMin at least so many points, unless `sizeMax` forbids.
 */
export function* buildRing(
  members: readonly RingMember[],
  sizeMin: number,
  sizeMax: number,
): Generator<undefined, Ring> {
  const counts = pointCounts(members, sizeMin, sizeMax);
  const size = counts.reduce((sum, count) => sum + count, 0);
  yield;
  const hashing = new Hashing(members, counts, newPoints(size));
  for (let slice = FIRST_HASH_SLICE; !hashing.run(slice); slice *= 2) {
    slice = Math.min(slice, HASH_SLICE / 2);
    yield;
  }
  const { points } = hashing;
  // As many buckets as points, so that each holds about one.
  const bits = Math.max(1, Math.ceil(Math.log2(size)));
  const shift = 32 - bits;
  const starts = new Uint32Array(2 ** bits + 1);
  for (let at = 0; at < size; at += MOVE_SLICE) {
    countSlice(points, starts, shift, at, Math.min(at + MOVE_SLICE, size));
    yield;
  }
  for (let i = 1; i < starts.length; i += 1) {
    starts[i] += starts[i - 1];
    if (i % SUM_SLICE === 0) yield;
  }
  const sorted = newPoints(size);
  // From the last to the first: each bucket's end moves down, and becomes its start.
  for (let end = size; end > 0; end -= MOVE_SLICE) {
    placeSlice(points, sorted, starts, shift, Math.max(0, end - MOVE_SLICE), end);
    yield;
  }
  for (let at = 1; at < size; at += MOVE_SLICE) {
    sortSlice(sorted, at, Math.min(at + MOVE_SLICE, size));
    yield;
  }
  return new Ring(sorted, starts, shift);
}

/**
 * How many points each member gets: its share of the ring, where the one with the least weight
 * gets a whole number of them. Fractions add up along the list, as in Envoy and gRPC.
 */
function pointCounts(members: readonly RingMember[], sizeMin: number, sizeMax: number): number[] {
  const weights = members.map(({ weight }) => Math.max(weight, WEIGHT_MIN));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const least = weights.reduce((min, weight) => Math.min(min, weight), sum) / sum;
  const scale = Math.min(Math.ceil(least * sizeMin) / least, sizeMax);
  let wanted = 0;
  let given = 0;
  return weights.map((weight) => {
    wanted += scale * (weight / sum);
    const count = Math.max(0, Math.ceil(wanted - given));
    given += count;
    return count;
  });
}

/** Hashes "key_0", "key_1" and so on for each member. */
class Hashing {
  readonly points: Points;
  readonly #members: readonly RingMember[];
  readonly #counts: readonly number[];
  readonly #hash = new Xxh64();
  #at = 0;
  #member = 0;
  #index = 0;

  constructor(members: readonly RingMember[], counts: readonly number[], points: Points) {
    this.#members = members;
    this.#counts = counts;
    this.points = points;
  }

  /** Hashes up to about `count` points. Whether all are hashed. */
  run(count: number): boolean {
    const hash = this.#hash;
    const stop = this.#at + count;
    while (this.#member < this.#members.length && this.#at < stop) {
      const { key } = this.#members[this.#member];
      const isShort = hash.begin(key);
      const end = Math.min(this.#counts[this.#member], this.#index + count);
      for (; this.#index < end; this.#index += 1) {
        if (isShort) hash.indexed(this.#index);
        else hash.text(`${key}_${this.#index}`);
        this.#add();
      }
      if (this.#index < this.#counts[this.#member]) continue;
      this.#member += 1;
      this.#index = 0;
    }
    return this.#member === this.#members.length;
  }

  #add(): void {
    const { hi, lo, owner } = this.points;
    hi[this.#at] = this.#hash.hi ^ TURNED;
    lo[this.#at] = this.#hash.lo ^ TURNED;
    owner[this.#at] = this.#member;
    this.#at += 1;
  }
}

function countSlice({ hi }: Points, ends: Uint32Array, shift: number, from: number, to: number) {
  for (let i = from; i < to; i += 1) ends[(hi[i] ^ TURNED) >>> shift] += 1;
}

function placeSlice(
  points: Points,
  sorted: Points,
  ends: Uint32Array,
  shift: number,
  from: number,
  to: number,
): void {
  for (let i = to - 1; i >= from; i -= 1) {
    const bucket = (points.hi[i] ^ TURNED) >>> shift;
    const place = ends[bucket] - 1;
    ends[bucket] = place;
    sorted.hi[place] = points.hi[i];
    sorted.lo[place] = points.lo[i];
    sorted.owner[place] = points.owner[i];
  }
}

/** Moves each point of [from, to) down to its place: within its bucket, so not far. */
function sortSlice({ hi, lo, owner }: Points, from: number, to: number): void {
  for (let i = from; i < to; i += 1) {
    const high = hi[i];
    const low = lo[i];
    const own = owner[i];
    let at = i;
    while (at > 0 && (hi[at - 1] > high || (hi[at - 1] === high && lo[at - 1] > low))) {
      hi[at] = hi[at - 1];
      lo[at] = lo[at - 1];
      owner[at] = owner[at - 1];
      at -= 1;
    }
    hi[at] = high;
    lo[at] = low;
    owner[at] = own;
  }
}
