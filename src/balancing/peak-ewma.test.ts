/** Tests of `peak_ewma`: how latency is estimated, and what becomes of a slow endpoint's share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedRng, seededRng, VirtualClock } from "../base/index.ts";
import { LeastRequestPolicy } from "./least-request.ts";
import { PEAK_EWMA_DEFAULTS, PeakEwmaPolicy } from "./peak-ewma.ts";
import { PeakEwmaLoad } from "./peak-ewma-load.ts";
import { type FakeTarget, fakeTargets, targetsOf } from "./picker-suite.ts";
import type { Policy } from "./policy.ts";
import { RoundRobinPolicy } from "./round-robin.ts";

const DECAY_MS = 2_500;

/** A load that was answered once, after `latencyMs`, at time 0. */
function answered(latencyMs: number): PeakEwmaLoad {
  const load = new PeakEwmaLoad(DECAY_MS, 30, 0);
  load.onAnswered(latencyMs, 0);
  load.onEnded(false, latencyMs, 0);
  return load;
}

/** Estimates are kept in whole microseconds. */
const isNear = (value: number, wanted: number) =>
  assert.ok(Math.abs(value - wanted) <= wanted * 1e-4, `${value}, not ${wanted}`);

test("a cost is the estimate, times the calls in flight with one more", () => {
  const load = answered(20);
  assert.equal(load.cost(0, 0), 20);
  assert.equal(load.cost(1, 0), 40);
  assert.equal(load.cost(9, 0), 200);
});

test("an estimate sinks to 1/e in the decay, and reading it changes nothing", () => {
  const load = answered(20);
  isNear(load.cost(0, DECAY_MS), 20 / Math.E);
  isNear(load.cost(0, DECAY_MS), 20 / Math.E);
  isNear(load.cost(0, 2 * DECAY_MS), 20 / Math.E ** 2);
  assert.equal(load.cost(0, 0), 20, "also not for the past");
});

test("a higher sample is taken at once, a lower one by the time since its pick", () => {
  const load = answered(20);
  load.onAnswered(300, 0);
  assert.equal(load.cost(0, 0), 300);
  const kept = Math.exp(-100 / DECAY_MS);
  load.onAnswered(100, 0);
  isNear(load.cost(0, 0), 300 * kept + 100 * (1 - kept));
});

test("equal samples keep the estimate where it is", () => {
  const load = answered(20);
  for (let nowMs = 10; nowMs < 1_000; nowMs += 10) load.onAnswered(20, nowMs);
  isNear(load.cost(0, 990), 20);
});

test("while calls wait for an answer, the estimate sinks four times as slowly", () => {
  const load = answered(20);
  isNear(load.cost(1, 4 * DECAY_MS), (2 * 20) / Math.E);
});

test("after a long rest only calls in flight count", () => {
  const [slow, quick] = [answered(500), answered(1)];
  assert.equal(slow.cost(0, 3_600_000), quick.cost(0, 3_600_000));
  assert.ok(slow.cost(2, 3_600_000) > quick.cost(1, 3_600_000));
});

test("a failure never lowers the estimate, however quick it was", () => {
  const load = answered(20);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    load.onAnswered(1, nowMs); // its headers came, and then
    load.onEnded(true, 1, nowMs);
    assert.equal(load.cost(0, nowMs), 20);
  }
  load.onEnded(true, 90, 60_000);
  assert.equal(load.cost(0, 60_000), 90, "one that took long raises it");
});

test("a first attempt that fails counts as the default, or as what it took", () => {
  for (const [latencyMs, cost] of [
    [1, 30],
    [70, 70],
  ] as const) {
    const load = new PeakEwmaLoad(DECAY_MS, 30, 0);
    load.onEnded(true, latencyMs, 0);
    assert.equal(load.cost(0, 0), cost);
  }
});

test("without an answer: one call at a time, and after the decay the default is assumed", () => {
  const load = new PeakEwmaLoad(DECAY_MS, 30, 0);
  assert.equal(load.cost(0, 0), 0, "it is tried before any other");
  assert.ok(load.cost(1, 0) > answered(60_000).cost(1_000, 0), "and then not, as Finagle has it");
  assert.ok(load.cost(2, 0) > load.cost(1, 0));
  assert.equal(load.cost(1, DECAY_MS), 60);
});

test("of two endpoints drawn, the one with the lower cost", () => {
  const ready = fakeTargets(3);
  for (const [i, target] of ready.entries()) target.load = answered(10 + i);
  const draws = [0, 0, 1, 1, 0, 1]; // e0 and e1; e1 and e2; e0 and e2
  const picker = new PeakEwmaPolicy().newPicker(ready, scriptedRng(...draws));
  const picks = [0, 1, 2].map(() => picker.pick(null, null, 0)?.name);
  assert.deepEqual(picks, ["e0", "e1", "e0"]);
});

test("more than 10 choices count as 10, and the parameters reach what it keeps", () => {
  const policy = new PeakEwmaPolicy({ decayMs: 100, defaultRttMs: 7, choiceCount: 11 });
  assert.equal(policy.config.choiceCount, 10);
  const load = policy.newLoad(0, null) as PeakEwmaLoad;
  assert.equal(load.cost(1, 100), 14);
  load.onAnswered(50, 0);
  isNear(load.cost(0, 100), 50 / Math.E);
  assert.deepEqual(new PeakEwmaPolicy().config, PEAK_EWMA_DEFAULTS);
  const next = new PeakEwmaPolicy().newLoad(0, load) as PeakEwmaLoad;
  isNear(next.cost(0, DECAY_MS), 50 / Math.E); // new parameters, and what is known stays known
});

/** What becomes of a call: how long its answer takes, never (Infinity), or that it fails. */
interface Fate {
  readonly ms: number;
  readonly isFailure?: boolean;
}

