/** Tests of what service config says of calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceConfigError } from "./json-fields.ts";
import { MethodConfigs, withAttemptsMax } from "./method-config.ts";
import { parsePushback } from "./retry-throttling.ts";
import { Status } from "./status.ts";

const entry = (fields: object) => ({ methodConfig: [{ name: [{}], ...fields }] });
const configOf = (fields: object) => MethodConfigs.parse(entry(fields)).find("/a.B/C");

test("the entry of a method comes before its service's, and that before the one of all", () => {
  const named = (name: object, timeout: string) => ({ name: [name], timeout });
  const configs = MethodConfigs.parse({
    methodConfig: [
      named({}, "1s"),
      named({ service: "a.B" }, "2s"),
      named({ service: "a.B", method: "C" }, "3s"),
    ],
  });
  assert.equal(configs.find("/a.B/C").timeoutMs, 3_000);
  assert.equal(configs.find("/a.B/D").timeoutMs, 2_000);
  assert.equal(configs.find("/a.BB/C").timeoutMs, 1_000);
  assert.equal(MethodConfigs.parse({}).find("/a.B/C").timeoutMs, null);
});

test("durations and sizes are read in each form that tools write", () => {
  for (const [timeout, ms] of [
    ["1.5s", 1_500],
    ["0.000000001s", 0.000_001],
    ["0s", 0],
    [{ seconds: 2, nanos: 500_000_000 }, 2_500],
    [{ seconds: "3" }, 3_000],
    [null, null],
  ] as const) {
    assert.equal(configOf({ timeout }).timeoutMs, ms, JSON.stringify(timeout));
  }
  assert.equal(configOf({ maxRequestMessageBytes: "20" }).maxRequestBytes, 20);
  assert.equal(configOf({ maxResponseMessageBytes: 0 }).maxResponseBytes, 0);
  assert.equal(configOf({ waitForReady: false }).waitForReady, false);
});

const RETRY = {
  maxAttempts: 3,
  initialBackoff: "0.1s",
  maxBackoff: "2s",
  backoffMultiplier: 2,
  retryableStatusCodes: [14, "aborted"],
};

test("a retry policy and a hedging policy are read whole", () => {
  assert.deepEqual(configOf({ retryPolicy: RETRY }).retryPolicy, {
    maxAttempts: 3,
    initialBackoffMs: 100,
    maxBackoffMs: 2_000,
    backoffMultiplier: 2,
    retryableStatuses: [Status.UNAVAILABLE, Status.ABORTED],
  });
  assert.deepEqual(configOf({ hedgingPolicy: { maxAttempts: 2 } }).hedgingPolicy, {
    maxAttempts: 2,
    delayMs: null,
    nonFatalStatuses: [],
  });
});

test("A6: initialBackoff and maxBackoff MUST be greater than 0, backoffMultiplier too", () => {
  for (const [over, said] of [
    [{ initialBackoff: "0s" }, 'retryPolicy.initialBackoff is "0s", must be longer than 0'],
    [{ maxBackoff: "0.0s" }, 'retryPolicy.maxBackoff is "0.0s", must be longer than 0'],
    [{ backoffMultiplier: 0 }, "retryPolicy.backoffMultiplier is 0, must be a number above 0"],
    [{ retryableStatusCodes: [] }, "retryPolicy.retryableStatusCodes is [], must be a list that"],
    [{ maxAttempts: 2.5 }, "retryPolicy.maxAttempts is 2.5, must be 2 or more"],
  ] as const) {
    const parse = () => configOf({ retryPolicy: { ...RETRY, ...over } });
    assert.throws(parse, (error: Error) => error.message.includes(said), said);
  }
});

test("A6: higher values of maxAttempts are treated as equal to the maximum; 1 is no policy", () => {
  const retrying = configOf({ retryPolicy: { ...RETRY, maxAttempts: 9 } });
  const hedging = configOf({ hedgingPolicy: { maxAttempts: 9 } });
  assert.equal(withAttemptsMax(retrying, 5).retryPolicy?.maxAttempts, 5);
  assert.equal(withAttemptsMax(hedging, 5).hedgingPolicy?.maxAttempts, 5);
  assert.equal(withAttemptsMax(retrying, 9), retrying);
  assert.equal(withAttemptsMax(retrying, 1).retryPolicy, null);
  assert.equal(withAttemptsMax(hedging, 1).hedgingPolicy, null);
});

test("A6: pushback is a signed 32-bit integer without unnecessary leading zeros", () => {
  for (const [value, ms] of [
    ["0", 0],
    ["1", 1],
    ["2147483647", 2_147_483_647],
    ["2147483648", -1],
    ["-1", -1],
    ["-300", -1],
    ["-0", -1],
    ["00", -1],
    ["007", -1],
    ["+1", -1],
    [" 1", -1],
    ["1e3", -1],
    ["", -1],
    ["1,2", -1],
  ] as const) {
    assert.equal(parsePushback(value), ms, JSON.stringify(value));
  }
});

test("a mistake is told with its path", () => {
  const at = "methodConfig[0]";
  for (const [json, said] of [
    [{ methodConfig: {} }, "methodConfig is {}, must be a list"],
    [{ methodConfig: [1] }, `${at} is 1, must be an object`],
    [{ methodConfig: [{}] }, `${at}.name must be a list`],
    [{ methodConfig: [{ name: 1 }] }, `${at}.name is 1, must be a list`],
    [
      { methodConfig: [{ name: [{ service: 1 }] }] },
      `${at}.name[0].service is 1, must be a string`,
    ],
    [
      { methodConfig: [{ name: [{ method: "C" }] }] },
      `${at}.name[0].method needs a service beside it`,
    ],
    [{ methodConfig: [{ name: [{}, {}] }] }, `${at}.name[1] stands twice`],
    [entry({ timeout: "-1s" }), `${at}.timeout is "-1s", must be a duration such as "1.5s"`],
    [
      entry({ timeout: { seconds: -1 } }),
      `${at}.timeout is {"seconds":-1}, must be a duration such`,
    ],
    [entry({ timeout: { seconds: "x" } }), `${at}.timeout is {"seconds":"x"}, must be a duration`],
    [entry({ waitForReady: 1 }), `${at}.waitForReady is 1, must be a boolean`],
    [entry({ maxRequestMessageBytes: "1e3" }), `${at}.maxRequestMessageBytes is "1e3", must be a`],
    [entry({ retryPolicy: RETRY, hedgingPolicy: {} }), `${at}.hedgingPolicy excludes retryPolicy`],
    [entry({ retryPolicy: 1 }), `${at}.retryPolicy is 1, must be an object`],
    [
      entry({ retryPolicy: { ...RETRY, maxAttempts: 1 } }),
      `${at}.retryPolicy.maxAttempts is 1, must`,
    ],
    [
      entry({ retryPolicy: { ...RETRY, retryableStatusCodes: ["constructor"] } }),
      `${at}.retryPolicy.retryableStatusCodes[0] is "constructor", must be a status code`,
    ],
    [
      entry({ timeout: "x".repeat(999) }),
      `${at}.timeout is "${"x".repeat(63)}..., must be a duration`,
    ],
  ] as const) {
    assert.throws(
      () => MethodConfigs.parse(json),
      (error) => {
        assert.ok(error instanceof ServiceConfigError);
        const message = error.message;
        assert.ok(message.startsWith(`service config: ${said}`), `${said}: ${message}`);
        return true;
      },
    );
  }
});

test("a config that is no object at all is named as a whole", () => {
  const message = "service config is null, must be an object";
  assert.throws(() => MethodConfigs.parse(null), { name: "ServiceConfigError", message });
});
