/**
 * Tests of the time to the first call of a new pod, as a lane's figures tell it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LaneMeasure } from "./measure.ts";

/** Some moment in epoch ms. */
const T = 1_700_000_000_000;

const report = (perPod: Record<string, number>, firstAnswers: Record<string, number> = {}) => ({
  ...{ perPod, firstAnswers, failed: 0, lastFailure: "" },
  ...{ latenciesUs: [], connections: 1 },
});

/** A lane of pods a and b, to which c has come at T. */
function withNewPod(): LaneMeasure {
  const measure = new LaneMeasure(["a", "b"]);
  measure.add(report({ a: 1, b: 1 }, { a: T - 900, b: T - 900 }));
  measure.podReady("c", T);
  measure.setPods(["a", "b", "c"], ["a", "b", "c"]);
  return measure;
}

const told = (measure: LaneMeasure, nowEpochMs?: number) => {
  const { firstCallOfNewPodMs, newPodWaitsMs, newPods } = measure.figures(nowEpochMs);
  return [firstCallOfNewPodMs, newPodWaitsMs, newPods.map(({ pod }) => pod).join()];
};

test("the pods of the start are not new", () => {
  const measure = new LaneMeasure(["a"]);
  measure.add(report({ a: 1 }, { a: T }));
  assert.deepEqual(told(measure, T + 50), [null, null, ""]);
});

test("a new pod waits until its first call, and the time of that is kept", () => {
  const measure = withNewPod();
  assert.deepEqual(told(measure, T + 40), [null, 40, "c"]);
  measure.add(report({ a: 3 }));
  assert.deepEqual(told(measure, T + 12_000), [null, 12_000, "c"]);
  measure.add(report({ c: 2 }, { c: T + 12_009 }));
  assert.deepEqual(told(measure, T + 12_100), [12_009, null, "c"]);
  measure.add(report({ c: 2 }));
  assert.deepEqual(told(measure, T + 99_000), [12_009, null, "c"]);
});

test("without the time nobody is said to wait", () => {
  assert.deepEqual(told(withNewPod()), [null, null, "c"]);
});

test("a client may tell of the first call before the lab tells of the pod", () => {
  const measure = new LaneMeasure(["a"]);
  measure.addPods(["a", "b"]);
  measure.add(report({ b: 1 }, { b: T + 3 }));
  assert.deepEqual(told(measure, T + 100), [null, null, ""]);
  measure.podReady("b", T);
  measure.setPods(["a", "b"], ["a", "b"]);
  assert.deepEqual(told(measure, T + 100), [3, null, "b"]);
});

test("of several the longest wait and the latest first call are told", () => {
  const measure = withNewPod();
  measure.podReady("d", T + 1000);
  measure.podReady("e", T + 2000);
  const pods = ["a", "b", "c", "d", "e"];
  measure.setPods(pods, pods);
  measure.add(report({ d: 1, e: 1 }, { d: T + 1500, e: T + 2004 }));
  assert.deepEqual(told(measure, T + 5000), [4, 5000, "c,d,e"]);
});

test("a new pod that goes waits no more; when it comes back it is new again", () => {
  const measure = withNewPod();
  measure.setPods(["a", "b"], ["a", "b", "c"]);
  assert.deepEqual(told(measure, T + 500), [null, null, ""]);
  measure.podReady("c", T + 9000);
  measure.setPods(["a", "b", "c"], ["a", "b", "c"]);
  assert.deepEqual(told(measure, T + 9100), [null, 100, "c"]);
});

// The client tells of a pod's first call once, and this one had it in its life before.
test("a pod that came back and has calls does not wait, though since when is not known", () => {
  const measure = withNewPod();
  measure.add(report({ c: 1 }, { c: T + 5 }));
  measure.setPods(["a", "b"], ["a", "b", "c"]);
  measure.podReady("c", T + 9000);
  measure.setPods(["a", "b", "c"], ["a", "b", "c"]);
  measure.add(report({ c: 1 }));
  assert.deepEqual(told(measure, T + 9900), [null, null, "c"]);
});

test("a pod that is ready twice keeps the first time", () => {
  const measure = withNewPod();
  measure.podReady("c", T + 700);
  assert.deepEqual(told(measure, T + 800), [null, 800, "c"]);
});
