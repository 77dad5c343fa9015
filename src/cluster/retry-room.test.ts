/**
 * Tests of what holds retries back: tokens (gRFC A6, "Throttling Retry Attempts and Hedged RPCs"),
 * the budget, and the circuit breakers of a cluster (gRFC A32 for their status).
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import { eventually, type RawConnection } from "../../test/support/raw-http2.ts";
import { type MethodConfig, MethodConfigs, parseRetryThrottling } from "../grpc/index.ts";
import { isWithinBudget } from "./retry-budget.ts";
import { RetryThrottle } from "./retry-throttle.ts";
import { parseServiceConfig } from "./service-config.ts";

const RETRYING: MethodConfig = MethodConfigs.parse({
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        ...{ maxAttempts: 2, initialBackoff: "1s", maxBackoff: "1s", backoffMultiplier: 1 },
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
}).find("/a/b");

async function connectionsTo(harness: ClusterHarness, count: number): Promise<RawConnection[]> {
  return Promise.all((await harness.ready(count)).map((server) => server.next()));
}

/** Ends every attempt that is in flight by Trailers-Only; returns how many there were. */
async function failAll(
  connections: readonly RawConnection[],
  status = "14",
  more: [string, string][] = [],
): Promise<number> {
  await settle();
  let count = 0;
  for (const connection of connections) {
    for (; connection.freshCount > 0; count += 1) {
      const { id } = await connection.nextStream();
      const head: [string, string][] = [
        [":status", "200"],
        ["grpc-status", status],
      ];
      connection.headers(id, [...head, ["content-type", "application/grpc"], ...more], true);
    }
  }
  await settle();
  return count;
}

function overCount(calls: readonly CallerProbe[]): number {
  return calls.filter(({ isEnded, isFailed }) => isEnded || isFailed).length;
}

const throttle = (maxTokens: number, tokenRatio: number, before: RetryThrottle | null = null) =>
  new RetryThrottle(parseRetryThrottling({ retryThrottling: { maxTokens, tokenRatio } })!, before);

test("A6: at or below maxTokens / 2 no RPC is retried, until token_count rises over it", () => {
  const tokens = throttle(10, 0.1);
  for (let i = 0; i < 4; i += 1) tokens.onFailure();
  assert.equal(tokens.isHolding, false, "6");
  tokens.onFailure();
  assert.equal(tokens.isHolding, true, "5 is the threshold");
  tokens.onSuccess();
  assert.equal(tokens.tokens, 5.1);
  assert.equal(tokens.isHolding, false);
});

test("A6: token_count can take values between 0 and maxTokens", () => {
  const tokens = throttle(3, 2);
  for (let i = 0; i < 9; i += 1) tokens.onFailure();
  assert.equal(tokens.tokens, 0);
  for (let i = 0; i < 9; i += 1) tokens.onSuccess();
  assert.equal(tokens.tokens, 3);
});

test("a changed throttling keeps the share of tokens that was left", () => {
  const before = throttle(10, 0.1);
  for (let i = 0; i < 6; i += 1) before.onFailure();
  assert.equal(throttle(100, 1, before).tokens, 40);
});

test("A6, validation of retryThrottling", () => {
  const parse = (retryThrottling: unknown) => parseRetryThrottling({ retryThrottling });
  assert.deepEqual(parse({ maxTokens: 10, tokenRatio: 0.5466 }), {
    ...{ maxTokens: 10, tokenRatioThousandths: 546 },
  });
  assert.equal(parse({ maxTokens: 1_000, tokenRatio: 0.29 })?.tokenRatioThousandths, 290);
  assert.equal(parseRetryThrottling({}), null);
  for (const [value, path] of [
    [1, "retryThrottling is 1"],
    [{ tokenRatio: 1 }, "retryThrottling.maxTokens is missing"],
    [{ maxTokens: 0, tokenRatio: 1 }, "retryThrottling.maxTokens is 0"],
    [{ maxTokens: 1_001, tokenRatio: 1 }, "retryThrottling.maxTokens is 1001"],
    [{ maxTokens: 1.5, tokenRatio: 1 }, "retryThrottling.maxTokens is 1.5"],
    [{ maxTokens: 1 }, "retryThrottling.tokenRatio is missing"],
    [{ maxTokens: 1, tokenRatio: 0.0009 }, "retryThrottling.tokenRatio is 0.0009"],
    [{ maxTokens: 1, tokenRatio: "1" }, 'retryThrottling.tokenRatio is "1"'],
  ] as const) {
    assert.throws(() => parse(value), new RegExp(path), path);
  }
});

