/** Tests of the virtual clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Timer } from "./clock.ts";
import { seededRng } from "./rng.ts";
import { VirtualClock } from "./virtual.ts";

test("timers fire at their own due time, in order of time and then of age", () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name}@${clock.nowMs()}`);
  clock.setTimer(30, note("c"));
  clock.setTimer(10, note("a"));
  clock.setTimer(30, note("d"));
  clock.setTimer(20, note("b"));
  clock.advance(29);
  assert.deepEqual(fired, ["a@10", "b@20"]);
  assert.equal(clock.nextDueMs, 30);
  clock.advance(1);
  assert.deepEqual(fired, ["a@10", "b@20", "c@30", "d@30"]);
  assert.equal(clock.nowMs(), 30);
  assert.equal(clock.pendingCount, 0);
  assert.equal(clock.nextDueMs, Number.POSITIVE_INFINITY);
});

test("a timer set by a timer fires in the same advance when it is due by then", () => {
  const clock = new VirtualClock();
  const fired: number[] = [];
  const again = () => {
    fired.push(clock.nowMs());
    if (fired.length < 3) clock.setTimer(10, again);
  };
  clock.setTimer(10, again);
  clock.advance(25);
  assert.deepEqual(fired, [10, 20]);
  clock.advance(5);
  assert.deepEqual(fired, [10, 20, 30]);
  assert.equal(clock.pendingCount, 0);
});

test("a delay of zero or less fires in the next advance, not in setTimer", () => {
  const clock = new VirtualClock();
  let count = 0;
  clock.setTimer(0, () => (count += 1));
  clock.setTimer(-5, () => (count += 1));
  assert.equal(count, 0);
  clock.advance(0);
  assert.equal(count, 2);
  assert.equal(clock.nowMs(), 0);
});

test("cancelled timers do not fire and are not counted; cancelling twice does nothing", () => {
  const clock = new VirtualClock();
  const timer = clock.setTimer(10, () => assert.fail("cancelled"));
  const other = clock.setTimer(10, () => {});
  timer.cancel();
  timer.cancel();
  assert.equal(clock.pendingCount, 1);
  clock.advance(10);
  other.cancel();
  assert.equal(clock.pendingCount, 0);
});

test("wall time moves with virtual time", () => {
  const clock = new VirtualClock();
  assert.equal(new Date(clock.wallMs()).toISOString(), "2026-01-01T00:00:00.000Z");
  clock.advance(1500);
  assert.equal(new Date(clock.wallMs()).toISOString(), "2026-01-01T00:00:01.500Z");
});

test("time does not go back", () => {
  assert.throws(() => new VirtualClock().advance(-1), /time does not go back/);
});

test("any mix of setting and cancelling fires exactly the rest, in order", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const rng = seededRng(seed);
    const clock = new VirtualClock();
    const fired: number[] = [];
    const timers: { dueMs: number; timer: Timer }[] = [];
    for (let i = 0; i < 100; i += 1) {
      const dueMs = rng.int(50);
      timers.push({ dueMs, timer: clock.setTimer(dueMs, () => fired.push(dueMs)) });
    }
    const kept = timers.filter(({ timer }) => {
      const drop = rng.next() < 0.5;
      if (drop) timer.cancel();
      return !drop;
    });
    assert.equal(clock.pendingCount, kept.length);
    clock.advance(50);
    assert.deepEqual(
      fired,
      kept.map(({ dueMs }) => dueMs).sort((a, b) => a - b),
      `seed ${seed}`,
    );
  }
});
