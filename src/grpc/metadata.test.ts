/** Tests of the rules of metadata. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeBinaryValues,
  encodeBinaryValue,
  isBinaryKey,
  isReservedKey,
  metadataKeyProblem,
  metadataValueProblem,
} from "./metadata.ts";

test("any bytes survive the way as one value, without padding", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const text = encodeBinaryValue(bytes);
      assert.match(text, /^[A-Za-z0-9+/]*$/);
      assert.deepEqual([...decodeBinaryValues(text)[0]!], [...bytes]);
    }),
  );
});

test("a binary field holds several values, padded or not", () => {
  const values = decodeBinaryValues("AQ==, AgM,BA");
  assert.deepEqual(
    values.map((value) => [...value]),
    [[1], [2, 3], [4]],
  );
});

test("keys are checked for their characters and for whose they are", () => {
  for (const key of ["a", "x-b_c.1", "token-bin", "grpc-trace-bin", "authorization"]) {
    assert.equal(metadataKeyProblem(key), "", key);
  }
  for (const key of ["", "A", "a b", ":path", "ä", "a\n"]) {
    assert.match(metadataKeyProblem(key), /^may hold/, JSON.stringify(key));
  }
  for (const key of ["te", "grpc-timeout", "grpc-status", "content-type", "host"]) {
    assert.ok(isReservedKey(key));
    assert.equal(metadataKeyProblem(key), "is the protocol's own", key);
  }
  assert.deepEqual([isBinaryKey("a-bin"), isBinaryKey("bin")], [true, false]);
});

test("ASCII values are printable", () => {
  assert.equal(metadataValueProblem(" a~"), "");
  for (const value of ["\t", "\x7f", "ä", "a\r\nb", "a\n"]) {
    assert.notEqual(metadataValueProblem(value), "", JSON.stringify(value));
  }
});
