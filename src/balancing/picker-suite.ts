/**
 * The promises that every policy keeps, as one suite: each policy's tests call `pickerSuite`, then
 * add their own. For tests only.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../base/index.ts";
import type {
  EndpointLoad,
  Picker,
  PickRequest,
  PickTarget,
  Policy,
  TargetConnectivity,
} from "./policy.ts";

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

/** The same, each with what the policy keeps of it. */
export function targetsOf(policy: Policy, n: number): FakeTarget[] {
  const targets = fakeTargets(n);
  for (const target of targets) target.load = policy.newLoad?.(0, null) ?? null;
  return targets;
}

/** A call with these request headers. */
export function fakeRequest(headers: Readonly<Record<string, string>>): PickRequest {
  return { joined: (name) => headers[name] ?? null };
}

/** A call with the header that hashing policies of these tests are given. */
export function keyed(key: string): PickRequest {
  return fakeRequest({ [HASH_HEADER]: key });
}

/** See `keyed`. */
export const HASH_HEADER = "x-session";

/** The names that `count` picks choose; the calls stay in flight if `keep` is set. */
export function pickNames(picker: Picker<FakeTarget>, count: number, keep = false): string[] {
  return Array.from({ length: count }, () => {
    const target = picker.pick(null, null, 0);
    assert.ok(target !== null);
    if (keep) target.activeCalls += 1;
    return target.name;
  });
}

/** How often each is picked, by name, in as many picks as there are requests. */
export function pickCounts(
  picker: Picker<FakeTarget>,
  requests: readonly (PickRequest | null)[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const request of requests) {
    const { name } = picker.pick(null, request, 0)!;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** Runs the suite for one policy, made anew for each test. */
export function pickerSuite(name: string, newPolicy: () => Policy): void {
  readySuite(name, newPolicy);
  excludeSuite(name, newPolicy);
  callSuite(name, newPolicy);
  buildSuite(name, newPolicy);
  costSuite(name, newPolicy);
}

function readySuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: null exactly when nothing is ready`, () => {
    const rng = seededRng(1);
    let picker = newPolicy().newPicker<FakeTarget>([], rng, null, 0);
    assert.equal(picker.pick(null, null, 0), null);
    assert.equal(picker.pick(new FakeTarget("gone"), null, 0), null);
    for (const n of [1, 2, 3, 20, 0, 5, 1]) {
      const ready = targetsOf(newPolicy(), n);
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
    const ready = targetsOf(policy, 7);
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
    const policy = newPolicy();
    const [a, b] = [targetsOf(policy, 2), targetsOf(policy, 2)];
    const old = policy.newPicker(a, seededRng(3), null, 0);
    policy.newPicker(b, seededRng(3), old, 0);
    for (let i = 0; i < 20; i += 1) assert.ok(a.includes(old.pick(null, null, 0)!));
  });
}

function excludeSuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: the excluded endpoint is avoided while another is ready`, () => {
    for (const n of [2, 3, 10, 11, 40]) {
      const policy = newPolicy();
      const ready = targetsOf(policy, n);
      const picker = policy.newPicker(ready, seededRng(4), null, 0);
      for (let i = 0; i < 500; i += 1) {
        const exclude = ready[i % n];
        const target = picker.pick(exclude, null, 0);
        assert.ok(target !== null && target !== exclude, `${n} endpoints`);
      }
    }
  });

  test(`${name}: the only endpoint is picked although it is excluded`, () => {
    const policy = newPolicy();
    const ready = targetsOf(policy, 1);
    const picker = policy.newPicker(ready, seededRng(5), null, 0);
    assert.equal(picker.pick(ready[0], null, 0), ready[0]);
  });

  test(`${name}: an excluded endpoint that is no longer ready changes nothing`, () => {
    const policy = newPolicy();
    const ready = targetsOf(policy, 3);
    const picker = policy.newPicker(ready, seededRng(6), null, 0);
    for (let i = 0; i < 50; i += 1)
      assert.ok(ready.includes(picker.pick(new FakeTarget("x"), null, 0)!));
  });
}

function callSuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: any call, at any time, with any calls in flight, goes to one that is there`, () => {
    const policy = newPolicy();
    const rng = seededRng(20);
    const ready = targetsOf(policy, 9);
    const picker = policy.newPicker(ready, rng, null, 0);
    const inFlight: FakeTarget[] = [];
    for (let nowMs = 0; nowMs < 5_000; nowMs += 1) {
      const request = nowMs % 3 === 0 ? null : keyed(String(nowMs % 7));
      const target = picker.pick(nowMs % 5 === 0 ? ready[nowMs % 9] : null, request, nowMs);
      assert.ok(target !== null && ready.includes(target));
      target.activeCalls += 1;
      inFlight.push(target);
      if (inFlight.length < 20) continue;
      const [ended] = inFlight.splice(rng.int(inFlight.length), 1) as [FakeTarget];
      ended.activeCalls -= 1;
      ended.load?.onAnswered(rng.int(100), nowMs);
      ended.load?.onEnded(rng.int(10) === 0, rng.int(100), nowMs);
    }
  });

  test(`${name}: what another policy keeps of endpoints does no harm`, () => {
    const ready = fakeTargets(4);
    const strange = { onAnswered() {}, onEnded() {}, onReport() {} };
    for (const [i, target] of ready.entries()) target.load = i % 2 === 0 ? null : strange;
    const picker = newPolicy().newPicker(ready, seededRng(21), null, 0);
    for (let i = 0; i < 100; i += 1) assert.ok(ready.includes(picker.pick(null, null, i)!));
  });

  test(`${name}: a lone endpoint is picked whatever its state`, () => {
    const policy = newPolicy();
    for (const connectivity of ["IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE"] as const) {
      const [only] = targetsOf(policy, 1);
      only.connectivity = connectivity;
      const picker = policy.newPicker([only], seededRng(22), null, 0);
      for (const request of [null, keyed("a")]) assert.equal(picker.pick(null, request, 0), only);
      assert.equal(picker.pick(only, keyed("a"), 0), only);
    }
  });
}

function buildSuite(name: string, newPolicy: () => Policy): void {
  if (newPolicy().beginPicker === undefined) return;

  test(`${name}: a picker made in pieces picks as one that is made at once`, () => {
    const policy = newPolicy();
    for (const n of [1, 2, 300, 10_000]) {
      const ready = targetsOf(policy, n);
      const whole = policy.newPicker(ready, seededRng(23), null, 0);
      const build = policy.beginPicker!(ready, seededRng(23), whole, 0);
      let picker = build.step();
      for (let steps = 1; picker === null; steps += 1) {
        assert.ok(steps < 1_000, "it comes to an end");
        assert.ok(whole.pick(null, null, 0) !== null, "the one before stays in use");
        picker = build.step();
      }
      const again = policy.newPicker(ready, seededRng(24), null, 0);
      for (let i = 0; i < 200; i += 1) {
        assert.equal(picker.pick(null, keyed(`k${i}`), 0), again.pick(null, keyed(`k${i}`), 0));
      }
    }
  });

  test(`${name}: no piece of a picker reads more than a part of 10,000 endpoints`, () => {
    const policy = newPolicy();
    const reads = { count: 0 };
    const ready = targetsOf(policy, 10_000).map((target) => counting(target, reads));
    const build = policy.beginPicker!(ready, seededRng(25), null, 0);
    let most = 0;
    for (let picker = null; picker === null; most = Math.max(most, reads.count)) {
      reads.count = 0;
      picker = build.step();
    }
    assert.ok(most < 60_000, `${most} reads in one piece`); // sorting at once: some 250,000
  });
}

function costSuite(name: string, newPolicy: () => Policy): void {
  test(`${name}: a pick reads as little of 10,000 endpoints as of 20`, () => {
    const [few, many] = [20, 10_000].map((n) => readsPerPick(newPolicy(), n));
    assert.ok(many <= few && many < 50, `reads per pick: ${few} of 20, ${many} of 10,000`);
  });

  test(`${name}: a pick allocates nothing`, () => {
    const policy = newPolicy();
    const ready = targetsOf(policy, 10);
    const picker = policy.newPicker(ready, seededRng(8), null, 0);
    const bytes = bytesPerPick(picker, ready[3]);
    // One object a pick would be 16 bytes or more; heap numbers of the generator do not count.
    assert.ok(bytes < 8, `${bytes} bytes a pick`);
  });
}

/** `target`, with each read of it counted. */
function counting<T extends object>(target: T, reads: { count: number }): T {
  return new Proxy(target, {
    get(object, key, receiver) {
      reads.count += 1;
      return Reflect.get(object, key, receiver);
    },
  });
}

/** The most element and property reads that one pick did, over 200 picks. */
function readsPerPick(policy: Policy, n: number): number {
  const reads = { count: 0 };
  const targets = targetsOf(policy, n).map((target) => counting(target, reads));
  const picker = policy.newPicker(counting(targets, reads), seededRng(7), null, 0);
  let most = 0;
  for (let i = 0; i < 200; i += 1) {
    reads.count = 0;
    picker.pick(null, i % 2 === 0 ? null : keyed(`k${i}`), i);
    most = Math.max(most, reads.count);
  }
  return most;
}

/** Heap growth per pick: the least of several rounds, as others may allocate meanwhile. */
function bytesPerPick(picker: Picker<FakeTarget>, exclude: FakeTarget): number {
  const ROUND = 20_000;
  const requests = [null, ...Array.from({ length: 7 }, (_, i) => keyed(`key-${i}`))];
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round += 1) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < ROUND; i += 1) {
      picker.pick((i & 1) === 0 ? null : exclude, requests[i & 7], i);
    }
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) least = Math.min(least, grown / ROUND); // else: a collection in between
  }
  return least;
}
