/** Tests of the parameters of policies as grpc-js carries them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LeastRequestPolicy } from "../../../balancing/index.ts";
import { policyConfigFor } from "./config.ts";

test("parameters are those of the service config, under the name that was used", () => {
  const configs = policyConfigFor("least_request_experimental");
  const config = configs.createFromJson({ choiceCount: 5 });
  assert.equal(config.getLoadBalancerName(), "least_request_experimental");
  assert.deepEqual(config.toJsonObject(), { least_request_experimental: { choiceCount: 5 } });
  assert.ok(config.policy instanceof LeastRequestPolicy);
  assert.equal(config.policy.choiceCount, 5);
  assert.equal((new configs().policy as LeastRequestPolicy).choiceCount, 2);
});

test("what is wrong is named with its field, once", () => {
  const configs = policyConfigFor("least_request");
  assert.throws(
    () => configs.createFromJson({ choiceCount: "x" }),
    /^PolicyError: choiceCount is "x", must be a whole number$/,
  );
  assert.throws(() => configs.createFromJson([]), /^PolicyError: is \[\], must be an object$/);
});
