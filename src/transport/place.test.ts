/** Addresses taken apart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf } from "./index.ts";

for (const [address, path, host, port] of [
  ["10.0.0.1:50051", null, "10.0.0.1", 50051],
  ["name:1", null, "name", 1],
  ["[fe80::1]:1", null, "fe80::1", 1],
  ["unix:/run/a:1.sock", "/run/a:1.sock", "localhost", 0],
] as const) {
  test(`${address} leads to ${path ?? `${host}, port ${port}`}`, () => {
    assert.deepEqual(placeOf(address), { path, host, port });
  });
}
