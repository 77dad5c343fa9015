/** Tests of calls in a cluster: picked, queued, cancelled, timed out, counted. */
import assert from "node:assert/strict";
import test from "node:test";
import { type CallerProbe, settle, withCluster } from "../../test/support/cluster.ts";
import {
  eventually,
  grpcRequest,
  type Pairs,
  type RawConnection,
  type RawServer,
  Type,
} from "../../test/support/raw-http2.ts";
import type { Policy } from "../balancing/index.ts";
import { parseGrpcTimeout } from "../grpc/index.ts";
import { headerList, limits } from "../http2/index.ts";

import {
  CAPACITY_QUEUE_CALLS_MAX,
  CAPACITY_TIMEOUT_MS,
  DEADLINE_GRACE_MS,
  READY_QUEUE_CALLS_MAX,
  WARM_UP_MS,
} from "./config.ts";
import { TURN_CALLS_MAX } from "./turn-queue.ts";

const { STREAM_WINDOW_BYTES } = limits;

async function connectionsOf(servers: readonly RawServer[]): Promise<RawConnection[]> {
  return Promise.all(servers.map((server) => server.next()));
}

function streamCounts(connections: readonly RawConnection[]): number[] {
  return connections.map((connection) => connection.streams.size);
}

async function answerAll(connections: readonly RawConnection[], status = "0"): Promise<void> {
  for (const connection of connections) {
    while (connection.freshCount > 0)
      connection.respond((await connection.nextStream()).id, status);
  }
}

async function allOver(calls: readonly CallerProbe[]): Promise<void> {
  for (const call of calls) await call.over();
}

test("calls are picked one by one over the ready endpoints", async () => {
  await withCluster({ policy: "round_robin" }, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const calls = Array.from({ length: 9 }, () => harness.call());
    await eventually("three each", () => streamCounts(connections).every((count) => count === 3));
    await answerAll(connections);
    await allOver(calls);
  });
});

test("least_request avoids an endpoint whose calls do not end", async () => {
  await withCluster({ policy: "least_request" }, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const stuck = harness.call();
    const slow = await eventually("the first", () => connections.find((c) => c.freshCount > 0));
    const other = connections.find((connection) => connection !== slow)!;
    for (let i = 0; i < 20; i += 1) {
      const call = harness.call();
      other.respond((await other.nextStream()).id);
      await call.over();
    }
    assert.equal(slow.streams.size, 1);
    slow.respond(1);
    await stuck.over();
  });
});

test("calls wait for the first endpoint, and fail with the reason after their time", async () => {
  await withCluster({ readyTimeoutMs: 5_000 }, async (harness) => {
    const early = harness.call();
    harness.clock.advance(4_000);
    harness.resolver.listener!.onError("lookup of echo.test: SERVFAIL");
    const late = harness.call();
    harness.clock.advance(1_010);
    assert.equal(early.failure?.kind, "refused");
    assert.equal(early.failure?.status, 14);
    assert.equal(
      early.failure?.reason,
      "echo.test:1 cannot be resolved: lookup of echo.test: SERVFAIL",
    );
    assert.equal(late.failure, null);
    const server = await harness.server();
    harness.resolve(server);
    const connection = await server.next();
    connection.respond((await connection.nextStream()).id);
    await late.over();
    assert.equal(late.grpcStatus, "0");
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "not_ready" }), 1);
  });
});

test("each state in which nothing is ready has its own words", async () => {
  await withCluster({ readyTimeoutMs: 100 }, async (harness) => {
    const reasonNow = async (): Promise<string> => {
      const call = harness.call();
      harness.clock.advance(110);
      return call.failure!.reason;
    };
    assert.equal(await reasonNow(), "echo.test:1 is not resolved yet");
    harness.resolver.listener!.onEndpoints({ endpoints: [], reason: "no A or AAAA record" });
    assert.equal(await reasonNow(), "echo.test:1 has no endpoints: no A or AAAA record");
    const gone = await harness.server();
    await gone.close();
    harness.resolve(gone.address);
    await eventually("refused", () => harness.states("TRANSIENT_FAILURE").length === 1);
    assert.match(
      await reasonNow(),
      /^no endpoint of echo\.test:1 is ready: 127\.0\.0\.1:\d+: connection refused$/,
    );
    assert.match(harness.cluster.readiness().reason, /^no endpoint of echo\.test:1 is ready: /);
    harness.resolve(...["1", "2", "3", "4", "5"].map((n) => `127.0.0.${n}:1`));
    await eventually("refused", () => harness.states("TRANSIENT_FAILURE").length === 5);
    assert.match(await reasonNow(), /127\.0\.0\.3:1: connection refused.*; and 2 more$/);
  });
});

