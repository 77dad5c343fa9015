/**
 * The promises that every policy keeps, as one suite: each policy's tests call `pickerSuite`, then
 * add their own. For tests only.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../base/index.ts";
import type { EndpointLoad, Picker, PickTarget, Policy, TargetConnectivity } from "./policy.ts";

/** An endpoint as far as a picker can see, with a name for messages. */
export class FakeTarget implements PickTarget {
  readonly name: string;
  activeCalls = 0;
  weight = 1;
  readonly key: string;
  connectivity: TargetConnectivity = "READY";
  load: EndpointLoad | null = null;

  constructor(name: string) {
    this.name = name;
    this.key = name;
  }
}

/** `n` endpoints without calls, named e0, e1 and so on. */
export function fakeTargets(n: number): FakeTarget[] {
  return Array.from({ length: n }, (_, i) => new FakeTarget(`e${i}`));
}

/** The names that `count` picks choose; the calls stay in flight if `keep` is set. */
export function pickNames(picker: Picker<FakeTarget>, count: number, keep = false): string[] {
  return Array.from({ length: count }, () => {
    const target = picker.pick(null, null, 0);
    assert.ok(target !== null);
    if (keep) target.activeCalls += 1;
    return target.name;
  });
}

/** Runs the suite for one policy, made anew for each test. */
export function pickerSuite(name: string, newPolicy: () => Policy): void {
  readySuite(name, newPolicy);
  excludeSuite(name, newPolicy);
  costSuite(name, newPolicy);
}

function readySuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: null exactly when nothing is ready`, () => {
    const rng = seededRng(1);
    let picker = newPolicy().newPicker<FakeTarget>([], rng, null, 0);
    assert.equal(picker.pick(null, null, 0), null);
    assert.equal(picker.pick(new FakeTarget("gone"), null, 0), null);
    for (const n of [1, 2, 3, 20, 0, 5, 1]) {
      const ready = fakeTargets(n);
      picker = newPolicy().newPicker(ready, rng, picker, 0);
      for (let i = 0; i < 200; i += 1) {
        const target = picker.pick(i % 2 === 0 ? null : (ready[0] ?? null), null, 0);
        if (n === 0) assert.equal(target, null);
        else assert.ok(target !== null && ready.includes(target), `one of the ${n} ready`);
      }
    }
  });

  test(`${name}: every endpoint that should be connected is picked again and again`, () => {
    const policy = newPolicy();
    const ready = fakeTargets(7);
    const picker = policy.newPicker(ready, seededRng(2), null, 0);
    const counts = new Map<string, number>();
    for (const picked of pickNames(picker, 7_000)) {
      counts.set(picked, (counts.get(picked) ?? 0) + 1);
    }
    if (policy.connects === "first") {
      assert.equal(counts.size, 1);
      return;
    }
    for (const target of ready) {
      const count = counts.get(target.name) ?? 0;
      assert.ok(count > 850 && count < 1150, `${target.name} got ${count} of 7000`);
    }
  });

  test(`${name}: a picker keeps to its own snapshot after a new one was made`, () => {
    const [a, b] = [fakeTargets(2), fakeTargets(2)];
    const policy = newPolicy();
    const old = policy.newPicker(a, seededRng(3), null, 0);
    policy.newPicker(b, seededRng(3), old, 0);
    for (let i = 0; i < 20; i += 1) assert.ok(a.includes(old.pick(null, null, 0)!));
  });
}

function excludeSuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: the excluded endpoint is avoided while another is ready`, () => {
    for (const n of [2, 3, 10, 11, 40]) {
      const ready = fakeTargets(n);
      const picker = newPolicy().newPicker(ready, seededRng(4), null, 0);
      for (let i = 0; i < 500; i += 1) {
        const exclude = ready[i % n];
        const target = picker.pick(exclude, null, 0);
        assert.ok(target !== null && target !== exclude, `${n} endpoints`);
      }
    }
  });

  test(`${name}: the only endpoint is picked although it is excluded`, () => {
    const ready = fakeTargets(1);
    const picker = newPolicy().newPicker(ready, seededRng(5), null, 0);
    assert.equal(picker.pick(ready[0], null, 0), ready[0]);
  });

  test(`${name}: an excluded endpoint that is no longer ready changes nothing`, () => {
    const ready = fakeTargets(3);
    const picker = newPolicy().newPicker(ready, seededRng(6), null, 0);
    for (let i = 0; i < 50; i += 1)
      assert.ok(ready.includes(picker.pick(new FakeTarget("x"), null, 0)!));
  });
}

function costSuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: a pick reads as little of 10,000 endpoints as of 20`, () => {
    const [few, many] = [20, 10_000].map((n) => readsPerPick(newPolicy(), n));
    assert.ok(many <= few && many < 50, `reads per pick: ${few} of 20, ${many} of 10,000`);
  });

  test(`${name}: a pick allocates nothing`, () => {
    const ready = fakeTargets(10);
    const picker = newPolicy().newPicker(ready, seededRng(8), null, 0);
    const bytes = bytesPerPick(picker, ready[3]);
    // One object a pick would be 16 bytes or more; heap numbers of the generator do not count.
    assert.ok(bytes < 8, `${bytes} bytes a pick`);
  });
}

/** The most element and property reads that one pick did, over 200 picks. */
function readsPerPick(policy: Policy, n: number): number {
  let reads = 0;
  const count = (target: object) =>
    new Proxy(target, {
      get(object, key, receiver) {
        reads += 1;
        return Reflect.get(object, key, receiver);
      },
    });
  const ready = count(fakeTargets(n).map(count)) as FakeTarget[];
  const picker = policy.newPicker(ready, seededRng(7), null, 0);
  let most = 0;
  for (let i = 0; i < 200; i += 1) {
    reads = 0;
    picker.pick(null, null, 0);
    most = Math.max(most, reads);
  }
  return most;
}

/** Heap growth per pick: the least of several rounds, as others may allocate meanwhile. */
function bytesPerPick(picker: Picker<FakeTarget>, exclude: FakeTarget): number {
  const ROUND = 20_000;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round += 1) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < ROUND; i += 1) picker.pick((i & 1) === 0 ? null : exclude, null, 0);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) least = Math.min(least, grown / ROUND); // else: a collection in between
  }
  return least;
}
