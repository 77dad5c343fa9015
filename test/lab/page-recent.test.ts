/**
 * Tests of the shares that the page draws: of the last five seconds, from running totals.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentShares } from "../../web/recent.ts";

test("before five seconds are over the shares are of all calls so far", () => {
  const shares = new RecentShares();
  assert.deepEqual(shares.take(1000, [30, 10]), [0.75, 0.25]);
  assert.deepEqual(shares.take(2000, [30, 30]), [0.5, 0.5]);
});

test("from then on they are of the last five seconds, whatever was before", () => {
  const shares = new RecentShares();
  for (let second = 0; second <= 5; second += 1) shares.take(second * 1000, [1000, 10 * second]);
  assert.deepEqual(shares.take(6000, [1000, 60]), [0, 1]);
});

test("totals that go down are of other pods: what was before is forgotten", () => {
  const shares = new RecentShares();
  for (let second = 0; second <= 9; second += 1) shares.take(second * 1000, [100 * second, 0]);
  assert.deepEqual(shares.take(10_000, [1, 3]), [0.25, 0.75]);
  assert.deepEqual(shares.take(10_100, [2, null]), [1, null]);
  assert.deepEqual(shares.take(10_200, [2, null, 2]), [0.5, null, 0.5]);
});

test("without a call no pod has a share", () => {
  assert.deepEqual(new RecentShares().take(0, [0, 0, null]), [0, 0, null]);
});
