/** What a scenario may say of a number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isWithin, parseBound } from "./bound.ts";

const CASES: readonly (readonly [text: string, words: string, ins: number[], outs: number[]])[] = [
  ["3", "3", [3], [2.9, 3.1]],
  ["100%", "100%", [1], [0.99]],
  ["<=1.2", "at most 1.2", [0, 1.2, -5], [1.201]],
  ["≥ 3", "at least 3", [3, 99], [2]],
  [">0", "more than 0", [0.1], [0, -1]],
  ["< 5 %", "less than 5 %", [0, 0.049], [0.05]],
  ["2..4", "2 to 4", [2, 3, 4], [1.9, 4.1]],
  ["0.33±0.02", "0.33 ± 0.02", [0.31, 0.35], [0.309, 0.36]],
  ["33% +- 2%", "33% ± 2%", [0.31, 0.35], [0.3]],
];

for (const [text, words, ins, outs] of CASES) {
  test(`${text} is ${words}`, () => {
    const bound = parseBound(text);
    assert.equal(bound?.text, words);
    for (const value of ins) assert.ok(isWithin(value, bound!), `${value} is within`);
    for (const value of outs) assert.ok(!isWithin(value, bound!), `${value} is not`);
  });
}

test("what is no bound", () => {
  for (const text of ["", "three", "4..2", "=>3", "1e9", "0.3 ± -1", "<=", "1,000"]) {
    assert.equal(parseBound(text), null, text);
  }
});
