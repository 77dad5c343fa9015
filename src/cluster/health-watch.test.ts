/** Tests of client health checks: gRFC A17 by its clauses, then servers that misbehave. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type ClusterHarness,
  type HarnessOptions,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import { callOf, callsOf, framedBytes, type OwnCall } from "../../test/support/health.ts";
import { eventually, type RawConnection, type RawServer } from "../../test/support/raw-http2.ts";
import { BACKOFF_MS_FIRST } from "./backoff.ts";
import { EXTRA_CONNECTION_IDLE_MS } from "./config.ts";
import { FLAP_MS } from "./endpoint-monitor.ts";
import { ServingStatus } from "./health-messages.ts";
import { WATCH_ANSWER_TIMEOUT_MS, WATCH_PATH } from "./health-watch.ts";
import { OWN_MESSAGE_BYTES_MAX, OWN_MESSAGES_MAX } from "./own-stream.ts";
import { parseServiceConfig } from "./service-config.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;
const FIRST_ANSWER = "the first answer of its health check has not come";

function watching(policy = "round_robin", serviceName = ""): HarnessOptions {
  const config = { loadBalancingConfig: [{ [policy]: {} }], healthCheckConfig: { serviceName } };
  return {
    rng: { next: () => 0.5, int: () => 0 },
    config: { serviceConfig: parseServiceConfig(config) },
  };
}

/** Servers that are endpoints, and the stream on which each is asked for its health. */
async function watched(
  harness: ClusterHarness,
  count: number,
): Promise<{ servers: RawServer[]; connections: RawConnection[]; calls: OwnCall[] }> {
  const servers: RawServer[] = [];
  for (let i = 0; i < count; i += 1) servers.push(await harness.server());
  servers.sort((a, b) => (a.address < b.address ? -1 : 1));
  harness.resolve(...servers);
  const connections = await Promise.all(servers.map((server) => server.next()));
  const calls = await Promise.all(connections.map((each) => callOf(each, WATCH_PATH)));
  return { servers, connections, calls };
}

function warningsOf({ log }: ClusterHarness): string[] {
  return log.entries.filter(({ level }) => level === "warn").map(({ msg }) => msg);
}

async function untilState(harness: ClusterHarness, server: RawServer, state: string) {
  await eventually(state, () => harness.view(server).state === state);
}

test("A17: an endpoint stays CONNECTING until it has answered its health check", async () => {
  await withCluster(watching("round_robin", "echo.Echo"), async (harness) => {
    const { servers, calls } = await watched(harness, 1);
    const [server, call] = [servers[0]!, calls[0]!];
    await settle();
    assert.equal(harness.view(server).state, "CONNECTING");
    assert.equal(harness.view(server).reason, FIRST_ANSWER);
    assert.equal(harness.cluster.connectivity, "CONNECTING");
    const { stream } = call;
    assert.equal(call.message.toString("latin1"), "\x0a\x09echo.Echo");
    assert.deepEqual(
      [":method", ":scheme", ":authority", "content-type", "te"].map((name) => stream.get(name)),
      ["POST", "http", server.address, "application/grpc", "trailers"],
    );
    call.say(SERVING);
    await harness.untilReady(1);
    assert.equal(harness.cluster.connectivity, "READY");
    assert.equal(harness.view(server).reason, "ready");
  });
});

