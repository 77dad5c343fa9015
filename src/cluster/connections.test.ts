/** Tests of the connections of a cluster: made, lost, retried, drained, multiplied. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { eventually, type RawServer } from "../../test/support/raw-http2.ts";
import { type Policy, parsePolicy } from "../balancing/index.ts";
import { seededRng } from "../base/index.ts";
import { newEndpoint } from "../discovery/index.ts";
import { BACKOFF_JITTER, BACKOFF_MS_FIRST, BACKOFF_MULTIPLIER } from "./backoff.ts";
import {
  CONNECTION_PROVEN_MS,
  ENDPOINT_DRAIN_TIMEOUT_MS,
  EXTRA_CONNECTION_IDLE_MS,
} from "./config.ts";

function liveCount(server: RawServer): number {
  return server.connections.filter((connection) => !connection.isClosed).length;
}

test("every endpoint gets one connection, and a second set with it changes nothing", async () => {
  await withCluster({}, async (harness) => {
    const servers = await harness.ready(3);
    harness.resolve(...servers);
    await settle();
    assert.deepEqual(servers.map(liveCount), [1, 1, 1]);
    assert.deepEqual(
      harness.endpoints.map(({ connections, state, reason }) => [connections, state, reason]),
      [1, 2, 3].map(() => [1, "READY", "ready"]),
    );
  });
});

test("an endpoint is ready when its SETTINGS came, not when it accepts", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server({ settings: null });
    harness.resolve(server);
    const connection = await server.next();
    await settle();
    assert.equal(harness.view(server).state, "CONNECTING");
    assert.equal(harness.cluster.readiness().ready, false);
    connection.settings([]);
    await harness.untilReady(1);
    assert.deepEqual(harness.cluster.readiness(), {
      ready: true,
      reason: "1 of 1 endpoint is ready",
    });
  });
});

test("an endpoint that accepts and says nothing is given up after ten seconds", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server({ settings: null });
    harness.resolve(server);
    await server.next();
    await eventually("connected", () => harness.clock.pendingCount > 0);
    await settle();
    await harness.pass(11_000);
    await eventually("failed", () => harness.view(server).state === "TRANSIENT_FAILURE");
    assert.match(harness.view(server).reason, /^no preface and SETTINGS in time; next attempt in/);
  });
});

test("a port that refuses is tried again with growing, jittered delays", async () => {
  const rng = { next: () => 1, int: () => 0 }; // The longest delay that jitter allows.
  await withCluster({ rng }, async (harness) => {
    const server = await harness.server();
    const { address, port } = server;
    await server.close();
    harness.resolve(address);
    let delayMs = BACKOFF_MS_FIRST * (1 + BACKOFF_JITTER);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await eventually("failed", () => /refused; next attempt/.test(harness.view(address).reason));
      assert.equal(harness.view(address).state, "TRANSIENT_FAILURE");
      harness.clock.advance(delayMs - 1);
      await settle();
      assert.match(harness.view(address).reason, /next attempt in 0\.0 s/, "not yet");
      harness.clock.advance(1);
      assert.equal(harness.view(address).reason, "connection refused", "an attempt is under way");
      delayMs *= BACKOFF_MULTIPLIER;
    }
    await eventually("failed", () => /next attempt/.test(harness.view(address).reason));
    const back = await harness.server({}, port);
    harness.clock.advance(delayMs);
    await harness.untilReady(1);
    assert.equal(liveCount(back), 1);
  });
});

test("the delays are settings of the cluster", async () => {
  const config = { backoff: { initialMs: 3_000, maxMs: 3_000 } };
  await withCluster({ rng: { next: () => 0.5, int: () => 0 }, config }, async (harness) => {
    const server = await harness.server();
    await server.close();
    harness.resolve(server);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await eventually("failed", () => /next attempt in 3\.0 s/.test(harness.view(server).reason));
      harness.clock.advance(3_000);
    }
  });
});

test("a success makes the next delay the first one again", async () => {
  const rng = { next: () => 0.5, int: () => 0 };
  await withCluster({ rng }, async (harness) => {
    const server = await harness.server();
    const { address, port } = server;
    await server.close();
    harness.resolve(address);
    const failed = () => /refused; next attempt/.test(harness.view(address).reason);
    for (let delayMs = BACKOFF_MS_FIRST; delayMs < 1_000; delayMs *= BACKOFF_MULTIPLIER) {
      await eventually("failed", failed);
      harness.clock.advance(delayMs);
    }
    await eventually("failed", failed);
    const back = await harness.server({}, port);
    harness.clock.advance(10_000);
    await harness.untilReady(1);
    harness.clock.advance(CONNECTION_PROVEN_MS);
    await back.close();
    await eventually("failed", failed);
    assert.match(harness.view(address).reason, /next attempt in 0\.2 s/);
  });
});

test("a lost connection is replaced at once", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    harness.clock.advance(CONNECTION_PROVEN_MS);
    (await server.next()).destroy();
    await server.next();
    await harness.untilReady(1);
    assert.equal(harness.clock.nowMs(), CONNECTION_PROVEN_MS, "without a delay");
  });
});

// A server that settled and cut at once was connected to 5,000 times a second, for ever.
test("an endpoint that becomes ready and cuts at once is backed off from, ever longer", async () => {
  await withCluster({ rng: { next: () => 0.5, int: () => 0 } }, async (harness) => {
    const [server] = await harness.ready(1);
    (await server.next()).destroy();
    const second = await server.next();
    assert.equal(harness.clock.nowMs(), 0, "once at once: it may have been chance");
    await harness.untilReady(1);
    second.destroy();
    for (let delayMs = BACKOFF_MS_FIRST; delayMs < 2_000; delayMs *= BACKOFF_MULTIPLIER) {
      await eventually("failed", () => harness.view(server).state === "TRANSIENT_FAILURE");
      const before = server.connections.length;
      harness.clock.advance(delayMs - 1);
      await settle();
      assert.equal(server.connections.length, before, "not before its time");
      harness.clock.advance(2);
      const connection = await server.next();
      await harness.untilReady(1);
      connection.destroy();
    }
  });
});

test("an endpoint that accepts and closes again and again is not tried in a tight loop", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    harness.clock.advance(CONNECTION_PROVEN_MS);
    (await server.next()).destroy();
    server.options = { settings: null };
    (await server.next()).destroy();
    await eventually("backed off", () => harness.view(server).state === "TRANSIENT_FAILURE");
    await settle();
    assert.equal(server.connections.length, 2);
  });
});

test("after GOAWAY streams finish on the old connection, and new ones go to a new one", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const old = await server.next();
    harness.clock.advance(CONNECTION_PROVEN_MS);
    const first = harness.call();
    const stream = await old.nextStream();
    old.goAway(stream.id);
    const fresh = await server.next();
    await harness.untilReady(1);
    assert.equal(harness.view(server).connections, 2, "one of them drains");
    const second = harness.call();
    fresh.respond((await fresh.nextStream()).id);
    await second.over();
    assert.equal(second.grpcStatus, "0");
    assert.equal(first.isEnded, false);
    old.respond(stream.id, "0", "hello");
    await first.over();
    assert.equal(first.body, "hello");
    assert.equal(first.grpcStatus, "0");
    await old.closed();
    assert.equal(old.freshCount, 0);
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 0);
  });
});

test("an endpoint that leaves finishes its streams, takes no new ones, and is closed", async () => {
  await withCluster({}, async (harness) => {
    const [a, b] = await harness.ready(2);
    const [onA, onB] = [await a.next(), await b.next()];
    const calls = [harness.call(), harness.call()];
    const stream = await onA.nextStream();
    await onB.nextStream();
    harness.resolve(b);
    assert.equal(harness.view(a).state, "DRAINING");
    assert.equal(harness.view(a).usable, false);
    assert.deepEqual(harness.view(a).decision, [
      { rule: "in the endpoint set", effect: "no: the endpoint left the set" },
    ]);
    for (let i = 0; i < 4; i += 1) calls.push(harness.call());
    await eventually("four more on b", () => onB.streams.size === 5);
    assert.equal(onA.streams.size, 1);
    onA.respond(stream.id);
    await onA.closed();
    await eventually("gone", () => harness.endpoints.length === 1);
    for (const id of onB.streams.keys()) onB.respond(id);
    for (const call of calls) await call.over();
    assert.deepEqual(
      calls.map((call) => call.grpcStatus),
      calls.map(() => "0"),
    );
  });
});

test("a stream that does not end is cut some time after its endpoint left", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const call = harness.call();
    await connection.nextStream();
    await settle();
    harness.resolve();
    harness.clock.advance(ENDPOINT_DRAIN_TIMEOUT_MS - 1);
    await settle();
    assert.equal(call.isFailed, false);
    harness.clock.advance(1);
    await connection.closed();
    assert.equal(call.failure?.status, 14);
    assert.match(call.failure!.reason, /: its streams did not end in time$/);
    await eventually("gone", () => harness.endpoints.length === 0);
  });
});

test("an endpoint that leaves while it is being connected leaves nothing", async () => {
  await withCluster({}, async (harness) => {
    const silent = await harness.server({ settings: null });
    const refusing = await harness.server();
    await refusing.close();
    harness.resolve(silent, refusing);
    await silent.next();
    await eventually("backs off", () => harness.states("TRANSIENT_FAILURE").length === 1);
    harness.resolve();
    await eventually("gone", () => harness.endpoints.length === 0);
    await eventually("closed", () => liveCount(silent) === 0);
    await eventually("no timers", () => harness.clock.pendingCount <= 1);
  });
});

test("an address that comes back as another pod is another endpoint", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server();
    const endpoint = { ...newEndpoint(server.address, "slice"), pod: "echo-1", uid: "u1" };
    harness.resolve(endpoint);
    await harness.untilReady(1);
    const old = await server.next();
    const call = harness.call();
    const stream = await old.nextStream();
    assert.equal(harness.view(server).calls, 1);
    harness.resolve({ ...endpoint, pod: "echo-2", uid: "u2" });
    const fresh = await server.next();
    await harness.untilReady(1);
    const [second] = harness.states("READY");
    assert.equal(second.pod, "echo-2");
    assert.equal(second.calls, 0, "no inherited figures");
    assert.equal(second.latencyMs, null);
    old.respond(stream.id);
    await call.over();
    assert.equal(call.grpcStatus, "0");
    await old.closed();
    assert.equal(fresh.isClosed, false);
    harness.resolve({ ...endpoint, pod: "echo-2", uid: "u2" });
    await settle();
    assert.equal(server.connections.length, 2, "the same uid is the same endpoint");
  });
});

test("more connections are opened as MAX_CONCURRENT_STREAMS is reached, up to the limit", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 3 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 2]]);
    const calls = Array.from({ length: 8 }, () => harness.call());
    await eventually("six streams", () => streamCount(server) === 6);
    await settle();
    assert.deepEqual(
      server.connections.map((connection) => connection.streams.size),
      [2, 2, 2],
    );
    assert.equal(harness.metric("fairlead_calls_waiting", { queue: "capacity" }), 2);
    for (const connection of server.connections) connection.respond(1);
    await eventually("eight streams", () => streamCount(server) === 8);
    for (const connection of server.connections) {
      for (const id of connection.streams.keys()) if (id > 1) connection.respond(id);
    }
    for (const call of calls) await call.over();
    assert.equal(server.connections.length, 3);
  });
});

function streamCount(server: RawServer): number {
  return server.connections.reduce((sum, connection) => sum + connection.streams.size, 0);
}

test("connections beyond the first are closed when they rested for a while", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const calls = Array.from({ length: 3 }, () => harness.call());
    await eventually("three streams", () => streamCount(server) === 3);
    const [first, second, third] = server.connections;
    for (const connection of [first, third]) connection.respond(1);
    await calls[0].over();
    await calls[2].over();
    await harness.pass(EXTRA_CONNECTION_IDLE_MS);
    assert.equal(liveCount(server), 3, "not yet");
    await harness.pass(2_000);
    await third.closed();
    assert.equal(second.isClosed, false, "it has a stream");
    assert.equal(first.isClosed, false, "the first stays");
    assert.equal(harness.view(server).connections, 2);
    second.respond(1);
    await calls[1].over();
  });
});

test("SETTINGS that raise the limit release calls that wait", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 0]]);
    const connection = await server.next();
    const calls = [harness.call(), harness.call()];
    await settle();
    assert.equal(connection.streams.size, 0);
    connection.settings([[3, 5]]);
    for (const _ of calls) connection.respond((await connection.nextStream()).id);
    for (const call of calls) await call.over();
  });
});

test("pick_first keeps one connection, and moves on when it is lost", async () => {
  await withCluster({ policy: "pick_first" }, async (harness) => {
    const servers = [await harness.server(), await harness.server(), await harness.server()];
    servers.sort((x, y) => (x.address < y.address ? -1 : 1));
    const [a, b, c] = servers;
    harness.resolve(a, b, c);
    await harness.untilReady(1);
    await settle();
    assert.deepEqual(servers.map(liveCount), [1, 0, 0]);
    assert.equal(harness.view(b).reason, "pick_first uses another endpoint");
    assert.equal(harness.view(a).usable, true);
    assert.equal(harness.view(b).usable, false);
    await a.close();
    await eventually("b is ready", () => harness.view(b).state === "READY");
    await settle();
    assert.deepEqual(servers.map(liveCount), [0, 1, 0]);
    const call = harness.call();
    const connection = await b.next();
    connection.respond((await connection.nextStream()).id);
    await call.over();
    assert.equal(call.grpcStatus, "0");
  });
});

test("pick_first does not connect to a second endpoint that came back meanwhile", async () => {
  await withCluster({ policy: "pick_first" }, async (harness) => {
    const a = await harness.server();
    const { port, address } = a;
    await a.close();
    const b = await harness.server();
    harness.resolve(address, b);
    await eventually("b is ready", () => harness.view(b).state === "READY");
    const back = await harness.server({}, port);
    await harness.pass(60_000);
    await settle();
    assert.equal(liveCount(back) + liveCount(b), 1);
    assert.equal(harness.cluster.readiness().ready, true);
  });
});

test("closing ends calls, connections, timers and metrics", async () => {
  const harness = new ClusterHarness({ rng: seededRng(3) });
  const [server] = await harness.ready(1, [[3, 1]]);
  const connection = await server.next();
  const active = harness.call();
  await connection.nextStream();
  harness.resolve(server, "127.0.0.1:1");
  await harness.close();
  assert.equal(active.failure?.kind, "lost");
  assert.equal(active.failure?.status, 14);
});

/** round_robin that notes how many endpoints each of its pickers had. */
function countingPolicy(): { policy: Policy; sizes: number[] } {
  const sizes: number[] = [];
  const inner = parsePolicy("round_robin");
  const policy: Policy = {
    name: "counting",
    connects: inner.connects,
    shuffleAddressList: inner.shuffleAddressList,
    newPicker: (ready, rng, last, nowMs) => {
      sizes.push(ready.length);
      return inner.newPicker(ready, rng, last, nowMs);
    },
  };
  return { policy, sizes };
}

test("a picker is made when an endpoint becomes ready, not when it begins to connect", async () => {
  const { policy, sizes } = countingPolicy();
  await withCluster({ policy }, async (harness) => {
    await harness.ready(3);
    assert.deepEqual(sizes, [0, 1, 2, 3]);
  });
});

test("beyond 256 endpoints those that come together share a picker, a millisecond later", async () => {
  const { policy, sizes } = countingPolicy();
  await withCluster({ policy }, async (harness) => {
    const servers = await harness.ready(300);
    assert.equal(sizes.at(-1), 256);
    harness.clock.advance(1);
    assert.deepEqual([sizes.length, sizes.at(-1)], [258, 300]);
    harness.resolve(...servers.slice(0, 2));
    assert.equal(sizes.at(-1), 2, "what leaves the set is not picked again");
  });
});
