/** Tests of transparent replay: what is sent again elsewhere, and what never is. gRFC A6. */
import assert from "node:assert/strict";
import test from "node:test";
import { type CallerProbe, settle, withCluster } from "../../test/support/cluster.ts";
import {
  eventually,
  frameBytes,
  grpcRequest,
  type RawConnection,
  type RawServer,
  Type,
} from "../../test/support/raw-http2.ts";
import type { Policy } from "../balancing/index.ts";
import { ATTEMPTS_MAX, CONNECTION_PROVEN_MS, REPLAY_BYTES_MAX } from "./config.ts";

const REFUSED_STREAM = 7;
const ENHANCE_YOUR_CALM = 11;

/** The connections on which a stream shows up next, whichever it is. */
async function nextOn(connections: readonly RawConnection[]): Promise<RawConnection> {
  return eventually("a stream somewhere", () =>
    connections.find((connection) => connection.freshCount > 0),
  );
}

async function connectionsOf(servers: readonly RawServer[]): Promise<RawConnection[]> {
  return Promise.all(servers.map((server) => server.next()));
}

/** Answers the stream that shows up next on one of these. */
async function answerNext(connections: readonly RawConnection[], body = ""): Promise<void> {
  const connection = await nextOn(connections);
  connection.respond((await connection.nextStream()).id, "0", body);
}

async function assertServed(call: CallerProbe, body = ""): Promise<void> {
  await call.over();
  assert.equal(call.failure, null);
  assert.equal(call.grpcStatus, "0");
  assert.equal(call.body, body);
}

test("a refused stream is sent again on another endpoint, with the same headers", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const list = grpcRequest("/a/b", [["x-request-id", "77"]]);
    const call = harness.call({ list });
    const first = await nextOn(connections);
    const refused = await first.nextStream();
    first.reset(refused.id, REFUSED_STREAM);
    const second = await nextOn(connections);
    assert.notEqual(second, first);
    const again = await second.nextStream();
    assert.deepEqual(again.lists[0].toPairs(), list);
    second.respond(again.id, "0", "served");
    await assertServed(call, "served");
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 1);
    assert.equal(harness.metric("fairlead_lb_picks_total"), 2);
    assert.equal(harness.metric("fairlead_lb_failures_total"), 1);
  });
});

test("a call that was refused twice fails UNAVAILABLE with the reason", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const call = harness.call();
    for (let i = 0; i < 2; i += 1) {
      const connection = await nextOn(connections);
      connection.reset((await connection.nextStream()).id, REFUSED_STREAM);
    }
    await call.over();
    await settle();
    assert.equal(call.failure?.kind, "lost");
    assert.equal(call.failure?.status, 14);
    assert.match(call.failure!.reason, /^127\.0\.0\.1:\d+: the peer reset the stream$/);
    assert.equal(
      connections.reduce((sum, each) => sum + each.streams.size, 0),
      2,
    );
  });
});

test("the only endpoint gets its refused call again", async () => {
  await withCluster({}, async (harness) => {
    const [connection] = await connectionsOf(await harness.ready(1));
    const call = harness.call();
    connection.reset((await connection.nextStream()).id, REFUSED_STREAM);
    connection.respond((await connection.nextStream()).id);
    await assertServed(call);
  });
});

test("another reset code is passed on and nothing is sent again", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call();
    const connection = await nextOn(connections);
    connection.reset((await connection.nextStream()).id, ENHANCE_YOUR_CALM);
    await call.over();
    await settle();
    assert.equal(call.failure?.kind, "reset");
    assert.equal(call.failure?.code, ENHANCE_YOUR_CALM);
    assert.equal(call.failure?.status, 8, "RESOURCE_EXHAUSTED");
    assert.match(call.failure!.reason, /the server reset the stream: ENHANCE_YOUR_CALM$/);
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 0);
  });
});

