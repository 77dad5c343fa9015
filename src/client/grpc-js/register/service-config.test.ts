/** Tests of service configs as grpc-js is given them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { toGrpcServiceConfig } from "./service-config.ts";

const check = (json: unknown) => {
  const result = toGrpcServiceConfig({ json }, grpc);
  return result.ok ? result.value : result.error.details;
};

test("all that grpc-js keeps, in its own names and shapes", () => {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: "0.1s",
    maxBackoff: "1s",
    backoffMultiplier: 2,
  };
  assert.deepEqual(
    check({
      loadBalancingConfig: [{ unheard_of: {} }, { round_robin: {} }],
      methodConfig: [
        {
          name: [{ service: "a.B", method: "C" }, { service: "a.D" }],
          timeout: "1.5s",
          waitForReady: true,
          maxRequestMessageBytes: 10,
          maxResponseMessageBytes: "20",
          retryPolicy: { ...retryPolicy, retryableStatusCodes: [14, "aborted"] },
        },
        {
          name: [{}],
          timeout: "0.000000001s",
          hedgingPolicy: { maxAttempts: 2, hedgingDelay: "0s", nonFatalStatusCodes: [14] },
        },
      ],
      retryThrottling: { maxTokens: 10, tokenRatio: 0.12345 },
    }),
    {
      loadBalancingConfig: [{ unheard_of: {} }, { round_robin: {} }],
      methodConfig: [
        {
          name: [{ service: "a.B", method: "C" }, { service: "a.D" }],
          timeout: { seconds: 1, nanos: 500_000_000 },
          waitForReady: true,
          maxRequestBytes: 10,
          maxResponseBytes: 20,
          retryPolicy: { ...retryPolicy, retryableStatusCodes: ["UNAVAILABLE", "ABORTED"] },
        },
        {
          name: [{}],
          timeout: { seconds: 0, nanos: 1 },
          hedgingPolicy: {
            maxAttempts: 2,
            hedgingDelay: "0s",
            nonFatalStatusCodes: ["UNAVAILABLE"],
          },
        },
      ],
      retryThrottling: { maxTokens: 10, tokenRatio: 0.123 },
    },
  );
  assert.deepEqual(check({}), { loadBalancingConfig: [], methodConfig: [] });
});

test("the old name of a policy counts, in any case, when there is no list", () => {
  assert.deepEqual(check({ loadBalancingPolicy: "ROUND_ROBIN" }), {
    loadBalancingPolicy: "ROUND_ROBIN",
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [],
  });
});

const retry = (field: string, value: unknown) => ({
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 2,
        initialBackoff: "1s",
        maxBackoff: "1s",
        backoffMultiplier: 1,
        retryableStatusCodes: [14],
        [field]: value,
      },
    },
  ],
});
const method = (fields: object) => ({ methodConfig: [{ name: [{}], ...fields }] });
const AT = "service config: methodConfig[0]";

test("a mistake is told with its path", () => {
  for (const [json, want] of [
    [[], "service config is [], must be an object"],
    [{ loadBalancingConfig: {} }, "service config: loadBalancingConfig is {}, must be a list"],
    [{ loadBalancingConfig: [{}] }, "service config: loadBalancingConfig[0] must have exactly one"],
    [{ loadBalancingConfig: [{ a: 1 }] }, "service config: loadBalancingConfig[0].a is 1, must be"],
    [{ loadBalancingConfig: [{ a: {} }] }, "service config: loadBalancingConfig names no policy"],
    [{ loadBalancingPolicy: 1 }, "service config: loadBalancingPolicy is 1, must be a string"],
    [{ methodConfig: [1] }, `${AT} is 1, must be an object`],
    [{ methodConfig: [{ name: [{ method: "x" }] }] }, `${AT}.name[0].method needs a service`],
    [{ methodConfig: [{ name: [{}, {}] }] }, `${AT}.name[1] stands twice`],
    [method({ timeout: 5 }), `${AT}.timeout is 5, must be a duration such as "1.5s"`],
    [method({ waitForReady: "x" }), `${AT}.waitForReady is "x", must be a boolean`],
    [method({ maxRequestMessageBytes: -1 }), `${AT}.maxRequestMessageBytes is -1, must be`],
    [method({ retryPolicy: {}, hedgingPolicy: {} }), `${AT}.hedgingPolicy excludes retryPolicy`],
    [method({ hedgingPolicy: {} }), `${AT}.hedgingPolicy.maxAttempts is missing, must be 2 or`],
    [retry("maxAttempts", 1), `${AT}.retryPolicy.maxAttempts is 1, must be 2 or more`],
    [retry("maxBackoff", "1"), `${AT}.retryPolicy.maxBackoff is "1", must be a duration`],
    [retry("backoffMultiplier", 0), `${AT}.retryPolicy.backoffMultiplier is 0, must be a number`],
    [retry("retryableStatusCodes", []), `${AT}.retryPolicy.retryableStatusCodes is [], must be`],
    [retry("retryableStatusCodes", [99]), `${AT}.retryPolicy.retryableStatusCodes[0] is 99, must`],
    [{ retryThrottling: { maxTokens: 0 } }, "service config: retryThrottling.maxTokens is 0, must"],
    [
      { retryThrottling: { maxTokens: 1 } },
      "service config: retryThrottling.tokenRatio is missing",
    ],
  ] as const) {
    const said = check(json);
    assert.ok(String(said).startsWith(want), `${JSON.stringify(json)}: ${JSON.stringify(said)}`);
  }
  assert.deepEqual(toGrpcServiceConfig({ error: "why" }, grpc), {
    ok: false,
    error: { code: grpc.status.UNAVAILABLE, details: "why", metadata: new grpc.Metadata() },
  });
});
