/** Tests of the expressions that a scenario's verdict has to match. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePattern } from "./pattern.ts";

test("it is found anywhere in the text, unless it says where", () => {
  const text = "1 of 3 pods used: one connection";
  assert.deepEqual(
    ["pods used", "^1 of", "^pods", "connection$", "(one|two) conn"].map((source) =>
      parsePattern(source)!.test(text),
    ),
    [true, true, false, true, true],
  );
});

// JavaScript's own engine takes 2^60 steps: `lab run` of a stranger's file never ended.
test("no expression takes long, whatever the text", () => {
  assert.equal(parsePattern("^(a+)+$")!.test(`${"a".repeat(60)}!`), false);
});

test("what RE2 has not, and what is long or large, is none", () => {
  for (const source of ["", "(", "(?=a)", "(a)\\1", "x".repeat(201), "((a{9}){99}){9}"]) {
    assert.equal(parsePattern(source), null, source);
  }
  assert.notEqual(parsePattern("x".repeat(200)), null);
});
