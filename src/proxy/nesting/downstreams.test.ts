/**
 * Client connections that end by their age or because they are shed, on real sockets under virtual
 * time: two GOAWAYs, calls that finish, and what is shown of it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ProxyHarness, withProxy } from "../../../test/support/proxy.ts";
import {
  eventually,
  grpcRequest,
  type RawConnection,
  Type,
} from "../../../test/support/raw-http2.ts";
import { AGE_JITTER } from "./downstreams.ts";
import { CONNECTION_LOAD, RATE_WINDOW_MS } from "./load.ts";
import { SHED_AGE_MS_MIN, type ShedOrder } from "./shed-order.ts";
import { SHEDS_SHOWN_MAX } from "./view.ts";

const ALL_IDS = 0x7fffffff;

function lastIds(connection: RawConnection): number[] {
  return connection.frames
    .filter(({ type }) => type === Type.GOAWAY)
    .map(({ payload }) => payload.readUInt32BE(0));
}

test("a connection is closed in order at its age, 10 % more or less, calls finish", async () => {
  const maxConnectionAgeMs = 100_000;
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const clients: RawConnection[] = [];
      for (let i = 0; i < 8; i += 1) clients.push(await harness.client());
      for (const client of clients) await client.roundTrip();
      const call = clients[0]!.request(grpcRequest());
      const { id } = await upstream!.nextStream();
      await harness.pass(maxConnectionAgeMs * (1 - AGE_JITTER) - 1000);
      assert.equal(clients.flatMap(lastIds).length, 0, "none before 90 %");
      const ages: number[] = [];
      for (let s = 0; s < 22; s += 1) {
        await harness.pass(1000);
        ages.push(clients.filter((client) => lastIds(client).length > 0).length);
      }
      assert.equal(ages.at(-1), 8, "all by 110 %");
      assert.ok(new Set(ages).size > 2, "not all at once");
      for (const client of clients.slice(1)) await client.closed();
      await eventually("two GOAWAYs", () => lastIds(clients[0]!).length === 2);
      assert.deepEqual(lastIds(clients[0]!), [ALL_IDS, call.id]);
      // Without a grace calls take as long as they take.
      await harness.pass(3_600_000 / 60);
      const [shown] = harness.proxy.downstreams().connections;
      assert.deepEqual([shown?.state, shown?.activeCalls], ["DRAINING", 1]);
      assert.match(shown!.reason, /^closed at its age: --max-connection-age 100$/);
      upstream!.respond(id);
      await eventually("the answer", () => call.isEnded);
      assert.equal(call.get("grpc-status"), "0");
      await clients[0]!.closed();
      assert.equal(harness.metric("fairlead_downstream_connections_aged_total"), 8);
      await eventually("forgotten", () => harness.proxy.downstreams().connections.length === 0);
    },
    { maxConnectionAgeMs },
  );
});

test("what still runs at the end of the grace is cut, and says so", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const call = client.request(grpcRequest());
      const stream = await upstream!.nextStream();
      await harness.pass(12_000);
      assert.equal(call.isEnded, false);
      await harness.pass(6000);
      await client.closed();
      assert.equal(call.get("grpc-status"), "14");
      assert.match(call.get("grpc-message")!, /^fairlead: cut 5000 ms after .* connection's age$/);
      await eventually("the server is told", () => stream.resetCode === 8);
      assert.equal(harness.metric("fairlead_downstream_failures_total", { kind: "drained" }), 1);
    },
    { maxConnectionAgeMs: 10_000, maxConnectionAgeGraceMs: 5000 },
  );
});

/** An order that every connection fits. */
function orderFor(amount: number, countMax = 1000): ShedOrder {
  const load = 10_000;
  return { replicas: 2, load, totalLoad: load, squares: load * load, amount, countMax };
}

/** Makes calls of a client for some time, and answers them. */
async function callFor(
  harness: ProxyHarness,
  upstream: RawConnection,
  client: RawConnection,
  perSecond: number,
): Promise<void> {
  for (let ms = 0; ms < SHED_AGE_MS_MIN; ms += 1000) {
    for (let i = 0; i < perSecond; i += 1) {
      const call = client.request(grpcRequest());
      upstream.respond((await upstream.nextStream()).id);
      await eventually("answered", () => call.isEnded);
    }
    await harness.pass(1000);
  }
}

test("the load is the sum over the connections that stay; shed ones go in order", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const [busy, idle] = [await harness.client(), await harness.client()];
    await idle.roundTrip();
    await callFor(harness, upstream!, busy, 3);
    const { connections, callsPerSecond } = harness.proxy.load();
    assert.equal(connections, 2);
    assert.ok(Math.abs(callsPerSecond - 3) < 0.4, `${callsPerSecond} over ${RATE_WINDOW_MS} ms`);
    assert.equal(harness.proxy.shed(orderFor(CONNECTION_LOAD / 2)), 0, "none fits");
    const call = busy.request(grpcRequest());
    const { id } = await upstream!.nextStream();
    assert.equal(harness.proxy.shed(orderFor(callsPerSecond + 1.5 * CONNECTION_LOAD)), 1);
    await eventually("two GOAWAYs", () => lastIds(busy).length === 2);
    assert.deepEqual(lastIds(idle), [], "the one that fits best alone");
    const load = harness.proxy.load();
    assert.deepEqual(load, { connections: 1, callsPerSecond: 0 }, "at once, not when it is gone");
    const view = harness.proxy.downstreams();
    const [shed] = view.sheds;
    assert.equal(shed?.remote, view.connections.find(({ state }) => state === "DRAINING")?.remote);
    assert.deepEqual([shed?.activeCalls, shed?.replicas, shed?.mean], [1, 2, 5000]);
    assert.ok(shed!.spreadAfter < shed!.spreadBefore);
    assert.match(shed!.reason, /^shed: this replica had 10000\.0 calls\/s where the mean of 2 is/);
    const line = harness.log.entries.find(({ msg }) => msg === "connections shed");
    assert.equal(line?.fields.connections, 1);
    upstream!.respond(id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
    await busy.closed();
    assert.equal(harness.metric("fairlead_downstream_connections_shed_total"), 1);
  });
});

test("in a drain nothing is shed, and what was being shed finishes with it", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const [shed, kept] = [await harness.client(), await harness.client()];
    await kept.roundTrip();
    await callFor(harness, upstream!, shed, 1);
    const call = shed.request(grpcRequest());
    const { id } = await upstream!.nextStream();
    assert.equal(harness.proxy.shed(orderFor(100, 1)), 1);
    const drained = harness.proxy.drain("SIGTERM");
    assert.equal(harness.proxy.shed(orderFor(100)), 0);
    upstream!.respond(id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
    await drained;
    await Promise.all([shed.closed(), kept.closed()]);
    assert.deepEqual([lastIds(shed).length, lastIds(kept).length], [2, 2]);
  });
});

test("only so many sheds are remembered", async () => {
  await withProxy(1, async (harness) => {
    const clients: RawConnection[] = [];
    for (let i = 0; i < SHEDS_SHOWN_MAX + 3; i += 1) clients.push(await harness.client());
    for (const client of clients) await client.roundTrip();
    await harness.pass(SHED_AGE_MS_MIN + 1000);
    assert.equal(harness.proxy.shed(orderFor(5000)), clients.length);
    assert.equal(harness.proxy.downstreams().sheds.length, SHEDS_SHOWN_MAX);
    for (const client of clients) await client.closed();
  });
});
