/**
 * Tests of the shares that the page draws: of the last five seconds, from running totals.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentShares } from "../../web/recent.ts";

const AB = ["a", "b"];

test("before five seconds are over the shares are of all calls so far", () => {
  const shares = new RecentShares();
  assert.deepEqual(shares.take(1000, AB, [30, 10]), [0.75, 0.25]);
  assert.deepEqual(shares.take(2000, AB, [30, 30]), [0.5, 0.5]);
});

test("from then on they are of the last five seconds, whatever was before", () => {
  const shares = new RecentShares();
  for (let second = 0; second <= 5; second += 1) {
    shares.take(second * 1000, AB, [1000, 10 * second]);
  }
  assert.deepEqual(shares.take(6000, AB, [1000, 60]), [0, 1]);
});

// In a rolling update totals begin anew with each pod: the shares of all lanes fell to nothing, and
// the lines with them, twice for each pod.
test("totals that begin anew with other pods, and other rows, lose nothing of the last seconds", () => {
  const shares = new RecentShares();
  for (let second = 0; second <= 9; second += 1) {
    shares.take(second * 1000, AB, [10 * second, 10 * second]);
  }
  assert.deepEqual(shares.take(9100, ["a", "b", "c"], [0, 0, 0]), [0.5, 0.5, 0]);
  assert.deepEqual(shares.take(9200, ["a", "b", "c"], [25, 25, 50]), [0.375, 0.375, 0.25]);
  // The pod of a row that gets no more calls has no share, and the one in another's place its own.
  assert.deepEqual(shares.take(9300, ["a", "b", "c"], [null, 0, 0]), [null, 0.6, 0.4]);
  assert.deepEqual(shares.take(9400, ["d", "b", "c"], [125, 0, 0]), [0.5, 0.3, 0.2]);
});

test("a sample that is drawn twice counts once", () => {
  const shares = new RecentShares();
  shares.take(0, AB, [10, 10]);
  shares.take(6000, AB, [10, 20]);
  shares.take(6000, AB, [10, 20]);
  assert.deepEqual(shares.take(6100, AB, [20, 20]), [0.5, 0.5]);
});

test("time that goes back is of a lab that begins anew", () => {
  const shares = new RecentShares();
  shares.take(9000, AB, [900, 0]);
  assert.deepEqual(shares.take(100, AB, [900, 900]), [0.5, 0.5]);
});

test("without a call no pod has a share", () => {
  assert.deepEqual(new RecentShares().take(0, ["a", "b", "c"], [0, 0, null]), [0, 0, null]);
});
