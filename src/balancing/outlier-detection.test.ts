/** Tests of outlier detection, rule by rule of gRFC A50. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Rng, scriptedRng, seededRng } from "../base/index.ts";
import { type OutlierDetectionConfig, parseOutlierDetection } from "./outlier-config.ts";
import { OutlierDetection, type OutlierEvents, type OutlierTarget } from "./outlier-detection.ts";
import type { Outcome, OutlierRecord } from "./outlier-record.ts";

class Pod implements OutlierTarget {
  readonly name: string;
  outlier: OutlierRecord | null = null;
  isEjected = false;

  constructor(name: string) {
    this.name = name;
  }
}

/** A detection, its pods, and what it said. */
class Bench implements OutlierEvents<Pod> {
  readonly log: string[] = [];
  readonly reasons: string[] = [];
  readonly pods: Pod[];
  readonly detection: OutlierDetection<Pod>;
  nowMs = 0;

  constructor(fields: Record<string, unknown>, count: number, rng: Rng = seededRng(1)) {
    this.pods = Array.from({ length: count }, (_, i) => new Pod(`p${i}`));
    this.detection = new OutlierDetection(config(fields), rng, this, 0);
    this.detection.setTargets(this.pods);
  }

  onEjected(pod: Pod, method: string, reason: string): void {
    assert.ok(!pod.isEjected, "an ejected pod is not ejected again");
    pod.isEjected = true;
    this.log.push(`${pod.name} ejected by ${method}`);
    this.reasons.push(reason);
  }

  onReturned(pod: Pod): void {
    assert.ok(pod.isEjected, "only an ejected pod returns");
    pod.isEjected = false;
    this.log.push(`${pod.name} returned`);
  }

  onUnenforced(method: string, reason: string): void {
    this.log.push(`${method} not enforced: ${reason}`);
  }

  /** So many calls of each outcome on one pod. */
  calls(pod: number, outcome: Outcome, count: number): void {
    for (let i = 0; i < count; i += 1) this.pods[pod]!.outlier?.onEnded(outcome, this.nowMs);
  }

  /** All pods get `ok` good calls, and those of `bad` so many failures of 100 instead. */
  round(bad: Record<number, number> = {}): void {
    for (let i = 0; i < this.pods.length; i += 1) {
      this.calls(i, "failure", bad[i] ?? 0);
      this.calls(i, "success", 100 - (bad[i] ?? 0));
    }
    this.sweep();
  }

  sweep(): void {
    this.nowMs = this.detection.nextSweepMs;
    this.detection.sweep(this.nowMs);
  }

  take(): string[] {
    return this.log.splice(0);
  }
}

function config(fields: Record<string, unknown>): OutlierDetectionConfig {
  return parseOutlierDetection(fields, "outlier_detection");
}

const RATE = { successRateEjection: {} };
const PERCENTAGE = { failurePercentageEjection: {} };
const ERRORS = { consecutiveErrors: {} };

test("A50: below mean - 1.9 deviations an endpoint is ejected, and the reason says why", () => {
  const bench = new Bench(RATE, 10);
  bench.round({ 3: 60 });
  assert.deepEqual(bench.take(), ["p3 ejected by success_rate"]);
  assert.equal(bench.reasons[0], "40.0 % of 100 calls went well, below 59.8 % (mean 94.0 %)");
});

test("A50: endpoints that fail alike are not ejected by success rate", () => {
  const bench = new Bench(RATE, 10);
  bench.round(Object.fromEntries(bench.pods.map((_, i) => [i, 60 + (i % 2)])));
  assert.deepEqual(bench.take(), []);
});

test("A50: success rate needs minimum_hosts with request_volume", () => {
  for (const [hosts, isEjected] of [
    [4, false],
    [5, true],
  ] as const) {
    const bench = new Bench({ successRateEjection: { stdevFactor: 1000 } }, 20);
    for (let i = 0; i < hosts; i += 1) bench.calls(i, i === 0 ? "failure" : "success", 100);
    for (let i = hosts; i < 20; i += 1) bench.calls(i, "success", 99);
    bench.sweep();
    assert.equal(bench.pods[0]!.isEjected, isEjected, `${hosts} hosts`);
  }
});

test("A50: an endpoint below request_volume is no part of the mean, nor ejected", () => {
  const bench = new Bench(RATE, 10);
  for (let i = 0; i < 9; i += 1) bench.calls(i, "success", 100);
  bench.calls(9, "failure", 99);
  bench.sweep();
  assert.deepEqual(bench.take(), []);
});

