/** Tests of results that are kept: what is made again, and what is forgotten. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Memo } from "./memo.ts";

test("a value is made again when an input is another, and forgotten when a round does not ask", () => {
  const memo = new Memo();
  const rounds: readonly (readonly [key: string, inputs: readonly unknown[]])[][] = [
    [
      ["a", [1, 2]],
      ["b", []],
    ],
    [["a", [1, 2]]],
    [
      ["a", [1, 3]],
      ["b", []],
    ],
    [
      ["a", [1]],
      ["b", []],
    ],
  ];
  const made: string[] = [];
  for (const [i, asked] of rounds.entries()) {
    memo.begin();
    for (const [key, inputs] of asked) {
      memo.get(key, inputs, () => made.push(`${i}${key}`));
      memo.get(key, inputs, () => made.push("twice in a round"));
    }
    memo.end();
  }
  assert.deepEqual(made, ["0a", "0b", "2a", "2b", "3a"]);
});