test("A6: throttled retry attempts are canceled and the failure returned; counts recover", async () => {
  const serviceConfig = { retryThrottling: { maxTokens: 4, tokenRatio: 1 } };
  await withCluster({ serviceConfig }, async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const failing = [1, 2, 3].map(() => harness.call({ config: RETRYING }));
    assert.equal(await failAll(connections), 3);
    assert.equal(overCount(failing), 2, "the first was above the threshold, those after it not");
    assert.equal(harness.metric("fairlead_retry_refusals_total", { reason: "throttled" }), 2);
    // "Every successful RPC will increment": also of methods without a policy.
    for (let i = 0; i < 3; i += 1) harness.call();
    await failAll(connections, "0");
    harness.clock.advance(1_210);
    assert.equal(await failAll(connections, "0"), 1);
    assert.equal(overCount(failing), 3);
    const again = harness.call({ config: RETRYING });
    await failAll(connections);
    assert.equal(overCount([again]), 0, "it is retried");
    again.call!.cancel(8);
  });
});

test("A6: statuses that do not qualify cost no token, a pushback not to retry does", async () => {
  const serviceConfig = { retryThrottling: { maxTokens: 2, tokenRatio: 1 } };
  await withCluster({ serviceConfig }, async (harness) => {
    const connections = await connectionsTo(harness, 2);
    for (let i = 0; i < 5; i += 1) harness.call({ config: RETRYING });
    await failAll(connections, "3");
    const retried = harness.call({ config: RETRYING });
    harness.call();
    await failAll(connections, "3", [["grpc-retry-pushback-ms", "-1"]]);
    assert.equal(overCount([retried]), 1);
    const held = harness.call({ config: RETRYING });
    await failAll(connections);
    assert.equal(overCount([held]), 1, "two pushbacks have taken all tokens");
  });
});

test("the budget: so many percent of the calls at their first attempt, at least minRetries", () => {
  const config = { percent: 20, minRetries: 3 };
  for (const [retries, calls, isWithin] of [
    [0, 1, true],
    [2, 3, true],
    [3, 4, false],
    [3, 23, true],
    [4, 23, false],
    [19, 119, true],
    [20, 120, false],
  ] as const) {
    assert.equal(isWithinBudget(config, retries, calls), isWithin, `${retries} of ${calls}`);
  }
  assert.equal(isWithinBudget(null, 1_000, 1_000), true);
});

test("retries beyond the budget are not made, and the failure is the caller's", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const calls = Array.from({ length: 12 }, () => harness.call({ config: RETRYING }));
    assert.equal(await failAll(connections), 12);
    assert.equal(overCount(calls), 9, "by default three are retried");
    assert.equal(harness.metric("fairlead_retry_refusals_total", { reason: "budget" }), 9);
    harness.clock.advance(1_210);
    assert.equal(await failAll(connections, "0"), 3);
    const later = harness.call({ config: RETRYING });
    await failAll(connections);
    assert.equal(overCount([later]), 0, "what was taken of the budget is given back");
    later.call!.cancel(8);
  });
});

test("`retryBudget: null` is no budget", async () => {
  await withCluster({ serviceConfig: { fairlead: { retryBudget: null } } }, async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const calls = Array.from({ length: 12 }, () => harness.call({ config: RETRYING }));
    await failAll(connections);
    assert.equal(overCount(calls), 0);
    for (const { call } of calls) call!.cancel(8);
  });
});

const breaking = (circuitBreakers: object) => ({
  serviceConfig: { fairlead: { circuitBreakers } },
});

test("maxCalls: one more is refused at once, UNAVAILABLE (A32) and with its reason", async () => {
  await withCluster(breaking({ maxCalls: 2 }), async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const calls = [harness.call(), harness.call({ config: RETRYING })];
    const refused = harness.call({ config: RETRYING });
    assert.equal(refused.failure?.status, 14);
    assert.equal(refused.failure?.kind, "refused");
    const reason =
      "circuit breaker maxCalls: the limit of 2 is reached by calls in flight to echo.test:1";
    assert.equal(refused.failure?.reason, reason);
    harness.call();
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "max_calls" }), 2);
    const [view] = harness.cluster.view().circuitBreakers;
    assert.deepEqual(view, { name: "maxCalls", limit: 2, current: 2, refused: 2, open: true });
    await failAll(connections, "0");
    assert.equal(overCount(calls), 2);
    const next = harness.call();
    assert.equal(next.failure, null);
    await failAll(connections, "0");
    await harness.pass(3_000);
    const lines = harness.log.entries.filter(({ msg }) => msg.startsWith("circuit breaker"));
    const told = lines.map(({ msg, fields }) => [msg, fields?.breaker, fields?.refused]);
    assert.deepEqual(told, [
      ["circuit breaker is open", "maxCalls", undefined],
      ["circuit breaker is closed", "maxCalls", 2],
    ]);
  });
});

