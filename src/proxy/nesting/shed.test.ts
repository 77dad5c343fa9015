/** Rates, the choice of connections, the planner's rules and the split among workers. Pure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedRng, seededRng } from "../../base/index.ts";
import { CallRate, CONNECTION_LOAD, type LoadFigures, loadOf, RATE_WINDOW_MS } from "./load.ts";
import {
  chooseSheds,
  fittingLoad,
  SHED_AGE_MS_MIN,
  type ShedOrder,
  spreadOf,
} from "./shed-order.ts";
import {
  BUDGET_SHARES_MAX,
  CONFIRM_ROUNDS,
  FIGURES_AGE_MS_MAX,
  LANDING_MS,
  NOISE_SIGMAS,
  type PeerLoad,
  type PlanInput,
  ROUND_JITTER,
  ROUND_MS,
  ROUND_SHARE_MAX,
  SETTLED_SHARE_MIN,
  SHEDS_PER_ROUND_MAX,
  ShedPlanner,
  START_ABOVE_MEAN,
  STOP_ABOVE_MEAN,
} from "./shed-planner.ts";
import { splitOrder } from "./shed-split.ts";

test("a rate is right from the first second on, and forgets over its window", () => {
  const rate = new CallRate();
  assert.equal(rate.callsPerSecond, 0);
  rate.add(5, 1000);
  assert.ok(Math.abs(rate.callsPerSecond - 5) < 1e-9);
  rate.add(3, 0); // No time has passed: no rate can be told.
  for (let ms = 0; ms < RATE_WINDOW_MS; ms += 1000) rate.add(5, 1000);
  for (let ms = 0; ms < RATE_WINDOW_MS; ms += 1000) rate.add(0, 1000);
  assert.ok(rate.callsPerSecond < 5 * 0.45 && rate.callsPerSecond > 5 * 0.2);
});

/** An order of 10 calls/s for a replica of 30 beside one of 10 and one of 5. */
const ORDER: ShedOrder = {
  replicas: 3,
  load: 30,
  totalLoad: 45,
  squares: 900 + 100 + 25,
  amount: 15,
  countMax: 100,
};

function connection(id: number, callsPerSecond: number, ageMs = 60_000) {
  return { id, ageMs, callsPerSecond: callsPerSecond - CONNECTION_LOAD };
}

test("what fits is chosen, the largest first, and each makes the expected spread smaller", () => {
  const most = fittingLoad(3, 30, 45);
  const list = [most + 0.01, most, 3, 2, 1, 1, 1].map((load, id) => connection(id, load));
  const chosen = chooseSheds(list, ORDER, seededRng(1));
  assert.equal(chosen[0]?.id, 1, "the one that is just not too large");
  assert.ok(!chosen.some(({ id }) => id === 0));
  assert.ok(chosen.reduce((sum, { load }) => sum + load, 0) <= ORDER.amount + 1e-9);
  for (const { spreadBefore, spreadAfter } of chosen) assert.ok(spreadAfter < spreadBefore);
  assert.ok(Math.abs(chosen[0]!.spreadBefore - spreadOf(3, 45, ORDER.squares)) < 1e-12);
});

test("the expected spread is the mean over all places where a client can land", () => {
  const [{ load, spreadAfter } = { load: 0, spreadAfter: 0 }] = chooseSheds(
    [connection(1, 2)],
    ORDER,
    seededRng(1),
  );
  const landings = [
    [30, 10, 5],
    [28, 12, 5],
    [28, 10, 7],
  ];
  assert.equal(load, 2);
  const squares = landings.flat().reduce((sum, each) => sum + each * each, 0) / landings.length;
  assert.ok(Math.abs(spreadAfter - spreadOf(3, 45, squares)) < 1e-12);
});

test("none younger than 10 s is chosen, and no more than the order allows", () => {
  const young = [1, 2, 3].map((id) => connection(id, 1, SHED_AGE_MS_MIN - 1));
  assert.deepEqual(chooseSheds(young, ORDER, seededRng(1)), []);
  const old = [1, 2, 3].map((id) => connection(id, 1, SHED_AGE_MS_MIN));
  assert.equal(chooseSheds(old, { ...ORDER, countMax: 2 }, seededRng(1)).length, 2);
});

