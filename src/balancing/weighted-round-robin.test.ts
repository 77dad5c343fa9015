/** Tests of weighted_round_robin: gRFC A58, A114, and what A78 counts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../base/index.ts";
import type { LoadReport } from "./load-report.ts";
import { type FakeTarget, fakeTargets, pickerSuite, pickNames } from "./picker-suite.ts";
import type { Picker } from "./policy.ts";
import { parsePolicy, tryParsePolicy } from "./registry.ts";
import type { ReportedWeight } from "./reported-weight.ts";
import type { WeightedRoundRobinPolicy } from "./weighted-round-robin.ts";
import {
  BLACKOUT_MS,
  OOB_REPORTING_MS,
  WEIGHT_EXPIRATION_MS,
  WEIGHT_UPDATE_MS,
  WEIGHT_UPDATE_MS_MIN,
} from "./weighted-round-robin-config.ts";

pickerSuite("weighted_round_robin", () => parsePolicy("weighted_round_robin"));

function policyOf(config: Record<string, unknown> = {}): WeightedRoundRobinPolicy {
  return tryParsePolicy(
    "weighted_round_robin",
    config,
    "weighted_round_robin",
  ) as WeightedRoundRobinPolicy;
}

function reportOf(fields: Partial<LoadReport>): LoadReport {
  const nothing = { cpuUtilization: 0, memUtilization: 0, applicationUtilization: 0 };
  const maps = { utilization: new Map(), namedMetrics: new Map() };
  return { ...nothing, qps: 0, eps: 0, ...maps, ...fields };
}

function loadOf(config: Record<string, unknown> = {}): ReportedWeight {
  return policyOf(config).newLoad(0, null) as ReportedWeight;
}

/** The weight after one report. */
function weightOf(fields: Partial<LoadReport>, config: Record<string, unknown> = {}): number {
  const load = loadOf(config);
  load.onReport(reportOf(fields), 0);
  return load.weight;
}

/** Endpoints that reported these weights long enough ago; 0: nothing. */
function weighed(policy: WeightedRoundRobinPolicy, ...weights: number[]): FakeTarget[] {
  const targets = fakeTargets(weights.length);
  for (const [i, target] of targets.entries()) {
    target.load = policy.newLoad(0, null);
    const report = reportOf({ qps: weights[i]!, cpuUtilization: 1 });
    if (weights[i]! > 0) target.load.onReport(report, 0);
  }
  return targets;
}

function sharesOf(picker: Picker<FakeTarget>, count: number): Record<string, number> {
  const shares: Record<string, number> = {};
  for (const name of pickNames(picker, count)) shares[name] = (shares[name] ?? 0) + 1;
  return shares;
}

test("A58: the defaults", () => {
  assert.deepEqual(policyOf().config, {
    reportPeriodMs: null,
    blackoutMs: BLACKOUT_MS,
    expirationMs: WEIGHT_EXPIRATION_MS,
    updateMs: WEIGHT_UPDATE_MS,
    errorPenalty: 1,
    metricNames: [],
  });
  const values = [BLACKOUT_MS, WEIGHT_EXPIRATION_MS, WEIGHT_UPDATE_MS, OOB_REPORTING_MS];
  assert.deepEqual(values, [10_000, 180_000, 1_000, 10_000]);
});

test("A58: weight is qps over utilization and the penalty for errors", () => {
  assert.equal(weightOf({ qps: 100, cpuUtilization: 0.5 }), 200);
  assert.equal(weightOf({ qps: 100, eps: 50, cpuUtilization: 0.5 }), 100);
  const config = { errorUtilizationPenalty: 3 };
  assert.equal(weightOf({ qps: 100, eps: 50, cpuUtilization: 0.5 }, config), 50);
  const none = { errorUtilizationPenalty: 0 };
  assert.equal(weightOf({ qps: 100, eps: 50, cpuUtilization: 0.5 }, none), 200);
});

test("A58: application utilization comes first", () => {
  const fields = { qps: 100, cpuUtilization: 0.5, applicationUtilization: 0.2 };
  assert.equal(weightOf(fields), 500);
});

test("A58: a report without utilization or qps changes nothing", () => {
  const load = loadOf();
  load.onReport(reportOf({ qps: 100, cpuUtilization: 0.5 }), 0);
  load.onReport(reportOf({ qps: 0, cpuUtilization: 0.5 }), 1_000);
  load.onReport(reportOf({ qps: 9, eps: 9 }), 2_000);
  assert.equal(load.weight, 200);
  assert.equal(load.stateAt(WEIGHT_EXPIRATION_MS), "stale", "nor do they keep it fresh");
});

test("A114: the largest of the named metrics stands in for application utilization", () => {
  const names = ["named_metrics.a", "named_metrics.b.c", "mem_utilization", "named_metrics.no"];
  const config = { metricNamesForComputingUtilization: names };
  const namedMetrics = new Map([
    ["a", 0.25],
    ["b.c", 0.5],
  ]);
  const fields = { qps: 100, cpuUtilization: 1, namedMetrics };
  assert.equal(weightOf(fields, config), 200);
  assert.equal(weightOf({ ...fields, memUtilization: 0.8 }, config), 125);
  assert.equal(weightOf({ ...fields, applicationUtilization: 0.1 }, config), 1_000);
  assert.equal(weightOf(fields), 100, "not unless they are named");
});

