/** Tests of the end of a proxy: two-step GOAWAY, what may finish, what is cut, when. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import test from "node:test";
import { settle } from "../../test/support/cluster.ts";
import { type ProxyHarness, START_MS, withProxy } from "../../test/support/proxy.ts";
import {
  eventually,
  Flags,
  grpcRequest,
  type RawConnection,
  rawClient,
  Type,
} from "../../test/support/raw-http2.ts";

const ALL_IDS = 0x7fffffff;

/** The last ids of the GOAWAYs that came. */
function lastIds(connection: RawConnection): number[] {
  return connection.frames
    .filter(({ type }) => type === Type.GOAWAY)
    .map(({ payload }) => payload.readUInt32BE(0));
}

/** Whether a new connection to the proxy is accepted. */
async function accepts(harness: ProxyHarness): Promise<boolean> {
  const [host, port] = harness.address.split(":");
  const socket = connect(Number(port), host);
  return new Promise((done) => {
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

test("a drain lets streams finish, then closes; it begins with a GOAWAY that refuses none", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    const stream = await upstream.nextStream();
    const drained = harness.proxy.drain("SIGTERM");
    assert.deepEqual(harness.proxy.readiness(), { ready: false, reason: "draining" });
    assert.equal(harness.proxy.clusters()[0]?.draining, true);
    const said = harness.log.entries.find(({ msg }) => msg === "draining");
    assert.equal(said?.fields.by, "SIGTERM");
    await eventually("two GOAWAYs", () => lastIds(client).length === 2);
    assert.deepEqual(lastIds(client), [ALL_IDS, call.id], "with a PING round trip in between");
    assert.equal(await accepts(harness), false, "nobody is accepted any more");
    client.data(call.id, "the rest", true);
    await eventually("the rest", () => stream.isEnded);
    upstream.respond(stream.id, "0", "done");
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
    await client.closed();
    await drained;
    assert.equal(harness.clock.nowMs(), START_MS, "no time was waited for");
  });
});

test("a call that was on its way when the drain began is served", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    await client.roundTrip();
    // The request leaves before the client has heard of anything, and reaches the proxy after.
    const drained = harness.proxy.drain("SIGTERM");
    const call = client.request(grpcRequest());
    upstream.respond((await upstream.nextStream()).id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
    await client.closed();
    await drained;
    assert.deepEqual(lastIds(client), [ALL_IDS, call.id]);
  });
});

test("a call above the last GOAWAY's id is not touched, so that it can be sent elsewhere", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const first = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    const drained = harness.proxy.drain("SIGTERM");
    await eventually("two GOAWAYs", () => lastIds(client).length === 2);
    client.request(grpcRequest());
    await client.roundTrip();
    await settle();
    assert.equal(upstream.streams.size, 1);
    upstream.respond(id);
    await eventually("the answer", () => first.isEnded);
    await client.closed();
    await drained;
  });
});

test("idle connections are closed at once", async () => {
  await withProxy(1, async (harness) => {
    const clients = await Promise.all([harness.client(), harness.client(), harness.client()]);
    for (const client of clients) await client.roundTrip();
    await harness.proxy.drain("SIGTERM");
    for (const client of clients) {
      await client.closed();
      assert.equal(lastIds(client).length, 2);
    }
  });
});

test("a client that does not answer the PING gets the second GOAWAY all the same", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    client.socket.pause();
    const drained = harness.proxy.drain("SIGTERM");
    await harness.pass(4_000);
    client.socket.resume();
    await eventually("two GOAWAYs", () => lastIds(client).length === 2);
    upstream.respond(id);
    await eventually("the answer", () => call.isEnded);
    await drained;
  });
});

test("what is still open at the drain's time-out is cut, and its servers are told", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const endless = client.request(grpcRequest());
      const stream = await upstream.nextStream();
      client.request(grpcRequest());
      await upstream.nextStream();
      const drained = harness.proxy.drain("SIGTERM");
      await harness.pass(2_990);
      assert.equal(endless.resetCode, null);
      assert.equal(stream.resetCode, null);
      await harness.pass(20);
      await drained;
      await client.closed();
      await eventually("told", () => stream.resetCode === 8);
      const cut = "drain timeout: calls were cut";
      const line = harness.log.entries.find(({ msg }) => msg === cut);
      assert.equal(line?.level, "warn");
      assert.equal(line?.fields.calls, 2);
      const more = harness.log.entries.find(({ msg }) => msg === "call failed: and more");
      assert.equal(more?.fields.more, 1, "told before the end");
      const failed = harness.log.entries.find(({ msg }) => msg === "call failed");
      assert.equal(failed?.fields.kind, "drained");
      const failures = (kind: string) =>
        harness.metric("fairlead_downstream_failures_total", { kind });
      assert.deepEqual([failures("drained"), failures("refused")], [2, 0]);
      // A bare end of the connection told the caller nothing.
      assert.equal(endless.get("grpc-status"), "14");
      assert.match(endless.get("grpc-message") ?? "", /^fairlead: cut at the end of the drain/);
    },
    { drainTimeoutMs: 3_000 },
  );
});

test("during the drain delay new connections and calls are served, but it is not ready", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const old = await harness.client();
      const drained = harness.proxy.drain("SIGTERM");
      assert.equal(harness.proxy.readiness().ready, false);
      await harness.pass(4_000);
      const client = await rawClient(harness.address);
      const call = client.request(grpcRequest());
      upstream.respond((await upstream.nextStream()).id);
      await eventually("the answer", () => call.isEnded);
      assert.deepEqual([...lastIds(client), ...lastIds(old)], []);
      await harness.pass(1_000);
      await drained;
      await client.closed();
      assert.equal(await accepts(harness), false);
    },
    { drainDelayMs: 5_000 },
  );
});

test("a second drain is the same drain", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    const both = [harness.proxy.drain("SIGTERM"), harness.proxy.drain("SIGTERM")];
    await eventually("two GOAWAYs", () => lastIds(client).length === 2);
    await client.roundTrip();
    assert.equal(lastIds(client).length, 2);
    upstream.respond(id);
    await eventually("the answer", () => call.isEnded);
    await Promise.all(both);
  });
});

test("a long answer under flow control is whole before the connection closes", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client({ isCrediting: false });
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    upstream.headers(id, [[":status", "200"]]);
    upstream.data(id, Buffer.alloc(50_000, 1));
    upstream.headers(id, [["grpc-status", "0"]], true);
    const second = client.request(grpcRequest());
    const other = await upstream.nextStream();
    upstream.headers(other.id, [[":status", "200"]]);
    upstream.data(other.id, Buffer.alloc(50_000, 2));
    upstream.headers(other.id, [["grpc-status", "0"]], true);
    await eventually(
      "the window is used up",
      () => call.body.length + second.body.length === 65_535,
    );
    const drained = harness.proxy.drain("SIGTERM");
    await eventually("two GOAWAYs", () => lastIds(client).length === 2);
    assert.equal(second.isEnded, false);
    client.windowUpdate(0, 100_000);
    await eventually("both are whole", () => call.isEnded && second.isEnded);
    assert.equal(second.body.length, 50_000);
    await drained;
  });
});

test("closing ends connections and calls at once, on both sides", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    await upstream.nextStream();
    harness.proxy.close();
    await client.closed();
    await upstream.closed();
    assert.equal(call.get("grpc-status") ?? "none", "14");
    await client.frame(Type.GOAWAY, ({ flags }) => (flags & Flags.ACK) === 0);
  });
});
