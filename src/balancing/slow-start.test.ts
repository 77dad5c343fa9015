/** Tests of slow start: the ramp of Envoy, and the picks that are given up. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { seededRng } from "../base/index.ts";
import { FakeTarget } from "./picker-suite.ts";
import type { Picker, Policy } from "./policy.ts";
import { KNOWN_POLICY_NAMES, parsePolicy } from "./registry.ts";
import {
  parseSlowStart,
  type RampTarget,
  rampWeight,
  type SlowStartConfig,
  SlowStartPicker,
} from "./slow-start.ts";

class Ramping extends FakeTarget implements RampTarget {
  rampFromMs = Number.NEGATIVE_INFINITY;
}

function config(fields: Record<string, unknown> = {}): SlowStartConfig {
  return parseSlowStart({ window: "30s", ...fields }, "fairlead.slowStart")!;
}

function targets(count: number): Ramping[] {
  return Array.from({ length: count }, (_, i) => new Ramping(`e${i}`));
}

test("Envoy: weight is max(min weight, time ^ (1 / aggression)) within the window, then 1", () => {
  const linear = config();
  for (const [ms, weight] of [
    [-5, 0.1],
    [0, 0.1],
    [3_000, 0.1],
    [15_000, 0.5],
    [29_999, 0.99997],
    [30_000, 1],
    [1e9, 1],
  ] as const) {
    assert.ok(Math.abs(rampWeight(linear, 0, ms) - weight) < 1e-5, `${ms} ms`);
  }
  const steep = config({ aggression: 2, minWeightPercent: 0 });
  assert.equal(rampWeight(steep, 0, 7_500), 0.5);
  assert.equal(rampWeight(steep, Number.NEGATIVE_INFINITY, 0), 1, "one that is not slowed");
});

test("the weight never falls, and never leaves [min, 1]", () => {
  const aggression = fc.double({ min: 0.1, max: 10, noNaN: true });
  fc.assert(
    fc.property(aggression, fc.nat(30_000), fc.nat(30_000), (a, x, y) => {
      const [before, after] = [Math.min(x, y), Math.max(x, y)];
      const ramp = config({ aggression: a });
      const [low, high] = [rampWeight(ramp, 0, before), rampWeight(ramp, 0, after)];
      assert.ok(0.1 <= low && low <= high && high <= 1);
    }),
  );
});

function shareOfFirst(policy: Policy, ready: Ramping[], nowMs: number): number {
  const rng = seededRng(11);
  const leaf = policy.newPicker(ready, rng, null, nowMs);
  const picker = new SlowStartPicker(leaf, ready, config(), rng);
  const PICKS = 40_000;
  let first = 0;
  for (let i = 0; i < PICKS; i += 1) if (picker.pick(null, null, nowMs) === ready[0]) first += 1;
  return (first / PICKS) * ready.length;
}

const SPREADING = KNOWN_POLICY_NAMES.filter((name) => parsePolicy(name).connects === "all");

for (const name of SPREADING) {
  test(`${name}: one new endpoint of ten gets its weight of its share, and at last all of it`, () => {
    const ready = targets(10);
    ready[0]!.rampFromMs = 0;
    const own = shareOfFirst(parsePolicy(name), targets(10), 0);
    for (const [nowMs, weight] of [
      [0, 0.1],
      [12_000, 0.4],
      [30_000, 1],
    ] as const) {
      const share = shareOfFirst(parsePolicy(name), ready, nowMs) / own;
      assert.ok(Math.abs(share - weight) < 0.08, `${share} of its share at ${nowMs} ms`);
    }
  });
}

test("the picks given up are spread over the others: none gets more than the next", () => {
  const ready = targets(10);
  ready[0]!.rampFromMs = 0;
  const rng = seededRng(3);
  const leaf = parsePolicy("round_robin").newPicker(ready, rng, null, 0);
  const picker = new SlowStartPicker(leaf, ready, config(), rng);
  const counts = new Map<Ramping, number>();
  for (let i = 0; i < 50_000; i += 1) {
    const target = picker.pick(null, null, 0)!;
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  const others = ready.slice(1).map((each) => counts.get(each)! / 5_500);
  assert.ok(Math.max(...others) < 1.03 && Math.min(...others) > 0.97, others.join(" "));
});

test("where nearly all are new they are hardly slowed: they came to take load", () => {
  const ready = targets(30);
  for (const each of ready.slice(3)) each.rampFromMs = 0;
  const rng = seededRng(3);
  const leaf = parsePolicy("random").newPicker(ready, rng, null, 0);
  const picker = new SlowStartPicker(leaf, ready, config(), rng);
  let old = 0;
  for (let i = 0; i < 20_000; i += 1) if (picker.pick(null, null, 0)!.rampFromMs < 0) old += 1;
  assert.ok(old / 20_000 > 0.2 && old / 20_000 < 0.3, `${old / 20_000} to the three old ones`);
});

test("the excluded endpoint is not where a pick goes that is given up", () => {
  const ready = targets(3);
  ready[0]!.rampFromMs = 0;
  const rng = seededRng(9);
  const leaf = parsePolicy("random").newPicker(ready, rng, null, 0);
  const picker = new SlowStartPicker(leaf, ready, config(), rng);
  for (let i = 0; i < 2_000; i += 1) assert.notEqual(picker.pick(ready[1]!, null, 0), ready[1]);
});

test("alone, or among none at all, the newest endpoint gets every call", () => {
  const [only] = targets(1);
  only!.rampFromMs = 0;
  const policy = parsePolicy("least_request");
  const rng = seededRng(1);
  const one = new SlowStartPicker(policy.newPicker([only!], rng, null, 0), [only!], config(), rng);
  for (let i = 0; i < 100; i += 1) assert.equal(one.pick(null, null, 0), only);
  const none = new SlowStartPicker(policy.newPicker<Ramping>([], rng, null, 0), [], config(), rng);
  assert.equal(none.pick(null, null, 0), null);
});

test("what is wrong in slowStart is told with its path", () => {
  for (const [fields, said] of [
    [{ window: "0s" }, 'fairlead.slowStart.window is "0s", must be more than 0s'],
    [{ window: 30 }, "fairlead.slowStart.window is 30, must be a duration"],
    [{ aggression: 0 }, "fairlead.slowStart.aggression is 0, must be a number above 0"],
    [{ aggression: "1" }, 'fairlead.slowStart.aggression is "1", must be a number above 0'],
    [{ minWeightPercent: 101 }, "fairlead.slowStart.minWeightPercent is 101, must be a number"],
    [{ minWeight: 1 }, "fairlead.slowStart.minWeight is unknown: known are window, aggression"],
  ] as const) {
    assert.throws(
      () => config(fields),
      (error: Error) => error.message.includes(said) || assert.fail(error.message),
    );
  }
  assert.throws(() => parseSlowStart({}, "s"), /s\.window is missing/);
  assert.equal(parseSlowStart(undefined, "s"), null);
});

test("what the policy's own picker passes over is passed on", () => {
  const [idle, ready] = targets(2);
  const leaf: Picker<Ramping> = { pick: () => ready, passedOver: idle };
  const picker = new SlowStartPicker(leaf, [ready!], config(), seededRng(1));
  picker.pick(null, null, 0);
  assert.equal(picker.passedOver, idle);
});
