/** Tests of the planned faults: a seed stands for them, and all kinds come up. */
import assert from "node:assert/strict";
import test from "node:test";
import { OTHER_FAULTS, POD_FAULTS, planFaults } from "./fault-plan.ts";

const KINDS = [...POD_FAULTS, ...OTHER_FAULTS].sort();

test("the same seed gives the same faults, another one others", () => {
  assert.deepEqual(planFaults(5, 30_000, 4), planFaults(5, 30_000, 4));
  assert.notDeepEqual(planFaults(5, 30_000, 4), planFaults(6, 30_000, 4));
});

test("every kind of fault comes up, on every pod", () => {
  const planned = planFaults(1, 600_000, 4);
  assert.deepEqual([...new Set(planned.map(({ kind }) => kind))].sort(), KINDS);
  assert.deepEqual([...new Set(planned.map(({ target }) => target))].sort(), [0, 1, 2, 3]);
});

test("a short run has no silence that lasts until it is found out, a long one has", () => {
  const longest = (lengthMs: number) =>
    Math.max(...planFaults(1, lengthMs, 4).map(({ forMs }) => forMs));
  assert.ok(longest(39_000) < 10_000);
  assert.ok(longest(600_000) > 15_000);
});