test("A17: one that does not serve gets no new call, and finishes those that it has", async () => {
  await withCluster(watching(), async (harness) => {
    const { servers, connections, calls } = await watched(harness, 2);
    for (const call of calls) call.say(SERVING);
    await harness.untilReady(2);
    const running = [harness.call(), harness.call()];
    const streams = await Promise.all(
      connections.map((each) => callOf(each, "/echo.Echo/Say").then(({ stream }) => stream)),
    );
    calls[0]!.say(NOT_SERVING);
    await untilState(harness, servers[0]!, "UNHEALTHY");
    const view = harness.view(servers[0]!);
    assert.equal(view.reason, "its health check says NOT_SERVING");
    assert.equal(view.usable, false);
    const [, connected, fit] = view.decision;
    assert.deepEqual(connected, { rule: "connection is ready", effect: "yes, 1" });
    assert.match(fit!.effect, /^no: its health check says NOT_SERVING$/);
    const later = Array.from({ length: 6 }, () => harness.call());
    await eventually("six calls", () => callsOf(connections[1]!, "/echo.Echo/Say").length === 7);
    assert.equal(callsOf(connections[0]!, "/echo.Echo/Say").length, 1);
    for (const [i, stream] of streams.entries()) connections[i]!.respond(stream.id);
    for (const { stream } of callsOf(connections[1]!, "/echo.Echo/Say").slice(1)) {
      connections[1]!.respond(stream.id);
    }
    for (const probe of [...running, ...later]) {
      await probe.over();
      assert.equal(probe.grpcStatus, "0");
    }
    assert.equal(harness.metric("fairlead_lb_endpoints", { state: "unhealthy" }), 1);
    assert.equal(harness.metric("fairlead_lb_endpoints", { state: "ready" }), 1);
    assert.deepEqual(warningsOf(harness), ["endpoint is unhealthy"]);
  });
});

test("A17: unhealthy to healthy is READY at once, without CONNECTING in between", async () => {
  await withCluster(watching(), async (harness) => {
    const { calls } = await watched(harness, 1);
    const call = calls[0]!;
    call.say(NOT_SERVING);
    await eventually("failing", () => harness.cluster.connectivity === "TRANSIENT_FAILURE");
    call.say(SERVING);
    await harness.untilReady(1);
    call.say(SERVICE_UNKNOWN);
    await eventually("failing", () => harness.cluster.connectivity === "TRANSIENT_FAILURE");
    assert.match(harness.endpoints[0]!.reason, /SERVICE_UNKNOWN/);
    harness.clock.advance(FLAP_MS);
    call.say(SERVING);
    await harness.untilReady(1);
    const seen = ["CONNECTING", "TRANSIENT_FAILURE", "READY", "TRANSIENT_FAILURE", "READY"];
    assert.deepEqual(harness.connectivity, seen);
  });
});

test("A17: UNIMPLEMENTED is healthy, is not asked again, and is told once", async () => {
  await withCluster(watching(), async (harness) => {
    const { connections, calls } = await watched(harness, 3);
    for (const call of calls) call.end(12, "unknown service");
    await harness.untilReady(3);
    await harness.pass(120_000);
    assert.deepEqual(
      connections.map((each) => callsOf(each, WATCH_PATH).length),
      [1, 1, 1],
    );
    assert.deepEqual(warningsOf(harness), [
      "endpoint does not implement grpc.health.v1.Health/Watch: it counts as serving",
    ]);
  });
});

test("A17: any other status is a failure, and is tried again with backoff", async () => {
  await withCluster(watching(), async (harness) => {
    const { servers, connections, calls } = await watched(harness, 1);
    calls[0]!.end(14, "later%0A");
    await untilState(harness, servers[0]!, "UNHEALTHY");
    assert.equal(harness.view(servers[0]!).reason, "its health check failed: UNAVAILABLE: later?");
    harness.clock.advance(BACKOFF_MS_FIRST - 1);
    await settle();
    assert.equal(callsOf(connections[0]!, WATCH_PATH).length, 1);
    harness.clock.advance(1);
    // "When the next attempt starts, the subchannel will transition to state CONNECTING."
    assert.equal(harness.view(servers[0]!).state, "CONNECTING");
    (await callOf(connections[0]!, WATCH_PATH, 2)).end(0);
    await untilState(harness, servers[0]!, "UNHEALTHY");
    harness.clock.advance(BACKOFF_MS_FIRST * 1.6 - 1);
    await settle();
    assert.equal(callsOf(connections[0]!, WATCH_PATH).length, 2, "longer than before");
    harness.clock.advance(1);
    (await callOf(connections[0]!, WATCH_PATH, 3)).say(SERVING);
    await harness.untilReady(1);
  });
});

