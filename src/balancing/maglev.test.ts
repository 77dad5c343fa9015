/** Tests of `maglev`: its suites, and tables that Envoy builds of the same endpoints. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng } from "../base/index.ts";
import { hashingSuite, maglev } from "./hashing-suite.ts";
import { MaglevPolicy } from "./maglev.ts";
import { buildTable, HashModulo, type TableMember } from "./maglev-table.ts";
import { fakeTargets, HASH_HEADER, keyed } from "./picker-suite.ts";

hashingSuite("maglev", maglev, { maxToMean: 1.07, movedNeedlessly: 0.03 });

function tableOf(members: readonly TableMember[], size: number): number[] {
  const pieces = buildTable(members, size);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return [...value];
  }
}

// From Envoy's test of the policy (`MaglevLoadBalancerTest`, Basic and Weighted).
test("Envoy's table of six endpoints and seven slots", () => {
  const members = [90, 91, 92, 93, 94, 95].map((port) => ({ key: `127.0.0.1:${port}`, weight: 1 }));
  assert.deepEqual(tableOf(members, 7), [2, 4, 0, 1, 5, 0, 3]);
});

test("Envoy's table of two endpoints, one of twice the weight", () => {
  const members = [1, 2].map((weight, i) => ({ key: `127.0.0.1:${90 + i}`, weight }));
  const expected = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1];
  assert.deepEqual(tableOf(members, 17), expected);
});

test("every slot is taken, by each as its weight says, to a slot for each of the others", () => {
  const members = fc.uniqueArray(
    fc.record({ key: fc.string({ minLength: 1 }), weight: fc.integer({ min: 1, max: 4 }) }),
    { selector: ({ key }) => key, minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(members, fc.constantFrom(2, 3, 101, 521, 1009), (list, size) => {
      const table = tableOf(list, size);
      const sum = list.reduce((total, { weight }) => total + weight, 0);
      for (const [i, { weight }] of list.entries()) {
        const count = table.filter((owner) => owner === i).length;
        assert.ok(Math.abs(count - (size * weight) / sum) <= list.length + 1);
      }
      assert.ok(table.every((owner) => owner >= 0 && owner < list.length));
    }),
    { numRuns: 60 },
  );
});

test("a hash modulo the size of a table, as whole 64-bit numbers have it", () => {
  const half = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 0x7fffffff, -0x80000000));
  const size = fc.oneof(
    fc.constantFrom(1, 2, 65_537, 5_000_011),
    fc.integer({ min: 1, max: 5_000_011 }),
  );
  fc.assert(
    fc.property(half, half, size, (hi, lo, modulus) => {
      const whole = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
      assert.equal(new HashModulo(modulus).of(hi, lo), Number(whole % BigInt(modulus)));
    }),
    { numRuns: 5_000 },
  );
});

test("more endpoints than slots: the first ones get one each, and calls go on", () => {
  const policy = new MaglevPolicy({ tableSize: 7, requestHashHeader: HASH_HEADER });
  const targets = fakeTargets(50);
  const picker = policy.newPicker(targets, seededRng(1));
  for (let i = 0; i < 50; i += 1) {
    const target = picker.pick(null, keyed(`k${i}`), 0)!;
    assert.ok(targets.includes(target));
    assert.notEqual(picker.pick(target, keyed(`k${i}`), 0), target);
  }
});

test("an endpoint with nearly all slots is avoided all the same when it refused", () => {
  const targets = fakeTargets(2);
  targets[0].weight = 1_000_000;
  const picker = maglev().newPicker(targets, seededRng(1));
  for (let i = 0; i < 50; i += 1) {
    assert.equal(picker.pick(targets[0], keyed(`k${i}`), 0), targets[1]);
  }
});
