/** Tests of naming a policy: on the command line, and in gRPC service config. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  balancingFromServiceConfig,
  KNOWN_POLICY_NAMES,
  type LeastRequestPolicy,
  type PickFirstPolicy,
  type Policy,
  PolicyError,
  parsePolicy,
} from "./index.ts";

const policyFrom = (json: unknown): Policy => balancingFromServiceConfig(json).policy;

const fails = (json: unknown, message: RegExp) =>
  assert.throws(
    () => balancingFromServiceConfig(json),
    (error) => {
      assert.ok(error instanceof PolicyError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    },
    JSON.stringify(json),
  );

test("every known name yields the policy of that name", () => {
  assert.deepEqual(KNOWN_POLICY_NAMES, [
    "pick_first",
    "round_robin",
    "least_request",
    "random",
    "weighted_round_robin",
  ]);
  for (const name of KNOWN_POLICY_NAMES) assert.equal(parsePolicy(name).name, name);
  assert.equal(parsePolicy("least_request_experimental").name, "least_request");
});

test("an unknown name is refused with the names that are known", () => {
  for (const name of ["", "fastest", "toString", "__proto__", "ROUND_ROBIN"]) {
    assert.throws(() => parsePolicy(name), {
      name: "PolicyError",
      message:
        `unknown policy ${JSON.stringify(name)}: ` +
        "known are pick_first, round_robin, least_request, random, weighted_round_robin",
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

test("A48 choiceCount: default 2, above 10 counts as 10, below 2 rejected", () => {
  const choices = (config: object) => {
    const json = { loadBalancingConfig: [{ least_request_experimental: config }] };
    return (policyFrom(json) as LeastRequestPolicy).choiceCount;
  };
  assert.equal(choices({}), 2);
  assert.equal(choices({ choiceCount: 3 }), 3);
  assert.equal(choices({ choiceCount: 10 }), 10);
  assert.equal(choices({ choiceCount: 11 }), 10);
  for (const bad of [1, 0, -1, 2.5, "3", null, true, [], Number.NaN]) {
    if (bad === null)
      assert.equal(choices({ choiceCount: bad }), 2); // proto3 JSON: null = unset
    else fails({ loadBalancingConfig: [{ least_request: { choiceCount: bad } }] }, /choiceCount/);
  }
});

test("the first known policy with wrong parameters is an error, not skipped", () => {
  const bad = { least_request: { choiceCount: 1 } };
  fails({ loadBalancingConfig: [bad, { round_robin: {} }] }, /must be 2 or more/);
});

test("A62 shuffleAddressList is handed to the cluster, and must be a boolean", () => {
  const parse = (config: object) =>
    policyFrom({
      loadBalancingConfig: [{ pick_first: config }],
    }) as PickFirstPolicy;
  assert.equal(parse({}).shuffleAddressList, false);
  assert.equal(parse({ shuffleAddressList: true }).shuffleAddressList, true);
  fails({ loadBalancingConfig: [{ pick_first: { shuffleAddressList: 1 } }] }, /must be a boolean/);
});

test("malformed service config is refused in one sentence", () => {
  for (const json of [null, [], "x", 1, undefined]) fails(json, /must be a JSON object/);
  fails({ loadBalancingConfig: {} }, /must be a list/);
  fails({ loadBalancingPolicy: 1 }, /must be a string/);
  for (const entry of [null, 1, "round_robin", [], {}, { round_robin: {}, random: {} }]) {
    fails({ loadBalancingConfig: [entry] }, /\[0\] must be an object with exactly one key/);
  }
  fails({ loadBalancingConfig: [{ round_robin: null }] }, /parameters of round_robin/);
});