test("A114: what is not above 0 or is no number counts as missing, then cpu utilization holds", () => {
  const config = { metricNamesForComputingUtilization: ["named_metrics.a", "request_cost.x"] };
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const namedMetrics = new Map([["a", value]]);
    assert.equal(weightOf({ qps: 100, cpuUtilization: 0.5, namedMetrics }, config), 200);
  }
});

test("A58: a weight is used after the blackout period, until it expires", () => {
  const load = loadOf();
  assert.equal(load.stateAt(0), "not-yet");
  const report = reportOf({ qps: 1, cpuUtilization: 1 });
  load.onReport(report, 1_000);
  assert.equal(load.stateAt(1_000 + BLACKOUT_MS - 1), "not-yet");
  assert.equal(load.stateAt(1_000 + BLACKOUT_MS), "usable");
  assert.equal(load.stateAt(1_000 + WEIGHT_EXPIRATION_MS - 1), "usable");
  assert.equal(load.stateAt(1_000 + WEIGHT_EXPIRATION_MS), "stale");
  const backMs = 1_000 + WEIGHT_EXPIRATION_MS;
  load.onReport(report, backMs);
  assert.equal(load.stateAt(backMs + BLACKOUT_MS - 1), "not-yet", "the blackout applies again");
  assert.equal(load.stateAt(backMs + BLACKOUT_MS), "usable");
});

test("A58: a blackout period of 0 is none", () => {
  const load = loadOf({ blackoutPeriod: "0s" });
  load.onReport(reportOf({ qps: 1, cpuUtilization: 1 }), 5);
  assert.equal(load.stateAt(5), "usable");
});

test("A58: the blackout period begins anew when the endpoint is connected again", () => {
  const load = loadOf();
  const report = reportOf({ qps: 1, cpuUtilization: 1 });
  load.onReport(report, 0);
  load.onReady();
  assert.equal(load.stateAt(BLACKOUT_MS), "not-yet");
  load.onReport(report, BLACKOUT_MS);
  assert.equal(load.stateAt(2 * BLACKOUT_MS - 1), "not-yet");
  assert.equal(load.stateAt(2 * BLACKOUT_MS), "usable");
});

test("A58: another config keeps the weights of endpoints", () => {
  const load = loadOf();
  load.onReport(reportOf({ qps: 8, cpuUtilization: 1 }), 0);
  const next = policyOf({ blackoutPeriod: "1s" }).newLoad(1_000, load) as ReportedWeight;
  assert.equal(next.weight, 8);
  assert.equal(next.stateAt(1_000), "usable");
});

test("shares follow weights", () => {
  const policy = policyOf();
  const ready = weighed(policy, 1, 2, 5);
  const picker = policy.newPicker(ready, seededRng(1), null, BLACKOUT_MS);
  const { e0, e1, e2 } = sharesOf(picker, 8_000);
  for (const [got, want] of [
    [e0, 1_000],
    [e1, 2_000],
    [e2, 5_000],
  ] as const) {
    assert.ok(Math.abs(got! - want) <= 5, `${got} instead of ${want}`);
  }
});

test("A58: with less than two usable weights it goes round robin", () => {
  const policy = policyOf();
  const ready = weighed(policy, 9, 0, 0);
  const picker = policy.newPicker(ready, seededRng(1), null, BLACKOUT_MS);
  assert.deepEqual(sharesOf(picker, 300), { e0: 100, e1: 100, e2: 100 });
  assert.equal(picker.weighing?.isFallback, true);
});

test("A58: endpoints without a usable weight get the mean", () => {
  const policy = policyOf();
  const ready = weighed(policy, 2, 0, 6);
  const picker = policy.newPicker(ready, seededRng(1), null, BLACKOUT_MS);
  const { e1 } = sharesOf(picker, 12_000);
  assert.ok(Math.abs(e1! - 4_000) <= 10, `${e1}`);
});

test("A78: what a scheduler update found is told", () => {
  const policy = policyOf();
  const ready = weighed(policy, 2, 0, 6, 4);
  ready[3]!.load!.onReport(reportOf({ qps: 4, cpuUtilization: 1 }), WEIGHT_EXPIRATION_MS);
  const picker = policy.newPicker(ready, seededRng(1), null, WEIGHT_EXPIRATION_MS);
  assert.deepEqual(picker.weighing, {
    weights: Float64Array.from([0, 0, 0, 0]),
    notYetUsableCount: 2,
    staleCount: 2,
    isFallback: true,
  });
});

test("a new picker goes on where the one before stood", () => {
  const policy = policyOf();
  const ready = weighed(policy, 1, 2, 5, 3);
  const rng = seededRng(1);
  const whole = pickNames(policy.newPicker(ready, seededRng(1), null, BLACKOUT_MS), 200);
  let picker: Picker<FakeTarget> | null = null;
  const pieces = Array.from({ length: 200 }, () => {
    picker = policy.newPicker([...ready], rng, picker, BLACKOUT_MS);
    return pickNames(picker, 1)[0];
  });
  assert.deepEqual(pieces, whole);
});

