/** Tests of each policy: the shared suite, then what is its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedRng, seededRng } from "../base/index.ts";
import { maglev, ringHash } from "./hashing-suite.ts";
import { LeastRequestPolicy } from "./least-request.ts";
import { PEAK_EWMA_DEFAULTS, PeakEwmaPolicy } from "./peak-ewma.ts";
import { PickFirstPolicy } from "./pick-first.ts";
import { type FakeTarget, fakeTargets, pickerSuite, pickNames } from "./picker-suite.ts";
import { RandomPolicy } from "./random.ts";
import { RoundRobinPolicy } from "./round-robin.ts";

pickerSuite("pick_first", () => new PickFirstPolicy());
pickerSuite("round_robin", () => new RoundRobinPolicy());
pickerSuite("least_request", () => new LeastRequestPolicy());
pickerSuite("least_request with 10 choices", () => new LeastRequestPolicy(10));
pickerSuite("random", () => new RandomPolicy());
pickerSuite("peak_ewma", () => new PeakEwmaPolicy());
pickerSuite(
  "peak_ewma with 10 choices",
  () => new PeakEwmaPolicy({ ...PEAK_EWMA_DEFAULTS, choiceCount: 10 }),
);
pickerSuite("ring_hash", () => ringHash(1024, 65_536));
pickerSuite("maglev", maglev);

test("A62 pick_first: the chosen endpoint stays chosen while it is ready", () => {
  const [a, b, c] = fakeTargets(3);
  const policy = new PickFirstPolicy();
  const first = policy.newPicker([b], scriptedRng(), null);
  assert.equal(first.pick(null, null, 0), b);
  const second = policy.newPicker([a, b, c], scriptedRng(), first);
  assert.equal(second.pick(null, null, 0), b);
  const third = policy.newPicker([a, c], scriptedRng(), second);
  assert.equal(third.pick(null, null, 0), a);
});

test("pick_first is the only one that connects to the first endpoint only", () => {
  assert.equal(new PickFirstPolicy().connects, "first");
  assert.equal(new PickFirstPolicy(true).shuffleAddressList, true);
  for (const policy of [new RoundRobinPolicy(), new LeastRequestPolicy(), new RandomPolicy()]) {
    assert.equal(policy.connects, "all");
  }
});

test("A61 round_robin: starts anywhere, then goes round in order", () => {
  const picker = new RoundRobinPolicy().newPicker(fakeTargets(3), scriptedRng(2), null);
  assert.deepEqual(pickNames(picker, 7), ["e2", "e0", "e1", "e2", "e0", "e1", "e2"]);
});

test("round_robin: the position outlives the picker", () => {
  const [a, b, c, d] = fakeTargets(4);
  const policy = new RoundRobinPolicy();
  const first = policy.newPicker([a, c, d], scriptedRng(0), null);
  assert.deepEqual(pickNames(first, 1), ["e0"]);
  const grown = policy.newPicker([a, b, c, d], scriptedRng(), first);
  assert.deepEqual(pickNames(grown, 3), ["e2", "e3", "e0"], "c was next, and still is");
  const shrunk = policy.newPicker([a, c, d], scriptedRng(), grown);
  assert.deepEqual(pickNames(shrunk, 1), ["e2"], "b was next and has gone: what took its place");
  const last = policy.newPicker([a], scriptedRng(), shrunk);
  assert.deepEqual(pickNames(last, 2), ["e0", "e0"]);
});

test("round_robin: with the set changing before every pick, none is starved", () => {
  const all = fakeTargets(10);
  const rng = seededRng(9);
  const policy = new RoundRobinPolicy();
  let picker = policy.newPicker(all, rng, null);
  const counts = new Map<FakeTarget, number>();
  for (let i = 0; i < 10_000; i += 1) {
    const ready = i % 2 === 0 ? all.filter((_, at) => at !== i % 10) : all;
    picker = policy.newPicker(ready, rng, picker);
    const target = picker.pick(null, null, 0)!;
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  for (const target of all) {
    const count = counts.get(target) ?? 0;
    assert.ok(count > 500, `${target.name} got ${count} of 10,000`);
  }
});

test("A48 least_request: the one with fewer calls in flight of two distinct choices", () => {
  const [a, b, c] = fakeTargets(3);
  const rng = scriptedRng(
    ...[0, 0], // a and (first of the others) b: both idle, so the first drawn
    ...[0, 0], // a has one, b none: b
    ...[1, 1], // b has one, (second of the others) c none: c
    ...[2, 1], // c and b have one each: the first drawn
  );
  const picker = new LeastRequestPolicy().newPicker([a, b, c], rng);
  assert.deepEqual(pickNames(picker, 4, true), ["e0", "e1", "e2", "e2"]);
});

test("A48: choiceCount 10 of 11 draws ten distinct endpoints, in any order", () => {
  const ready = fakeTargets(11);
  for (const [i, target] of ready.entries()) target.activeCalls = i;
  const picker = new LeastRequestPolicy(10).newPicker(ready, seededRng(10));
  for (let i = 0; i < 1000; i += 1) {
    // Ten distinct ones of eleven: at most one of the two least loaded is missing.
    assert.ok(["e0", "e1"].includes(picker.pick(null, null, 0)!.name));
  }
});

test("A48: with choiceCount not below the number of endpoints, the least loaded is found", () => {
  const ready = fakeTargets(5);
  for (const [i, target] of ready.entries()) target.activeCalls = (i + 3) % 5;
  const picker = new LeastRequestPolicy(7).newPicker(ready, seededRng(11));
  for (let i = 0; i < 100; i += 1) assert.equal(picker.pick(null, null, 0)?.name, "e2");
});

test("A48: choiceCount 11 is used as 10", () => {
  assert.equal(new LeastRequestPolicy(11).choiceCount, 10);
});

test("least_request: a slow endpoint gets few calls while its calls stay in flight", () => {
  const ready = fakeTargets(10);
  ready[0].activeCalls = 100;
  const picker = new LeastRequestPolicy().newPicker(ready, seededRng(12));
  assert.ok(!pickNames(picker, 1000).includes("e0"));
});

test("random: a replay goes to each of the others with the same chance", () => {
  const ready = fakeTargets(4);
  const picker = new RandomPolicy().newPicker(ready, seededRng(13));
  const counts = new Map<string, number>();
  for (let i = 0; i < 9000; i += 1) {
    const { name } = picker.pick(ready[1], null, 0)!;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assert.equal(counts.size, 3);
  for (const count of counts.values()) assert.ok(count > 2800 && count < 3200, `${count}`);
});
