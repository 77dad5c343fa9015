/** Tests of the static stride scheduler: shares, bounds, and how long a pick looks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../base/index.ts";
import {
  STRIDE_RATIO_MAX,
  STRIDE_RATIO_MIN,
  STRIDE_WEIGHT_MAX,
  StaticStride,
  strideWeights,
} from "./static-stride.ts";

const START = { index: 0, generation: 0 };

function scaled(...weights: number[]): number[] | null {
  const made = strideWeights(Float64Array.from(weights));
  return made === null ? null : [...made];
}

/** How often each index comes in all generations. */
function countsOf(weights: readonly number[]): number[] {
  const counts = weights.map(() => 0);
  const stride = new StaticStride(Uint16Array.from(weights), START);
  const picks = weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < picks; i += 1) counts[stride.next()]! += 1;
  return counts;
}

test("weights are scaled so that the largest has 16 bits", () => {
  assert.deepEqual(scaled(1, 2, 4), [16_384, 32_768, STRIDE_WEIGHT_MAX]);
  assert.deepEqual(scaled(0.25, 0.25), [STRIDE_WEIGHT_MAX, STRIDE_WEIGHT_MAX]);
});

test("A58: zero weights are picked with the average weight", () => {
  assert.deepEqual(scaled(2, 0, 4), [32_768, 49_151, STRIDE_WEIGHT_MAX]);
});

test("A58: with less than two known weights there is no schedule", () => {
  assert.equal(scaled(), null);
  assert.equal(scaled(3), null);
  assert.equal(scaled(0, 0), null);
  assert.equal(scaled(0, 7, 0), null);
  assert.notEqual(scaled(0, 7, 1), null);
});

test("kMaxRatio: a weight counts as ten times the mean at most", () => {
  const weights = [1e9, ...new Array(99).fill(1)];
  const mean = (1e9 + 99) / 100;
  const made = scaled(...weights)!;
  assert.equal(made[0], STRIDE_WEIGHT_MAX);
  // Without the cap, of which the others are the lowest share of the mean now, all would be 0.
  const least = Math.round((STRIDE_WEIGHT_MAX / STRIDE_RATIO_MAX) * STRIDE_RATIO_MIN);
  assert.ok(mean * STRIDE_RATIO_MIN > 1);
  assert.deepEqual(new Set(made.slice(1)), new Set([least]));
});

test("kMinRatio: a weight counts as a hundredth of the mean at least, and never as 0", () => {
  const made = scaled(1, 1, 1e-12)!;
  const mean = Math.round((STRIDE_WEIGHT_MAX * (2 + 1e-12)) / 3);
  assert.deepEqual(made, [STRIDE_WEIGHT_MAX, STRIDE_WEIGHT_MAX, Math.round(mean * 0.01)]);
});

test("in all generations each is picked exactly as often as its weight says", () => {
  for (const weights of [
    [65_535, 1],
    [65_535, 32_768, 16_384],
    [1, 65_535, 257, 3 * 5 * 17, 40_503],
    [65_534, 65_535],
  ]) {
    assert.deepEqual(countsOf(weights), weights);
  }
});

test("the same as the arithmetic of grpc, but for the phases", () => {
  const rng = seededRng(5);
  const weights = Uint16Array.from({ length: 37 }, () => 1 + rng.int(STRIDE_WEIGHT_MAX));
  const stride = new StaticStride(weights, START);
  const count = BigInt(weights.length);
  for (let picks = 0, sequence = 0n; picks < 50_000; sequence += 1n) {
    const index = sequence % count;
    const generation = sequence / count;
    const weight = BigInt(weights[Number(index)]!);
    const rest = (weight * generation + index * 40_503n) % 65_535n;
    if (rest < 65_535n - weight) continue;
    assert.equal(stride.next(), Number(index), `pick ${picks}`);
    picks += 1;
  }
});

test("picks are spread: nobody waits much longer than its share says", () => {
  const weights = scaled(1, 2, 3, 4, 5, 6, 7, 8)!;
  const stride = new StaticStride(Uint16Array.from(weights), START);
  const sum = weights.reduce((a, b) => a + b, 0);
  const last = weights.map(() => 0);
  for (let pick = 1; pick < 100_000; pick += 1) {
    const index = stride.next();
    const fair = sum / weights[index]!;
    assert.ok(pick - last[index]! <= 2 * fair + weights.length, `${index} at ${pick}`);
    last[index] = pick;
  }
});

test("one heavy endpoint among 10,000 does not make any pick look at thousands", () => {
  const weights = Float64Array.from({ length: 10_000 }, (_, i) => (i === 0 ? 1_000 : 1));
  const stride = new StaticStride(strideWeights(weights)!, START);
  let at = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const index = stride.next();
    const looked = (index - at + weights.length) % weights.length;
    assert.ok(looked < 50, `${looked} at ${i}`);
    at = index;
  }
});

test("it goes on where another stood", () => {
  const weights = Uint16Array.from([65_535, 30_000, 1_000, 40_000]);
  const whole = new StaticStride(weights, START);
  const picks = Array.from({ length: 500 }, () => whole.next());
  let stride = new StaticStride(weights, START);
  const pieces = Array.from({ length: 500 }, () => {
    stride = new StaticStride(weights, stride.position);
    return stride.next();
  });
  assert.deepEqual(pieces, picks);
});
