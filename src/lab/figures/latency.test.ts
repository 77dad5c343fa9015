/**
 * Tests of the latency histogram, among them a property: quantiles are right within 1 %.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LatencyHistogram, RecentLatency } from "./latency.ts";

test("an empty histogram has no quantiles", () => {
  assert.equal(new LatencyHistogram().quantileMs(0.5), null);
});

test("a quantile is within 1 % of the recorded value of that rank", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 600_000_000 }), { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, q) => {
        const histogram = new LatencyHistogram();
        for (const us of values) histogram.record(us);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]! / 1000;
        const answer = histogram.quantileMs(q)!;
        assert.ok(Math.abs(answer - exact) <= exact * 0.0101, `${answer} for ${exact}`);
      },
    ),
  );
});

test("values out of range count at the ends", () => {
  const histogram = new LatencyHistogram();
  histogram.record(0);
  histogram.record(Number.MAX_SAFE_INTEGER);
  assert.equal(histogram.count, 2);
  assert.equal(histogram.quantileMs(0.5), 0.001);
  assert.ok(histogram.quantileMs(1)! > 1_000_000);
});

test("what is forgotten was never recorded", () => {
  const histogram = new LatencyHistogram();
  for (const us of [1000, 0, 5_000_000_000]) histogram.record(us);
  for (const us of [0, 5_000_000_000]) histogram.forget(us);
  assert.equal(histogram.count, 1);
  assert.equal(histogram.quantileMs(0.01), histogram.quantileMs(1));
});

test("recent latencies are those of the latest reports, calls or no calls in them", () => {
  const recent = new RecentLatency(2);
  recent.add([1000]);
  recent.add([50_000]);
  assert.ok(Math.abs(recent.quantileMs(1)! - 50) < 0.5);
  recent.add([2000]);
  recent.add([]);
  assert.ok(Math.abs(recent.quantileMs(1)! - 2) < 0.02);
  recent.add([]);
  assert.equal(recent.quantileMs(0.5), null);
});
