/**
 * The scheduler of `weighted_round_robin`: static stride, as grpc-core and grpc-go have it in place
 * of the heap of gRFC A58's "EDF scheduler".
 *
 * It goes round and round over all endpoints. In each round (a generation) an endpoint is taken or
 * passed over, so that in 65,535 generations it is taken as often as its weight says, evenly
 * spread. No heap, nothing to be kept in order: making one is one pass over the weights.
 */
import { assert } from "../base/index.ts";

/** The largest weight after scaling: 16 bits. */
export const STRIDE_WEIGHT_MAX = 0xffff;
/** Weights above the mean times this count as that: it bounds how long a pick looks. grpc-core. */
export const STRIDE_RATIO_MAX = 10;
/** Weights below the mean times this count as that. grpc-core. */
export const STRIDE_RATIO_MIN = 0.01;
/**
 * By how much an endpoint's phase differs from its neighbour's: the golden section of the largest
 * weight. grpc takes a half, with which every second endpoint is in step: of thousands with a tenth
 * of the largest weight, whole generations then pass without a pick.
 */
const PHASE_STEP = 40_503;

/**
 * Weights of any unit, scaled to whole numbers up to `STRIDE_WEIGHT_MAX`; 0, for one that is not
 * known, becomes the mean of the others. Null when round robin is to be used: "When less than two
 * subchannels have load info, all subchannels will get the same weight" (A58).
 */
export function strideWeights(weights: Float64Array): Uint16Array | null {
  let sum = 0;
  let max = 0;
  let known = 0;
  for (const weight of weights) {
    assert(Number.isFinite(weight) && weight >= 0, "a weight is a number");
    sum += weight;
    if (weight > max) max = weight;
    if (weight > 0) known += 1;
  }
  if (known < 2) return null;
  const unscaledMean = sum / known;
  max = Math.min(max, STRIDE_RATIO_MAX * unscaledMean);
  const scale = STRIDE_WEIGHT_MAX / max;
  const mean = Math.round(scale * unscaledMean);
  // One of weight 0 would never be picked, and all of them would be an endless search.
  const least = Math.max(1, Math.round(mean * STRIDE_RATIO_MIN));
  const scaled = new Uint16Array(weights.length);
  for (let i = 0; i < weights.length; i += 1) {
    const weight = weights[i];
    // "Subchannels that are included with a zero weight are still picked but with the average
    // weight" (A58).
    scaled[i] = weight === 0 ? mean : Math.max(least, Math.round(Math.min(weight, max) * scale));
  }
  return scaled;
}

/** Where a scheduler stands; it goes on from there when weights or endpoints change. */
export interface StridePosition {
  /** The endpoint whose turn it is. */
  readonly index: number;
  /** 0 up to `STRIDE_WEIGHT_MAX`, exclusive. */
  readonly generation: number;
}

/** Chooses indices by weight. See the head of this file. */
export class StaticStride {
  readonly #weights: Uint16Array;
  #index: number;
  #generation: number;
  /** Of the endpoint whose turn it is. */
  #phase: number;

  /** @param weights at least one of them `STRIDE_WEIGHT_MAX` or near it; kept, not copied. */
  constructor(weights: Uint16Array, { index, generation }: StridePosition) {
    assert(
      weights.some((weight) => weight > 0),
      "some weight is above 0, or `next` would not end",
    );
    this.#weights = weights;
    this.#index = index;
    this.#generation = generation;
    this.#phase = (index * PHASE_STEP) % STRIDE_WEIGHT_MAX;
  }

  /** See `StridePosition`. */
  get position(): StridePosition {
    return { index: this.#index, generation: this.#generation };
  }

  /**
   * The next index. It looks at as many as the largest weight is times the mean, on average: two or
   * three in practice, and never more than the two ratios above allow.
   */
  next(): number {
    const weights = this.#weights;
    for (;;) {
      const index = this.#index;
      const weight = weights[index];
      // The product has 32 bits; 65,536 is 1 modulo 65,535, so its halves add up.
      const product = Math.imul(weight, this.#generation);
      let rest = (product & 0xffff) + (product >>> 16) + this.#phase;
      while (rest >= STRIDE_WEIGHT_MAX) rest -= STRIDE_WEIGHT_MAX;
      this.#advance(index + 1, weights.length);
      if (rest >= STRIDE_WEIGHT_MAX - weight) return index;
    }
  }

  #advance(index: number, count: number): void {
    if (index === count) {
      this.#index = 0;
      this.#phase = 0;
      this.#generation = this.#generation + 1 === STRIDE_WEIGHT_MAX ? 0 : this.#generation + 1;
      return;
    }
    this.#index = index;
    const phase = this.#phase + PHASE_STEP;
    this.#phase = phase >= STRIDE_WEIGHT_MAX ? phase - STRIDE_WEIGHT_MAX : phase;
  }
}
