/** Tests of numbers in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clockText,
  counted,
  latencyText,
  overText,
  percentText,
  spanText,
  timesText,
} from "./number-words.ts";

test("shares: all, none, and what is between", () => {
  const shares = [0, 0.0004, 0.0833, 0.5, 0.9996, 1];
  assert.deepEqual(shares.map(percentText), ["0%", "0.0%", "8.3%", "50.0%", "100.0%", "100%"]);
});

test("factors, latencies, spans and counts", () => {
  assert.equal(timesText(1.0466), "1.05x");
  assert.deepEqual([1.4961, 5.68, 12.3].map(overText), ["1.50x", "5.7x", "12x"]);
  assert.deepEqual([0.4, 9.99, 98.4].map(latencyText), ["0.40 ms", "9.99 ms", "98 ms"]);
  assert.deepEqual([8.6, 1240, 9960, 119_000, 185_000].map(spanText), [
    "9 ms",
    "1.2 s",
    "10 s",
    "119 s",
    "3 min",
  ]);
  assert.deepEqual([12_900, 3_599_000, 3_612_000].map(clockText), ["00:12", "59:59", "1:00:12"]);
  assert.deepEqual(
    [counted(1, "call"), counted(7200, "call"), counted(2, "class")],
    ["1 call", "7,200 calls", "2 classes"],
  );
});
