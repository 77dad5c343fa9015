/** Tests of `ring_hash`: its suites, the ring beside a simple one, and the picks of A42 and A76. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng } from "../base/index.ts";
import { hashingSuite, ringHash } from "./hashing-suite.ts";
import { type FakeTarget, fakeTargets, keyed, pickCounts } from "./picker-suite.ts";
import type { TargetConnectivity } from "./policy.ts";
import { buildRing, type Ring, type RingMember } from "./ring.ts";
import { sortedByKey } from "./sliced-sort.ts";
import { Xxh64 } from "./xxh64.ts";

// A ring keeps its size, as in Envoy and gRPC: when one joins, each of the others loses a few of
// its points, and the calls that belonged to these move to whoever is next.
hashingSuite("ring_hash", () => ringHash(65_536, 65_536), {
  maxToMean: 1.1,
  movedNeedlessly: 1 / 20,
});

function finished<T>(pieces: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

const ringOf = (members: readonly RingMember[], min: number, max: number): Ring =>
  finished(buildRing(members, min, max));

function ownersOf(ring: Ring): number[] {
  return Array.from({ length: ring.size }, (_, point) => ring.ownerOf(point));
}

const countsOf = (ring: Ring, n: number): number[] =>
  Array.from({ length: n }, (_, i) => ownersOf(ring).filter((owner) => owner === i).length);

test("A42: the one of least weight gets a whole number of points, as in Envoy", () => {
  const members = [3, 3, 4].map((weight, i) => ({ key: `e${i}`, weight }));
  assert.deepEqual(countsOf(ringOf(members, 10, 20), 3), [3, 3, 4]);
  // 0.3 x 7 is above 2: three points, which is a ring of ten again.
  assert.deepEqual(countsOf(ringOf(members, 7, 20), 3), [3, 3, 4]);
  assert.deepEqual(countsOf(ringOf(members, 1024, 4096), 3), [308, 308, 411]);
});

test("A42: max_ring_size wins, and then some of the points are missing", () => {
  const members = [3, 3, 4].map((weight, i) => ({ key: `e${i}`, weight }));
  assert.deepEqual(countsOf(ringOf(members, 7, 8), 3), [3, 2, 3]);
  const many = fakeTargets(100);
  assert.equal(ringOf(many, 10, 10).size, 10);
  assert.equal(ringOf(fakeTargets(10_000), 1024, 4096).size, 4096);
});

const anyMembers = fc.uniqueArray(
  fc.record({
    key: fc.string({ unit: "binary", maxLength: 8 }),
    weight: fc.integer({ min: 1, max: 5 }),
  }),
  { selector: ({ key }) => key, minLength: 1, maxLength: 12 },
);

test("a hash belongs to the first point not below it, as a search along all points says", () => {
  const hash = new Xxh64();
  const whole = () => (BigInt(hash.hi >>> 0) << 32n) | BigInt(hash.lo >>> 0);
  fc.assert(
    fc.property(anyMembers, fc.integer({ min: 1, max: 200 }), (members, min) => {
      const ring = ringOf(members, min, 300);
      const counts = countsOf(ring, members.length);
      const points = members.flatMap(({ key }, owner) =>
        Array.from({ length: counts[owner] }, (_, i) => {
          hash.text(`${key}_${i}`);
          return { at: whole(), owner };
        }),
      );
      points.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.owner - b.owner));
      assert.deepEqual(
        ownersOf(ring),
        points.map(({ owner }) => owner),
      );
      for (const [i, { at, owner }] of points.entries()) {
        const found = ring.find(Number(at >> 32n) | 0, Number(at & 0xffffffffn) | 0);
        assert.equal(points[found].at, at, `point ${i} of ${owner} itself`);
      }
      for (let i = 0; i < 50; i += 1) {
        hash.text(`key ${i}`);
        const next = points.findIndex(({ at }) => at >= whole());
        assert.equal(ring.find(hash.hi, hash.lo), Math.max(next, 0));
      }
    }),
    { numRuns: 60 },
  );
});

test("the sort in pieces is a sort", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 2_000 }), (keys) => {
      const items = keys.map((key, i) => ({ key, i }));
      const expected = [...items].sort((a, b) =>
        a.key < b.key ? -1 : a.key > b.key ? 1 : a.i - b.i,
      );
      assert.deepEqual(finished(sortedByKey(items)), expected);
    }),
    { numRuns: 40 },
  );
});

/** A key's endpoint, and the next ones along the ring: each the answer once the last failed. */
function along(targets: readonly FakeTarget[], key: string): FakeTarget[] {
  const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
  return targets.map(() => {
    const target = picker.pick(null, keyed(key), 0)!;
    target.connectivity = "TRANSIENT_FAILURE";
    return target;
  });
}

