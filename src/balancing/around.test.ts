/** What can stand around a policy in service config: each rule, and each mistake by its path. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Balancing, balancingFromServiceConfig } from "./index.ts";
import { parseLocality } from "./priority-config.ts";

const LEAF = [{ round_robin: {} }];

const parse = (...list: unknown[]): Balancing =>
  balancingFromServiceConfig({ loadBalancingConfig: list });

/** The field at `path` below `loadBalancingConfig[0].` is refused, as `what` says after it. */
function refused(entry: object, path: string, what: string): void {
  assert.throws(() => parse(entry), {
    name: "ServiceConfigError",
    message: `service config: loadBalancingConfig[0].${path} ${what}`,
  });
}

const outlier = (fields: object = {}, childPolicy: unknown = LEAF) => ({
  outlier_detection: { ...fields, childPolicy },
});
const subset = (fields: object = {}, childPolicy: unknown = LEAF) => ({
  random_subsetting: { ...fields, childPolicy },
});
const levels = (config: unknown = LEAF, priorities = ["zone", "any"]) => ({
  priority: {
    priorities,
    children: Object.fromEntries(priorities.map((name) => [name, { config }])),
  },
});

test("A50: the defaults; an ejection that is not named is not done", () => {
  assert.deepEqual(parse(outlier()).outlierDetection, {
    intervalMs: 10_000,
    baseEjectionTimeMs: 30_000,
    maxEjectionTimeMs: 300_000,
    maxEjectionPercent: 10,
    successRateEjection: null,
    failurePercentageEjection: null,
    consecutiveErrors: null,
  });
  const all = { successRateEjection: {}, failurePercentageEjection: {}, consecutiveErrors: {} };
  const config = parse(outlier(all)).outlierDetection!;
  assert.deepEqual(config.successRateEjection, {
    stdevFactor: 1900,
    enforcementPercentage: 100,
    minimumHosts: 5,
    requestVolume: 100,
  });
  assert.deepEqual(config.failurePercentageEjection, {
    threshold: 85,
    enforcementPercentage: 100,
    minimumHosts: 5,
    requestVolume: 50,
  });
  assert.deepEqual(config.consecutiveErrors, { threshold: 5, enforcementPercentage: 100 });
  const unset = { interval: null, maxEjectionPercent: null, successRateEjection: null };
  assert.deepEqual(parse(outlier(unset)), parse(outlier()), "null is unset in JSON of protobuf");
});

test("A50: max_ejection_time is 300 s or the base time, whatever is larger, unless given", () => {
  const maxOf = (fields: object) => parse(outlier(fields)).outlierDetection!.maxEjectionTimeMs;
  assert.equal(maxOf({ baseEjectionTime: "400s" }), 400_000);
  assert.equal(maxOf({ baseEjectionTime: "400s", maxEjectionTime: "10s" }), 10_000);
});

test("an interval of 0 is no sweep on every turn of the event loop", () => {
  assert.equal(parse(outlier({ interval: "0s" })).outlierDetection!.intervalMs, 100);
});

test('A50: durations "must have non-negative values"', () => {
  for (const name of ["interval", "baseEjectionTime", "maxEjectionTime"]) {
    for (const bad of ["-1s", "10", 10]) {
      const what = `is ${JSON.stringify(bad)}, must be a duration such as "1.5s"`;
      refused(outlier({ [name]: bad }), `outlier_detection.${name}`, what);
    }
  }
});

test('A50: percentages "must have values less than or equal to `100`"', () => {
  for (const [object, name] of [
    [null, "maxEjectionPercent"],
    ["successRateEjection", "enforcementPercentage"],
    ["failurePercentageEjection", "threshold"],
    ["failurePercentageEjection", "enforcementPercentage"],
    ["consecutiveErrors", "enforcementPercentage"],
  ] as const) {
    for (const bad of [101, -1, 0.5, "10"]) {
      const fields = object === null ? { [name]: bad } : { [object]: { [name]: bad } };
      const path = object === null ? name : `${object}.${name}`;
      const what = `is ${JSON.stringify(bad)}, must be a whole number from 0 to 100`;
      refused(outlier(fields), `outlier_detection.${path}`, what);
    }
  }
});

test("A50: counts are whole numbers; an ejection is an object", () => {
  for (const name of ["stdevFactor", "minimumHosts", "requestVolume"]) {
    const path = `outlier_detection.successRateEjection.${name}`;
    const what = "is -1, must be a whole number from 0 to 4294967295";
    refused(outlier({ successRateEjection: { [name]: -1 } }), path, what);
  }
  const path = "outlier_detection.consecutiveErrors";
  const none = "is 0, must be a whole number from 1 to 4294967295";
  refused(outlier({ consecutiveErrors: { threshold: 0 } }), `${path}.threshold`, none);
  refused(outlier({ consecutiveErrors: 5 }), path, "is 5, must be an object");
});

test("A68: subset_size is 20 by default, and at least 1", () => {
  assert.deepEqual(parse(subset()).subsetting, { subsetSize: 20 });
  assert.deepEqual(parse(subset({ subsetSize: 3 })).subsetting, { subsetSize: 3 });
  for (const bad of [0, -1, 1.5, "20"]) {
    const what = `is ${JSON.stringify(bad)}, must be a whole number from 1 to 4294967295`;
    refused(subset({ subsetSize: bad }), "random_subsetting.subsetSize", what);
  }
});