test("A17: after a message the next attempt is immediate", async () => {
  await withCluster(watching(), async (harness) => {
    const { connections, calls } = await watched(harness, 1);
    calls[0]!.say(SERVING);
    await harness.untilReady(1);
    harness.clock.advance(2_000);
    calls[0]!.end(14);
    (await callOf(connections[0]!, WATCH_PATH, 2)).say(SERVING);
    harness.clock.advance(FLAP_MS);
    await harness.untilReady(1);
    assert.equal(harness.clock.nowMs(), 2_000 + FLAP_MS, "without a delay");
  });
});

test("A17: pick_first does not ask", async () => {
  await withCluster(watching("pick_first"), async (harness) => {
    const server = await harness.server();
    harness.resolve(server);
    const connection = await server.next();
    await harness.untilReady(1);
    await settle();
    assert.equal(connection.streams.size, 0);
  });
});

test("without healthCheckConfig nobody is asked", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    await settle();
    assert.equal((await server!.next()).streams.size, 0);
  });
});

test("A17: a GOAWAY ends the health check, and the connection with it", async () => {
  await withCluster(watching(), async (harness) => {
    const { servers, connections, calls } = await watched(harness, 1);
    calls[0]!.say(SERVING);
    await harness.untilReady(1);
    connections[0]!.goAway(0x7fffffff);
    await eventually("cancelled", () => calls[0]!.stream.resetCode === 8);
    await connections[0]!.closed();
    const next = await servers[0]!.next();
    const call = await callOf(next, WATCH_PATH);
    assert.equal(harness.view(servers[0]!).state, "CONNECTING", "it has to answer anew");
    call.say(SERVING);
    await harness.untilReady(1);
  });
});

test("an endpoint that leaves is gone as soon as its calls are, whoever watches it", async () => {
  await withCluster(watching(), async (harness) => {
    const { connections, calls } = await watched(harness, 2);
    for (const call of calls) call.say(SERVING);
    await harness.untilReady(2);
    const probe = harness.call();
    const [busy, idle] = await eventually("a call", () => {
      const at = connections.findIndex((each) => callsOf(each, "/echo.Echo/Say").length > 0);
      return at >= 0 && [connections[at]!, connections[1 - at]!];
    });
    harness.resolve();
    await idle.closed();
    await settle();
    assert.equal(busy.isClosed || busy.isEnded, false);
    busy.respond((await callOf(busy, "/echo.Echo/Say")).stream.id);
    await probe.over();
    assert.equal(probe.grpcStatus, "0");
    await busy.closed();
  });
});

test("a health check is no call: no figure counts it, and no keepalive asks for its sake", async () => {
  await withCluster(watching(), async (harness) => {
    harness.clock.advance(1_000); // at 0 the keepalive has not begun
    const { connections, calls } = await watched(harness, 1);
    calls[0]!.say(SERVING);
    await harness.untilReady(1);
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(harness.endpoints[0]!.activeCalls, 0);
    assert.equal(harness.endpoints[0]!.calls, 0);
    assert.equal(harness.metric("fairlead_lb_picks_total"), 0);
    // grpc-go's servers would answer the third PING within five minutes with too_many_pings.
    await harness.pass(600_000);
    assert.equal(connections[0]!.frames.filter(({ type }) => type === 6).length, 0);
    assert.equal(harness.view(harness.endpoints[0]!.address).state, "READY");
  });
});

test("a connection beyond the first closes at rest although a health check is on it", async () => {
  await withCluster({ ...watching(), maxConnectionsPerEndpoint: 3 }, async (harness) => {
    const server = await harness.server({ settings: [[3, 2]] });
    harness.resolve(server);
    const first = await server.next();
    (await callOf(first, WATCH_PATH)).say(SERVING);
    await harness.untilReady(1);
    const probes = [harness.call(), harness.call(), harness.call()];
    const second = await server.next();
    await eventually("two calls", () => callsOf(second, "/echo.Echo/Say").length === 2);
    probes.push(harness.call());
    const third = await server.next();
    await callOf(third, "/echo.Echo/Say");
    // The second is full: the health check moves to the third.
    first.goAway(0x7fffffff);
    (await callOf(third, WATCH_PATH)).say(SERVING);
    await harness.pass(FLAP_MS);
    for (const connection of [first, second, third]) {
      for (const { stream } of callsOf(connection, "/echo.Echo/Say")) connection.respond(stream.id);
    }
    for (const probe of probes) await probe.over();
    await harness.pass(EXTRA_CONNECTION_IDLE_MS + 2_000);
    await third.closed();
    (await callOf(second, WATCH_PATH)).say(SERVING);
    await harness.pass(FLAP_MS);
    await harness.untilReady(1);
    assert.equal(second.isClosed, false);
  });
});

