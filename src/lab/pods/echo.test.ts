/**
 * Tests of the lab's one message: it is the protobuf that any gRPC tool would write.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeName, encodeName } from "./echo.ts";

test("a name is field 1 of a protobuf message", () => {
  assert.equal(encodeName("echo-7").toString("hex"), "0a066563686f2d37");
  assert.equal(decodeName(encodeName("echo-7")), "echo-7");
});

test("what is no such message reads as no name", () => {
  for (const hex of ["", "0a", "120161", "0aff01"]) {
    assert.equal(decodeName(Buffer.from(hex, "hex")), "");
  }
});

test("a name that needs more than one length byte is cut", () => {
  assert.equal(decodeName(encodeName("x".repeat(300))), "x".repeat(127));
});
