/**
 * What policies that hash promise beyond the others, as one suite: equal calls go to the same
 * endpoint, and most of them stay there as endpoints come and go. For tests only.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng, shuffled } from "../base/index.ts";
import { MaglevPolicy } from "./maglev.ts";
import { type FakeTarget, fakeTargets, HASH_HEADER, keyed, pickCounts } from "./picker-suite.ts";
import type { Picker, Policy } from "./policy.ts";
import { RingHashPolicy } from "./ring-hash.ts";

/** `ring_hash` by the header of these tests. */
export function ringHash(minRingSize: number, maxRingSize: number): RingHashPolicy {
  return new RingHashPolicy({ minRingSize, maxRingSize, requestHashHeader: HASH_HEADER });
}

/** `maglev` by the header of these tests, with the default table. */
export function maglev(): MaglevPolicy {
  return new MaglevPolicy({ tableSize: 65_537, requestHashHeader: HASH_HEADER });
}

const KEYS = Array.from({ length: 20_000 }, (_, i) => `session-${i}`);
const CALLS = KEYS.map(keyed);

/** How even shares are, and how few calls move, in relation to what is perfect. */
export interface HashingBounds {
  /** Greatest share of 20 endpoints, in relation to the mean. */
  readonly maxToMean: number;
  /** Share of calls that move although neither where they were nor where they go changed. */
  readonly movedNeedlessly: number;
}

/** Runs the suite for one policy, made anew for each test. */
export function hashingSuite(name: string, newPolicy: () => Policy, bounds: HashingBounds): void {
  const over: NewPicker = (targets, seed = 1) =>
    newPolicy().newPicker(targets, seededRng(seed), null, 0);
  keySuite(name, over);
  shareSuite(name, over, bounds);
  changeSuite(name, over, bounds);
}

type NewPicker = (targets: readonly FakeTarget[], seed?: number) => Picker<FakeTarget>;

function keySuite(name: string, over: NewPicker): void {
  test(`${name}: equal calls go to the same endpoint, in every process`, () => {
    const targets = fakeTargets(20);
    const picker = over(targets);
    const other = over(shuffled(targets, seededRng(9)), 2);
    for (const call of CALLS.slice(0, 2_000)) {
      const target = picker.pick(null, call, 0);
      assert.equal(picker.pick(null, call, 5_000), target);
      assert.equal(other.pick(null, call, 0), target, "from a list in another order");
    }
  });

  test(`${name}: calls without the header, or with an empty one, go anywhere`, () => {
    const picker = over(fakeTargets(20));
    for (const call of [null, keyed("")]) {
      const counts = pickCounts(picker, new Array(4_000).fill(call));
      assert.equal(counts.size, 20);
      for (const count of counts.values()) assert.ok(count > 120 && count < 290, `${count}`);
    }
  });

  test(`${name}: a call that an endpoint refused goes to the same other one each time`, () => {
    const picker = over(fakeTargets(20));
    for (const call of CALLS.slice(0, 500)) {
      const first = picker.pick(null, call, 0);
      const second = picker.pick(first, call, 0);
      assert.ok(second !== null && second !== first);
      assert.equal(picker.pick(first, call, 0), second);
    }
  });

  test(`${name}: any endpoints of any weights, any key`, () => {
    const anyTargets = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 60 }), {
      minLength: 1,
      maxLength: 30,
    });
    const anyWeight = fc.oneof(
      fc.constantFrom(0, -1, 1e-9, 1e9),
      fc.double({ min: 0.01, max: 9, noNaN: true }),
    );
    const anyCase = fc.tuple(
      anyTargets,
      fc.array(anyWeight),
      fc.string({ unit: "binary", minLength: 1 }),
    );
    fc.assert(
      fc.property(anyCase, ([names, weights, key]) => {
        const targets = fakeTargets(names.length).map((target, i) =>
          Object.assign(target, { key: names[i], weight: weights[i] ?? 1 }),
        );
        const picked = over(targets).pick(null, keyed(key), 0);
        assert.ok(picked !== null && targets.includes(picked));
        assert.equal(over([...targets].reverse(), 7).pick(null, keyed(key), 0), picked);
      }),
      { numRuns: 30 },
    );
  });
}

function shareSuite(name: string, over: NewPicker, bounds: HashingBounds): void {
  test(`${name}: shares are even`, () => {
    const counts = [...pickCounts(over(fakeTargets(20)), CALLS).values()];
    const ratio = Math.max(...counts) / (KEYS.length / 20);
    assert.ok(counts.length === 20 && ratio <= bounds.maxToMean, `max/mean ${ratio}`);
  });

  test(`${name}: shares are those of the weights`, () => {
    const targets = fakeTargets(20);
    for (const target of targets.slice(0, 5)) target.weight = 4;
    const counts = pickCounts(over(targets), CALLS);
    const heavy = targets.slice(0, 5).reduce((sum, { name }) => sum + (counts.get(name) ?? 0), 0);
    const share = heavy / KEYS.length / (20 / 35);
    assert.ok(share > 0.95 && share < 1.05, `${share} of what it should be`);
  });
}

function changeSuite(name: string, over: NewPicker, bounds: HashingBounds): void {
  test(`${name}: one that joins takes its share from the others, and the rest stays`, () => {
    const targets = fakeTargets(21);
    const before = over(targets.slice(0, 20));
    const after = over(targets);
    let [stayed, moved] = [0, 0];
    for (const call of CALLS) {
      const target = after.pick(null, call, 0);
      if (target === before.pick(null, call, 0)) stayed += 1;
      else if (target !== targets[20]) moved += 1;
    }
    const least = 20 / 21 - bounds.movedNeedlessly - 0.01;
    assert.ok(stayed / KEYS.length >= least, `${stayed} of ${KEYS.length} stay`);
    assert.ok(moved / KEYS.length <= bounds.movedNeedlessly, `${moved} move needlessly`);
  });

  test(`${name}: one that leaves takes no others' calls with it`, () => {
    const targets = fakeTargets(20);
    const gone = targets[7];
    const before = over(targets);
    const after = over(targets.filter((target) => target !== gone));
    let moved = 0;
    for (const call of CALLS) {
      const was = before.pick(null, call, 0);
      const is = after.pick(null, call, 0);
      assert.notEqual(is, gone);
      if (was !== gone && is !== was) moved += 1;
    }
    assert.ok(moved / KEYS.length <= bounds.movedNeedlessly, `${moved} move needlessly`);
  });
}
