/** Tests of levels: Envoy's split between them, and the picker that keeps it. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { scriptedRng, seededRng } from "../base/index.ts";
import { FakeTarget, fakeTargets } from "./picker-suite.ts";
import type { Picker } from "./policy.ts";
import { type LevelPlan, LevelsBuild, levelShares } from "./priority.ts";
import { parsePolicy } from "./registry.ts";

function level(available: number, total: number) {
  return { available, total };
}

/** Tables of Envoy's documentation of priority levels, in healthy of 100. */
for (const [healthy, shares] of [
  [
    [100, 100],
    [1, 0],
  ],
  [
    [72, 72],
    [1, 0],
  ],
  [
    [71, 71],
    [0.994, 0.006],
  ],
  [
    [50, 50],
    [0.7, 0.3],
  ],
  [
    [25, 100],
    [0.35, 0.65],
  ],
  [
    [0, 100],
    [0, 1],
  ],
  [
    [25, 25],
    [0.5, 0.5],
  ],
  [
    [0, 1],
    [0, 1],
  ],
  [
    [5, 5, 5],
    [1 / 3, 1 / 3, 1 / 3],
  ],
  [
    [50, 20, 100],
    [0.7, 0.28, 0.02],
  ],
] as const) {
  test(`Envoy: with ${healthy.join(", ")} % healthy the levels get ${shares.join(", ")}`, () => {
    const got = levelShares(
      healthy.map((count) => level(count, 100)),
      1.4,
    );
    for (const [i, share] of shares.entries())
      assert.ok(Math.abs(got[i]! - share) < 1e-9, `${got}`);
  });
}

test("the shares are 1 together, or 0 when nothing is available; no empty level gets any", () => {
  const one = fc
    .tuple(fc.nat(50), fc.nat(50))
    .map(([a, b]) => level(Math.min(a, b), Math.max(a, b)));
  const levels = fc.array(one, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(levels, fc.integer({ min: 100, max: 400 }), (given, percent) => {
      const shares = levelShares(given, percent / 100);
      const sum = shares.reduce((total, share) => total + share, 0);
      const isAny = given.some(({ available }) => available > 0);
      assert.ok(Math.abs(sum - (isAny ? 1 : 0)) < 1e-9, `${shares}`);
      for (const [i, share] of shares.entries()) {
        assert.ok(share >= 0 && (given[i]!.available > 0 || share === 0));
      }
    }),
  );
});

function plan(targets: readonly FakeTarget[], share: number): LevelPlan<FakeTarget> {
  return { targets, share, previous: null, wrap: (leaf) => leaf };
}

function build(plans: LevelPlan<FakeTarget>[], rng = seededRng(5)): Picker<FakeTarget> {
  return new LevelsBuild(parsePolicy("round_robin"), plans, rng, 0).step()!;
}

test("each pick goes to a level by its share: the split is exact in expectation", () => {
  const [near, far] = [fakeTargets(3), fakeTargets(7)];
  const picker = build([plan(near, 0.7), plan(far, 0.3)]);
  let count = 0;
  const PICKS = 100_000;
  for (let i = 0; i < PICKS; i += 1) if (near.includes(picker.pick(null, null, 0)!)) count += 1;
  // Five standard deviations of a binomial distribution.
  assert.ok(Math.abs(count / PICKS - 0.7) < 5 * Math.sqrt((0.7 * 0.3) / PICKS), `${count}`);
});

test("a drawn number below the end of a level is that level's", () => {
  const [near, middle, far] = [fakeTargets(1), fakeTargets(1), fakeTargets(1)];
  // The first three place the round robins.
  const rng = scriptedRng(0, 0, 0, 0, 0.249, 0.25, 0.74, 0.75, 0.999_999);
  const picker = build([plan(near, 0.25), plan(middle, 0.5), plan(far, 0.25)], rng);
  const levels = [near[0], middle[0], far[0]];
  const picked = Array.from({ length: 6 }, () => levels.indexOf(picker.pick(null, null, 0)!));
  assert.deepEqual(picked, [0, 0, 1, 1, 2, 2]);
});

test("a level without a share is never drawn, but takes what the only endpoint refused", () => {
  const [near, far] = [fakeTargets(1), fakeTargets(2)];
  const picker = build([plan(near, 1), plan(far, 0)]);
  for (let i = 0; i < 200; i += 1) {
    assert.equal(picker.pick(null, null, 0), near[0]);
    assert.ok(far.includes(picker.pick(near[0]!, null, 0)!));
  }
});

test("with one endpoint in all, it is picked although it is excluded", () => {
  const near = fakeTargets(1);
  const picker = build([plan(near, 1), plan([], 0)]);
  assert.equal(picker.pick(near[0]!, null, 0), near[0]);
});

test("with one level the picker is the policy's own", () => {
  const targets = fakeTargets(4);
  const made = new LevelsBuild(parsePolicy("round_robin"), [plan(targets, 1)], seededRng(1), 0);
  assert.equal(made.step(), made.leaves[0]);
});

test("a policy that builds in pieces does so level by level", () => {
  const policy = parsePolicy("maglev");
  const levels = [plan(fakeTargets(3), 0.5), plan(fakeTargets(3), 0.5)];
  const made = new LevelsBuild(policy, levels, seededRng(1), 0);
  let steps = 1;
  let picker = made.step();
  for (; picker === null; steps += 1) picker = made.step();
  assert.ok(steps > 2, `${steps} steps`);
  assert.equal(made.leaves.length, 2);
  assert.ok(picker.pick(null, null, 0) instanceof FakeTarget);
});

/** A ring behind levels, or behind slow start, connected nobody beside whom it had picked (A76). */
test("what the picker of a level passes over is passed on, and only for the pick that did so", () => {
  const [idle, near, far] = fakeTargets(3);
  const passing: Picker<FakeTarget> = { pick: () => near, passedOver: idle };
  const silent: Picker<FakeTarget> = { pick: () => far };
  const leaves = [passing, silent];
  const plans = [0.5, 0.5].map((share, i) => ({ ...plan([near], share), wrap: () => leaves[i] }));
  // Each round robin is placed first, by chance.
  const picker = build(plans, scriptedRng(0, 0, 0.1, 0.9, 0.1));
  const told = Array.from({ length: 3 }, () => {
    picker.pick(null, null, 0);
    return picker.passedOver;
  });
  assert.deepEqual(told, [idle, null, idle]);
});
