/**
 * Tests of what is done at its time, on a virtual clock.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { actionText } from "./actions.ts";
import { parseLabOptions } from "./options.ts";
import { nextDueMs, OUTCOME_SECONDS_MAX, RunEnd, Schedule, scheduleOf } from "./schedule.ts";

const schedule = scheduleOf(
  parseLabOptions({ scale: "3,5,2", scaleEvery: "4", events: "6s:kill,500ms:slow" }),
);

test("numbers of --scale and actions of --events are done in the order of time", () => {
  const clock = new VirtualClock();
  const done: string[] = [];
  new Schedule(clock, schedule).start((action) =>
    done.push(`${clock.nowMs()} ${actionText(action)}`),
  );
  clock.advance(10_000);
  assert.deepEqual(done, ["500 slow", "4000 scale=5", "6000 kill", "8000 scale=2"]);
});

test("what is called off is not done", () => {
  const clock = new VirtualClock();
  const done: string[] = [];
  const callOff = new Schedule(clock, schedule).start((action) => done.push(action.word));
  clock.advance(1000);
  callOff();
  clock.advance(10_000);
  assert.deepEqual(done, ["slow"]);
  assert.equal(clock.pendingCount, 0);
});

test("what is still to come is told by the time of the lab, which a reset begins anew", () => {
  const clock = new VirtualClock();
  const started = new Schedule(clock, schedule);
  const toCome = (elapsedMs: number): string[] =>
    started.toCome(elapsedMs).map(({ atMs, action }) => `${atMs} ${actionText(action)}`);
  assert.deepEqual(toCome(0), ["500 slow", "4000 scale=5", "6000 kill", "8000 scale=2"]);
  started.start(() => {});
  clock.advance(5000);
  assert.deepEqual(toCome(5000), ["6000 kill", "8000 scale=2"]);
  assert.deepEqual(toCome(1000), ["2000 kill", "4000 scale=2"], "after a reset at 4 s");
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

/**
 * The README's `--once --events 3s:slow,8s:heal,10s:roll` ended 5 s after its roll had begun, with
 * half of the pods replaced.
 */
test("a run ends 5 s after the outcome of its last event, not after its begin", () => {
  const end = new RunEnd(parseLabOptions({ once: true, events: "3s:slow,8s:heal,10s:roll" }));
  const at = (ranMs: number, isSettled: boolean) => {
    end.look(ranMs, isSettled);
    return [end.endMs, end.knownMs];
  };
  assert.deepEqual(at(0, true), [15_000, null], "a roll is to come, and may take longer");
  const mostMs = (10 + OUTCOME_SECONDS_MAX) * 1000;
  assert.deepEqual(at(10_500, false), [mostMs, null]);
  assert.deepEqual(at(18_500, false), [mostMs, null]);
  assert.deepEqual(at(19_000, true), [24_000, 24_000]);
  assert.deepEqual(at(23_500, true), [24_000, 24_000]);
  assert.equal(end.isGivenUp, false);
});

test("a run does not wait for ever for an outcome, and says that it did not come", () => {
  const end = new RunEnd(parseLabOptions({ once: true, events: "1s:roll" }));
  end.look(1500, false);
  assert.equal(end.endMs, (1 + OUTCOME_SECONDS_MAX) * 1000);
  assert.equal(end.isGivenUp, false);
  end.look(end.endMs, false);
  assert.equal(end.isGivenUp, true);
});

test("a length that was given holds, and one without end has none", () => {
  const given = new RunEnd(parseLabOptions({ once: true, seconds: "3", events: "1s:roll" }));
  given.look(3000, false);
  assert.deepEqual([given.endMs, given.knownMs, given.isGivenUp], [3000, 3000, false]);
  const plain = new RunEnd(parseLabOptions({ once: true }));
  assert.deepEqual([plain.endMs, plain.knownMs], [10_000, 10_000]);
  const endless = new RunEnd(parseLabOptions({ events: "1s:roll" }));
  endless.look(60_000, true);
  assert.deepEqual([endless.endMs, endless.knownMs], [Number.POSITIVE_INFINITY, null]);
});
