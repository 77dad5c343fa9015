/** Tests of picks for a queue that is let go at once: even for every seed, where the policy is. */
import assert from "node:assert/strict";
import test from "node:test";
import { parsePolicy } from "../balancing/index.ts";
import { seededRng } from "../base/index.ts";
import { QueueSpread } from "./queue-spread.ts";

const SEEDS = 10_000;
const PODS = 12;
const CALLS = 60;

function newPods() {
  return Array.from({ length: PODS }, (_, name) => ({
    ...{ name, activeCalls: 0, weight: 1, key: String(name), load: null },
    connectivity: "READY" as const,
  }));
}

/** The most calls that a pod gets, for the seed. */
function mostOf(policyName: string, seed: number, isSpread: boolean): number {
  const pods = newPods();
  const picker = parsePolicy(policyName).newPicker(pods, seededRng(seed), null, 0);
  const spread = new QueueSpread(picker, pods, CALLS);
  for (let i = 0; i < CALLS; i++)
    (isSpread ? spread.pick(null, 0) : picker.pick(null, null, 0))!.activeCalls += 1;
  return Math.max(...pods.map(({ activeCalls }) => activeCalls));
}

function worstOf(policyName: string, isSpread: boolean): number {
  return Math.max(
    ...Array.from({ length: SEEDS }, (_, seed) => mostOf(policyName, seed, isSpread)),
  );
}

test("least_request gives no pod more than its share of a queue, whatever the seed", () => {
  assert.equal(worstOf("least_request", true), CALLS / PODS);
  assert.ok(worstOf("least_request", false) > (1.5 * CALLS) / PODS, "which it does not by itself");
});

test("round_robin is even by itself", () => {
  assert.equal(worstOf("round_robin", false), CALLS / PODS);
});

test("calls that are in flight already count, and who has more than a share gets none", () => {
  const pods = newPods();
  pods[3].activeCalls = 40;
  const picker = parsePolicy("least_request").newPicker(pods, seededRng(1), null, 0);
  const spread = new QueueSpread(picker, pods, CALLS);
  for (let i = 0; i < CALLS; i++) spread.pick(null, 0)!.activeCalls += 1;
  assert.equal(pods[3].activeCalls, 40);
  for (const { activeCalls } of pods.filter(({ name }) => name !== 3)) {
    assert.ok(activeCalls <= 9, `${activeCalls} of 100 calls over 12 pods`);
  }
});

test("more calls than were said go where the policy says", () => {
  const pods = newPods();
  const picker = parsePolicy("least_request").newPicker(pods, seededRng(1), null, 0);
  const spread = new QueueSpread(picker, pods, 1);
  for (let i = 0; i < CALLS; i++) spread.pick(null, 0)!.activeCalls += 1;
  assert.ok(pods.every(({ activeCalls }) => activeCalls >= 1));
});
