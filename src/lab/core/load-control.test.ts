/** Tests of what clients are told, and of what the lab costs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import type { LoadSettings } from "./lane-link.ts";
import type { LaneCost } from "./lane-run.ts";
import { LoadControl } from "./load-control.ts";

const FINE: LaneCost = { givenUp: 0, lagMs: 1, cpuMs: 50 };

function control(costs: { now: readonly LaneCost[] }) {
  const clock = new VirtualClock();
  const told: LoadSettings[] = [];
  let cpuUs = 0;
  const load = new LoadControl(
    { callsPerSecond: 300, inFlightMax: 10 },
    {
      clock,
      cpuUsage: () => ({ user: (cpuUs += 150_000), system: 0 }),
      takeCosts: () => costs.now,
      setLoad: (settings) => told.push(settings),
    },
  );
  load.start();
  return { clock, load, told };
}

test("all lanes are told alike when one client is short, and again when there is room", () => {
  const costs = { now: [FINE, { givenUp: 150, lagMs: 50, cpuMs: 900 }] };
  const { clock, load, told } = control(costs);
  clock.advance(3000);
  assert.deepEqual(told, [{ callsPerSecond: 150, inFlightMax: 10 }]);
  assert.equal(load.heldBackTo, 150);
  assert.equal(load.wanted.callsPerSecond, 300, "what was asked for is what it was");
  costs.now = [FINE, FINE];
  clock.advance(5000);
  assert.deepEqual(told.at(-1), { callsPerSecond: 165, inFlightMax: 10 });
});

test("its overhead is that of its own process and of the clients, as a part of one core", () => {
  const { clock, load } = control({ now: [FINE, FINE, FINE] });
  clock.advance(1000);
  assert.equal(load.overheadCpu, 0.3);
});

test("load and limit are changed each alone, and both put back", () => {
  const { load, told } = control({ now: [FINE] });
  load.set({ inFlightMax: 50 });
  load.set({ callsPerSecond: 500 });
  load.reset();
  assert.deepEqual(told, [
    { callsPerSecond: 300, inFlightMax: 50 },
    { callsPerSecond: 500, inFlightMax: 50 },
    { callsPerSecond: 300, inFlightMax: 10 },
  ]);
});

test("after the end nothing is asked any more", () => {
  const costs = { now: [{ givenUp: 150, lagMs: 50, cpuMs: 900 }] };
  const { clock, load, told } = control(costs);
  load.close();
  clock.advance(10_000);
  assert.deepEqual(told, []);
});
