/**
 * Tests of the columns behind the heat strip.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallHistory } from "./history.ts";

test("a column holds the calls since the one before, a number per row in order", () => {
  const history = new CallHistory(10);
  assert.deepEqual(history.push(["a", "b"], { b: 2, a: 1 }), [1, 2]);
  assert.deepEqual(history.push(["a", "b"], { a: 5, b: 2 }), [4, 0]);
  assert.deepEqual(history.columns, [
    [1, 2],
    [4, 0],
  ]);
});

test("the oldest column goes when the history is full", () => {
  const history = new CallHistory(2);
  for (const total of [1, 3, 6]) history.push(["a"], { a: total });
  assert.deepEqual(history.columns, [[2], [3]]);
});

test("pods that come are further numbers of the columns from then on", () => {
  const history = new CallHistory(10);
  history.push(["a"], { a: 1 });
  assert.deepEqual(history.push(["a", "b"], { a: 2, b: 5 }), [1, 5]);
  assert.deepEqual(history.columns, [[1], [1, 5]]);
});

test("a row that another pod has taken counts that pod's calls", () => {
  const history = new CallHistory(10);
  history.push(["a", "b"], { a: 7, b: 3 });
  assert.deepEqual(history.push(["c", "b"], { a: 9, b: 4, c: 2 }), [2, 1]);
});