test("a connection that is the whole excess is not shed: it would only move the overload", () => {
  const alone = {
    replicas: 2,
    load: 100,
    totalLoad: 100,
    squares: 10_000,
    amount: 50,
    countMax: 9,
  };
  assert.deepEqual(chooseSheds([connection(1, 100)], alone, seededRng(1)), []);
  assert.equal(fittingLoad(1, 100, 100), 0, "without another replica nothing fits");
});

const MIDDLE = { next: () => 0.5, int: () => 0 };

function peer(callsPerSecond: number, ageMs = 0): PeerLoad {
  return { connections: 100, callsPerSecond, ageMs };
}

function input(own: number, ...peers: (number | PeerLoad)[]): PlanInput {
  const loads = peers.map((one) => (typeof one === "number" ? peer(one) : one));
  const figures = { connections: 100, callsPerSecond: own };
  return { own: figures, peers: loads, missing: 0, isDraining: false };
}

test("shedding begins when it was found twice, goes on below its beginning, and ends", () => {
  const planner = new ShedPlanner(MIDDLE);
  const at = (round: number, own: number, other: number) =>
    planner.plan(input(own, other), round * ROUND_MS).verdict;
  const above = 1000 * (1 + 2 * START_ABOVE_MEAN);
  for (let i = 1; i < CONFIRM_ROUNDS; i += 1) assert.equal(at(i, above, 700), "confirming");
  assert.equal(at(CONFIRM_ROUNDS, above, 700), "shedding");
  // Below where it began, above where it stops.
  const between = 1000 * (1 + (START_ABOVE_MEAN + STOP_ABOVE_MEAN) / 2);
  assert.equal(at(CONFIRM_ROUNDS + 1, between, 2000 - between), "shedding");
  const below = 1000 * (1 + STOP_ABOVE_MEAN / 2);
  assert.equal(at(CONFIRM_ROUNDS + 2, below, 2000 - below), "balanced");
  assert.equal(at(CONFIRM_ROUNDS + 3, between, 2000 - between), "balanced", "hysteresis");
});

test("a difference that is within the noise of counting is none", () => {
  const planner = new ShedPlanner(MIDDLE);
  const figures = (callsPerSecond: number) => ({ connections: 0, callsPerSecond });
  const noise = NOISE_SIGMAS * Math.sqrt((1 * 1000) / (2 * RATE_WINDOW_MS));
  const look = (excess: number, round: number) =>
    planner.plan(
      {
        own: figures(1 + excess),
        peers: [{ ...figures(1 - excess), ageMs: 0 }],
        missing: 0,
        isDraining: false,
      },
      round * ROUND_MS,
    ).verdict;
  assert.ok(noise > START_ABOVE_MEAN);
  assert.equal(look(noise * 0.99, 1), "balanced");
  assert.equal(look(noise * 1.01, 2), "confirming");
});

test("rounds are some time apart, by chance a little more or less", () => {
  const planner = new ShedPlanner(scriptedRng(1, 0));
  assert.equal(planner.plan(input(2000, 100), 0).verdict, "confirming");
  const nextMs = ROUND_MS * (1 + ROUND_JITTER);
  assert.equal(planner.plan(input(2000, 100), nextMs - 1).order, null);
  assert.notEqual(planner.plan(input(2000, 100), nextMs).order, null);
});

function shedding(planner: ShedPlanner, own: number, ...peers: number[]) {
  let plan = planner.plan(input(own, ...peers), 0);
  for (let i = 1; plan.order === null; i += 1) {
    assert.ok(i < 10);
    plan = planner.plan(input(own, ...peers), i * ROUND_MS);
  }
  return plan.order;
}

