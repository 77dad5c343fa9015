/** Tests of naming a policy: on the command line, and in gRPC service config. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceConfigError } from "../grpc/index.ts";
import {
  balancingFromServiceConfig,
  KNOWN_POLICY_NAMES,
  type Policy,
  PolicyError,
  parsePolicy,
} from "./index.ts";

const policyFrom = (json: unknown): Policy => balancingFromServiceConfig(json).policy;

const fails = (json: unknown, message: RegExp) =>
  assert.throws(
    () => balancingFromServiceConfig(json),
    (error) => {
      assert.ok(error instanceof PolicyError || error instanceof ServiceConfigError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    },
    JSON.stringify(json),
  );

test("every known name yields the policy of that name", () => {
  assert.deepEqual(KNOWN_POLICY_NAMES, [
    ...["pick_first", "round_robin", "least_request", "peak_ewma"],
    ...["ring_hash", "maglev", "random", "weighted_round_robin"],
  ]);
  for (const name of KNOWN_POLICY_NAMES) assert.equal(parsePolicy(name).name, name);
});

test("names with the suffix that grpc-go has mean the same, except where there never was one", () => {
  for (const name of ["least_request", "peak_ewma", "ring_hash", "maglev"]) {
    assert.equal(parsePolicy(`${name}_experimental`).name, name);
    const list = [{ [`${name}_experimental`]: {} }, { random: {} }];
    assert.equal(policyFrom({ loadBalancingConfig: list }).name, name);
  }
  for (const name of ["pick_first", "round_robin", "random", ""]) {
    assert.throws(() => parsePolicy(`${name}_experimental`), PolicyError);
  }
});

test("an unknown name is refused with the names that are known", () => {
  for (const name of ["", "fastest", "toString", "__proto__", "ROUND_ROBIN"]) {
    assert.throws(() => parsePolicy(name), {
      name: "PolicyError",
      message:
        `unknown policy ${JSON.stringify(name)}: ` + `known are ${KNOWN_POLICY_NAMES.join(", ")}`,
    });
  }
});

test("the first known policy of the list wins", () => {
  const policy = policyFrom({
    loadBalancingConfig: [
      { weighted_by_the_moon: { phase: 1 } },
      { round_robin: {} },
      { pick_first: {} },
    ],
    loadBalancingPolicy: "pick_first",
  });
  assert.equal(policy.name, "round_robin");
});

test("a list of unknown policies only is an error that names them", () => {
  fails({ loadBalancingConfig: [{ a: {} }, { b: {} }] }, /\[a, b\].*known are pick_first/);
  fails({ loadBalancingConfig: [] }, /no known policy/);
});

test("without loadBalancingConfig: the deprecated name in any case, else the default", () => {
  assert.equal(policyFrom({ loadBalancingPolicy: "ROUND_ROBIN" }).name, "round_robin");
  assert.equal(policyFrom({}).name, "least_request");
  assert.equal(policyFrom({ methodConfig: [] }).name, "least_request");
});

test("the first known policy with wrong parameters is an error, not skipped", () => {
  const bad = { least_request: { choiceCount: 1 } };
  fails({ loadBalancingConfig: [bad, { round_robin: {} }] }, /must be 2 or more/);
});

test("malformed service config is refused in one sentence that names the field", () => {
  for (const json of [null, [], "x", 1, undefined])
    fails(json, /^service config is .*, must be an object$/);
  fails({ loadBalancingConfig: {} }, /: loadBalancingConfig is {}, must be a list$/);
  fails({ loadBalancingPolicy: 1 }, /: loadBalancingPolicy is 1, must be a string$/);
  for (const entry of [null, 1, "round_robin", []]) {
    fails({ loadBalancingConfig: [entry] }, /loadBalancingConfig\[0\] is .*, must be an object$/);
  }
  for (const entry of [{}, { round_robin: {}, random: {} }]) {
    const list = [{ unknown: {} }, entry];
    fails(
      { loadBalancingConfig: list },
      /Config\[1\] must have exactly one key, the policy's name$/,
    );
  }
  const bad = [{ round_robin: null }];
  fails({ loadBalancingConfig: bad }, /Config\[0\]\.round_robin is null, must be an object$/);
});
