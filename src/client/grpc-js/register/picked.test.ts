/** Tests of what lazily connected endpoints are as one, and of a call's headers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import type { TargetConnectivity } from "../../../balancing/index.ts";
import { MetadataRequest, pickedState } from "./picked.ts";

const SHORT: Readonly<Record<string, TargetConnectivity>> = {
  i: "IDLE",
  c: "CONNECTING",
  r: "READY",
  t: "TRANSIENT_FAILURE",
};

// By the six rules of A42, "Aggregated Connectivity State".
const RULES: readonly (readonly [rule: number, states: string, wanted: string])[] = [
  [1, "r", "r"],
  [1, "ttcir", "r"],
  [2, "tti", "t"],
  [2, "ttc", "t"],
  [3, "tc", "c"],
  [3, "ic", "c"],
  [4, "ti", "c"],
  [5, "ii", "i"],
  [6, "t", "t"],
];

for (const [rule, states, wanted] of RULES) {
  test(`A42 rule ${rule}: ${states} is ${wanted} as one`, () => {
    assert.equal(pickedState([...states].map((each) => SHORT[each])), SHORT[wanted]);
  });
}

test("A76: several values of a header are joined with a comma", () => {
  const metadata = new Metadata();
  metadata.add("x-session", "a");
  metadata.add("x-session", "b");
  const request = new MetadataRequest();
  assert.equal(request.of(metadata).joined("x-session"), "a,b");
  assert.equal(request.of(metadata).joined("other"), null);
  assert.equal(request.of(new Metadata()).joined("x-session"), null);
});