test("maxPendingCalls: one more that would have to wait is refused", async () => {
  await withCluster(breaking({ maxPendingCalls: 1 }), async (harness) => {
    const waiting = harness.call();
    const refused = harness.call();
    const reached = "the limit of 1 is reached by waiting calls to echo.test:1";
    const reason = `circuit breaker maxPendingCalls: ${reached}`;
    assert.equal(refused.failure?.reason, reason);
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "max_pending_calls" }), 1);
    waiting.call!.cancel(8);
    const server = await harness.server({ settings: [[3, 1]] });
    harness.resolve(server);
    await harness.untilReady(1);
    harness.call();
    const queued = harness.call();
    assert.equal(queued.failure, null);
    assert.equal(harness.call().failure?.reason, reason);
  });
});

test("maxRetries: one more is not made", async () => {
  await withCluster(breaking({ maxRetries: 1 }), async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const calls = [1, 2].map(() => harness.call({ config: RETRYING }));
    await failAll(connections);
    assert.equal(overCount(calls), 1);
    assert.equal(harness.metric("fairlead_retry_refusals_total", { reason: "max_retries" }), 1);
    harness.clock.advance(1_210);
    await failAll(connections, "0");
    assert.equal(overCount(calls), 2);
  });
});

test("maxConnections: an endpoint beyond is not connected, and says why, until there is room", async () => {
  await withCluster(breaking({ maxConnections: 2 }), async (harness) => {
    const servers = [await harness.server(), await harness.server(), await harness.server()];
    harness.resolve(...servers);
    await harness.untilReady(2);
    await eventually("the third has failed", () => {
      harness.clock.advance(1);
      return harness.states("TRANSIENT_FAILURE").length === 1;
    });
    const [left] = harness.states("TRANSIENT_FAILURE");
    const reason =
      "circuit breaker maxConnections: the limit of 2 is reached by connections to echo.test:1";
    assert.ok(left!.reason.startsWith(reason), left!.reason);
    const [view] = harness.cluster.view().circuitBreakers;
    assert.deepEqual([view!.current, view!.limit], [2, 2]);
    const ready = servers.filter(({ address }) => harness.view(address).state === "READY");
    const kept = servers.filter((server) => server !== ready[0]);
    harness.resolve(...kept);
    await settle();
    await harness.pass(3_000);
    await harness.untilReady(2);
    harness.cluster.reconfigure(parseServiceConfig({}));
    assert.deepEqual(harness.cluster.view().circuitBreakers, []);
  });
});

test('what is wrong in "fairlead" is told with its path', () => {
  for (const [fairlead, said] of [
    [
      { circuitBreaker: {} },
      "fairlead.circuitBreaker is unknown: known are activeHealthCheck, cir",
    ],
    [{ circuitBreakers: { maxCall: 1 } }, "fairlead.circuitBreakers.maxCall is unknown"],
    [{ circuitBreakers: 1 }, "fairlead.circuitBreakers is 1, must be an object"],
    [{ circuitBreakers: { maxCalls: -1 } }, "fairlead.circuitBreakers.maxCalls is -1, must be a"],
    [{ circuitBreakers: { maxConnections: 0 } }, "circuitBreakers.maxConnections is 0, must be a"],
    [{ retryBudget: { percent: 101 } }, "fairlead.retryBudget.percent is 101, must be a whole"],
    [{ retryBudget: { percent: 1, min: 1 } }, "fairlead.retryBudget.min is unknown"],
    [{ retryBudget: { minRetries: 0.5 } }, "fairlead.retryBudget.minRetries is 0.5, must be a"],
  ] as const) {
    assert.throws(
      () => parseServiceConfig({ fairlead }),
      (error: Error) => error.message.includes(said) || assert.fail(error.message),
    );
  }
});