test("A50: failures above the threshold eject, at the threshold they do not", () => {
  const bench = new Bench(PERCENTAGE, 10);
  bench.round({ 1: 85, 2: 86 });
  assert.deepEqual(bench.take(), ["p2 ejected by failure_percentage"]);
  assert.equal(bench.reasons[0], "86.0 % of 100 calls failed, above 85 %");
});

test("A50: failure percentage counts all endpoints for minimum_hosts, and its own volume", () => {
  const four = new Bench(PERCENTAGE, 4);
  four.round({ 0: 100 });
  assert.deepEqual(four.take(), []);
  const five = new Bench(PERCENTAGE, 5);
  five.calls(0, "failure", 49);
  five.calls(1, "failure", 50);
  five.sweep();
  assert.deepEqual(five.take(), ["p1 ejected by failure_percentage"]);
});

test("A50: counters are swapped at each interval: what is old does not count again", () => {
  const bench = new Bench({ ...PERCENTAGE, maxEjectionPercent: 100 }, 5);
  bench.calls(0, "failure", 49);
  bench.sweep();
  bench.calls(0, "failure", 49);
  bench.sweep();
  assert.deepEqual(bench.take(), []);
});

test("A50: the multiplier grows with each ejection, up to max_ejection_time, and falls again", () => {
  const bench = new Bench({ ...PERCENTAGE, maxEjectionTime: "80s" }, 10);
  const sweepsOut = (): number => {
    bench.round({ 0: 100 });
    assert.deepEqual(bench.take(), ["p0 ejected by failure_percentage"]);
    const returnsMs = bench.detection.returnsMs(bench.pods[0]!);
    let sweeps = 0;
    while (bench.pods[0]!.isEjected) {
      bench.sweep();
      sweeps += 1;
    }
    assert.equal(bench.nowMs, returnsMs, "it was known when it returns");
    bench.take();
    return sweeps;
  };
  assert.deepEqual([sweepsOut(), sweepsOut(), sweepsOut(), sweepsOut()], [3, 6, 8, 8]);
  // "If the address is not ejected and the multiplier is greater than 0, decrease": 4 to 1.
  for (let i = 0; i < 3; i += 1) bench.round();
  assert.equal(sweepsOut(), 6);
});

test("A50: max_ejection_percent holds, and one is ejected regardless of the value", () => {
  for (const [percent, pods, ejected] of [
    [10, 5, 1],
    [10, 19, 1],
    [10, 20, 2],
    [0, 10, 1],
    [100, 10, 6],
  ] as const) {
    const bench = new Bench({ ...PERCENTAGE, maxEjectionPercent: percent }, pods);
    bench.round(Object.fromEntries(bench.pods.slice(0, 6).map((_, i) => [i, 100])));
    const bad = Math.min(6, pods);
    assert.equal(bench.detection.ejectedCount, Math.min(ejected, bad), `${percent} % of ${pods}`);
    const overflow = "failure_percentage not enforced: max_ejection_overflow";
    assert.equal(bench.take().filter((line) => line === overflow).length, bad - ejected);
  }
});

test("where the limit has no room for all, the worst go", () => {
  const bench = new Bench(PERCENTAGE, 10);
  bench.round({ 1: 90, 4: 99, 7: 95 });
  assert.equal(bench.take()[0], "p4 ejected by failure_percentage");
});

test("A50: with enforcement_percentage 30, a random number below 30 ejects", () => {
  const fields = { failurePercentageEjection: { enforcementPercentage: 30 } };
  const spared = new Bench(fields, 10, scriptedRng(30));
  spared.round({ 0: 100 });
  assert.deepEqual(spared.take(), ["failure_percentage not enforced: enforcement_percentage"]);
  const ejected = new Bench(fields, 10, scriptedRng(29));
  ejected.round({ 0: 100 });
  assert.deepEqual(ejected.take(), ["p0 ejected by failure_percentage"]);
});

test("as in Envoy: five errors in a row eject at once; anything else begins anew", () => {
  const bench = new Bench(ERRORS, 10);
  bench.calls(0, "error", 4);
  bench.calls(0, "success", 1);
  bench.calls(0, "error", 4);
  bench.calls(0, "failure", 1);
  bench.calls(0, "error", 4);
  assert.deepEqual(bench.take(), []);
  bench.calls(0, "unknown", 1);
  bench.calls(0, "error", 1);
  assert.deepEqual(bench.take(), ["p0 ejected by consecutive_errors"]);
  assert.equal(bench.reasons[0], "5 errors in a row");
  bench.calls(0, "error", 10);
  assert.deepEqual(bench.take(), [], "late ends of one that is ejected say nothing");
});