test("the queue for something ready is bounded; what comes above it is refused at once", async () => {
  await withCluster({}, async (harness) => {
    const waiting = Array.from({ length: READY_QUEUE_CALLS_MAX }, () => harness.call());
    const refused = harness.call();
    assert.equal(refused.failure?.status, 14);
    assert.match(refused.failure!.reason, /^65536 calls wait: echo\.test:1 is not resolved yet$/);
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "queue_full" }), 1);
    waiting[77].call!.cancel(8);
    const next = harness.call();
    assert.equal(next.failure, null, "a cancelled one made room");
    harness.clock.advance(5_010);
    assert.equal(waiting.filter((call) => call.failure !== null).length, READY_QUEUE_CALLS_MAX - 1);
    assert.equal(waiting[77].failure, null, "a cancelled call hears nothing");
    assert.equal(harness.cluster.activeCalls, 0);
  });
});

test("after a cold start the calls that waited are spread over all endpoints", async () => {
  await withCluster({ policy: "least_request" }, async (harness) => {
    const calls = Array.from({ length: 60 }, () => harness.call());
    const slow = await harness.server({ settings: null });
    const quick = [await harness.server(), await harness.server()];
    harness.resolve(...quick, slow);
    await harness.untilReady(2);
    await settle();
    const fast = await connectionsOf(quick);
    assert.deepEqual(streamCounts(fast), [0, 0], "they wait for the third a little");
    const late = await slow.next();
    late.settings([]);
    await eventually("all are out", () => streamCounts([...fast, late]).reduce(sum) === 60);
    for (const count of streamCounts([...fast, late])) assert.ok(count >= 15 && count <= 25);
    await answerAll([...fast, late]);
    await allOver(calls);
  });
});

test("an endpoint that does not get ready holds waiting calls up only for the warm-up", async () => {
  await withCluster({}, async (harness) => {
    const calls = [harness.call(), harness.call()];
    const slow = await harness.server({ settings: null });
    const quick = await harness.server();
    harness.resolve(quick, slow);
    await harness.untilReady(1);
    await settle();
    const connection = await quick.next();
    assert.equal(connection.streams.size, 0);
    harness.clock.advance(WARM_UP_MS);
    await eventually("both are out", () => connection.streams.size === 2);
    await answerAll([connection]);
    await allOver(calls);
  });
});

function sum(a: number, b: number): number {
  return a + b;
}

test("an endpoint that is refused does not hold waiting calls up at all", async () => {
  await withCluster({}, async (harness) => {
    const call = harness.call();
    const server = await harness.server();
    const gone = await harness.server();
    await gone.close();
    harness.resolve(server, gone.address);
    const connection = await server.next();
    connection.respond((await connection.nextStream()).id);
    await call.over();
    assert.equal(harness.clock.nowMs(), 0);
  });
});

test("calls beyond every connection's streams wait in order, and none overtakes", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server.next();
    const calls = Array.from({ length: 6 }, (_, i) =>
      harness.call({ list: grpcRequest("/s/m", [["x-n", String(i)]]) }),
    );
    calls[3].call!.cancel(8);
    const order: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const stream = await connection.nextStream();
      order.push(stream.get("x-n")!);
      if (i === 1) calls.push(harness.call({ list: grpcRequest("/s/m", [["x-n", "6"]]) }));
      connection.respond(stream.id);
    }
    const last = await connection.nextStream();
    order.push(last.get("x-n")!);
    connection.respond(last.id);
    calls.splice(3, 1);
    await allOver(calls);
    assert.deepEqual(order, ["0", "1", "2", "4", "5", "6"]);
  });
});