test("priority: levels from near to far, the last is any, each has a child", () => {
  assert.deepEqual(parse(levels()).priority, { priorities: ["zone", "any"] });
  assert.deepEqual(parse(levels(LEAF, ["any"])).priority, { priorities: ["any"] });
  const at = "priority.priorities";
  refused(levels(LEAF, ["zone", "rack"]), `${at}[1]`, 'is "rack", must be one of node, zone, any');
  const order = "must be farther than the one before it";
  refused(levels(LEAF, ["zone", "node", "any"]), `${at}[1]`, `is "node", ${order}`);
  refused(levels(LEAF, ["zone", "zone"]), `${at}[1]`, `is "zone", ${order}`);
  refused(
    levels(LEAF, ["node", "zone"]),
    at,
    'is ["node","zone"], must be a list that ends with "any"',
  );
  refused({ priority: {} }, at, 'is missing, must be a list that ends with "any"');
  const childless = { priority: { priorities: ["any"], children: {} } };
  refused(childless, "priority.children.any", "is missing, must be an object");
});

test("priority: all levels have the same policy", () => {
  const children = { zone: { config: LEAF }, any: { config: [{ random: {} }] } };
  refused(
    { priority: { priorities: ["zone", "any"], children } },
    "priority.children.any.config",
    "differs from loadBalancingConfig[0].priority.children.zone.config: " +
      "all levels have the same policy here",
  );
  const a = [{ ring_hash: { minRingSize: 10, maxRingSize: 20 } }];
  const b = [{ ring_hash: { maxRingSize: 20, minRingSize: 10 } }];
  const same = { zone: { config: a }, any: { config: b } };
  const parsed = parse({ priority: { priorities: ["zone", "any"], children: same } });
  assert.equal(parsed.policy.name, "ring_hash");
});

test("all nested in each other in any order mean the same", () => {
  const wraps = [
    (child: unknown) => outlier({ consecutiveErrors: {} }, child),
    (child: unknown) => subset({ subsetSize: 7 }, child),
    (child: unknown) => levels(child),
  ];
  const expected = parse(wraps[0]!([wraps[1]!([wraps[2]!(LEAF)])]));
  assert.equal(expected.subsetting?.subsetSize, 7);
  assert.deepEqual(expected.priority?.priorities, ["zone", "any"]);
  assert.equal(expected.outlierDetection?.consecutiveErrors?.threshold, 5);
  const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  fc.assert(
    fc.property(order, fc.boolean(), (indices, isSuffixed) => {
      let list: unknown[] = LEAF;
      for (const i of indices) list = [wraps[i]!(list)];
      const text = JSON.stringify(list);
      const names = /"(outlier_detection|random_subsetting|priority)"/g;
      const json = isSuffixed ? text.replace(names, '"$1_experimental"') : text;
      assert.deepEqual(parse(...(JSON.parse(json) as unknown[])), expected);
    }),
  );
});

test("each stands around a policy once", () => {
  const twice = outlier({}, [subset({}, [{ outlier_detection_experimental: {} }])]);
  const child = "childPolicy[0].outlier_detection_experimental";
  refused(
    twice,
    `outlier_detection.childPolicy[0].random_subsetting.${child}`,
    "is outlier_detection again: it may stand around a policy once",
  );
  let deep: unknown = LEAF;
  for (let i = 0; i < 10_000; i += 1) deep = [subset({}, deep)];
  const path = "random_subsetting.childPolicy[0].random_subsetting";
  refused(
    (deep as object[])[0]!,
    path,
    "is random_subsetting again: it may stand around a policy once",
  );
});

test("a child's mistakes have the whole path", () => {
  const path = "outlier_detection.childPolicy";
  refused({ outlier_detection: {} }, path, "is missing, must be a list");
  refused(outlier({}, {}), path, "is {}, must be a list");
  const bad = [{ unknown_policy: {} }, { least_request: { choiceCount: 1 } }];
  const at = `${path}[1].least_request.choiceCount`;
  refused(outlier({}, bad), at, "is 1, must be 2 or more");
  assert.throws(() => parse(subset({}, [{ what: {} }])), {
    name: "PolicyError",
    message: /no known policy in loadBalancingConfig\[0\]\.random_subsetting\.childPolicy \[what\]/,
  });
});

test("the first known one of the list wins, be it one that stands around a policy", () => {
  const { policy, outlierDetection } = parse({ later: {} }, outlier(), { random: {} });
  assert.deepEqual([policy.name, outlierDetection !== null], ["round_robin", true]);
  assert.equal(parse({ random: {} }, outlier()).outlierDetection, null);
});

test("locality: Envoy's figures by default, and every mistake by its path", () => {
  const figures = { panicThresholdPercent: 50, overprovisioningPercent: 140 };
  assert.deepEqual(parseLocality(undefined, "l"), { prefer: null, ...figures });
  assert.deepEqual(parseLocality({ prefer: "zone" }, "l"), { prefer: "zone", ...figures });
  for (const [fields, said] of [
    [{ prefer: "region" }, 'l.prefer is "region", must be "zone" or "node"'],
    [{ panicThresholdPercent: 101 }, "l.panicThresholdPercent is 101, must be a number from 0 to"],
    [{ panicThresholdPercent: "5" }, 'l.panicThresholdPercent is "5", must be a number from 0'],
    [{ overprovisioningPercent: 99 }, "l.overprovisioningPercent is 99, must be a number from 100"],
    [{ preferred: "zone" }, "l.preferred is unknown: known are prefer, panicThresholdPercent"],
    [5, "l is 5, must be an object"],
  ] as const) {
    assert.throws(
      () => parseLocality(fields, "l"),
      (error: Error) => error.message.includes(said) || assert.fail(error.message),
    );
  }
});