test("streams above the last id of a GOAWAY are sent again, those below finish", async () => {
  await withCluster({}, async (harness) => {
    const servers = await harness.ready(2);
    const [a, b] = await connectionsOf(servers);
    const calls = Array.from({ length: 6 }, () => harness.call());
    await eventually("three each", () => a.streams.size === 3 && b.streams.size === 3);
    a.goAway(1, 0, "bye");
    await eventually("two more on b", () => b.streams.size === 5);
    for (const id of b.streams.keys()) b.respond(id, "0", "b");
    a.respond(1, "0", "a");
    for (const call of calls) await call.over();
    assert.deepEqual(calls.map((call) => call.body).sort(), ["a", "b", "b", "b", "b", "b"]);
    await a.closed();
  });
});

test("a two-step GOAWAY sends only what is above the second last id again", async () => {
  await withCluster({}, async (harness) => {
    const servers = await harness.ready(2);
    const [a, b] = await connectionsOf(servers);
    const calls = Array.from({ length: 4 }, () => harness.call());
    await eventually("two each", () => a.streams.size === 2 && b.streams.size === 2);
    a.goAway(0x7fffffff);
    await a.roundTrip();
    assert.equal(b.streams.size, 2, "none yet");
    a.goAway(1);
    await eventually("one more on b", () => b.streams.size === 3);
    a.respond(1);
    for (const id of b.streams.keys()) b.respond(id);
    for (const call of calls) await assertServed(call);
  });
});

test("nothing is sent again once response headers came", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call();
    const connection = await nextOn(connections);
    const { id } = await connection.nextStream();
    connection.headers(id, [[":status", "200"]]);
    connection.reset(id, REFUSED_STREAM);
    await call.over();
    await settle();
    assert.equal(call.failure?.status, 14);
    assert.equal(
      connections.reduce((sum, each) => sum + each.streams.size, 0),
      1,
    );
  });
});

test("nothing is sent again once a 1xx came", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call();
    const connection = await nextOn(connections);
    const { id } = await connection.nextStream();
    connection.headers(id, [[":status", "103"]]);
    connection.reset(id, REFUSED_STREAM);
    await call.over();
    assert.equal(call.informational.length, 1);
    assert.equal(call.failure?.status, 14);
  });
});

test("a call that reached the wire of a connection that is lost fails and is not repeated", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call();
    const connection = await nextOn(connections);
    await connection.nextStream();
    connection.destroy();
    await call.over();
    await settle();
    assert.equal(call.failure?.kind, "lost");
    assert.equal(call.failure?.status, 14);
    assert.match(call.failure!.reason, /^127\.0\.0\.1:\d+: (the peer closed|connection reset)/);
    assert.equal(
      connections.reduce((sum, each) => sum + each.freshCount, 0),
      0,
    );
  });
});

test("a call that was never written is sent again as often as it takes", async () => {
  let lose = () => {};
  const policy: Policy = {
    name: "first",
    connects: "all",
    shuffleAddressList: false,
    newPicker: (ready) => ({
      pick: () => {
        // What a call writes leaves at the end of the turn; the socket is gone before that.
        process.nextTick(lose);
        return ready[0] ?? null;
      },
    }),
  };
  await withCluster({ policy }, async (harness) => {
    const [server] = await harness.ready(1);
    lose = () => {
      if (harness.connections.length > 5) return;
      harness.clock.advance(CONNECTION_PROVEN_MS);
      harness.connections.at(-1)!.socket.destroy();
    };
    const call = harness.call();
    const connection = await eventually("the sixth connection", () => server.connections[5]);
    connection.respond((await connection.nextStream()).id);
    await assertServed(call);
    assert.deepEqual(
      server.connections.map(({ streams }) => streams.size),
      [0, 0, 0, 0, 0, 1],
    );
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 5);
  });
});

// What was reported as never written left all the same, before the GOAWAY, and so ran twice.
test("a call is not sent where its connection breaks in the turn in which it was started", async () => {
  await withCluster({ maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 0]]);
    const call = harness.call();
    for (let i = 0; i < 4; i += 1) {
      const connection = await server.next();
      await eventually("it waits here", () => {
        return harness.metric("fairlead_calls_waiting", { queue: "capacity" }) === 1;
      });
      harness.clock.advance(CONNECTION_PROVEN_MS);
      // In one piece: room for the call, and a fault of the connection.
      const room = frameBytes(Type.SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1]));
      connection.write(Buffer.concat([room, frameBytes(Type.PING, 0, 5, Buffer.alloc(8))]));
      await connection.closed();
      assert.equal(connection.streams.size, 0);
    }
    const connection = await server.next();
    connection.settings([[3, 1]]);
    connection.respond((await connection.nextStream()).id);
    await assertServed(call);
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 4);
  });
});