/**
 * Calls at random times to 12 endpoints in virtual time. `fate` says what an endpoint does; the
 * answer is the share of the first endpoint in [fromMs, toMs), in relation to all calls.
 */
class Simulation {
  readonly clock = new VirtualClock();
  readonly pods: FakeTarget[];
  readonly #counts: { readonly atMs: number; readonly isFirst: boolean }[] = [];

  /** @param joinsMs until then the first endpoint is not there. */
  constructor(
    policy: Policy,
    callsPerSecond: number,
    fate: (pod: number, ms: number) => Fate,
    joinsMs = 0,
  ) {
    const { clock } = this;
    const rng = seededRng(30);
    this.pods = targetsOf(policy, 12);
    this.pods[0].load = policy.newLoad?.(joinsMs, null) ?? null;
    const others = policy.newPicker(this.pods.slice(1), rng, null, 0);
    const all = policy.newPicker(this.pods, rng, null, 0);
    const jitter = () => 0.7 + 0.6 * rng.next();
    const arrive = (): void => {
      const picker = clock.nowMs() < joinsMs ? others : all;
      const pod = picker.pick(null, null, clock.nowMs())!;
      pod.activeCalls += 1;
      this.#counts.push({ atMs: clock.nowMs(), isFirst: pod === this.pods[0] });
      const { ms, isFailure = false } = fate(this.pods.indexOf(pod), clock.nowMs());
      const tookMs = ms * jitter();
      if (tookMs < Number.POSITIVE_INFINITY) {
        clock.setTimer(tookMs, () => {
          pod.activeCalls -= 1;
          pod.load?.onAnswered(tookMs, clock.nowMs());
          pod.load?.onEnded(isFailure, tookMs, clock.nowMs());
        });
      }
      clock.setTimer((-Math.log(1 - rng.next()) * 1_000) / callsPerSecond, arrive);
    };
    clock.setTimer(0, arrive);
  }

  /** The first endpoint's share of the calls of a time that has passed. */
  share(fromMs: number, toMs: number): number {
    const calls = this.#counts.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    return calls.filter(({ isFirst }) => isFirst).length / calls.length;
  }
}

const FAIR = 1 / 12;

/** The first of 12 is ten times as slow from 10 s to 30 s. */
const slowed = (policy: Policy, callsPerSecond: number): Simulation => {
  const fate = (pod: number, ms: number) =>
    pod === 0 && ms >= 10_000 && ms < 30_000 ? { ms: 300 } : { ms: 30 };
  const simulation = new Simulation(policy, callsPerSecond, fate);
  simulation.clock.advance(44_000);
  return simulation;
};

for (const callsPerSecond of [100, 1_000, 4_000]) {
  test(`one of 12 gets ten times as slow and recovers, at ${callsPerSecond} calls/s`, () => {
    const simulation = slowed(new PeakEwmaPolicy(), callsPerSecond);
    const before = simulation.share(2_000, 10_000);
    assert.ok(before > 0.85 * FAIR && before < 1.15 * FAIR, `${before} before`);
    const within2s = simulation.share(10_000, 12_000);
    assert.ok(within2s <= 0.05, `${within2s} within 2 s`);
    const after2s = simulation.share(12_000, 30_000);
    assert.ok(after2s <= 0.01, `${after2s} from then on`);
    const back = simulation.share(38_000, 44_000);
    assert.ok(back >= 0.8 * FAIR, `${back} from 8 s after its recovery on`);
  });
}

test("in contrast: round_robin sends the slow one its full share, least_request a part of it", () => {
  const roundRobin = slowed(new RoundRobinPolicy(), 1_000).share(12_000, 30_000);
  assert.ok(roundRobin > 0.99 * FAIR, `${roundRobin}`);
  const leastRequest = slowed(new LeastRequestPolicy(), 1_000).share(12_000, 30_000);
  assert.ok(leastRequest > 0.01 && leastRequest < 0.03, `${leastRequest}`);
});

test("one that stops answering gets few calls, and not ever more of them", () => {
  const fate = (pod: number, ms: number) => ({
    ms: pod === 0 && ms >= 10_000 ? Number.POSITIVE_INFINITY : 30,
  });
  const simulation = new Simulation(new PeakEwmaPolicy(), 1_000, fate);
  simulation.clock.advance(25_000);
  // 15 s are as long as a dead connection goes unnoticed.
  const share = simulation.share(10_000, 25_000);
  assert.ok(share < 0.004, `${share}`);
});

test("one that fails at once gets no more than its share", () => {
  const fate = (pod: number, ms: number) =>
    pod === 0 && ms >= 5_000 ? { ms: 1, isFailure: true } : { ms: 30 };
  const simulation = new Simulation(new PeakEwmaPolicy(), 1_000, fate);
  simulation.clock.advance(35_000);
  const share = simulation.share(5_000, 35_000);
  // It has next to nothing in flight, which is what a quick endpoint has: twice its share by P2C.
  assert.ok(share < 2 * FAIR, `${share}`);
});

test("one that joins is neither flooded nor starved", () => {
  for (const ms of [1, 30, 1_000]) {
    const simulation = new Simulation(new PeakEwmaPolicy(), 1_000, () => ({ ms }), 10_000);
    simulation.clock.advance(10_000 + 0.6 * ms); // no answer is sooner than 0.7 times as long
    assert.ok(simulation.pods[0].activeCalls <= 1, `${ms} ms: not flooded`);
    simulation.clock.advance(10_000);
    const share = simulation.share(12_000, 20_000);
    assert.ok(share > 0.7 * FAIR && share < 1.4 * FAIR, `${ms} ms: ${share}`);
  }
});
