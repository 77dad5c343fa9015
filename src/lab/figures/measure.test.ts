/**
 * Tests of a lane's figures: max/mean, Jain's fairness, failures, connections.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallReport } from "./call-report.ts";
import { LaneMeasure } from "./measure.ts";

const report = (perPod: Record<string, number>, rest: Partial<CallReport> = {}): CallReport => ({
  perPod,
  failed: 0,
  lastFailure: "",
  latenciesUs: [],
  connections: 1,
  ...rest,
});

const measured = (pods: readonly string[], ...reports: CallReport[]) => {
  const measure = new LaneMeasure(pods);
  for (const one of reports) measure.add(one);
  return measure.figures();
};

test("before the first call balance and latency are null, and every pod has a zero", () => {
  const figures = measured(["a", "b"]);
  assert.deepEqual(figures.perPod, { a: 0, b: 0 });
  assert.equal(figures.podsUsed, 0);
  assert.equal(figures.maxOverMean, null);
  assert.equal(figures.fairness, null);
  assert.equal(figures.p50Ms, null);
  assert.equal(figures.p99Ms, null);
});

test("one pod with every call: max/mean is the number of pods and fairness its inverse", () => {
  const figures = measured(["a", "b", "c", "d"], report({ b: 30 }), report({ b: 10 }));
  assert.equal(figures.podsUsed, 1);
  assert.equal(figures.maxOverMean, 4);
  assert.equal(figures.fairness, 0.25);
  assert.equal(figures.calls, 40);
});

test("equal pods: max/mean and fairness are 1", () => {
  const figures = measured(["a", "b", "c"], report({ a: 5, b: 5 }), report({ c: 5 }));
  assert.equal(figures.maxOverMean, 1);
  assert.equal(figures.fairness, 1);
});

test("max/mean counts the pods that got nothing", () => {
  const figures = measured(["a", "b", "c", "d"], report({ a: 6, b: 2 }));
  assert.equal(figures.podsUsed, 2);
  assert.equal(figures.maxOverMean, 3);
  assert.equal(figures.fairness, 64 / (4 * 40));
});

test("failed calls are part of all calls, and the last reason is kept", () => {
  const figures = measured(
    ["a"],
    report({ a: 2 }, { failed: 1, lastFailure: "UNAVAILABLE: gone" }),
    report({ a: 1 }),
  );
  assert.equal(figures.calls, 4);
  assert.equal(figures.failed, 1);
  assert.equal(figures.lastFailure, "UNAVAILABLE: gone");
});

test("an answer from an unknown name is a failed call, since the latest event, too", () => {
  const measure = new LaneMeasure(["a"]);
  measure.add(report({ a: 1, stranger: 2 }));
  const { calls, failed } = measure.effects.at(-1)!;
  assert.deepEqual([calls, failed], [3, 2]);
  const figures = measure.figures();
  assert.equal(figures.failed, 2);
  assert.equal(figures.calls, 3);
  assert.deepEqual(figures.perPod, { a: 1 });
  assert.match(figures.lastFailure, /"stranger"/);
});

test("connections are those of the latest report", () => {
  const figures = measured(["a"], report({}, { connections: 3 }), report({}, { connections: 2 }));
  assert.equal(figures.connections, 2);
});

test("latencies of all reports make the quantiles", () => {
  const figures = measured(
    ["a"],
    report({}, { latenciesUs: [1000, 1000, 1000] }),
    report({}, { latenciesUs: [50_000] }),
  );
  assert.ok(Math.abs(figures.p50Ms! - 1) < 0.02);
  assert.ok(Math.abs(figures.p99Ms! - 50) < 1);
});

test("with other pods the balance is measured anew; the totals go on", () => {
  const measure = new LaneMeasure(["a", "b"]);
  measure.add(report({ a: 30, b: 10 }));
  measure.setPods(["a", "b", "c", "d"], ["a", "b", "c", "d"]);
  const before = measure.figures();
  assert.equal(before.podsUsed, 0);
  assert.equal(before.maxOverMean, null);
  measure.add(report({ a: 5, b: 5 }));
  const { steps, ...after } = measure.figures();
  assert.deepEqual(after.perPod, { a: 35, b: 15, c: 0, d: 0 });
  assert.deepEqual(after.current, { a: 5, b: 5, c: 0, d: 0 });
  assert.equal(after.podsUsed, 2);
  assert.equal(after.maxOverMean, 2);
  assert.equal(after.calls, 50);
  assert.deepEqual(steps, [
    { pods: 2, podsUsed: 2, maxOverMean: 1.5, fairness: 0.8, answered: 40 },
    { pods: 4, podsUsed: 2, maxOverMean: 2, fairness: 0.5, answered: 10 },
  ]);
});

test("a pod that is about to be compared may answer already", () => {
  const measure = new LaneMeasure(["a"]);
  measure.addPods(["a", "b"]);
  measure.add(report({ a: 1, b: 1 }));
  const figures = measure.figures();
  assert.equal(figures.failed, 0);
  assert.deepEqual(figures.perPod, { a: 1, b: 1 });
  assert.deepEqual(figures.current, { a: 1 });
});

test("a pod that goes may still answer: it is no stranger, and in no balance", () => {
  const measure = new LaneMeasure(["a", "b"]);
  measure.setPods(["a"], ["a", "b"]);
  measure.add(report({ a: 3, b: 1 }));
  const figures = measure.figures();
  assert.equal(figures.failed, 0);
  assert.deepEqual(figures.perPod, { a: 3, b: 1 });
  assert.deepEqual(figures.current, { a: 3 });
  assert.equal(figures.maxOverMean, 1);
});

test("recent latencies are those of the latest second of reports", () => {
  const measure = new LaneMeasure(["a"]);
  assert.equal(measure.figures().recentP99Ms, null);
  measure.add(report({ a: 1 }, { latenciesUs: [50_000] }));
  for (let tenth = 0; tenth < 9; tenth += 1) {
    measure.add(report({ a: 1 }, { latenciesUs: [1000] }));
  }
  assert.ok(measure.figures().recentP99Ms! > 49);
  measure.add(report({}));
  const { recentP50Ms, recentP99Ms, p99Ms } = measure.figures();
  assert.ok(Math.abs(recentP50Ms! - 1) < 0.02);
  assert.ok(Math.abs(recentP99Ms! - 1) < 0.02);
  assert.ok(p99Ms! > 49, "the latency since the start still has the slow call");
});

test("when no pod is left there is no balance, and when one comes it is measured anew", () => {
  const measure = new LaneMeasure(["a", "b"]);
  measure.add(report({ a: 4, b: 4 }));
  measure.setPods([], ["a", "b"]);
  measure.add(report({ a: 1 }, { failed: 2 }));
  const none = measure.figures();
  assert.deepEqual([none.podsUsed, none.maxOverMean, none.fairness], [0, null, null]);
  assert.deepEqual(none.current, {});
  assert.equal(none.calls, 11);
  measure.setPods(["c"], ["a", "b", "c"]);
  measure.add(report({ c: 7 }));
  const one = measure.figures();
  assert.deepEqual([one.podsUsed, one.maxOverMean, one.fairness], [1, 1, 1]);
});

test("a reset begins from zero with the pods that are there", () => {
  const measure = new LaneMeasure(["a", "b"]);
  measure.mark({ event: "kill=a", atMs: 5, pod: "a" });
  measure.podReady("c", 1000);
  measure.setPods(["b", "c"], ["a", "b", "c"]);
  measure.add(report({ b: 9 }, { failed: 3, latenciesUs: [1000], connections: 4 }));
  measure.reset(["b", "c"]);
  const { connections, ...figures } = measure.figures(9000);
  const { connections: _, ...fresh } = new LaneMeasure(["b", "c"]).figures(9000);
  assert.deepEqual(figures, fresh);
  assert.equal(connections, 4, "which are still open");
  assert.deepEqual(measure.effects, new LaneMeasure(["b", "c"]).effects);
});