test("a health check moves to another connection of the endpoint when its own drains", async () => {
  await withCluster({ ...watching(), maxConnectionsPerEndpoint: 2 }, async (harness) => {
    const server = await harness.server({ settings: [[3, 2]] });
    harness.resolve(server);
    const first = await server.next();
    (await callOf(first, WATCH_PATH)).say(SERVING);
    await harness.untilReady(1);
    const probes = [harness.call(), harness.call()];
    const second = await server.next();
    await eventually("a call", () => callsOf(second, "/echo.Echo/Say").length === 1);
    first.goAway(0x7fffffff);
    const moved = await callOf(second, WATCH_PATH);
    moved.say(NOT_SERVING);
    await untilState(harness, server, "UNHEALTHY");
    for (const connection of [first, second]) {
      for (const { stream } of callsOf(connection, "/echo.Echo/Say")) connection.respond(stream.id);
    }
    for (const probe of probes) await probe.over();
  });
});

test("a config that asks for health later does not hold up endpoints that serve", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server!.next();
    const asking = watching("round_robin").config!.serviceConfig!;
    harness.cluster.reconfigure(asking);
    const call = await callOf(connection, WATCH_PATH);
    assert.equal(harness.view(server!).state, "READY", "until somebody finds it ill");
    call.say(NOT_SERVING);
    await untilState(harness, server!, "UNHEALTHY");
    harness.cluster.reconfigure(parseServiceConfig({ loadBalancingConfig: [{ round_robin: {} }] }));
    assert.equal(harness.view(server!).state, "READY", "nobody asks any more");
    await eventually("cancelled", () => call.isReset);
  });
});

test("a server that never answers is unhealthy after ten seconds, and is asked again", async () => {
  await withCluster(watching(), async (harness) => {
    const { servers, connections } = await watched(harness, 1);
    await harness.pass(WATCH_ANSWER_TIMEOUT_MS);
    assert.equal(harness.view(servers[0]!).state, "UNHEALTHY");
    assert.equal(
      harness.view(servers[0]!).reason,
      "its health check failed: no answer within 10 s",
    );
    assert.equal(callsOf(connections[0]!, WATCH_PATH)[0]!.isReset, true);
    await harness.pass(1_000);
    (await callOf(connections[0]!, WATCH_PATH, 2)).say(SERVING);
    await harness.untilReady(1);
  });
});

const GARBAGE: readonly (readonly [string, Buffer, RegExp])[] = [
  ["a flag that is none", Buffer.from([7, 0, 0, 0, 0]), /bytes that are no messages/],
  ["a compressed message", Buffer.from([1, 0, 0, 0, 1, 0]), /a compressed message/],
  ["a message that ends too soon", framedBytes([10, 200, 1]), /a malformed message/],
  ["a varint without end", framedBytes(new Array(11).fill(0xff)), /a malformed message/],
  [
    "a message that is too large",
    Buffer.from([0, 0, 1, 0, 1]),
    new RegExp(`a message of ${OWN_MESSAGE_BYTES_MAX + 1} bytes, more than`),
  ],
];
for (const [what, bytes, reason] of GARBAGE) {
  test(`${what} is a failed health check, and no more`, async () => {
    await withCluster(watching(), async (harness) => {
      const { servers, connections, calls } = await watched(harness, 1);
      calls[0]!.say(SERVING);
      await harness.untilReady(1);
      calls[0]!.send(bytes);
      await untilState(harness, servers[0]!, "UNHEALTHY");
      assert.match(harness.view(servers[0]!).reason, reason);
      await eventually("cancelled", () => calls[0]!.isReset);
      assert.equal(connections[0]!.isClosed, false);
      await harness.pass(1_000);
      (await callOf(connections[0]!, WATCH_PATH, 2)).say(SERVING);
      await harness.untilReady(1);
    });
  });
}

