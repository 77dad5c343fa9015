/** Tests of what a filter may touch. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mayChange } from "./prepared-forward.ts";

const CASES: readonly (readonly [name: string, value: string, may: boolean])[] = [
  ["x-version", "1", true],
  ["x-version", "", true],
  ["x-version", "a b\tc", true],
  ["authorization", "Bearer abc", true],
  ["x-version", "a\r\nx-other: 1", false],
  ["x-version", "a\0b", false],
  ["x-version", " a", false],
  ["x-version", "a ", false],
  ["X-Version", "1", false],
  ["x version", "1", false],
  ["", "1", false],
  [":path", "/", false],
  [":authority", "a", false],
  ["host", "a", false],
  ["te", "trailers", false],
  ["connection", "close", false],
  ["transfer-encoding", "chunked", false],
  ["content-length", "1", false],
  ["grpc-timeout", "1S", false],
];

for (const [name, value, may] of CASES) {
  test(`a filter ${may ? "may" : "may not"} set ${JSON.stringify([name, value])}`, () => {
    assert.equal(mayChange(name, value), may);
  });
}
