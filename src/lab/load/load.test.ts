/** Tests of a client's load by a clock of their own: what is made, counted and reported. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import type { ReportMessage } from "../messages.ts";
import { type CallEnd, Load } from "./load.ts";
import { Tally } from "./tally.ts";

/** A client whose calls take `latencyMs` and end as `end` says. */
function client(
  settings: { callsPerSecond: number; inFlightMax: number },
  { latencyMs = 2, end = { pod: "echo-1" } as CallEnd } = {},
) {
  const clock = new VirtualClock();
  const reports: ReportMessage[] = [];
  let cpuUs = 0;
  const load = new Load(settings, {
    clock,
    tally: new Tally(clock, () => ({ user: (cpuUs += 4000), system: 1000 })),
    call: (_, onEnd) => void clock.setTimer(latencyMs, () => onEnd(end)),
    connections: () => 1,
    tell: (report) => reports.push(report),
  });
  const sum = (of: (report: ReportMessage) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const answered = (): number => sum(({ perPod }) => perPod["echo-1"] ?? 0);
  return { clock, load, reports, sum, answered };
}

test("a steady load is made at its rate, and reported ten times a second", () => {
  const { clock, load, reports, sum, answered } = client({ callsPerSecond: 300, inFlightMax: 10 });
  load.start();
  clock.advance(2000);
  load.stop();
  clock.advance(100);
  assert.equal(reports.length, 21);
  assert.deepEqual(
    reports.map(({ final }) => final),
    [...Array(20).fill(false), true],
  );
  assert.ok(Math.abs(answered() - 600) <= 2, `${answered()}`);
  assert.equal(
    sum(({ givenUp }) => givenUp),
    0,
  );
  assert.equal(
    sum(({ cpuMs }) => cpuMs),
    21 * 4,
  );
});

test("calls in flight are limited, and what is given up for it is told", () => {
  // Two at a time of 100 ms each: 20 a second of the 300 that are due.
  const slow = client({ callsPerSecond: 300, inFlightMax: 2 }, { latencyMs: 100 });
  slow.load.start();
  slow.clock.advance(5000);
  assert.ok(Math.abs(slow.answered() - 100) <= 4, `${slow.answered()}`);
  const givenUp = slow.sum((report) => report.givenUp);
  assert.ok(Math.abs(givenUp - (1500 - 100 - 30)) <= 10, `${givenUp}`);
});

// It made calls at its ticks only: ten in flight were 2000 a second, however fast the pods.
test("the limit of open calls is no limit of calls a tick", () => {
  const fast = client({ callsPerSecond: 4000, inFlightMax: 10 }, { latencyMs: 1 });
  fast.load.start();
  fast.clock.advance(1000);
  assert.ok(fast.answered() > 3900, `${fast.answered()}`);
});

test("load and limit change while it runs", () => {
  const { clock, load, reports, answered } = client({ callsPerSecond: 100, inFlightMax: 10 });
  load.start();
  clock.advance(1000);
  const before = answered();
  load.set({ callsPerSecond: 1000, inFlightMax: 50 });
  clock.advance(1000);
  assert.ok(Math.abs(answered() - before - 1000) <= 10, `${answered() - before}`);
  assert.equal(reports.at(-1)!.final, false);
});

test("a pod's first answer is told once, with its moment", () => {
  const { clock, load, reports } = client({ callsPerSecond: 100, inFlightMax: 10 });
  const beganMs = clock.wallMs();
  load.start();
  clock.advance(1000);
  const told = reports.flatMap(({ firstAnswers }) => Object.entries(firstAnswers));
  assert.equal(told.length, 1);
  const [pod, atMs] = told[0]!;
  assert.equal(pod, "echo-1");
  assert.ok(atMs > beganMs && atMs <= beganMs + 20, `${atMs - beganMs}`);
});

test("the first half second has no latencies; failed calls never have any", () => {
  const { clock, load, reports, sum } = client({ callsPerSecond: 100, inFlightMax: 10 });
  load.start();
  clock.advance(500);
  assert.equal(
    sum(({ latenciesUs }) => latenciesUs.length),
    0,
  );
  clock.advance(500);
  assert.ok(reports.at(-1)!.latenciesUs.every((us) => us === 2000));
  assert.ok(reports.at(-1)!.latenciesUs.length > 0);

  const failing = client({ callsPerSecond: 100, inFlightMax: 10 }, { end: { failure: "14: no" } });
  failing.load.start();
  failing.clock.advance(1000);
  assert.ok(failing.sum(({ failed }) => failed) > 90);
  assert.equal(failing.reports.at(-1)!.lastFailure, "14: no");
  assert.equal(
    failing.sum(({ latenciesUs }) => latenciesUs.length),
    0,
  );
});

test("timers that come late are told as lag", () => {
  const clock = new VirtualClock();
  const tally = new Tally(clock, () => ({ user: 0, system: 0 }));
  tally.woke(30);
  tally.woke(10);
  assert.equal(tally.take(0, false).lagMs, 20);
  assert.equal(tally.take(0, false).lagMs, 0);
});