test("callers take turns for a stream: many calls of one do not keep another waiting", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server.next();
    const [crowd, guest, other] = [{}, {}, {}];
    const names: string[] = [];
    const call = (name: string, caller: object) =>
      harness.call({ list: grpcRequest("/s/m", [["x-n", name]]), caller });
    // The first has the stream at once; of the others one gives up.
    const many = Array.from({ length: TURN_CALLS_MAX + 4 }, (_, i) => `a${i + 1}`);
    const calls = many.map((name) => call(name, crowd));
    calls.push(call("b1", guest), call("c1", other), call("b2", guest), call("c2", other));
    const gone = call("b0", guest);
    calls[2].call!.cancel(8);
    for (const [i, name] of ["b3", "d1"].entries()) calls.push(call(name, i === 0 ? guest : {}));
    gone.call!.cancel(8);
    calls.splice(2, 1);
    many.splice(2, 1);
    for (const _ of calls) {
      const stream = await connection.nextStream();
      names.push(stream.get("x-n")!);
      connection.respond(stream.id);
    }
    await allOver(calls);
    const turn = 1 + TURN_CALLS_MAX;
    const guests = ["b1", "b2", "b3", "c1", "c2", "d1"];
    assert.deepEqual(names, [...many.slice(0, turn), ...guests, ...many.slice(turn)]);
    assert.equal(harness.metric("fairlead_calls_waiting"), 0);
  });
});

/** Picks the first of the ready endpoints, or the second. */
const stubborn: Policy = {
  name: "stubborn",
  connects: "all",
  shuffleAddressList: false,
  newPicker: (ready) => ({
    pick: (exclude) => (ready[0] === exclude ? ready[1] : ready[0]) ?? null,
  }),
};

test("a call goes to any endpoint with room before it waits", async () => {
  await withCluster({ policy: stubborn, maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const connections = await connectionsOf(await harness.ready(6, [[3, 1]]));
    const calls = Array.from({ length: 6 }, () => harness.call());
    await eventually("one each", () => streamCounts(connections).every((count) => count === 1));
    const seventh = harness.call();
    assert.equal(harness.metric("fairlead_calls_waiting", { queue: "capacity" }), 1);
    await answerAll(connections);
    await allOver(calls);
    await eventually("the seventh", () => connections.some(({ freshCount }) => freshCount > 0));
    await answerAll(connections);
    await allOver([seventh]);
  });
});

test("the queue for capacity is bounded; what comes above it is refused at once", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 0]]);
    const waiting = Array.from({ length: CAPACITY_QUEUE_CALLS_MAX }, () => harness.call());
    const refused = harness.call();
    assert.equal(refused.failure?.status, 14);
    assert.equal(
      refused.failure?.reason,
      "every connection of echo.test:1 is at its MAX_CONCURRENT_STREAMS, and 65536 calls wait",
    );
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "capacity_full" }), 1);
    for (const call of waiting) call.call!.cancel(8);
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(harness.metric("fairlead_calls_waiting"), 0);
    assert.equal(server.connections[0].streams.size, 0);
  });
});

test("calls that wait for capacity move to another endpoint when theirs is lost", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 0]]);
    const call = harness.call();
    assert.equal(harness.metric("fairlead_calls_waiting", { queue: "capacity" }), 1);
    await server.close();
    await eventually("it waits for something ready", () => {
      return harness.metric("fairlead_calls_waiting", { queue: "ready" }) === 1;
    });
    const other = await harness.server();
    harness.resolve(other);
    const connection = await other.next();
    connection.respond((await connection.nextStream()).id);
    await call.over();
    assert.equal(call.grpcStatus, "0");
  });
});

test("a cancelled call is out of everything before cancel returns", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const waiting = harness.call({ deadlineMs: 60_000 });
    assert.equal(harness.wheel.size, 1);
    waiting.call!.cancel(8);
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(harness.wheel.size, 0);
    assert.equal(harness.metric("fairlead_calls_waiting"), 0);

    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server.next();
    const active = harness.call({ deadlineMs: 60_000, isEnd: false });
    const full = harness.call({ deadlineMs: 60_000 });
    const stream = await connection.nextStream();
    full.call!.cancel(8);
    assert.equal(harness.cluster.activeCalls, 1);
    active.call!.cancel(11);
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(harness.view(server).activeCalls, 0);
    assert.equal(harness.wheel.size, 0);
    await eventually("told", () => stream.resetCode !== null);
    assert.equal(stream.resetCode, 11);
    active.call!.cancel(8);
    active.send("too late", true);
    active.call!.credit(5);
    await settle();
    assert.deepEqual([...active.log, ...full.log, ...waiting.log], []);
    assert.equal(connection.streams.size, 1);
  });
});

