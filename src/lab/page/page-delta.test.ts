/**
 * Tests of what changed between two samples: applied, it gives the later one, whatever they are.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LabEvent } from "../view.ts";
import { applied, deltaOf } from "./page-delta.ts";
import type { LaneSample, Sample } from "./page-feed.ts";

const pod = fc.record({
  name: fc.constantFrom("echo-1", "echo-2", "echo-3"),
  state: fc.constantFrom("ready" as const, "gone" as const),
  isSlow: fc.boolean(),
  isNotServing: fc.boolean(),
  isSick: fc.boolean(),
});
const lane: fc.Arbitrary<LaneSample> = fc.record({
  name: fc.constantFrom("clusterip", "client"),
  phase: fc.constantFrom("running", "ended"),
  short: fc.constant("✓ even"),
  kind: fc.constantFrom("good" as const, "bad" as const),
  verdict: fc.constantFrom("1 of 3 pods used", "3 of 3 pods used"),
  perPod: fc.array(fc.option(fc.nat(3)), { maxLength: 3 }),
  podsUsed: fc.nat(3),
  maxOverMean: fc.option(fc.nat(3)),
  fairness: fc.constant(1),
  calls: fc.nat(3),
  failed: fc.nat(1),
  ...{ callsPerSecond: fc.constant(300), p50Ms: fc.constant(null), p99Ms: fc.constant(null) },
  connections: fc.nat(3),
  firstCallOfNewPodMs: fc.option(fc.nat(3)),
  newPodWaitsMs: fc.constant(null),
  effect: fc.constant(null),
  ejected: fc.constantFrom([], ["echo-1"]),
  replicas: fc.option(
    fc.array(
      fc.record({
        name: fc.constant("proxy-1"),
        ...{ connections: fc.nat(2), calls: fc.nat(2), callsPerSecond: fc.nat(2) },
      }),
      { maxLength: 2 },
    ),
  ),
});

function eventAt(atMs: number): LabEvent {
  return { atMs, event: "roll", isOutcome: false, pod: null, text: "rolling", column: atMs };
}

const made: fc.Arbitrary<Sample> = fc.record({
  elapsedMs: fc.nat(2),
  isLast: fc.boolean(),
  pods: fc.array(pod, { maxLength: 3 }),
  wantedPods: fc.nat(3),
  // A window on all events, as the lab keeps the latest.
  events: fc
    .tuple(fc.nat(4), fc.nat(4))
    .map(([first, count]) => Array.from({ length: count }, (_, at) => eventAt(first + at))),
  columnCount: fc.nat(2),
  newLab: fc.constantFrom("fairlead lab", "fairlead lab --events 3s:roll"),
  progress: fc.constant(null),
  problem: fc.option(fc.constant("no pod is ready")),
  lanes: fc.uniqueArray(lane, { maxLength: 2, selector: ({ name }) => name }),
  laneChoices: fc.constant([]),
  load: fc.record({
    ...{ callsPerSecond: fc.nat(2), inFlight: fc.constant(10), policy: fc.constant("") },
    ...{ overheadCpu: fc.constant(0), heldBackTo: fc.option(fc.nat(2)) },
  }),
});

/** As it comes over the wire. */
const sample = made.map((value): Sample => JSON.parse(JSON.stringify(value)));

test("a sample and what changed since give the next sample", () => {
  fc.assert(
    fc.property(sample, sample, (before, after) => {
      const delta = deltaOf(before, after);
      if (delta === null) {
        assert.deepEqual({ ...before, elapsedMs: 0 }, { ...after, elapsedMs: 0 });
      } else {
        assert.deepEqual(applied(before, JSON.parse(JSON.stringify(delta))), after);
      }
    }),
    { numRuns: 2000 },
  );
});

test("one more call of one lane is told as that alone", () => {
  const [before] = fc.sample(sample, 1);
  const [client] = fc.sample(lane, 1);
  const one = { ...before!, lanes: [{ ...client!, calls: 1 }] };
  const two = { ...one, elapsedMs: one.elapsedMs + 100, lanes: [{ ...client!, calls: 2 }] };
  const delta = { elapsedMs: two.elapsedMs, lanesChanged: [{ calls: 2 }] };
  assert.deepEqual(deltaOf(one, two), delta);
});

test("an event that comes as the oldest goes is told without the others", () => {
  const [before] = fc.sample(sample, 1);
  const one = { ...before!, events: [1, 2, 3].map(eventAt) };
  const two = { ...one, events: [2, 3, 4].map(eventAt) };
  assert.deepEqual(deltaOf(one, two), { eventsMoved: { gone: 1, added: [eventAt(4)] } });
});