const lazy = (n: number, connectivity: TargetConnectivity): FakeTarget[] =>
  fakeTargets(n).map((target) => Object.assign(target, { connectivity }));

test("A42: what is IDLE or CONNECTING is picked, and the call waits for it", () => {
  for (const connectivity of ["IDLE", "CONNECTING", "READY"] as const) {
    const targets = lazy(5, connectivity);
    const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
    const ready = fakeTargets(5);
    const other = ringHash(1024, 1024).newPicker(ready, seededRng(1));
    for (let i = 0; i < 50; i += 1) {
      const call = keyed(`k${i}`);
      assert.equal(picker.pick(null, call, 0)!.name, other.pick(null, call, 0)!.name);
    }
  }
});

test("A61: endpoints in TRANSIENT_FAILURE are skipped along the ring, each once", () => {
  const targets = lazy(6, "READY");
  const order = along(targets, "some key");
  assert.equal(new Set(order).size, 6);
  for (const target of targets) target.connectivity = "READY";
  const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
  order[0].connectivity = "TRANSIENT_FAILURE";
  order[1].connectivity = "TRANSIENT_FAILURE";
  order[2].connectivity = "IDLE";
  assert.equal(picker.pick(null, keyed("some key"), 0), order[2], "READY ones behind it or not");
  order[0].connectivity = "READY";
  assert.equal(picker.pick(null, keyed("some key"), 0), order[0], "states are those of now");
});

test("A61: when all have failed, the one that the hash belongs to", () => {
  const targets = lazy(6, "READY");
  const [first] = along(targets, "some key");
  const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
  assert.ok(targets.every(({ connectivity }) => connectivity === "TRANSIENT_FAILURE"));
  assert.equal(picker.pick(null, keyed("some key"), 0), first);
});

test("one of thousands that did not fail is found, from any place of the ring", () => {
  const targets = lazy(3_000, "TRANSIENT_FAILURE");
  targets[1_234].connectivity = "CONNECTING";
  const picker = ringHash(1024, 65_536).newPicker(targets, seededRng(1));
  for (let i = 0; i < 30; i += 1) {
    assert.equal(picker.pick(null, keyed(`k${i}`), 0), targets[1_234]);
    assert.equal(picker.pick(null, null, 0), targets[1_234], "by chance, too");
  }
});

test("the refused endpoint is picked again only when no other can take the call", () => {
  const targets = lazy(4, "TRANSIENT_FAILURE");
  targets[2].connectivity = "READY";
  const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
  for (const call of [null, keyed("k")]) assert.equal(picker.pick(targets[2], call, 0), targets[2]);
  targets[1].connectivity = "IDLE";
  for (const call of [null, keyed("k")]) assert.equal(picker.pick(targets[2], call, 0), targets[1]);
});

test("A76: with a random hash, the first READY one along the ring", () => {
  const targets = lazy(10, "IDLE");
  targets[3].connectivity = "READY";
  targets[4].connectivity = "CONNECTING";
  const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
  const counts = pickCounts(picker, new Array(300).fill(null));
  assert.deepEqual([...counts.keys()], ["e3"]);
});

test("A76: with a random hash and none READY, one that is CONNECTING, else one that is IDLE", () => {
  const targets = lazy(10, "TRANSIENT_FAILURE");
  targets[3].connectivity = "IDLE";
  targets[4].connectivity = "CONNECTING";
  const picker = ringHash(1024, 1024).newPicker(targets, seededRng(1));
  const picked = () => [...pickCounts(picker, new Array(300).fill(null)).keys()];
  assert.deepEqual(picked(), ["e4"]);
  targets[4].connectivity = "TRANSIENT_FAILURE";
  assert.deepEqual(picked(), ["e3"]);
});

test("A42: endpoints are connected when they are picked", () => {
  assert.equal(ringHash(1024, 4096).connects, "picked");
});