test("a cancelled call makes room for one that waits", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server.next();
    const first = harness.call();
    const second = harness.call();
    await connection.nextStream();
    first.call!.cancel(8);
    const stream = await connection.nextStream();
    connection.respond(stream.id);
    await second.over();
    assert.equal(second.grpcStatus, "0");
  });
});

function withTimeout(value: string): Pairs {
  return grpcRequest("/s/m", [["grpc-timeout", value]]);
}

test("grpc-timeout goes on as what remains, and never longer than it came", async () => {
  await withCluster({}, async (harness) => {
    const call = harness.call({ list: withTimeout("10S"), deadlineMs: 10_000 });
    harness.clock.advance(2_500);
    const server = await harness.server();
    harness.resolve(server);
    const connection = await server.next();
    const stream = await connection.nextStream();
    const sent = parseGrpcTimeout(stream.get("grpc-timeout")!);
    assert.equal(sent, 7_500);
    connection.reset(stream.id, 7);
    harness.clock.advance(2_500);
    const again = await connection.nextStream();
    assert.ok(parseGrpcTimeout(again.get("grpc-timeout")!) <= 7_500, "also when sent again");
    connection.respond(again.id);
    await call.over();

    const atOnce = harness.call({ list: withTimeout("7H"), deadlineMs: 25_200_000 + 5_000 });
    const third = await connection.nextStream();
    assert.equal(third.get("grpc-timeout"), "7H", "unchanged when nothing has passed");
    connection.respond(third.id);
    await atOnce.over();
  });
});

test("a call is ended a little after its deadline when nobody else does it", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const call = harness.call({ list: withTimeout("1S"), deadlineMs: 1_000 });
    const stream = await connection.nextStream();
    harness.clock.advance(1_000);
    assert.equal(call.isFailed, false, "the server may still answer");
    harness.clock.advance(DEADLINE_GRACE_MS + 10);
    assert.equal(call.failure?.kind, "deadline");
    assert.equal(call.failure?.status, 4);
    assert.match(call.failure!.reason, /^deadline exceeded after 10\d\d ms, waiting for 127\.0/);
    await eventually("told", () => stream.resetCode !== null);
    assert.equal(stream.resetCode, 8);
    assert.equal(harness.view(server).failures, 1);
  });
});

test("a call with a deadline that waits fails at its deadline, not later", async () => {
  await withCluster({ readyTimeoutMs: 5_000, maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const unready = harness.call({ deadlineMs: 300 });
    harness.clock.advance(310);
    assert.equal(unready.failure?.status, 14, "UNAVAILABLE: nothing was ready");
    const server = await harness.server({ settings: [[3, 0]] });
    harness.resolve(server);
    await harness.untilReady(1);
    const full = harness.call({ deadlineMs: 1_000 });
    harness.clock.advance(700);
    assert.equal(full.failure?.status, 4);
    assert.match(full.failure!.reason, /^deadline exceeded while every connection of echo\.test:1/);
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "deadline" }), 1);
  });
});

test("a call waits for a stream up to a time, or its deadline if that is shorter", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server.next();
    const first = harness.call();
    const stream = await connection.nextStream();
    const endless = harness.call();
    const patient = harness.call({ deadlineMs: 2 * CAPACITY_TIMEOUT_MS });
    const brief = harness.call({ deadlineMs: CAPACITY_TIMEOUT_MS - 1_000 });
    await harness.pass(CAPACITY_TIMEOUT_MS - 500);
    assert.equal(brief.failure?.status, 4, "DEADLINE_EXCEEDED");
    assert.deepEqual([endless.failure, patient.failure], [null, null]);
    const late = harness.call();
    await harness.pass(1_000);
    for (const { failure } of [endless, patient]) {
      assert.equal(failure?.kind, "refused");
      assert.equal(failure?.status, 14);
      assert.equal(
        failure?.reason,
        "every connection of echo.test:1 is at its MAX_CONCURRENT_STREAMS, " +
          "and the call has waited for 60000 ms",
      );
    }
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "capacity_timeout" }), 2);
    connection.respond(stream.id);
    connection.respond((await connection.nextStream()).id);
    await allOver([first, late]);
    assert.equal(late.grpcStatus, "0");
  });
});

