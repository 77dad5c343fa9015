/** Tests of how many calls are due. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "./pace.ts";

test("calls become due at the rate, with fractions kept", () => {
  const pace = new Pace(300, 0);
  let made = 0;
  for (let nowMs = 5; nowMs <= 1000; nowMs += 5) made += pace.take(100, nowMs);
  assert.equal(made, 300);
  assert.equal(pace.takeGivenUp(), 0);
});

test("what there is no room for waits 100 ms, and is given up then", () => {
  const pace = new Pace(1000, 0);
  assert.equal(pace.take(0, 100), 0);
  assert.equal(pace.takeGivenUp(), 0);
  assert.equal(pace.take(0, 150), 0);
  assert.equal(pace.takeGivenUp(), 49);
  assert.equal(pace.take(1000, 150), 101);
});

// The part beyond a whole call was lost at each call: of 7 a second, 3 in a hundred.
test("a slow rate has all its calls, and gives none up", () => {
  const pace = new Pace(7, 0);
  let made = 0;
  for (let nowMs = 5; nowMs <= 100_000; nowMs += 5) made += pace.take(10, nowMs);
  assert.ok(made >= 699 && made <= 700, `${made}`);
  assert.equal(pace.takeGivenUp(), 0);
});

test("another rate holds from its moment on", () => {
  const pace = new Pace(100, 0);
  pace.setRate(1000, 50);
  assert.equal(pace.take(1000, 100), 55);
  pace.setRate(10, 200);
  // A tenth of a second of the old rate was owed; of the new one that is a call, and one more.
  assert.equal(pace.take(1000, 200), 2);
});
