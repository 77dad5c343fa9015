/** Tests of the line splitter. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LineSplitter } from "./lines.ts";

const TEXT = '{"a":1}\n\n{"b":"äöü€😀"}\n{"c":3}\nrest';

/** The lines of `TEXT` when it comes in reads of the given sizes. */
function split(sizes: readonly number[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(1000, (line) => lines.push(line));
  const bytes = Buffer.from(TEXT);
  let at = 0;
  for (const size of sizes) {
    assert.ok(splitter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  assert.ok(splitter.push(bytes.subarray(at)));
  return lines;
}

test("lines are whole, whatever the reads were; empty ones and the unfinished one are not told", () => {
  const expected = ['{"a":1}', '{"b":"äöü€😀"}', '{"c":3}'];
  const length = Buffer.byteLength(TEXT);
  for (let at = 0; at <= length; at += 1) assert.deepEqual(split([at]), expected);
  assert.deepEqual(split(new Array(length).fill(1)), expected);
});

test("a line may be as long as the limit, and no longer, whole or in parts", () => {
  for (const parts of [1, 7]) {
    const lines: string[] = [];
    const splitter = new LineSplitter(70, (line) => lines.push(line));
    for (let i = 0; i < parts; i += 1) assert.ok(splitter.push(Buffer.alloc(70 / parts, "x")));
    assert.ok(splitter.push(Buffer.from("\n")));
    assert.equal(lines[0].length, 70);
    for (let i = 0; i < parts; i += 1) assert.ok(splitter.push(Buffer.alloc(70 / parts, "x")));
    assert.equal(splitter.push(Buffer.from("y")), false);
  }
  const splitter = new LineSplitter(70, () => assert.fail("no line"));
  assert.equal(splitter.push(Buffer.alloc(71, "x")), false);
});