test("fields that nobody knows are passed over", async () => {
  await withCluster(watching(), async (harness) => {
    const { calls } = await watched(harness, 1);
    calls[0]!.send(framedBytes([0x7a, 2, 1, 2, 8, 2, 0x10, 5, 8, 1]));
    await harness.untilReady(1);
  });
});

test("a flood of answers is cut, and does not come again at once", async () => {
  await withCluster(watching(), async (harness) => {
    const { servers, connections, calls } = await watched(harness, 1);
    calls[0]!.say(SERVING);
    await harness.untilReady(1);
    for (let i = 1; i < OWN_MESSAGES_MAX; i += 1) calls[0]!.say(SERVING);
    await connections[0]!.roundTrip();
    assert.equal(harness.view(servers[0]!).state, "READY", "as many as it may");
    calls[0]!.say(SERVING);
    await untilState(harness, servers[0]!, "UNHEALTHY");
    assert.match(harness.view(servers[0]!).reason, /too many messages/);
    await settle();
    assert.equal(callsOf(connections[0]!, WATCH_PATH).length, 1);
    await harness.pass(1_000);
    assert.equal(callsOf(connections[0]!, WATCH_PATH).length, 2);
  });
});

test("a server that answers and ends, again and again, is asked ever less often", async () => {
  await withCluster(watching(), async (harness) => {
    const { connections } = await watched(harness, 1);
    let answered = 0;
    for (let i = 0; i < 60; i += 1) {
      for (let calls = callsOf(connections[0]!, WATCH_PATH); answered < calls.length; ) {
        calls[answered]!.say(SERVING);
        calls[answered]!.end(14);
        answered += 1;
        await settle(3);
        calls = callsOf(connections[0]!, WATCH_PATH);
      }
      await harness.pass(1_000);
    }
    assert.ok(answered >= 5 && answered <= 14, `${answered} attempts in a minute`);
  });
});

test("health that flaps a thousand times makes a picker in 100 ms at most", async () => {
  await withCluster(watching(), async (harness) => {
    const { servers, connections, calls } = await watched(harness, 2);
    for (const call of calls) call.say(SERVING);
    await harness.untilReady(2);
    const before = harness.connectivity.length;
    let changes = 0;
    const { cluster } = harness;
    const onState = cluster.onSubchannelState.bind(cluster);
    cluster.onSubchannelState = (...args) => {
      changes += 1;
      onState(...args);
    };
    for (let i = 0; i < 450; i += 1) {
      calls[0]!.say(NOT_SERVING);
      calls[0]!.say(SERVING);
    }
    await connections[0]!.roundTrip();
    assert.equal(changes, 1, "out at once, and not back before its time");
    assert.equal(harness.view(servers[0]!).state, "UNHEALTHY");
    harness.clock.advance(FLAP_MS);
    assert.equal(harness.view(servers[0]!).state, "READY");
    assert.equal(changes, 2);
    assert.equal(harness.connectivity.length, before);
  });
});

// An answered health check is no served call: such a server was reconnected to without a pause.
test("a server that says SERVING and cuts the connection is backed off from", async () => {
  await withCluster(watching(), async (harness) => {
    const server = await harness.server();
    harness.resolve(server);
    for (let i = 0; i < 2; i += 1) {
      const connection = await server.next();
      (await callOf(connection, WATCH_PATH)).say(SERVING);
      await harness.untilReady(1);
      connection.destroy();
      await eventually("lost", () => harness.states("READY").length === 0);
    }
    await untilState(harness, server, "TRANSIENT_FAILURE");
    assert.match(harness.view(server).reason, /next attempt in 0\.2 s/);
  });
});
