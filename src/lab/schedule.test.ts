/**
 * Tests of what is done at its time, on a virtual clock.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { actionText } from "./actions.ts";
import { parseLabOptions } from "./options.ts";
import { nextDueMs, scheduleOf, startSchedule } from "./schedule.ts";

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

test("what is done ten times a second keeps its times, however long it takes", () => {
  assert.equal(nextDueMs(1000, 1012, 100), 1100);
  assert.equal(nextDueMs(1000, 1099.5, 100), 1100);
  // What was missed is not made up for.
  assert.equal(nextDueMs(1000, 1100, 100), 1200);
  assert.equal(nextDueMs(1000, 1534, 100), 1600);
  // A timer may be early by a fraction of a millisecond.
  assert.equal(nextDueMs(1000, 999.6, 100), 1100);
});
