/**
 * Tests of a pod that leaves: the slice, GOAWAY and the end of the connection each end the picks,
 * whichever comes first, and what comes after it changes nothing for the calls that it has.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { eventually, type RawConnection, type RawServer } from "../../test/support/raw-http2.ts";

const ALL_IDS = 0x7fffffff;

/** What may happen to a pod that leaves. */
interface Leaving {
  readonly harness: ClusterHarness;
  readonly server: RawServer;
  readonly stays: RawServer;
  readonly connection: RawConnection;
  /** Of the call that it has. */
  readonly id: number;
}

const STEPS = {
  slice: ({ harness, stays }: Leaving) => harness.resolve(stays),
  "first GOAWAY": ({ connection }: Leaving) => connection.goAway(ALL_IDS),
  "last GOAWAY": ({ connection, id }: Leaving) => connection.goAway(id),
} as const;

type Step = keyof typeof STEPS;

const ORDERS: readonly (readonly Step[])[] = [
  ["slice", "first GOAWAY", "last GOAWAY"],
  ["first GOAWAY", "slice", "last GOAWAY"],
  ["first GOAWAY", "last GOAWAY", "slice"],
  ["last GOAWAY", "slice"],
];

for (const order of ORDERS) {
  test(`${order.join(", ")}: no pick from the first on, and its call finishes`, async () => {
    await withCluster({ policy: "round_robin" }, async (harness) => {
      const servers = await harness.ready(2);
      const connections = await Promise.all(servers.map((server) => server.next()));
      const mine = harness.call();
      const connection = await eventually("a call somewhere", () =>
        connections.find((each) => each.freshCount > 0),
      );
      const { id } = await connection.nextStream();
      const at = connections.indexOf(connection);
      const leaving = { harness, server: servers[at]!, stays: servers[1 - at]!, connection, id };
      const other = connections[1 - at]!;
      for (const step of order) {
        STEPS[step](leaving);
        await settle();
        // What a GOAWAY ends is connected anew while its slice says nothing: it may be back.
        const fresh = leaving.server.connections.filter((each) => each !== connection);
        for (let i = 0; i < 4; i += 1) harness.call();
        const served = [other, ...fresh];
        await eventually("four calls are elsewhere", () => {
          return served.reduce((sum, each) => sum + each.freshCount, 0) === 4;
        });
        for (const each of served) {
          while (each.freshCount > 0) each.respond((await each.nextStream()).id);
        }
        assert.equal(connection.freshCount, 0, `none after ${step}`);
      }
      assert.equal(mine.failure, null);
      connection.respond(id);
      await mine.over();
      assert.equal(mine.grpcStatus, "0");
      await connection.closed();
      assert.equal(harness.metric("fairlead_transparent_replays_total"), 0);
    });
  });
}

test("a pod whose connection is lost is not picked, whatever its slice says", async () => {
  await withCluster({ policy: "round_robin" }, async (harness) => {
    const servers = await harness.ready(2);
    const [lost, other] = await Promise.all(servers.map((server) => server.next()));
    await servers[0]!.close();
    lost!.destroy();
    await eventually("it is lost", () => harness.states("READY").length === 1);
    for (let i = 0; i < 4; i += 1) harness.call();
    for (let i = 0; i < 4; i += 1) other!.respond((await other!.nextStream()).id);
    // It leaves in the end: nothing of it stays.
    harness.resolve(servers[1]!);
    assert.equal(harness.endpoints.length, 1);
  });
});

test("a pod that returns while it drains is another stay: a new connection, and picked", async () => {
  await withCluster({ policy: "round_robin" }, async (harness) => {
    const [server] = await harness.ready(1);
    const old = await server!.next();
    const mine = harness.call();
    const { id } = await old.nextStream();
    harness.resolve();
    await settle();
    harness.resolve(server!);
    const fresh = await server!.next();
    await harness.untilReady(1);
    const next = harness.call();
    fresh.respond((await fresh.nextStream()).id);
    await next.over();
    old.respond(id);
    await mine.over();
    assert.deepEqual([mine.grpcStatus, next.grpcStatus], ["0", "0"]);
    await old.closed();
    await eventually("the first stay is over", () => harness.endpoints.length === 1);
  });
});
