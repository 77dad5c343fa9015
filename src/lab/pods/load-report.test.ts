/**
 * Tests of a pod's load report: its figures, and that it is the protobuf that ORCA has.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PodLoad } from "./load-report.ts";

test("a second of load: calls ended per second, and calls in flight over what it takes", () => {
  const load = new PodLoad(0);
  assert.equal(load.report(0), null);
  // Two calls at a time for half of the second: 1 on average, of 10.
  load.onStart(0);
  load.onStart(0);
  load.onEnd(500);
  load.onEnd(500);
  assert.equal(load.report(999), null, "no whole second yet");
  // Field 6, double 2; field 9, double 0.1.
  assert.equal(load.report(1000)!.toString("hex"), "310000000000000040499a9999999999b93f");
});

test("the same bytes for a second, and then of that second alone", () => {
  const load = new PodLoad(0);
  load.onStart(0);
  const first = load.report(1000);
  assert.equal(load.report(1999), first);
  // One call all the time, and none that ended.
  assert.equal(load.report(2000)!.toString("hex"), "310000000000000000499a9999999999b93f");
  load.onEnd(2000);
  assert.equal(load.report(3000)!.toString("hex"), "31000000000000f03f490000000000000000");
});
