/**
 * The turn's end and the tick: what is scheduled in one turn is flushed once, together; one timer
 * serves all connections, and goes with the last of them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { type Flushable, TICK_MS, TransportLoop } from "./loop.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

class Recorder implements Flushable {
  flushes = 0;
  ticks: number[] = [];
  onFlush: () => void = () => {};
  onTicked: () => void = () => {};

  flush(): void {
    this.flushes += 1;
    this.onFlush();
  }

  onTick(nowMs: number): void {
    this.ticks.push(nowMs);
    this.onTicked();
  }
}

test("what is scheduled is flushed at the end of the turn, not before", async () => {
  const loop = new TransportLoop(new VirtualClock());
  const connections = [new Recorder(), new Recorder()];
  for (const connection of connections) loop.schedule(connection);
  await Promise.resolve();
  assert.deepEqual(
    connections.map(({ flushes }) => flushes),
    [0, 0],
  );
  await turn();
  assert.deepEqual(
    connections.map(({ flushes }) => flushes),
    [1, 1],
  );
  await turn();
  assert.equal(connections[0]!.flushes, 1, "once");
});

test("what a flush schedules comes in the next turn, and is not lost", async () => {
  const loop = new TransportLoop(new VirtualClock());
  const [first, second] = [new Recorder(), new Recorder()];
  first.onFlush = () => {
    if (first.flushes > 1) return;
    loop.schedule(first);
    loop.schedule(second);
  };
  loop.schedule(first);
  await turn();
  assert.deepEqual([first.flushes, second.flushes], [1, 0]);
  await turn();
  assert.deepEqual([first.flushes, second.flushes], [2, 1]);
});

test("flushNow flushes what waits at once, and nothing twice", async () => {
  const loop = new TransportLoop(new VirtualClock());
  const connection = new Recorder();
  loop.flushNow();
  loop.schedule(connection);
  loop.flushNow();
  assert.equal(connection.flushes, 1);
  await turn();
  assert.equal(connection.flushes, 1);
});

test("one timer ticks all connections, and goes with the last", () => {
  const clock = new VirtualClock();
  const loop = new TransportLoop(clock);
  const connections = Array.from({ length: 3 }, () => new Recorder());
  assert.equal(clock.pendingCount, 0);
  for (const connection of connections) loop.add(connection);
  assert.equal(clock.pendingCount, 1);
  clock.advance(2 * TICK_MS);
  for (const { ticks } of connections) assert.deepEqual(ticks, [TICK_MS, 2 * TICK_MS]);
  for (const connection of connections) loop.remove(connection);
  loop.remove(connections[0]!);
  assert.equal(clock.pendingCount, 0);
  clock.advance(10 * TICK_MS);
  assert.equal(connections[0]!.ticks.length, 2);
});

test("a connection may leave, or another join, while it is ticked", () => {
  const clock = new VirtualClock();
  const loop = new TransportLoop(clock);
  const [leaving, joining] = [new Recorder(), new Recorder()];
  leaving.onTicked = () => {
    loop.remove(leaving);
    loop.add(joining);
  };
  loop.add(leaving);
  clock.advance(3 * TICK_MS);
  assert.equal(leaving.ticks.length, 1);
  assert.equal(joining.ticks.length, 2);
  joining.onTicked = () => loop.remove(joining);
  clock.advance(TICK_MS);
  assert.equal(clock.pendingCount, 0);
});

test("the end of a turn is what the loop was told: on a virtual clock it comes as time passes", () => {
  const clock = new VirtualClock();
  const loop = new TransportLoop(clock, (fn) => clock.setTimer(0, fn));
  const [first, second] = [new Recorder(), new Recorder()];
  first.onFlush = () => first.flushes === 1 && loop.schedule(second);
  loop.schedule(first);
  assert.equal(first.flushes, 0, "not before");
  clock.advance(0);
  assert.deepEqual([first.flushes, second.flushes], [1, 1]);
});
