/**
 * Tests of protobuf by hand: what it writes any tool reads, and what is malformed harms nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeText, encodeText, field, fieldsOf } from "./wire.ts";

test("a text is field 1 with its length, which takes more than a byte from 128 on", () => {
  assert.equal(encodeText("echo-7").toString("hex"), "0a066563686f2d37");
  assert.equal(encodeText("").length, 0);
  const long = "ü".repeat(100);
  assert.equal(encodeText(long).subarray(0, 3).toString("hex"), "0ac801");
  for (const text of ["", "a", long, "x".repeat(70_000)]) {
    assert.equal(decodeText(encodeText(text)), text);
  }
});

test("other fields are passed over, and the last of two counts", () => {
  const message = Buffer.concat([
    ...[field(3, 300), field(1, "first"), Buffer.from("3900000000000000000d01000000", "hex")],
    ...[field(2, "other"), field(1, "last")],
  ]);
  assert.equal(decodeText(message), "last");
  assert.deepEqual(fieldsOf(message)[0], { number: 3, value: 300 });
});

test("what is malformed reads as what came before it", () => {
  for (const tail of ["0a", "0a05", "0aff01", "08", "0b", "0cff", "ffffffffffff", "0affffffff7f"]) {
    const bytes = Buffer.concat([encodeText("kept"), Buffer.from(tail, "hex")]);
    assert.equal(decodeText(bytes), "kept", tail);
    assert.equal(decodeText(Buffer.from(tail, "hex")), "", tail);
  }
});
