/** Tests of the judge: what agrees passes, and each thing that may not be is told. */
import assert from "node:assert/strict";
import test from "node:test";
import type { CallBegun, CallEnded, Execution } from "./echo.ts";
import { judge, type PodRecord, type WayRecord } from "./judge.ts";
import { explainByKills } from "./rollout.ts";

const begin = (n: number): CallBegun => ({ at: "begin", id: `w-${n}`, kind: "unary", ms: 1_000 });
const end = (n: number, more: Partial<CallEnded> = {}): CallEnded => ({
  ...{ at: "end", id: `w-${n}`, ms: 2_000, code: 0, details: "", pod: "p1" },
  isCancelled: false,
  ...more,
});
const enter = (n: number, way = "w"): Execution => ({ at: "enter", id: `${way}-${n}`, ms: 1_500 });

function pod(name: string, ...entered: Execution[]): PodRecord {
  const executions = new Map([[name, entered]]);
  return { name, uid: `uid-${name}`, address: "127.0.0.1:1", executions };
}

function record(calls: WayRecord["calls"], attempts = 1, more: Partial<WayRecord> = {}): WayRecord {
  const counts = { "uid-p1": { calls: attempts, isExact: true } };
  return { way: "w", isOurs: true, calls, attempts: counts, replays: 0, ...more };
}

const killed = [{ address: "127.0.0.1:1", atMs: 1_500 }];
const explain = explainByKills(killed, "");
const LOST = "127.0.0.1:1: the connection was reset";

/** The complaints about one way. */
function complaints(way: WayRecord, ...pods: PodRecord[]): readonly string[] {
  return judge(way, pods, explain).complaints;
}

test("calls that ended well, once, where they were executed are fine", () => {
  const way = record([begin(1), end(1), begin(2), end(2)], 2);
  const figures = judge(way, [pod("p1", enter(1), enter(2), enter(9, "other"))], explain);
  assert.deepEqual(figures.complaints, []);
  assert.deepEqual(figures.statuses, { 0: 2 });
  assert.deepEqual(figures.perPod, [
    { pod: "p1", caller: 2, attempts: { calls: 2, isExact: true }, executed: 2 },
  ]);
});

test("a failure that a kill explains is fine, one that none explains is told", () => {
  const pods = pod("p1", enter(1));
  const failed = (more: Partial<CallEnded>) =>
    complaints(record([begin(1), end(1, { code: 14, details: LOST, pod: null, ...more })]), pods);
  assert.deepEqual(failed({}), []);
  assert.match(failed({ code: 13 })[0], /not to be explained: w-1 .*status 13/);
  assert.match(failed({ details: "connection reset" })[0], /not to be explained/);
  assert.match(failed({ details: "127.0.0.1:10: reset" })[0], /not to be explained/);
  const late = record([{ ...begin(1), ms: 9_000 }, end(1, { code: 14, details: LOST, ms: 9_500 })]);
  assert.match(complaints(late, pods)[0], /not to be explained/, "it began after the kill");
});

test("a call that never ended, or ended twice, is told", () => {
  const pods = pod("p1", enter(1));
  assert.deepEqual(complaints(record([begin(1)]), pods).slice(0, 1), ["w-1 never ended"]);
  assert.deepEqual(complaints(record([begin(1), end(1), end(1)]), pods), ["w-1 ended twice"]);
});

test("a call that was executed twice is told, and not of a client that is not ours", () => {
  const pods = [pod("p1", enter(1)), pod("p2", enter(1))];
  const counts = { "uid-p1": { calls: 1, isExact: true }, "uid-p2": { calls: 1, isExact: true } };
  const ours = record([begin(1), end(1)], 1, { attempts: counts, replays: 1 });
  assert.equal(complaints(ours, ...pods)[0], "w-1 was executed by p1,p2");
  const stock = judge({ ...ours, isOurs: false, attempts: null }, pods, explain);
  assert.deepEqual(stock.complaints, []);
  assert.deepEqual(stock.twice, ["w-1"]);
});

test("an answer from elsewhere, or from nowhere, is told", () => {
  const calls = [begin(1), end(1)];
  assert.match(complaints(record(calls, 0), pod("p1"))[0], /executed nowhere/);
  const elsewhere = complaints(record(calls), pod("p1"), pod("p2", enter(1)));
  assert.match(elsewhere[0], /answered by p1 and executed by p2/);
});

test("counts that do not agree are told", () => {
  const calls = [begin(1), end(1)];
  const pods = pod("p1", enter(1));
  assert.match(complaints(record(calls, 0), pods)[0], /p1 executed 1 of 0 attempts there/);
  assert.match(complaints(record(calls, 2), pods)[0], /the counts do not agree: 2 attempts/);
  assert.deepEqual(complaints(record(calls, 2, { replays: 1 }), pods), []);
  assert.match(complaints(record(calls, 1, { replays: 1 }), pods)[0], /counts do not agree/);
});
