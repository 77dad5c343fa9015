/**
 * Tests of the rows: who comes, who goes, and whose row is whose.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PodRows } from "./pod-rows.ts";

function rowsOf(count: number): PodRows {
  const rows = new PodRows(count);
  for (const entry of rows.all) entry.state = "ready";
  return rows;
}
const names = (entries: PodRows["all"]) => entries.map(({ name }) => name);

test("the latest go first when there are too many, and come back with their names", () => {
  const rows = rowsOf(4);
  const going = rows.surplus(2);
  assert.deepEqual(names(going), ["echo-4", "echo-3"]);
  for (const entry of going) rows.leave(entry, true);
  assert.deepEqual(names(rows.alive), ["echo-1", "echo-2"]);
  assert.deepEqual(names(rows.take(3)), ["echo-3", "echo-4", "echo-5"]);
});

test("a pod that does not come back leaves its row to a new one with a name of its own", () => {
  const rows = rowsOf(3);
  rows.leave(rows.all[1]!, false);
  assert.deepEqual(names(rows.all), ["echo-1", "echo-2", "echo-3"]);
  assert.deepEqual(names(rows.take(2)), ["echo-4", "echo-5"]);
  assert.deepEqual(names(rows.all), ["echo-1", "echo-4", "echo-3", "echo-5"]);
});

test("a pod that died gets a successor in its row, though one that was scaled away could come", () => {
  const rows = rowsOf(4);
  rows.leave(rows.all[3]!, true);
  rows.leave(rows.all[1]!, false);
  assert.deepEqual(names(rows.take(1)), ["echo-5"]);
  assert.deepEqual(names(rows.all), ["echo-1", "echo-5", "echo-3", "echo-4"]);
  assert.deepEqual(names(rows.take(2)), ["echo-4", "echo-6"]);
});

test("stale pods go before all others, the oldest first", () => {
  const rows = rowsOf(3);
  rows.all[0]!.isStale = true;
  rows.all[1]!.isStale = true;
  assert.deepEqual(names(rows.surplus(3)), ["echo-1", "echo-2", "echo-3"]);
});

test("a pod that is not ready is alive; one that is killed or starting is not", () => {
  const rows = rowsOf(4);
  const states = ["not-ready", "killed", "starting", "terminating"] as const;
  for (const [index, state] of states.entries()) rows.all[index]!.state = state;
  assert.deepEqual(names(rows.alive), ["echo-1"]);
});

test("rolling over and over needs one row more than there are pods", () => {
  const rows = rowsOf(3);
  for (let round = 0; round < 30; round += 1) {
    const [fresh] = rows.take(1);
    fresh!.state = "ready";
    const oldest = rows.alive.toSorted((a, b) => a.number - b.number)[0]!;
    rows.leave(oldest, false);
  }
  assert.equal(rows.all.length, 4);
});

// After a reset rows of pods that were gone stayed, struck through, though figures were from zero.
test("rows of pods that are gone can be taken away, and those pods do not come back", () => {
  const rows = rowsOf(5);
  const [, drained, , , scaledAway] = rows.all;
  rows.leave(drained!, false);
  rows.leave(scaledAway!, true);
  rows.forgetGone();
  assert.deepEqual(names(rows.all), ["echo-1", "echo-3", "echo-4"]);
  assert.deepEqual(names(rows.take(2)), ["echo-6", "echo-7"]);
  assert.deepEqual(names(rows.all), ["echo-1", "echo-3", "echo-4", "echo-6", "echo-7"]);
});

test("a pod knows who came in its row, wherever that is by then", () => {
  const rows = rowsOf(3);
  const [scaledAway, died] = rows.all;
  rows.leave(died!, false);
  assert.equal(died!.successor, null);
  rows.take(1);
  rows.leave(scaledAway!, true);
  rows.forgetGone();
  assert.deepEqual(names(rows.all), ["echo-4", "echo-3"]);
  assert.equal(died!.successor, "echo-4");
});
