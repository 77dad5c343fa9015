/**
 * Tests of what became of a lane since an event: its figures, and the sentence of them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectMeasure, effectSentence } from "./effect.ts";
import { LaneMeasure } from "./measure.ts";

const report = (perPod: Record<string, number>, failed = 0) => ({
  ...{ perPod, failed, lastFailure: "", connections: 1 },
  latenciesUs: Object.keys(perPod).length > 0 ? [2000] : [],
});

test("the pod's share is of the calls answered, and failed ones are of all", () => {
  const measure = new EffectMeasure({ event: "slow=a", atMs: 3000, pod: "a" });
  assert.equal(measure.figures().podShare, null);
  measure.add(report({ a: 1, b: 3 }, 2));
  measure.add(report({ b: 4 }));
  const figures = measure.figures();
  assert.equal(figures.podShare, 1 / 8);
  assert.equal(figures.calls, 10);
  assert.equal(figures.failed, 2);
  assert.equal(
    effectSentence(figures),
    "since slow=a: 12.5% of calls to a, 2 of 10 calls failed, p99 2.01 ms",
  );
});

test("an event that concerns no single pod has no share", () => {
  const measure = new EffectMeasure({ event: "roll", atMs: 0, pod: null });
  measure.add(report({ a: 1 }));
  assert.equal(effectSentence(measure.figures()), "since roll: 0 of 1 calls failed, p99 2.01 ms");
});

test("before an event, and before a call after it, there is nothing to say", () => {
  const lane = new LaneMeasure(["a"]);
  lane.add(report({ a: 5 }));
  assert.equal(effectSentence(lane.effects.at(-1)!), null);
  lane.mark({ event: "kill=a", atMs: 10, pod: "a" });
  assert.equal(effectSentence(lane.effects.at(-1)!), null);
});

test("a lane's effects are cut at the events, and its totals are not", () => {
  const lane = new LaneMeasure(["a", "b"]);
  lane.add(report({ a: 5 }, 1));
  lane.mark({ event: "slow=a", atMs: 10, pod: "a" });
  lane.add(report({ b: 2 }, 3));
  const told = lane.effects.map(({ event, calls, failed }) => [event, calls, failed]);
  assert.deepEqual(told, [
    ["start", 6, 1],
    ["slow=a", 5, 3],
  ]);
  assert.equal(lane.figures().failed, 4);
});
