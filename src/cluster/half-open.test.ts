/**
 * Tests of a node that dies without a FIN: how long calls wait there, which of them move, and where
 * the next ones go. gRFC A8, A6; virtual time, real sockets.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import {
  eventually,
  Flags,
  type RawConnection,
  type RawServer,
  Type,
} from "../../test/support/raw-http2.ts";
import type { Policy } from "../balancing/index.ts";

/** 10 s of silence, 5 s for the answer to the probe, and a tick. */
const BOUND_MS = 10_000 + 5_000 + 1_000;
const WINDOW = 4;
const ENHANCE_YOUR_CALM = 11;

/** The lowest address that is ready; the next one instead of the one that is excluded. */
const FIRST: Policy = {
  name: "first",
  connects: "all",
  shuffleAddressList: false,
  newPicker: (ready) => ({
    pick: (exclude) => ready.find((each) => each !== exclude) ?? ready[0] ?? null,
  }),
};

/** Two ready servers, of which the first gets all calls, and their connections. */
async function twoServers(
  harness: ClusterHarness,
  settings: [number, number][] = [],
): Promise<{ servers: RawServer[]; dying: RawConnection; other: RawConnection }> {
  harness.clock.advance(1_000); // A real clock never says 0.
  const servers = await harness.ready(2, settings);
  // Who connects to it again when it is dead hears nothing.
  servers[0]!.options = { settings: null };
  const [dying, other] = await Promise.all(servers.map((server) => server.next()));
  return { servers, dying: dying!, other: other! };
}

/** Why a call failed; "" when it did not. */
function reasonOf({ failure }: CallerProbe): string {
  return failure === null ? "" : failure.reason;
}

/** PINGs that a server got. */
function pings(connection: RawConnection): number {
  return connection.frames.filter(
    ({ type, flags }) => type === Type.PING && (flags & Flags.ACK) === 0,
  ).length;
}

test("a call on a node that died waits no longer than silence, time-out and a tick", async () => {
  await withCluster({ policy: FIRST }, async (harness) => {
    const { dying, other } = await twoServers(harness);
    const first = harness.call();
    await dying.nextStream();
    dying.socket.pause();
    await harness.pass(4_000);
    const second = harness.call();
    await harness.pass(BOUND_MS - 4_000 - 2_000);
    assert.deepEqual([reasonOf(first), reasonOf(second)], ["", ""], "the probe has its time");
    await harness.pass(2_000);
    for (const call of [first, second]) {
      assert.equal(call.failure?.status, 14);
      assert.match(reasonOf(call), /^127\.0\.0\.1:\d+: the peer does not answer \(keepalive/);
    }
    const next = harness.call();
    other.respond((await other.nextStream()).id);
    await next.over();
    assert.equal(next.grpcStatus, "0", "nothing is ready where the node was");
  });
});

test("a long silence before a call does not lengthen its wait", async () => {
  await withCluster({ policy: FIRST }, async (harness) => {
    const { dying } = await twoServers(harness);
    dying.socket.pause();
    await harness.pass(600_000);
    const call = harness.call();
    await harness.pass(5_000 + 2_000);
    assert.match(reasonOf(call), /\(keepalive\)/);
  });
});

test("a stream without a word before does not lengthen it either", async () => {
  await withCluster({ policy: FIRST }, async (harness) => {
    const { dying } = await twoServers(harness);
    const idle = harness.call();
    await dying.nextStream();
    await harness.pass(120_000);
    assert.equal(reasonOf(idle), "");
    assert.equal(pings(dying), 2, "never a third PING");
    dying.socket.pause();
    const call = harness.call();
    await harness.pass(BOUND_MS);
    assert.match(reasonOf(call), /\(keepalive\)/);
    assert.match(reasonOf(idle), /\(keepalive\)/);
  });
});

test("calls that were not written move at once when the node is given up", async () => {
  await withCluster({ policy: FIRST }, async (harness) => {
    const { dying, other } = await twoServers(harness, [[WINDOW, 0x7fffffff]]);
    dying.socket.pause();
    const written = harness.call({ isEnd: false });
    // More than the kernel takes of a peer that does not read.
    for (let i = 0; i < 24; i += 1) written.send(Buffer.alloc(1 << 20));
    await settle();
    const unwritten = [harness.call(), harness.call()];
    await harness.pass(BOUND_MS);
    assert.match(reasonOf(written), /\(keepalive\)/);
    for (const call of unwritten) {
      other.respond((await other.nextStream()).id);
      await call.over();
      assert.equal(call.grpcStatus, "0");
    }
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 2);
  });
});

test("after too_many_pings the endpoint's next connection is asked half as often", async () => {
  await withCluster({ policy: FIRST }, async (harness) => {
    const { servers, dying } = await twoServers(harness);
    servers[0]!.options = {};
    await harness.pass(2_000);
    dying.goAway(0, ENHANCE_YOUR_CALM, "too_many_pings");
    const next = await servers[0]!.next();
    await harness.untilReady(2);
    harness.call();
    await eventually("the call is there", () => next.freshCount === 1);
    await harness.pass(18_000);
    assert.equal(pings(next), 0);
    await harness.pass(4_000);
    assert.equal(pings(next), 1);
  });
});
