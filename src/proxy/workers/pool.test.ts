/** The pool of workers without processes: start, answers, crashes, drain. Virtual time. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { RecordingLogger, type Rng, VirtualClock } from "../../base/index.ts";
import { newEndpoint, newEndpointSet } from "../../discovery/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { ListenError } from "../../transport/index.ts";
import { connectionsView } from "../admin/views.fixture.ts";
import type { TcpAddress } from "../config.ts";
import { chosenConfig } from "../policy-choice.ts";
import { ANSWER_TIMEOUT_MS } from "./asking.ts";
import { targetFeed } from "./feeds.ts";
import { REFRESH_MS, WorkerPool } from "./pool.ts";
import { EXIT_GRACE_MS, RESTART_MAX_MS, RESTART_MIN_MS, RESTART_RESET_MS } from "./slot.ts";
import { FakeProcess, type FakeRelay, FakeResolver, poolConfig } from "./workers.fixture.ts";

/** No jitter: the middle. */
const MIDDLE: Rng = { next: () => 0.5, int: () => 0 };

let clock: VirtualClock;
let log: RecordingLogger;
let resolver: FakeResolver;
/** All processes ever started, oldest first. */
let processes: FakeProcess[];
let prepare: (relay: FakeRelay) => void;

beforeEach(() => {
  clock = new VirtualClock();
  log = new RecordingLogger();
  resolver = new FakeResolver();
  processes = [];
  prepare = () => {};
});

function newPool(workers: number, admin: TcpAddress | null = null): WorkerPool {
  const config = { ...poolConfig(workers), admin };
  return new WorkerPool(config, {
    clock,
    rng: MIDDLE,
    log,
    feed: targetFeed(resolver, config.target, chosenConfig(config.policy)),
    registry: new Registry(),
    fork: () => {
      const process = new FakeProcess(100 + processes.length, clock, (relay) => prepare(relay));
      processes.push(process);
      return process;
    },
  });
}

async function startedPool(workers: number, admin?: TcpAddress): Promise<WorkerPool> {
  const pool = newPool(workers, admin);
  assert.deepEqual(await pool.listen(), ["127.0.0.1:41000"]);
  return pool;
}

