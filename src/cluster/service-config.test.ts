/** Tests of a service config as a whole: each part has its own tests beside it. */
import assert from "node:assert/strict";
import test from "node:test";
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