test("the request's bytes arrive once, in order, and credit is given once", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ isEnd: false });
    call.send("one ");
    const first = await nextOn(connections);
    const refused = await first.nextStream();
    await eventually("the first part", () => refused.body.toString() === "one ");
    assert.equal(call.creditedBytes, 4);
    first.reset(refused.id, REFUSED_STREAM);
    const second = await nextOn(connections);
    const again = await second.nextStream();
    call.send("two ");
    call.send("three", true);
    await eventually("the whole request", () => again.isEnded);
    assert.equal(again.body.toString(), "one two three");
    assert.equal(call.creditedBytes, 13);
    second.respond(again.id);
    await assertServed(call);
  });
});

test("trailers of a request are sent again behind its body", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const { headerList } = await import("../http2/index.ts");
    const call = harness.call({ isEnd: false });
    call.send("body");
    call.call!.sendTrailers(headerList([["x-checksum", "5"]]));
    for (let i = 0; i < 2; i += 1) {
      const connection = await nextOn(connections);
      const stream = await connection.nextStream();
      await eventually("the end", () => stream.isEnded);
      assert.equal(stream.body.toString(), "body");
      assert.equal(stream.lists[1].get("x-checksum"), "5");
      if (i === 0) connection.reset(stream.id, REFUSED_STREAM);
      else connection.respond(stream.id);
    }
    await assertServed(call);
  });
});

test("bytes that a window holds back are credited when they leave, also over a replay", async () => {
  await withCluster({}, async (harness) => {
    const servers = [];
    for (let i = 0; i < 2; i += 1) {
      servers.push(await harness.server({ settings: [[4, 10]], isCrediting: false }));
    }
    harness.resolve(...servers);
    await harness.untilReady(2);
    const connections = await connectionsOf(servers);
    const call = harness.call({ isEnd: false });
    call.send("0123456789abcdef", true);
    assert.equal(call.creditedBytes, 10);
    const first = await nextOn(connections);
    const refused = await first.nextStream();
    await eventually("ten bytes", () => refused.body.length === 10);
    first.reset(refused.id, REFUSED_STREAM);
    const second = await nextOn(connections);
    const again = await second.nextStream();
    await eventually("ten bytes", () => again.body.length === 10);
    assert.equal(call.creditedBytes, 10, "the same ten bytes are no new credit");
    second.windowUpdate(again.id, 100);
    await eventually("all", () => again.isEnded);
    assert.equal(again.body.toString(), "0123456789abcdef");
    assert.equal(call.creditedBytes, 16);
    second.respond(again.id);
    await assertServed(call);
  });
});

test("a request larger than the replay buffer is sent whole, but not again", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ isEnd: false });
    const body = Buffer.alloc(REPLAY_BYTES_MAX + 1, "x");
    call.send(body);
    const connection = await nextOn(connections);
    const stream = await connection.nextStream();
    call.send("end", true);
    await eventually("the whole request", () => stream.isEnded);
    assert.equal(stream.body.length, body.length + 3);
    assert.equal(call.creditedBytes, body.length + 3);
    connection.reset(stream.id, REFUSED_STREAM);
    await call.over();
    await settle();
    assert.equal(call.failure?.status, 14);
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 0);
  });
});

test("a request of exactly the replay buffer is sent again", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ isEnd: false });
    call.send(Buffer.alloc(REPLAY_BYTES_MAX, "y"), true);
    for (let i = 0; i < 2; i += 1) {
      const connection = await nextOn(connections);
      const stream = await connection.nextStream();
      await eventually("the whole request", () => stream.isEnded);
      assert.equal(stream.body.length, REPLAY_BYTES_MAX);
      if (i === 0) connection.reset(stream.id, REFUSED_STREAM);
      else connection.respond(stream.id);
    }
    await assertServed(call);
    assert.equal(call.creditedBytes, REPLAY_BYTES_MAX);
  });
});