/** Lets messages and promises run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

async function closePool(pool: WorkerPool): Promise<void> {
  await pool.close();
  assert.ok(processes.every((process) => process.isGone));
  assert.equal(resolver.isClosed, true);
  assert.equal(clock.pendingCount, 0);
}

test("listening resolves once all workers serve, with each address once", async () => {
  const pool = await startedPool(3);
  assert.equal(processes.length, 3);
  // 10 connections over 3 workers: rounded up, so that none of the ten is refused.
  assert.equal(processes[0].relay?.config.maxConnections, 4);
  await closePool(pool);
});

test("when one worker cannot listen, all end and the reason is told", async () => {
  prepare = (relay) => {
    if (processes[1].relay === relay) {
      const cause = Object.assign(new Error(), { code: "EADDRINUSE" });
      relay.refusal = new ListenError({ host: "127.0.0.1", port: 80 }, cause);
    }
  };
  const pool = newPool(2);
  await assert.rejects(pool.listen(), {
    name: "WorkerError",
    message: "cannot listen on 127.0.0.1:80: the address is in use",
  });
  await closePool(pool);
});

test("a worker that dies before it listens fails the start", async () => {
  const pool = newPool(2);
  const listening = pool.listen();
  processes[0].exit("code 7");
  await assert.rejects(listening, { message: "worker 1 exited with code 7" });
  await closePool(pool);
});

test("endpoints are resolved once and reach every worker, later ones too", async () => {
  const pool = await startedPool(2);
  const set = newEndpointSet([newEndpoint("10.0.0.1:1", "dns")]);
  resolver.listener?.onEndpoints(set);
  resolver.listener?.onError("lookup of echo: SERVFAIL");
  for (const { relay } of processes) {
    assert.deepEqual([relay?.sets, relay?.errors], [[set], ["lookup of echo: SERVFAIL"]]);
  }
  processes[0].exit("signal SIGSEGV");
  clock.advance(RESTART_MIN_MS);
  await settle();
  const { relay } = processes[2];
  assert.deepEqual([relay?.sets, relay?.errors], [[set], ["lookup of echo: SERVFAIL"]]);
  await closePool(pool);
});

test("after the first set only what changed is sent, and workers end with the same set", async () => {
  const pool = await startedPool(2);
  const [a, b] = [newEndpoint("127.0.0.1:1", "dns"), newEndpoint("127.0.0.1:2", "dns")];
  resolver.listener?.onEndpoints(newEndpointSet([a]));
  resolver.listener?.onEndpoints(newEndpointSet([a, b]));
  resolver.listener?.onEndpoints(newEndpointSet([b]));
  for (const { relay } of processes) {
    assert.deepEqual(relay?.sets.at(-1), newEndpointSet([b]));
    assert.equal(relay?.sets.length, 3);
  }
  const lines = () => log.entries.filter(({ msg }) => msg === "endpoints changed");
  assert.equal(lines().length, 1, "the first at once, the others after a second in one");
  clock.advance(1_000);
  assert.deepEqual(lines()[1]?.fields, {
    ...{ target: resolver.target, endpoints: 1, added: 1, removed: 1 },
    ...{ addedFirst: ["127.0.0.1:2"], removedFirst: ["127.0.0.1:1"] },
  });
  await closePool(pool);
});

test("a later worker hears that the source is still away behind a set that says so", async () => {
  const pool = await startedPool(1);
  const set = { ...newEndpointSet([newEndpoint("127.0.0.1:1", "dns")]), isStale: true };
  resolver.listener?.onError("the API server does not answer");
  resolver.listener?.onEndpoints(set);
  processes[0].exit("signal SIGSEGV");
  clock.advance(RESTART_MIN_MS);
  await settle();
  assert.deepEqual(processes[1].relay?.errors, ["the API server does not answer"]);
  await closePool(pool);
});

test("a worker's wish to resolve again reaches the resolver", async () => {
  const pool = await startedPool(1);
  processes[0].relay?.system.resolver.resolveNow();
  assert.equal(resolver.resolveNowCount, 1);
  await closePool(pool);
});

test("clusters and metrics are the sum over the workers, ready is any", async () => {
  const pool = await startedPool(3);
  assert.equal((await pool.clusters())[0].endpoints[0].calls, 6);
  processes[0].relay!.isReady = false;
  assert.deepEqual(await pool.readiness(), { ready: true, reason: "ready" });
  const { families } = await pool.metrics();
  const values = Object.fromEntries(families.map(({ name, series }) => [name, series[0].value]));
  assert.deepEqual(values, {
    fairlead_calls_total: 15,
    fairlead_held: 3,
    fairlead_worker_restarts_total: 0,
    fairlead_workers: 3,
  });
  await closePool(pool);
});

/** What `asked` resolves with; a stuck worker's time to answer passes. */
async function answerOf<T>(asked: Promise<T>): Promise<T> {
  if (processes.some(({ isStuck }) => isStuck)) clock.advance(ANSWER_TIMEOUT_MS);
  return asked;
}

async function callsShown(pool: WorkerPool): Promise<number> {
  return (await answerOf(pool.clusters()))[0].endpoints[0].calls;
}

/** The value of a metric without labels, or undefined. */
async function metric(pool: WorkerPool, name: string): Promise<number | undefined> {
  const { families } = await answerOf(pool.metrics());
  return families.find((family) => family.name === name)?.series[0]?.value;
}

test("a stuck worker that never answered is left out after a time-out", async () => {
  const pool = await startedPool(2);
  processes[0].isStuck = true;
  assert.equal(await callsShown(pool), 2);
  const closing = pool.close();
  clock.advance(EXIT_GRACE_MS); // and it does not keep the process from ending
  await closing;
  await closePool(pool);
});