test("the excluded endpoint is avoided although nearly every pick would be its", () => {
  const policy = policyOf();
  const ready = weighed(policy, 1, 1e9, 1);
  const picker = policy.newPicker(ready, seededRng(1), null, BLACKOUT_MS);
  for (let i = 0; i < 1_000; i += 1) assert.notEqual(picker.pick(ready[1]!, null, 0), ready[1]);
});

test("reports of any values leave picks and shares finite", () => {
  const policy = policyOf();
  const odd = [Number.MAX_VALUE, 5e-324, 1, 1e308, 1e-308];
  const ready = weighed(policy, ...odd);
  for (const target of ready) {
    const report = reportOf({ qps: 1e308, cpuUtilization: 5e-324, eps: Number.MAX_VALUE });
    (target.load as ReportedWeight).onReport(report, 0);
  }
  const picker = policy.newPicker(ready, seededRng(1), null, BLACKOUT_MS);
  assert.equal(new Set(pickNames(picker, 10_000)).size, odd.length);
  for (const weight of picker.weighing!.weights) assert.ok(Number.isFinite(weight) && weight > 0);
});

test("out of band or with calls, not both", () => {
  const perCall = policyOf({ oobReportingPeriod: "3s" });
  assert.deepEqual([perCall.usesReports, perCall.reportPeriodMs], [true, null]);
  const outOfBand = policyOf({ enableOobLoadReport: true });
  assert.deepEqual([outOfBand.usesReports, outOfBand.reportPeriodMs], [false, OOB_REPORTING_MS]);
  const often = policyOf({ enableOobLoadReport: true, oobReportingPeriod: "0.5s" });
  assert.equal(often.reportPeriodMs, 500);
});

test("A58: an update period below 100 ms is 100 ms", () => {
  assert.equal(policyOf({ weightUpdatePeriod: "0.01s" }).refreshMs, WEIGHT_UPDATE_MS_MIN);
  assert.equal(WEIGHT_UPDATE_MS_MIN, 100);
  assert.equal(policyOf({ weightUpdatePeriod: "0.2s" }).refreshMs, 200);
});

test("both names mean the policy", () => {
  assert.equal(
    tryParsePolicy("weighted_round_robin_experimental", {}, "it")?.name,
    "weighted_round_robin",
  );
});

for (const [config, want] of [
  [{ blackoutPeriod: 10 }, 'blackoutPeriod is 10, must be a duration such as "1.5s"'],
  [{ blackoutPeriod: "-1s" }, 'blackoutPeriod is "-1s", must be a duration such as "1.5s"'],
  [{ weightExpirationPeriod: "1m" }, 'weightExpirationPeriod is "1m", must be a duration'],
  [{ weightUpdatePeriod: [] }, "weightUpdatePeriod is [], must be a duration"],
  [{ oobReportingPeriod: true }, "oobReportingPeriod is true, must be a duration"],
  [{ enableOobLoadReport: "yes" }, 'enableOobLoadReport is "yes", must be a boolean'],
  [
    { errorUtilizationPenalty: -0.1 },
    "errorUtilizationPenalty is -0.1, must be a number from 0 to 1",
  ],
  [{ errorUtilizationPenalty: "1" }, 'errorUtilizationPenalty is "1", must be a number'],
  [{ metricNamesForComputingUtilization: "a" }, 'ComputingUtilization is "a", must be a list'],
  [{ metricNamesForComputingUtilization: ["a", 1] }, "Utilization[1] is 1, must be a string"],
] as const) {
  test(`a config is refused with the field's path: ${JSON.stringify(config)}`, () => {
    assert.throws(
      () => policyOf(config),
      (error: Error) => {
        assert.equal(error.name, "ServiceConfigError");
        assert.ok(error.message.startsWith("service config: weighted_round_robin."), error.message);
        assert.ok(error.message.includes(want), error.message);
        return true;
      },
    );
  });
}

/**
 * One endpoint's report made the weight no number (endless errors times a penalty of nothing), all
 * weights became 0, and the next pick never ended.
 */
test("a report whose errors are endless makes no endless pick", () => {
  for (const errorUtilizationPenalty of [0, 1, 1_000_000]) {
    const policy = policyOf({ errorUtilizationPenalty, blackoutPeriod: "0s" });
    const targets = fakeTargets(3);
    for (const [i, target] of targets.entries()) {
      target.load = policy.newLoad(0, null);
      const odd = i === 0 ? { qps: 1e-10, eps: 1e308 } : { qps: 100, eps: 0 };
      target.load.onReport(reportOf({ applicationUtilization: 0.5, ...odd }), 1);
    }
    const picker = policy.newPicker(targets, seededRng(1), null, 1_000);
    for (let i = 0; i < 1_000; i += 1) assert.ok(picker.pick(null, null, 1_000) !== null);
  }
});
