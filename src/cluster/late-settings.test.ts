/** Tests of settings that come while a call waits for its first endpoint; `Call.reconfigure`. */
import assert from "node:assert/strict";
import test from "node:test";
import { type CallerProbe, withCluster } from "../../test/support/cluster.ts";
import { eventually, grpcRequest } from "../../test/support/raw-http2.ts";
import { type MethodConfig, MethodConfigs } from "../grpc/index.ts";
import { headerList } from "../http2/index.ts";

const PLAIN: MethodConfig = MethodConfigs.parse({ methodConfig: [{ name: [{}] }] }).find("/a/b");

const RETRYING: MethodConfig = MethodConfigs.parse({
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        ...{ maxAttempts: 3, initialBackoff: "1s", maxBackoff: "1s", backoffMultiplier: 1 },
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
}).find("/a/b");

const HEDGING: MethodConfig = MethodConfigs.parse({
  methodConfig: [{ name: [{}], hedgingPolicy: { maxAttempts: 3, hedgingDelay: "0.5s" } }],
}).find("/a/b");

function comeLate(
  probe: CallerProbe,
  config: MethodConfig,
  deadlineMs = Number.POSITIVE_INFINITY,
): void {
  const list = headerList(grpcRequest("/a/b"));
  probe.call = probe.call!.reconfigure({ list, deadlineMs, waitForReady: true, config });
  assert.notEqual(probe.call, null);
}

for (const [name, config] of [
  ["no policy", PLAIN],
  ["a retry policy", RETRYING],
  ["a hedging policy", HEDGING],
] as const) {
  test(`room that a retry took before any endpoint is given back: then ${name}`, async () => {
    const fairlead = { circuitBreakers: { maxRetries: 5 } };
    await withCluster({ serviceConfig: { fairlead } }, async (harness) => {
      const retries = () => harness.cluster.view().circuitBreakers[0]!.current;
      const gone = await harness.server();
      await gone.close();
      harness.resolve(gone.address);
      await eventually("refused", () => harness.states("TRANSIENT_FAILURE").length === 1);
      const call = harness.call({ config: RETRYING, waitForReady: false });
      assert.equal(retries(), 1, "it is retried");
      harness.resolve(await harness.server());
      harness.clock.advance(1_210);
      assert.equal(retries(), 1, "it waits while something connects");
      comeLate(call, config);
      call.call!.cancel(8);
      assert.equal(retries(), 0);
    });
  });
}

for (const deadlineMs of [Number.POSITIVE_INFINITY, 60_000]) {
  test(`the limit of waiting stays, with a late deadline of ${deadlineMs} ms`, async () => {
    await withCluster({ readyTimeoutMs: 5_000 }, async (harness) => {
      const call = harness.call();
      harness.clock.advance(3_000);
      comeLate(call, PLAIN, deadlineMs);
      harness.clock.advance(1_900);
      assert.equal(call.isFailed, false);
      harness.clock.advance(150);
      assert.equal(call.failure?.reason, "echo.test:1 is not resolved yet");
    });
  });
}

test("a late deadline before the limit of waiting is kept to", async () => {
  await withCluster({ readyTimeoutMs: 5_000 }, async (harness) => {
    const call = harness.call();
    comeLate(call, PLAIN, harness.clock.nowMs() + 1_000);
    harness.clock.advance(1_050);
    assert.equal(call.isFailed, true);
  });
});