test("a cancel is neither success nor failure", () => {
  const bench = new Bench(PERCENTAGE, 5);
  bench.calls(0, "unknown", 1000);
  bench.calls(0, "failure", 49);
  bench.sweep();
  assert.deepEqual(bench.take(), []);
});

test("only what the config names is done", () => {
  const bench = new Bench(ERRORS, 10);
  bench.round({ 0: 100 });
  assert.deepEqual(bench.take(), []);
  const other = new Bench(PERCENTAGE, 10);
  other.calls(0, "error", 20);
  assert.deepEqual(other.take(), []);
});

test("when endpoints leave, those ejected first return until the limit is kept", () => {
  const bench = new Bench({ ...PERCENTAGE, maxEjectionPercent: 20 }, 10);
  bench.round({ 0: 100 });
  bench.round({ 1: 100 });
  assert.equal(bench.detection.ejectedCount, 2);
  bench.take();
  bench.detection.setTargets(bench.pods.slice(0, 9));
  assert.deepEqual(bench.take(), ["p0 returned"]);
  bench.detection.setTargets(bench.pods.slice(0, 5));
  assert.deepEqual(bench.take(), [], "one may be ejected regardless");
});

test("an endpoint that leaves takes its ejection along; its late calls say nothing", () => {
  const bench = new Bench(ERRORS, 10);
  const [first] = bench.pods;
  const record = first!.outlier!;
  bench.calls(0, "error", 5);
  bench.take();
  bench.detection.setTargets(bench.pods.slice(1));
  assert.deepEqual([bench.detection.ejectedCount, first!.outlier], [0, null]);
  for (let i = 0; i < 9; i += 1) record.onEnded("error", 0);
  assert.deepEqual(bench.take(), []);
});

test("A50: a new interval counts from the last sweep", () => {
  const bench = new Bench(PERCENTAGE, 5);
  bench.sweep();
  assert.equal(bench.nowMs, 10_000);
  bench.detection.configure(config({ ...PERCENTAGE, interval: "3s" }));
  assert.equal(bench.detection.nextSweepMs, 13_000);
});

test("closed, it takes all back and forgets them", () => {
  const bench = new Bench(ERRORS, 10);
  bench.calls(0, "error", 5);
  bench.detection.close();
  assert.deepEqual(bench.take(), ["p0 ejected by consecutive_errors", "p0 returned"]);
  assert.ok(bench.pods.every(({ outlier, isEjected }) => outlier === null && !isEjected));
});

test("whatever happens, no more are ejected than may be, and each returns in time", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("sweep" as const) }),
    fc.record({ kind: fc.constant("set" as const), count: fc.integer({ min: 0, max: 30 }) }),
    fc.record({
      kind: fc.constant("calls" as const),
      pod: fc.integer({ min: 0, max: 29 }),
      count: fc.integer({ min: 1, max: 120 }),
      outcome: fc.constantFrom<Outcome>("success", "failure", "error", "unknown"),
    }),
  );
  const percents = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), percents, (steps, percent) => {
      const fields = { ...RATE, ...PERCENTAGE, ...ERRORS, maxEjectionPercent: percent };
      const bench = new Bench(fields, 30);
      let count = 30;
      for (const each of steps) {
        if (each.kind === "sweep") bench.sweep();
        else if (each.kind === "calls") bench.calls(each.pod, each.outcome, each.count);
        else {
          for (const pod of bench.pods.slice(each.count)) pod.isEjected = false; // it is no more
          count = each.count;
          bench.detection.setTargets(bench.pods.slice(0, count));
        }
        const ejected = bench.pods.slice(0, count).filter(({ isEjected }) => isEjected).length;
        assert.equal(ejected, bench.detection.ejectedCount);
        assert.ok(ejected <= Math.max(1, Math.floor((count * percent) / 100)));
      }
      for (let i = 0; i < 40; i += 1) bench.sweep();
      assert.equal(bench.detection.ejectedCount, 0, "300 s and some sweeps later all are back");
    }),
    { numRuns: 300 },
  );
});
