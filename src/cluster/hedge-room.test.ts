/** Tests of the room that hedges take: in the queues, in circuit breakers and in the budget. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { eventually, type RawConnection } from "../../test/support/raw-http2.ts";
import { type MethodConfig, MethodConfigs } from "../grpc/index.ts";
import { parseServiceConfig } from "./service-config.ts";

const CANCEL = 8;

function hedging(hedgingDelay: string): MethodConfig {
  const hedgingPolicy = { maxAttempts: 3, hedgingDelay, nonFatalStatusCodes: ["UNAVAILABLE"] };
  return MethodConfigs.parse({ methodConfig: [{ name: [{}], hedgingPolicy }] }).find("/a/b");
}

const limited = (fairlead: object) => ({ serviceConfig: { fairlead } });

async function connectionsTo(harness: ClusterHarness, count: number): Promise<RawConnection[]> {
  return Promise.all((await harness.ready(count)).map((server) => server.next()));
}

function attemptCounts(connections: readonly RawConnection[]): number[] {
  return connections.map(({ streams }) => streams.size);
}

function attemptCount(connections: readonly RawConnection[]): number {
  return attemptCounts(connections).reduce((a, b) => a + b, 0);
}

for (const delay of ["0s", "0.5s"]) {
  test(`none is hedged while it waits for an endpoint, with a delay of ${delay}`, async () => {
    const breakers = { circuitBreakers: { maxPendingCalls: 9, maxRetries: 9 } };
    await withCluster(limited(breakers), async (harness) => {
      const call = harness.call({ config: hedging(delay) });
      harness.clock.advance(2_000);
      const shown = harness.cluster.view().circuitBreakers;
      assert.deepEqual(
        shown.map(({ name, current }) => [name, current]),
        [
          ["maxPendingCalls", 1],
          ["maxRetries", 0],
        ],
      );
      const connections = await connectionsTo(harness, 3);
      harness.clock.advance(60);
      await eventually("the first", () => attemptCount(connections) > 0);
      await settle();
      if (delay !== "0s") {
        assert.equal(attemptCount(connections), 1, "the delay begins with the endpoint");
        harness.clock.advance(510);
        await settle();
        harness.clock.advance(510);
      }
      await eventually("three", () => attemptCount(connections) === 3);
      assert.deepEqual(attemptCounts(connections), [1, 1, 1]);
      call.call!.cancel(CANCEL);
    });
  });
}

test("a hedge that waits for a stream is the last one until it has it", async () => {
  const breakers = { circuitBreakers: { maxPendingCalls: 9 } };
  await withCluster({ ...limited(breakers), maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server!.next();
    const call = harness.call({ config: hedging("0.5s") });
    for (let i = 0; i < 5; i += 1) {
      await settle();
      harness.clock.advance(510);
    }
    assert.equal(harness.cluster.view().circuitBreakers[0]!.current, 1);
    connection.respond((await connection.nextStream()).id, "0", "first");
    await call.over();
    assert.equal(call.body, "first");
    assert.equal(harness.cluster.view().circuitBreakers[0]!.current, 0);
  });
});

test("a hedge of a call that was admitted is not refused by maxCalls", async () => {
  await withCluster(limited({ circuitBreakers: { maxCalls: 2 } }), async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const calls = [1, 2].map(() => harness.call({ config: hedging("0.5s") }));
    assert.match(harness.call({ config: hedging("0.5s") }).failure!.reason, /maxCalls/);
    await settle();
    const lower = { fairlead: { circuitBreakers: { maxCalls: 1 } } };
    harness.cluster.reconfigure(parseServiceConfig(lower));
    harness.clock.advance(510);
    await settle();
    assert.equal(attemptCount(connections), 4);
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "max_calls" }), 1);
    for (const { call } of calls) call!.cancel(CANCEL);
  });
});

test("the budget's share is of the calls at their first attempt: hedged calls are among them", async () => {
  const retryBudget = { percent: 100, minRetries: 0 };
  await withCluster(limited({ retryBudget }), async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const calls = [1, 2, 3, 4].map(() => harness.call({ config: hedging("0.5s") }));
    await settle();
    harness.clock.advance(510);
    await settle();
    assert.equal(attemptCount(connections), 8, "four of four");
    harness.clock.advance(510);
    await settle();
    assert.equal(attemptCount(connections), 8, "and no more");
    for (const { call } of calls) call!.cancel(CANCEL);
    const next = harness.call({ config: hedging("0s") });
    await settle();
    assert.equal(attemptCount(connections), 10, "what was taken is given back");
    next.call!.cancel(CANCEL);
  });
});
