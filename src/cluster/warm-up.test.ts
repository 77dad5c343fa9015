/** Tests of the gate before calls that queued at a cold start: when it opens, and who gets what. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import { eventually, type RawConnection, type RawServer } from "../../test/support/raw-http2.ts";
import { seededRng } from "../base/index.ts";
import { WARM_UP_MS } from "./config.ts";

const PODS = 12;
const CALLS = 60;

/** Servers that are not ready until they are told to be. */
async function coldServers(harness: ClusterHarness, count: number): Promise<RawServer[]> {
  const servers: RawServer[] = [];
  for (let i = 0; i < count; i += 1) servers.push(await harness.server({ settings: null }));
  harness.resolve(...servers);
  return servers;
}

function counts(connections: readonly RawConnection[]): number[] {
  return connections.map(({ streams }) => streams.size);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

async function answerAll(
  connections: readonly RawConnection[],
  calls: readonly CallerProbe[],
): Promise<void> {
  for (const connection of connections) {
    while (connection.freshCount > 0) connection.respond((await connection.nextStream()).id);
  }
  for (const call of calls) await call.over();
}

for (const policy of ["least_request", "round_robin"]) {
  test(`${policy} spreads 60 calls that queued evenly over 12 pods that get ready in turn`, async () => {
    for (let seed = 0; seed < 10; seed += 1) {
      await withCluster({ policy, rng: seededRng(seed) }, async (harness) => {
        const calls = Array.from({ length: CALLS }, () => harness.call());
        const servers = await coldServers(harness, PODS);
        const connections = await Promise.all(servers.map((server) => server.next()));
        for (const [i, connection] of connections.entries()) {
          connection.settings([]);
          await harness.untilReady(i + 1);
          assert.equal(harness.clock.nowMs() < WARM_UP_MS, true);
          if (i < PODS - 1) harness.clock.advance(WARM_UP_MS / PODS);
        }
        await eventually("all are out", () => sum(counts(connections)) === CALLS);
        assert.ok(Math.max(...counts(connections)) <= (1.5 * CALLS) / PODS);
        await answerAll(connections, calls);
      });
    }
  });
}

test("when the time is over, calls are spread over what is ready until then", async () => {
  await withCluster({ policy: "least_request" }, async (harness) => {
    const calls = Array.from({ length: CALLS }, () => harness.call());
    const servers = await coldServers(harness, PODS);
    const connections = await Promise.all(servers.map((server) => server.next()));
    const early = connections.slice(0, 4);
    for (const connection of early) connection.settings([]);
    await harness.untilReady(4);
    harness.clock.advance(WARM_UP_MS - 1);
    await settle();
    assert.equal(sum(counts(connections)), 0);
    harness.clock.advance(1);
    await eventually("all are out", () => sum(counts(early)) === CALLS);
    assert.deepEqual(counts(early), [15, 15, 15, 15]);
    await answerAll(early, calls);
  });
});

test("the share and the time of the gate are settings", async () => {
  const config = { warmUp: { timeMs: 400, share: 0.25 } };
  await withCluster({ policy: "least_request", config }, async (harness) => {
    const calls = Array.from({ length: 9 }, () => harness.call());
    const servers = await coldServers(harness, PODS);
    const connections = await Promise.all(servers.map((server) => server.next()));
    const early = connections.slice(0, 3);
    for (const connection of early.slice(0, 2)) connection.settings([]);
    await harness.untilReady(2);
    harness.clock.advance(399);
    await settle();
    assert.equal(sum(counts(connections)), 0, "a sixth of them");
    early[2].settings([]);
    await eventually("a quarter is enough", () => sum(counts(early)) === 9);
    assert.deepEqual(counts(early), [3, 3, 3]);
    await answerAll(early, calls);
  });
});

test("an endpoint that is full at the start is passed over by calls that queued", async () => {
  await withCluster({ policy: "least_request", maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const calls = Array.from({ length: 12 }, () => harness.call());
    const servers = await coldServers(harness, 3);
    const connections = await Promise.all(servers.map((server) => server.next()));
    connections[0].settings([[3, 1]]);
    for (const connection of connections.slice(1)) connection.settings([]);
    await eventually("all are out", () => sum(counts(connections)) === 12);
    assert.equal(connections[0].streams.size, 1);
    await answerAll(connections, calls);
  });
});
