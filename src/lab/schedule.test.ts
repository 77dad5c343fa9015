/**
 * Tests of what is done at its time, on a virtual clock.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { actionText } from "./actions.ts";
import { parseLabOptions } from "./options.ts";
import { scheduleOf, startSchedule } from "./schedule.ts";

const schedule = scheduleOf(
  parseLabOptions({ scale: "3,5,2", scaleEvery: "4", events: "6s:kill,500ms:slow" }),
);

test("numbers of --scale and actions of --events are done in the order of time", () => {
  const clock = new VirtualClock();
  const done: string[] = [];
  startSchedule(clock, schedule, (action) => done.push(`${clock.nowMs()} ${actionText(action)}`));
  clock.advance(10_000);
  assert.deepEqual(done, ["500 slow", "4000 scale=5", "6000 kill", "8000 scale=2"]);
});

test("what is called off is not done", () => {
  const clock = new VirtualClock();
  const done: string[] = [];
  const callOff = startSchedule(clock, schedule, (action) => done.push(action.word));
  clock.advance(1000);
  callOff();
  clock.advance(10_000);
  assert.deepEqual(done, ["slow"]);
  assert.equal(clock.pendingCount, 0);
});
