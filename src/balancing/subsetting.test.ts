/** Tests of random subsetting: gRFC A68's two properties, and its rules. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Subsetting } from "./subsetting.ts";

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:50051`);
}

function chosen(subsetting: Subsetting, list: readonly string[], size: number): string[] {
  const isChosen = subsetting.choose(list, size);
  assert.equal(isChosen.length, list.length);
  return list.filter((_, i) => isChosen[i]);
}

test("A68: with no more addresses than subset_size all are used", () => {
  const subsetting = new Subsetting(1);
  for (const count of [0, 1, 19, 20]) {
    assert.equal(chosen(subsetting, addresses(count), 20).length, count);
  }
});

test("A68: the subset has its size, whatever comes and goes", () => {
  const list = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.nat(), fc.array(list, { maxLength: 5 }), (seed, lists) => {
      const subsetting = new Subsetting(seed | 0);
      for (const each of lists) {
        const names = each.map((i) => `a${i}`);
        assert.equal(chosen(subsetting, names, 7).length, Math.min(7, names.length));
      }
    }),
  );
});

test("A68: one address more or less changes at most one member", () => {
  const all = addresses(60);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat({ max: 59 }),
      fc.integer({ min: 1, max: 58 }),
      (seed, at, size) => {
        const subsetting = new Subsetting(seed | 0);
        const before = chosen(subsetting, all, size);
        const without = chosen(subsetting, all.toSpliced(at, 1), size);
        const isMember = before.includes(all[at]!);
        const came = without.filter((each) => !before.includes(each));
        const gone = before.filter((each) => !without.includes(each));
        assert.deepEqual(gone, isMember ? [all[at]] : []);
        assert.equal(came.length, gone.length);
        assert.deepEqual(chosen(subsetting, all, size), before, "and back again");
      },
    ),
  );
});

test("the order of the list makes no difference", () => {
  const all = addresses(100);
  const one = chosen(new Subsetting(5), all, 10);
  const other = chosen(new Subsetting(5), all.toReversed(), 10);
  assert.deepEqual(other.sort(), one.sort());
});

test("A68: many clients spread evenly: max/mean connections at most 1.3 at a mean of 200", () => {
  // 10,000 x 1,000 with 20 has this mean as well; the maximum is taken over fewer endpoints here.
  const all = addresses(250);
  const counts = new Map<string, number>();
  for (let client = 0; client < 2_500; client += 1) {
    const seed = Math.imul(client + 1, 0x9e3779b1);
    for (const each of chosen(new Subsetting(seed), all, 20)) {
      counts.set(each, (counts.get(each) ?? 0) + 1);
    }
  }
  assert.equal(counts.size, all.length);
  const most = Math.max(...counts.values()) / 200;
  assert.ok(most <= 1.3, `max/mean is ${most}`);
  assert.ok(Math.min(...counts.values()) / 200 >= 0.7);
});
