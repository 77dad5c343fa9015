/** Tests of one lane at work: what it says of itself when its client never came, or cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import type { Child, Children } from "./children.ts";
import { LaneRun } from "./lane-run.ts";
import { PROXYLESS } from "./lanes/proxyless.ts";

/** Children none of which ever says a word. */
function silent() {
  const child = { onMessage() {}, send() {}, ended: new Promise(() => {}) } as unknown as Child;
  const started: string[] = [];
  const children = {
    scope: () => children,
    program(label: string) {
      started.push(label);
      return child;
    },
  } as unknown as Children;
  return { children, started };
}

function newRun(whyNot: string | null) {
  const { children, started } = silent();
  const clock = new VirtualClock();
  const pods = ["echo-1"];
  const run = new LaneRun(PROXYLESS, { children, clock, whyNot, hasOwnNetns: false, pods });
  return { run, started };
}

// A short run ended with the word "starting" for its verdict, and the exit code of a good one.
test("a lane whose client is not connected when the load ends has failed, and says so", async () => {
  const { run } = newRun(null);
  assert.deepEqual([run.view().phase, run.view().verdict], ["starting", "no call yet"]);
  await run.stop();
  const { phase, verdict } = run.view();
  assert.equal(phase, "failed");
  assert.equal(verdict, "did not run: its client was not connected before the end");
});

test("of a lane that cannot run here nothing is started, and it says why", () => {
  const { run, started } = newRun("needs --netns");
  assert.deepEqual(started, []);
  assert.deepEqual(
    [run.view().phase, run.view().verdict],
    ["failed", "did not run: needs --netns"],
  );
  assert.ok(run.isSettled && run.hasFailed);
});
