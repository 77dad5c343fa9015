/** Tests of counting attempts from views: stays that end, seen or not, and that return. */
import assert from "node:assert/strict";
import test from "node:test";
import { AttemptCounts } from "./attempts.ts";

const shown = (calls: number, state = "READY", uid = "a") => ({ uid, address: "x", state, calls });

test("what is shown last counts, of one that is still there", () => {
  const counts = new AttemptCounts();
  counts.look([shown(3)]);
  counts.look([shown(5)]);
  assert.deepEqual(counts.counts, { a: { calls: 5, isExact: true } });
});

test("one that was seen DRAINING is exact when it is gone, another is a lower bound", () => {
  const counts = new AttemptCounts();
  counts.look([shown(3), shown(4, "READY", "b")]);
  counts.look([shown(6, "DRAINING")]);
  counts.look([]);
  const expected = { a: { calls: 6, isExact: true }, b: { calls: 4, isExact: false } };
  assert.deepEqual(counts.counts, expected);
});

test("one that leaves and returns begins anew, both stays count, as a lower bound", () => {
  const counts = new AttemptCounts();
  counts.look([shown(3)]);
  counts.look([shown(6, "DRAINING"), shown(0, "CONNECTING")]);
  counts.look([shown(6, "DRAINING"), shown(2)]);
  counts.look([shown(4)]);
  assert.deepEqual(counts.counts, { a: { calls: 10, isExact: false } });
});

test("one that returned between two looks is a lower bound", () => {
  const counts = new AttemptCounts();
  counts.look([shown(3)]);
  counts.look([shown(1)]);
  assert.deepEqual(counts.counts, { a: { calls: 4, isExact: false } });
});

test("one that a rule leaves out is shown without calls, and that changes nothing", () => {
  const counts = new AttemptCounts();
  counts.look([shown(3)]);
  counts.look([shown(6, "DRAINING")]);
  counts.look([shown(0, "IDLE")]);
  counts.look([]);
  assert.deepEqual(counts.counts, { a: { calls: 6, isExact: true } });
});

test("of several that drain none counts twice", () => {
  const counts = new AttemptCounts();
  counts.look([shown(9)]);
  counts.look([shown(9, "DRAINING"), shown(2)]);
  counts.look([shown(9, "DRAINING"), shown(3, "DRAINING"), shown(0)]);
  assert.deepEqual(counts.counts, { a: { calls: 11, isExact: false } });
});
