/** Tests of a service config as a whole: each part has its own tests beside it. */
import assert from "node:assert/strict";
import test from "node:test";
import { SERVICE_CONFIG_DEPTH_MAX } from "../discovery/index.ts";
import { parseServiceConfig } from "./index.ts";

/**
 * gRPC ignores fields that it does not know, and so do we. But who wrote these believed in them: a
 * circuit breaker beside `fairlead` in place of inside it was accepted, and broke nothing.
 */
test("our own words in the wrong place are refused with the right one", () => {
  for (const [name, place] of [
    ["circuitBreakers", "fairlead.circuitBreakers"],
    ["retryBudget", "fairlead.retryBudget"],
    ["slowStart", "fairlead.slowStart"],
    ["locality", "fairlead.locality"],
    ["activeHealthCheck", "fairlead.activeHealthCheck"],
    ["retryPolicy", "methodConfig[].retryPolicy"],
    ["hedgingPolicy", "methodConfig[].hedgingPolicy"],
  ] as const) {
    assert.throws(() => parseServiceConfig({ [name]: {} }), {
      name: "ServiceConfigError",
      message: `service config: ${name} stands in the wrong place: it belongs in ${place}`,
    });
  }
});

test("what others may write there is left alone", () => {
  assert.doesNotThrow(() => parseServiceConfig({ someFutureThing: 1, methodConfig: [] }));
});

/** As protobuf's JSON has it, and as tools write that leave no field out. */
test("null is as if absent one level deeper, too", () => {
  const slowStart = { window: "30s" };
  const said = parseServiceConfig({
    fairlead: {
      slowStart: { ...slowStart, aggression: null, minWeightPercent: null },
      locality: { prefer: null, panicThresholdPercent: null, overprovisioningPercent: null },
    },
  }).extensions;
  assert.deepEqual(said, parseServiceConfig({ fairlead: { slowStart } }).extensions);
  assert.deepEqual(said.slowStart, { windowMs: 30_000, aggression: 1, minWeightPercent: 10 });
  const hedgingPolicy = { maxAttempts: 2, hedgingDelay: null, nonFatalStatusCodes: null };
  const { methods } = parseServiceConfig({ methodConfig: [{ name: [{}], hedgingPolicy }] });
  assert.equal(methods.find("/a/b").hedgingPolicy?.delayMs, null);
});

const RETRY =
  '"maxAttempts": 2, "initialBackoff": "1s", "maxBackoff": "1s", "retryableStatusCodes": [14]';
const WEIGHTED = "loadBalancingConfig[0].weighted_round_robin";