test("a body that came while nothing was ready is sent when something is", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server();
    const call = harness.call({ isEnd: false });
    call.send("early ");
    assert.equal(call.creditedBytes, 0, "no credit for what has not left");
    harness.resolve(server);
    const connection = await server.next();
    const stream = await connection.nextStream();
    call.send("late", true);
    await eventually("all", () => stream.isEnded);
    assert.equal(stream.body.toString(), "early late");
    assert.equal(call.creditedBytes, 10);
    connection.respond(stream.id);
    await assertServed(call);
  });
});

test("a refused call waits when nothing else is ready", async () => {
  await withCluster({}, async (harness) => {
    const servers = await harness.ready(1);
    const [connection] = await connectionsOf(servers);
    const call = harness.call();
    const stream = await connection.nextStream();
    servers[0].options = { settings: null };
    harness.clock.advance(CONNECTION_PROVEN_MS);
    connection.goAway(0);
    const fresh = await servers[0].next();
    assert.equal(stream.id, 1);
    assert.equal(harness.metric("fairlead_calls_waiting", { queue: "ready" }), 1);
    fresh.settings([]);
    fresh.respond((await fresh.nextStream()).id);
    await assertServed(call);
  });
});

test("endpoints that accept and close for ever do not hold a call for ever", async () => {
  await withCluster({ policy: "round_robin" }, async (harness) => {
    const server = await harness.server();
    harness.resolve(server);
    await harness.untilReady(1);
    const call = harness.call();
    let attempts = 0;
    for (; call.failure === null && attempts <= ATTEMPTS_MAX + 1; attempts += 1) {
      const connection = await server.next();
      // Every connection says that it did nothing with what it got.
      const found = await eventually("a stream or the end", () =>
        connection.freshCount > 0 ? "stream" : call.failure !== null ? "end" : null,
      );
      if (found === "end") break;
      await connection.nextStream();
      harness.clock.advance(CONNECTION_PROVEN_MS);
      connection.goAway(0);
    }
    assert.equal(call.failure?.status, 14);
    assert.equal(attempts, 2, "once on the wire, and once again");
  });
});

test("a request that the server stops reading after its answer is told so", async () => {
  await withCluster({}, async (harness) => {
    const [connection] = await connectionsOf(await harness.ready(1));
    const call = harness.call({ isEnd: false });
    const stream = await connection.nextStream();
    connection.respond(stream.id, "8");
    await call.over();
    assert.equal(harness.cluster.activeCalls, 1, "its request is not over");
    connection.reset(stream.id, 0);
    await eventually("told", () => call.stoppedCode !== null);
    assert.equal(call.stoppedCode, 0);
    assert.equal(call.failure, null);
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(harness.view(harness.servers[0]).activeCalls, 0);
  });
});

test("a request may go on after its answer is complete", async () => {
  await withCluster({}, async (harness) => {
    const [connection] = await connectionsOf(await harness.ready(1));
    const call = harness.call({ isEnd: false });
    const stream = await connection.nextStream();
    connection.respond(stream.id, "0", "done");
    await assertServed(call, "done");
    call.send("more", true);
    await eventually("the rest", () => stream.isEnded);
    assert.equal(stream.body.toString(), "more");
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(
      connection.frames.filter(({ type }) => type === Type.RST_STREAM).length,
      0,
      "no reset",
    );
  });
});

test("round robin shares what a lost endpoint refused among the others", async () => {
  await withCluster({}, async (harness) => {
    const servers = await harness.ready(3);
    const [a, b, c] = await connectionsOf(servers);
    const calls = Array.from({ length: 12 }, () => harness.call());
    await eventually("four each", () => [a, b, c].every((each) => each.streams.size === 4));
    a.goAway(0);
    await eventually("all elsewhere", () => b.streams.size + c.streams.size === 12);
    assert.ok(b.streams.size >= 5 && c.streams.size >= 5, `${b.streams.size} ${c.streams.size}`);
    for (let i = 0; i < 12; i += 1) await answerNext([b, c]);
    for (const call of calls) await assertServed(call);
  });
});