test("a stuck worker counts with its last answer, but is not ready", async () => {
  const pool = await startedPool(2);
  assert.deepEqual([await callsShown(pool), await metric(pool, "fairlead_calls_total")], [4, 10]);
  processes[0].isStuck = true;
  processes[1].relay!.calls.add(3);
  assert.deepEqual([await callsShown(pool), await metric(pool, "fairlead_calls_total")], [4, 13]);
  assert.equal(await metric(pool, "fairlead_held"), 2);
  processes[1].relay!.isReady = false;
  assert.equal((await answerOf(pool.readiness())).ready, false);
  processes[0].isStuck = false;
  await closePool(pool);
});

test("counters of a worker that ended stay in the sums, gauges and connections do not", async () => {
  const pool = await startedPool(2);
  assert.deepEqual([await callsShown(pool), await metric(pool, "fairlead_calls_total")], [4, 10]);
  for (const restarts of [1, 2]) {
    processes.at(-1)!.exit("signal SIGKILL");
    const [{ endpoints }] = await pool.clusters();
    assert.deepEqual([endpoints[0].calls, endpoints[0].connections], [2 + 2 * restarts, 1]);
    assert.deepEqual([endpoints[0].state, endpoints[0].usable], ["READY", true]);
    assert.equal(await metric(pool, "fairlead_calls_total"), 5 + 5 * restarts);
    assert.equal(await metric(pool, "fairlead_held"), 1);
    clock.advance(RESTART_MIN_MS * restarts);
    await settle();
    assert.equal(await metric(pool, "fairlead_calls_total"), 10 + 5 * restarts);
    assert.equal(await callsShown(pool), 4 + 2 * restarts);
  }
  await closePool(pool);
});

test("with an admin endpoint, workers are asked now and then, so that a crash takes little", async () => {
  const pool = await startedPool(2, { host: "127.0.0.1", port: 0 });
  clock.advance(REFRESH_MS);
  await settle();
  processes[0].exit("signal SIGKILL");
  assert.equal(await metric(pool, "fairlead_calls_total"), 10);
  await closePool(pool);
});

test("what endpoints of the past counted goes when no worker knows them any more", async () => {
  const pool = await startedPool(2);
  const picks = processes.map(({ relay }) => {
    return relay!.registry.counter("picks", "Picks.", { endpoint: "gone" });
  });
  for (const counter of picks) counter.add();
  assert.equal(await metric(pool, "picks"), 2);
  processes[0].exit("signal SIGKILL");
  assert.equal(await metric(pool, "picks"), 2);
  picks[1].remove();
  assert.equal(await metric(pool, "picks"), undefined);
  await closePool(pool);
});

test("a crashed worker is replaced, later each time, soon again after a long life", async () => {
  const pool = await startedPool(2);
  const crash = async (waitMs: number): Promise<void> => {
    const count = processes.length;
    processes.at(-1)?.exit("code 1");
    clock.advance(waitMs - 1);
    assert.equal(processes.length, count, "not yet");
    clock.advance(1);
    assert.equal(processes.length, count + 1);
    await settle();
  };
  for (const factor of [1, 2, 4, 8, 16, 32, 64]) await crash(RESTART_MIN_MS * factor);
  await crash(RESTART_MAX_MS);
  clock.advance(RESTART_RESET_MS);
  await crash(RESTART_MIN_MS);
  const { families } = await pool.metrics();
  const restarts = families.find(({ name }) => name === "fairlead_worker_restarts_total");
  assert.equal(restarts?.series[0].value, 9);
  const line = log.entries.find((entry) => entry.level === "error");
  assert.deepEqual([line?.fields.worker, line?.fields.how], [2, "code 1"]);
  await closePool(pool);
});

test("without any worker the process is not ready; the next one gets the same port", async () => {
  const pool = await startedPool(2);
  for (const process of [...processes]) process.exit("signal SIGKILL");
  assert.deepEqual(await pool.readiness(), { ready: false, reason: "no worker is running" });
  clock.advance(RESTART_MIN_MS);
  await settle();
  assert.deepEqual(processes[2].relay?.config.listeners, [{ host: "127.0.0.1", port: 41_000 }]);
  assert.equal((await pool.readiness()).ready, true);
  await closePool(pool);
});

