/** Tests of one lane at work: what it says of itself when its client never came. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import type { Child } from "./children.ts";
import { LaneRun } from "./lane-run.ts";
import { PROXYLESS } from "./lanes/proxyless.ts";

// A short run ended with the word "starting" for its verdict, and the exit code of a good one.
test("a lane whose client is not connected when the load ends has failed, and says so", async () => {
  const child = { onMessage() {}, send() {}, ended: new Promise(() => {}) } as unknown as Child;
  const run = new LaneRun(PROXYLESS, ["echo-1"], child, new VirtualClock());
  assert.deepEqual([run.view().phase, run.view().verdict], ["starting", "no call yet"]);
  await run.stop();
  const { phase, verdict } = run.view();
  assert.equal(phase, "failed");
  assert.equal(verdict, "did not run: its client was not connected before the end");
});