/** As text: 1e400 is Infinity after JSON.parse, and JSON.stringify makes null of that. */
for (const [text, why] of [
  [
    '{"fairlead": {"slowStart": {"window": "1s", "aggression": 1e308}}}',
    "fairlead.slowStart.aggression is 1e+308, must be a number above 0, no more than 100",
  ],
  [
    '{"fairlead": {"slowStart": {"window": "1s", "aggression": 1e400}}}',
    "fairlead.slowStart.aggression is Infinity, must be a number above 0, no more than 100",
  ],
  [
    '{"fairlead": {"slowStart": {"window": "86401s"}}}',
    'fairlead.slowStart.window is "86401s", must be more than 0s, no more than 86400s',
  ],
  [
    '{"fairlead": {"slowStart": {"window": "999999999999s"}}}',
    'fairlead.slowStart.window is "999999999999s", must be no more than 315576000000s',
  ],
  [
    '{"fairlead": {"locality": {"panicThresholdPercent": 1e400}}}',
    "fairlead.locality.panicThresholdPercent is Infinity, must be a number from 0 to 100",
  ],
  [
    `{"methodConfig": [{"name": [{}], "retryPolicy": {${RETRY}, "backoffMultiplier": 1e400}}]}`,
    "methodConfig[0].retryPolicy.backoffMultiplier is Infinity, must be a number above 0, " +
      "no more than 1000",
  ],
  [
    `{"methodConfig": [{"name": [{}], "retryPolicy": {${RETRY}, "backoffMultiplier": 1001}}]}`,
    "methodConfig[0].retryPolicy.backoffMultiplier is 1001, must be a number above 0, " +
      "no more than 1000",
  ],
  [
    '{"methodConfig": [{"name": [{}], "timeout": {"seconds": 315576000001}}]}',
    'methodConfig[0].timeout is {"seconds":315576000001}, must be no more than 315576000000s',
  ],
  [
    '{"methodConfig": [{"name": [{}], "timeout": {"seconds": 1e400}}]}',
    'methodConfig[0].timeout is {"seconds":"Infinity"}, must be a duration such as "1.5s"',
  ],
  [
    '{"retryThrottling": {"maxTokens": 10, "tokenRatio": 1000.001}}',
    "retryThrottling.tokenRatio is 1000.001, must be a number from 0.001 to 1000",
  ],
  [
    '{"retryThrottling": {"maxTokens": 10, "tokenRatio": 1e400}}',
    "retryThrottling.tokenRatio is Infinity, must be a number from 0.001 to 1000",
  ],
  [
    '{"loadBalancingConfig": [{"weighted_round_robin": {"errorUtilizationPenalty": 1e308}}]}',
    `${WEIGHTED}.errorUtilizationPenalty is 1e+308, must be a number from 0 to 1000000`,
  ],
] as const) {
  test(`a number beyond all use is refused with what is allowed: ${text}`, () => {
    const wanted = { name: "ServiceConfigError", message: `service config: ${why}` };
    assert.throws(() => parseServiceConfig(JSON.parse(text)), wanted);
  });
}

test("the largest numbers that are allowed are taken", () => {
  const { balancing, extensions, methods, retryThrottling } = parseServiceConfig(
    JSON.parse(`{
      "loadBalancingConfig": [{"weighted_round_robin": {"errorUtilizationPenalty": 1000000}}],
      "fairlead": {"slowStart": {"window": "86400s", "aggression": 100}},
      "methodConfig": [{"name": [{}], "timeout": "315576000000s",
        "retryPolicy": {${RETRY}, "backoffMultiplier": 1000}}],
      "retryThrottling": {"maxTokens": 1000, "tokenRatio": 1000}
    }`),
  );
  assert.equal(balancing.policy.name, "weighted_round_robin");
  assert.deepEqual(
    [extensions.slowStart?.windowMs, extensions.slowStart?.aggression],
    [86.4e6, 100],
  );
  assert.equal(methods.find("/a/b").timeoutMs, 315_576e9);
  assert.equal(methods.find("/a/b").retryPolicy?.backoffMultiplier, 1_000);
  assert.equal(retryThrottling?.tokenRatioThousandths, 1_000_000);
});

test("a config that is nested too deep is refused, before anybody compares or writes it", () => {
  const nested = (depth: number) =>
    JSON.parse(`{"unknown": ${"[".repeat(depth)}${"]".repeat(depth)}}`);
  assert.ok(parseServiceConfig(nested(SERVICE_CONFIG_DEPTH_MAX - 1)));
  for (const depth of [SERVICE_CONFIG_DEPTH_MAX, 100_000]) {
    const message = "service config is nested deeper than 100 levels";
    assert.throws(() => parseServiceConfig(nested(depth)), { name: "ServiceConfigError", message });
  }
});

test("null is as if absent, and of the budget: none", () => {
  const said = parseServiceConfig({
    fairlead: {
      ...{ slowStart: null, locality: null, circuitBreakers: null, activeHealthCheck: null },
      retryBudget: null,
    },
  }).extensions;
  const { retryBudget, ...absent } = parseServiceConfig({}).extensions;
  assert.deepEqual(said, { ...absent, retryBudget: null });
  assert.notEqual(retryBudget, null);
});