test("a stream without a deadline is never ended for its age", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const call = harness.call();
    const stream = await connection.nextStream();
    await harness.pass(120_000);
    assert.equal(call.failure, null);
    connection.respond(stream.id);
    await call.over();
  });
});

test("what came of each attempt is counted on its endpoint", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const ends: ((id: number) => void)[] = [
      (id) => connection.respond(id, "0"),
      (id) => connection.respond(id, "5"),
      (id) =>
        connection.headers(
          id,
          [
            [":status", "200"],
            ["grpc-status", "0"],
          ],
          true,
        ),
      (id) => connection.headers(id, [[":status", "503"]], true),
      (id) => connection.reset(id, 2),
    ];
    for (const end of ends) {
      const call = harness.call();
      const stream = await connection.nextStream();
      assert.equal(harness.view(server).activeCalls, 1);
      harness.clock.advance(10);
      end(stream.id);
      await call.over();
    }
    const { calls, failures, activeCalls, latencyMs } = harness.view(server);
    assert.deepEqual({ calls, failures, activeCalls }, { calls: 5, failures: 3, activeCalls: 0 });
    assert.equal(latencyMs, 10);
    const attempts = (status: string) => {
      const { families } = harness.registry.snapshot();
      const name = "grpc_client_attempt_duration_seconds";
      const series = families.find((family) => family.name === name)!.series;
      return series.find(({ labels }) => labels.grpc_status === status)?.count ?? 0;
    };
    assert.deepEqual(["OK", "UNAVAILABLE", "INTERNAL"].map(attempts), [2, 1, 1]);
    assert.equal(harness.metric("fairlead_lb_picks_total", { endpoint: server.address }), 5);
    assert.equal(harness.metric("fairlead_lb_failures_total", { endpoint: server.address }), 3);
  });
});

test("a call that is not gRPC is a failure from HTTP 500 on", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const list: Pairs = [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "a"],
    ];
    for (const status of ["200", "404", "500"]) {
      const call = harness.call({ list });
      const { id } = await connection.nextStream();
      connection.headers(id, [[":status", status]]);
      connection.headers(id, [["x-checksum", "1"]], true);
      await call.over();
      const bare = harness.call({ list });
      connection.headers((await connection.nextStream()).id, [[":status", status]], true);
      await bare.over();
    }
    assert.equal(harness.view(server).calls, 6);
    assert.equal(harness.view(server).failures, 2);
  });
});

test("response bytes are granted back only as the caller takes them", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const call = harness.call({ isTaking: false });
    const { id } = await connection.nextStream();
    connection.headers(id, [[":status", "200"]]);
    const bytes = STREAM_WINDOW_BYTES - 1_000;
    connection.data(id, Buffer.alloc(bytes));
    await eventually("all came", () => call.body.length === bytes);
    await connection.roundTrip();
    const updates = () =>
      connection.frames.filter(
        ({ type, streamId }) => type === Type.WINDOW_UPDATE && streamId === id,
      );
    assert.equal(updates().length, 0);
    call.call!.credit(bytes);
    const update = await eventually("credit", () => updates()[0]);
    assert.ok(update.payload.readUInt32BE(0) >= bytes);
    connection.headers(id, [["grpc-status", "0"]], true);
    await call.over();
  });
});

test("what each endpoint is and why is shown, with the steps of the decision", async () => {
  await withCluster({ policy: "least_request" }, async (harness) => {
    const [server] = await harness.ready(1);
    const gone = await harness.server();
    await gone.close();
    harness.resolve(server, gone.address);
    await eventually("refused", () => harness.states("TRANSIENT_FAILURE").length === 1);
    const call = harness.call();
    const connection = await server.next();
    const { id } = await connection.nextStream();
    const view = harness.cluster.view();
    assert.equal(view.target, "echo.test:1");
    assert.equal(view.policy, "least_request");
    assert.equal(view.stale, false);
    assert.deepEqual(view.endpoints.map(({ address }) => address).sort(), [
      ...view.endpoints.map(({ address }) => address),
    ]);
    assert.deepEqual(harness.view(server).decision, [
      { rule: "in the endpoint set", effect: "yes, from static" },
      { rule: "connection is ready", effect: "yes, 1" },
      { rule: "least_request", effect: "a candidate for each call, 1 in flight" },
    ]);
    assert.match(
      harness.view(gone.address).decision[1].effect,
      /^no: TRANSIENT_FAILURE, connection refused; next attempt in 0\.\d s$/,
    );
    assert.equal(harness.view(gone.address).usable, false);
    connection.respond(id);
    await call.over();
  });
});