test("while another worker holds the port, a new one asks for it in the same words", async () => {
  const pool = await startedPool(2);
  processes[0].exit("signal SIGKILL");
  clock.advance(RESTART_MIN_MS);
  await settle();
  assert.deepEqual(processes[2].relay?.config.listeners, [{ host: "127.0.0.1", port: 0 }]);
  await closePool(pool);
});

test("draining ends when every worker has drained, and repeated calls share it", async () => {
  const pool = await startedPool(2);
  let isDone = false;
  const drained = pool.drain("SIGTERM").then(() => {
    isDone = true;
  });
  assert.equal(pool.drain("SIGTERM"), pool.drain("SIGTERM"));
  await settle();
  assert.ok(processes.every((process) => process.relay?.isDrained));
  processes[0].relay?.finishDrain();
  await settle();
  assert.equal(isDone, false);
  processes[1].relay?.finishDrain();
  await drained;
  assert.equal((await pool.clusters()).length, 1, "drained workers still answer");
  await closePool(pool);
});

test("a worker that dies while draining has drained, and none takes its place", async () => {
  const pool = await startedPool(2);
  const drained = pool.drain("SIGTERM");
  processes[0].relay?.finishDrain();
  processes[1].exit("code 1");
  await drained;
  clock.advance(RESTART_MAX_MS);
  assert.equal(processes.length, 2);
  await closePool(pool);
});

test("a drain ends in time even when a worker does not", async () => {
  const pool = await startedPool(1);
  const drained = pool.drain("SIGTERM");
  clock.advance(32_000);
  await drained;
  await closePool(pool);
});

test("closing while a restart is pending forgets the restart", async () => {
  const pool = await startedPool(1);
  processes[0].exit("code 1");
  await closePool(pool);
  assert.equal(processes.length, 1);
});

const ORDER = { replicas: 2, load: 9, totalLoad: 10, squares: 82, amount: 4, countMax: 3 };

test("loads are asked of each worker; a stuck one counts with its last, a dead one not", async () => {
  const pool = await startedPool(2);
  processes[1].relay!.figures = { connections: 5, callsPerSecond: 7 };
  const both = [
    { worker: 1, connections: 2, callsPerSecond: 3 },
    { worker: 2, connections: 5, callsPerSecond: 7 },
  ];
  assert.deepEqual(await pool.loads(), both);
  processes[0].isStuck = true;
  assert.deepEqual(await answerOf(pool.loads()), both);
  processes[0].isStuck = false;
  processes[1].exit("signal SIGKILL");
  assert.deepEqual(await pool.loads(), [both[0]]);
  await closePool(pool);
});

test("an order reaches the worker that it names, which says how many it closed", async () => {
  const pool = await startedPool(2);
  const orders = [{ worker: 2, order: ORDER }];
  assert.equal(await pool.shed(orders), 2);
  assert.deepEqual([processes[0].relay!.orders, processes[1].relay!.orders], [[], [ORDER]]);
  assert.equal(await pool.shed([{ worker: 3, order: ORDER }]), 0, "none of ours: none is closed");
  processes[1].isStuck = true;
  assert.equal(await answerOf(pool.shed(orders)), 3, "it may have closed all that it was allowed");
  processes[1].isStuck = false;
  await closePool(pool);
});

test("connections and sheds of all workers are one list, with their workers", async () => {
  const pool = await startedPool(2);
  const { connections, sheds } = connectionsView();
  const earlier = { ...sheds[0]!, at: "2025-01-01T00:00:00.000Z" };
  processes[0].relay!.view = { connections, sheds };
  const busier = connections.map((one) => ({ ...one, callsPerSecond: 99 }));
  processes[1].relay!.view = { connections: busier, sheds: [earlier] };
  const view = await pool.downstreams();
  assert.deepEqual(
    view.connections.map(({ worker }) => worker),
    [2, 1],
  );
  assert.deepEqual(
    view.sheds.map(({ worker }) => worker),
    [2, 1],
  );
  await closePool(pool);
});
