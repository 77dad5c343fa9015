/** When things of a scenario are done and looked at, and when what was done is in effect. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newAction } from "../actions.ts";
import { parseMoment } from "./moment.ts";
import { readScenario } from "./read-scenario.ts";
import { isSettled, type LabState } from "./settled.ts";
import { pointsOf } from "./timeline.ts";

test("times as they are written", () => {
  assert.deepEqual(parseMoment("500ms"), { kind: "ms", ms: 500 });
  assert.deepEqual(parseMoment("1.5s"), { kind: "ms", ms: 1500 });
  assert.deepEqual(parseMoment("2m"), { kind: "ms", ms: 120_000 });
  assert.deepEqual(parseMoment("40 %"), { kind: "part", part: 0.4 });
  assert.deepEqual(parseMoment("100%"), { kind: "part", part: 1 });
  assert.deepEqual(parseMoment("end"), { kind: "end" });
  for (const text of ["3", "-1s", "101%", "1h", "s", ""]) assert.equal(parseMoment(text), null);
});

test("a window ends before what is done at that time, and the next begins after it", () => {
  const scenario = readScenario(
    `{version: 1, name: a, title: A, pods: 2, lanes: [client], seconds: 10,
      steps: [{at: 50%, do: slow=echo-1}, {at: 1s, do: kill}],
      expect: [
        {lane: client, from: 50%, that: {failed: 0}},
        {lane: client, at: 5s, that: {failed: 0}},
        {lane: client, from: 1s, at: 50%, that: {failed: 0}}]}`,
    "a.yaml",
  );
  assert.deepEqual(
    pointsOf(scenario, 10).map(({ atMs, actions, look }) => [atMs, actions[0]?.word ?? look]),
    [
      [1000, "kill"],
      [1000, "from 1000"],
      [5000, "at 5000"],
      [5000, "slow"],
      [5000, "from 5000"],
    ],
  );
});

const STILL: LabState = {
  ...{ pods: ["echo-1", "echo-2"], podStates: ["ready", "ready"], wantedPods: 2 },
  ...{ notServingPods: [], events: [], lanes: [] },
};
const event = (isOutcome: boolean) => {
  return { atMs: 1, event: "", isOutcome, pod: null, text: "", column: 0 };
};

test("what was done is in effect when pods have come and gone, and its outcome is told", () => {
  assert.ok(isSettled(newAction("slow"), STILL, 0));
  assert.ok(!isSettled(newAction("scale", { count: 3 }), { ...STILL, wantedPods: 3 }, 0));
  assert.ok(!isSettled(newAction("scale"), { ...STILL, podStates: ["ready", "terminating"] }, 0));
  assert.ok(!isSettled(newAction("kill"), { ...STILL, events: [event(false)] }, 0));
  assert.ok(isSettled(newAction("kill"), { ...STILL, events: [event(false), event(true)] }, 0));
  assert.ok(!isSettled(newAction("kill"), { ...STILL, events: [event(true)] }, 1), "an older one");
  const out = { ...STILL, notServingPods: ["echo-2"] };
  assert.ok(!isSettled(newAction("not-serving"), out, 0), "its probe has not said so yet");
  assert.ok(isSettled(newAction("not-serving"), { ...out, podStates: ["ready", "not-ready"] }, 0));
  assert.ok(!isSettled(newAction("replica"), STILL, 0));
});