test("an order is the excess over the mean, within the share of a round and its number", () => {
  const order = shedding(new ShedPlanner(MIDDLE), 2000, 1000, 0);
  assert.ok(Math.abs(order.amount - 1000) < 1e-9);
  assert.equal(order.countMax, Math.ceil(100 * ROUND_SHARE_MAX));
  assert.equal(order.replicas, 3);
  const many = { connections: 100_000, callsPerSecond: 9e6 };
  const planner = new ShedPlanner(MIDDLE);
  const peers = [peer(1)];
  planner.plan({ own: many, peers, missing: 0, isDraining: false }, 0);
  const plan = planner.plan({ own: many, peers, missing: 0, isDraining: false }, ROUND_MS);
  assert.equal(plan.order?.countMax, SHEDS_PER_ROUND_MAX);
});

test("the next round waits for figures that have seen the last one", () => {
  const planner = new ShedPlanner(MIDDLE);
  shedding(planner, 2000, 100, 100, 100, 100);
  const shedMs = 10 * ROUND_MS;
  planner.onShed(5, 100, shedMs);
  const nowMs = shedMs + 3000;
  const old = peer(100, nowMs - shedMs - LANDING_MS + 1);
  const fresh = peer(100, nowMs - shedMs - LANDING_MS);
  assert.equal(planner.plan(input(1500, fresh, fresh, old, old), nowMs).verdict, "waiting");
  assert.ok(SETTLED_SHARE_MIN <= 0.75);
  assert.equal(planner.plan(input(1500, fresh, fresh, fresh, old), nowMs).verdict, "shedding");
});

test("nothing is shed alone, blind or in a drain, and old figures are none", () => {
  const planner = new ShedPlanner(MIDDLE);
  const verdict = (over: Partial<PlanInput>) =>
    planner.plan({ ...input(2000, 100), ...over }, 0).verdict;
  assert.equal(verdict({ peers: [] }), "alone");
  assert.equal(verdict({ isDraining: true }), "draining");
  assert.equal(verdict({ missing: 3 }), "blind");
  assert.equal(verdict({ peers: [peer(1, FIGURES_AGE_MS_MAX + 1)] }), "alone");
});

test("when the budget is spent, nothing is shed until it has earned some back", () => {
  const planner = new ShedPlanner(MIDDLE);
  shedding(planner, 2000, 100);
  planner.onShed(100 * BUDGET_SHARES_MAX, 100, 0);
  assert.equal(planner.plan(input(2000, 100), 2 * ROUND_MS).verdict, "spent");
  assert.equal(planner.plan(input(2000, 100), 100 * ROUND_MS).verdict, "shedding");
});

test("when none fits, shedding is over until the load is as far above the mean as at first", () => {
  const planner = new ShedPlanner(MIDDLE);
  shedding(planner, 1300, 700);
  planner.onShed(0, 100, 0);
  const between = 1000 * (1 + (START_ABOVE_MEAN + STOP_ABOVE_MEAN) / 2);
  assert.equal(planner.plan(input(between, 2000 - between), 20_000).verdict, "balanced");
});

function worker(number: number, load: number, connections = 10): LoadFigures & { worker: number } {
  return { worker: number, connections, callsPerSecond: load - CONNECTION_LOAD * connections };
}

test("of workers those with the most load shed, down to one level", () => {
  const workers = [worker(1, 10), worker(2, 30), worker(3, 24)];
  const order = { ...ORDER, load: 64, totalLoad: 100, amount: 14, countMax: 10 };
  const list = splitOrder(order, workers);
  assert.deepEqual(
    list.map((each) => [each.worker, Math.round(each.order.amount * 1e6) / 1e6]),
    [
      [2, 10],
      [3, 4],
    ],
  );
  assert.ok(Math.abs(list[1]!.order.load - 54) < 1e-9, "what worker 2 sheds is taken off");
  assert.ok(list.reduce((sum, each) => sum + each.order.countMax, 0) <= 10);
  const [one] = splitOrder(order, [worker(0, 64)]);
  assert.deepEqual([one?.order.amount.toFixed(6), one?.order.countMax], ["14.000000", 10]);
  assert.ok(
    splitOrder({ ...order, amount: 64, countMax: 30 }, workers).length === 3,
    "all of it: all workers",
  );
  assert.equal(loadOf(worker(1, 10)), 10);
});