test("the latency of a stream is the time to its headers, not how long it lasts", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const call = harness.call();
    const { id } = await connection.nextStream();
    harness.clock.advance(5);
    connection.headers(id, [[":status", "200"]]);
    await eventually("the headers", () => call.response !== null);
    harness.clock.advance(20_000);
    connection.headers(id, [["grpc-status", "0"]], true);
    await call.over();
    assert.equal(harness.view(server).latencyMs, 5);
  });
});

test("what a call is told does not change while its reason stays the same", async () => {
  // Shorter than any backoff: the calls fail while the next attempt is still to come.
  await withCluster({ readyTimeoutMs: 20 }, async (harness) => {
    const server = await harness.server();
    await server.close();
    harness.resolve(server);
    await eventually("failed", () => harness.states("TRANSIENT_FAILURE").length === 1);
    const told = new Set<string>();
    for (let i = 0; i < 3; i += 1) {
      const call = harness.call();
      harness.clock.advance(30);
      await call.over();
      told.add(call.failure!.reason);
    }
    const reason = `no endpoint of echo.test:1 is ready: ${server.address}: connection refused`;
    assert.deepEqual([...told], [reason]);
    assert.match(harness.view(server).reason, /next attempt in/, "people are told");
    assert.equal(harness.metric("fairlead_upstream_connect_failures_total"), 1);
  });
});

test("nothing is stale before the first set", async () => {
  await withCluster({}, async (harness) => {
    harness.resolver.listener!.onError("no such name");
    harness.clock.advance(5_000);
    const { stale, staleMs, reason } = harness.cluster.view();
    assert.deepEqual([stale, staleMs, reason], [false, 0, "no such name"]);
  });
});

test("pick_first tells of what it does not need without a fault", async () => {
  await withCluster({ policy: "pick_first" }, async (harness) => {
    const servers = [await harness.server(), await harness.server()];
    harness.resolve(...servers);
    await harness.untilReady(1);
    const idle = harness.states("IDLE")[0]!;
    assert.deepEqual(idle.decision, [
      { rule: "in the endpoint set", effect: "yes, from static" },
      { rule: "pick_first", effect: "uses another endpoint, and connects to no more" },
    ]);
  });
});

test("a source that is away is told, and the last set stays in use", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    harness.resolver.listener!.onError("the source is away");
    harness.clock.advance(700);
    const { stale, staleMs, reason } = harness.cluster.view();
    assert.deepEqual(
      { stale, staleMs, reason },
      { stale: true, staleMs: 700, reason: "the source is away" },
    );
    const call = harness.call();
    const connection = await server.next();
    connection.respond((await connection.nextStream()).id);
    await call.over();
    assert.equal(call.grpcStatus, "0");
    harness.resolve(server);
    assert.equal(harness.cluster.view().stale, false);
    assert.equal(harness.cluster.view().reason, null);
  });
});

test("closing fails the calls that wait, with the reason", async () => {
  await withCluster({}, async (harness) => {
    const call = harness.call();
    harness.cluster.close();
    assert.equal(call.failure?.kind, "refused");
    assert.equal(call.failure?.status, 14);
    assert.equal(call.failure?.reason, "fairlead is shutting down");
  });
});

test("requests keep their trailers and end once", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    const call = harness.call({ isEnd: false });
    call.send("body");
    call.call!.sendTrailers(headerList([["x-t", "1"]]));
    const stream = await connection.nextStream();
    await eventually("the end", () => stream.isEnded);
    assert.equal(stream.lists[1].get("x-t"), "1");
    connection.respond(stream.id);
    await call.over();
    assert.equal(harness.cluster.activeCalls, 0);
  });
});
