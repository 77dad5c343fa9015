/** Tests of one lane at work: what it says of itself when its client never came, or cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import type { Lane } from "../lanes/index.ts";
import { PROXYLESS } from "../lanes/proxyless.ts";
import type { ChildMessage } from "../messages.ts";
import type { Child, Children } from "../system/children.ts";
import type { LinkEnv } from "./lane-link.ts";
import { LaneRun } from "./lane-run.ts";

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

const failing = () => ({ sick: [], areEjected: false });

function newRun(whyNot: string | null) {
  const { children, started } = silent();
  const clock = new VirtualClock();
  const pods = ["echo-1"];
  const run = new LaneRun(PROXYLESS, {
    children,
    clock,
    whyNot,
    hasOwnNetns: false,
    pods,
    failing,
  });
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

/** A client that is ready as soon as it is told to dial; `say` has it say something more. */
function willing() {
  let listener: (message: ChildMessage) => void = () => {};
  const child = {
    onMessage(heard: typeof listener) {
      listener = heard;
    },
    send({ type }: { type: string }) {
      if (type === "dial") queueMicrotask(() => listener({ type: "ready" }));
    },
    ended: new Promise(() => {}),
  } as unknown as Child;
  const children = { scope: () => children, program: () => child } as unknown as Children;
  return { children, say: (message: ChildMessage) => listener(message) };
}

const LOAD = { callsPerSecond: 1, inFlightMax: 1 };
const DIALLING: Lane = {
  ...{ name: "own", title: "Own", how: "own" },
  open: async () => ({ target: "own", serviceConfig: "", connections: 1 }),
};

/** A lane of one pod whose client is connected; its load has not begun. */
async function opened() {
  const { children, say } = willing();
  const clock = new VirtualClock();
  const pods = ["a"];
  const deps = { children, clock, pods, whyNot: null, hasOwnNetns: false, failing };
  const run = new LaneRun(DIALLING, deps);
  await run.open({} as LinkEnv, LOAD);
  return { run, clock, say };
}

/** What a client reports of calls that were answered, by pod. */
function reportOf(perPod: Record<string, number>, firstAnswers = {}): ChildMessage {
  const none = { failed: 0, lastFailure: "", latenciesUs: [], givenUp: 0, cpuMs: 0, lagMs: 0 };
  return { type: "report", ...none, connections: 1, perPod, firstAnswers, final: false };
}

// A client that was stopped, or killed, kept the rate of its latest reports for ever.
test("a client that tells nothing has no rate", async () => {
  const { run, clock, say } = await opened();
  run.start(LOAD);
  for (let second = 0; second < 3; second += 1) {
    await clock.advance(1000);
    say(reportOf({ a: 50 }));
  }
  assert.equal(run.view().callsPerSecond, 50);
  await clock.advance(2500);
  assert.equal(run.view().callsPerSecond, 0);
  say(reportOf({ a: 50 }));
  assert.ok(run.view().callsPerSecond > 0);
});

// The lab scales while a client still connects, or proxies start anew: the pod was never a new one,
// and a lane that does not see it looked as one that had nothing to see.
test("a pod that comes while the lane opens is new to it, and waits from the load's begin", async () => {
  const { run, clock, say } = await opened();
  run.podReady("b", clock.wallMs());
  run.setPods(["a", "b"], ["a", "b"]);
  await clock.advance(1000);
  run.start(LOAD);
  await clock.advance(3000);
  assert.equal(run.view().figures.newPodWaitsMs, 3000);
  say(reportOf({ b: 1 }, { b: clock.wallMs() }));
  assert.equal(run.view().figures.firstCallOfNewPodMs, 3000);
});
