/**
 * Tests of who is asked for ejected pods, and when, on a virtual clock.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import type { EndpointView } from "../../cluster/index.ts";
import { LabError } from "../error.ts";
import type { View } from "../why/index.ts";
import { type EjectingLane, EjectionWatch } from "./ejection-watch.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function viewOf(states: Readonly<Record<string, string>>): View {
  const endpoints = Object.entries(states).map(([pod, state]) => ({ pod, state }) as EndpointView);
  return { via: null, view: { endpoints } as unknown as View["view"] };
}

function laneOf(views: () => Promise<readonly View[]>, hasPolicy = true) {
  const told: string[] = [];
  const setEjected = (pods: readonly string[]): void => void told.push(pods.join());
  return { told, lane: { hasPolicy, why: { views }, setEjected } satisfies EjectingLane };
}

test("lanes with a policy of fairlead's are asked each second while it is on, and no longer", async () => {
  const clock = new VirtualClock();
  let states: Record<string, string> = { "echo-1": "READY", "echo-2": "EJECTED" };
  const [ours, stock] = [
    laneOf(async () => [viewOf(states), viewOf({ "echo-2": "EJECTED" })]),
    laneOf(async () => assert.fail("asked"), false),
  ];
  const watch = new EjectionWatch(() => [ours.lane, stock.lane], clock);
  clock.advance(5000);
  await turn();
  assert.deepEqual(ours.told, []);
  watch.start();
  clock.advance(1000);
  await turn();
  assert.deepEqual(ours.told, ["echo-2"]);
  states = { "echo-1": "EJECTED" };
  clock.advance(1000);
  await turn();
  assert.deepEqual(ours.told, ["echo-2", "echo-1,echo-2"]);
  watch.stop();
  clock.advance(5000);
  await turn();
  assert.deepEqual(ours.told.slice(2), [""]);
});

test("a lane that does not answer keeps what is known of it, and is asked again", async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const { told, lane } = laneOf(async () => {
    asked += 1;
    if (asked === 1) throw new LabError("did not answer within 3 s");
    return [viewOf({ "echo-3": "EJECTED" })];
  });
  const watch = new EjectionWatch(() => [lane], clock);
  watch.start();
  clock.advance(1000);
  await turn();
  assert.deepEqual(told, []);
  clock.advance(1000);
  await turn();
  assert.deepEqual(told, ["echo-3"]);
});
