/**
 * Every pod fails half of its calls for a while: what retries add to the load, and whether it
 * passes when the pods are well again.
 */
import type { Chart, Report, Run, Scenario } from "../report/report.ts";
import { lognormal } from "../world/distributions.ts";
import { type Contender, endScene, newScene } from "./setup.ts";

const PODS = 12;
/** 200 calls a second each. */
const POD = { workMs: lognormal(10, 0.5), workers: 2, queueMax: 200, maxStreams: 100 };
/** 70 % of what the pods can do. */
const CALLS_PER_S = 1_680;
const ERROR_RATE = 0.5;
const DEADLINE_MS = 1_000;
const STEP_MS = 500;

/** Moments, in ms after the load began. */
interface Plan {
  readonly failsAtMs: number;
  readonly recoversAtMs: number;
  readonly endsAtMs: number;
}

const FULL: Plan = { failsAtMs: 10_000, recoversAtMs: 30_000, endsAtMs: 50_000 };
const SHORT: Plan = { failsAtMs: 2_000, recoversAtMs: 5_000, endsAtMs: 8_000 };

const RETRY_POLICY = {
  maxAttempts: 4,
  initialBackoff: "0.01s",
  maxBackoff: "0.1s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"],
};
const METHOD_CONFIG = [{ name: [{}], retryPolicy: RETRY_POLICY }];

/** The last one is what holds when a user sets a retry policy and says no more. */
const CONTENDERS: readonly Contender[] = [
  { name: "no retries", serviceConfig: {} },
  {
    name: "no bound",
    serviceConfig: { methodConfig: METHOD_CONFIG, fairlead: { retryBudget: null } },
  },
  {
    name: "retryThrottling (A6)",
    serviceConfig: {
      methodConfig: METHOD_CONFIG,
      retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
      fairlead: { retryBudget: null },
    },
  },
  { name: "budget 20 % (default)", serviceConfig: { methodConfig: METHOD_CONFIG } },
];

function measure({ name, serviceConfig }: Contender, plan: Plan, run: Run) {
  const scene = newScene(run.seed, PODS, serviceConfig, POD);
  const { world, client, service, timeline } = scene;
  let offered = 0;
  client.offer(
    () => CALLS_PER_S,
    () => {
      offered += 1;
      return { deadlineMs: DEADLINE_MS };
    },
  );
  const beganMs = world.nowMs;
  const attempts: [number, number][] = [];
  const executed = () => service.pods.reduce((sum, pod) => sum + pod.executed, 0);
  let storm = { attempts: 0, calls: 0 };
  for (let at = 0; at < plan.endsAtMs; at += STEP_MS) {
    const isFailing = at >= plan.failsAtMs && at < plan.recoversAtMs;
    for (const pod of service.pods) pod.errorRate = isFailing ? ERROR_RATE : 0;
    const before = { attempts: executed(), calls: offered };
    world.run(STEP_MS);
    const count = executed() - before.attempts;
    attempts.push([(at + STEP_MS) / 1_000, (count * 1_000) / STEP_MS]);
    if (!isFailing) continue;
    const calls = storm.calls + offered - before.calls;
    storm = { attempts: storm.attempts + count, calls };
  }
  endScene(scene);
  const okShare = (from: number, to: number) =>
    100 * (1 - timeline.failures(from, to) / timeline.countOf(from, to));
  const at = (ms: number) => beganMs + ms;
  return {
    name,
    attempts,
    addedLoad: 100 * (storm.attempts / storm.calls - 1),
    okStorm: okShare(at(plan.failsAtMs), at(plan.recoversAtMs)),
    okAfter: okShare(at(plan.recoversAtMs) + 1_000, at(plan.endsAtMs)),
    p99Before: timeline.tookMs(0.99, at(0), at(plan.failsAtMs)),
    p99Storm: timeline.tookMs(0.99, at(plan.failsAtMs), at(plan.recoversAtMs)),
    p99After: timeline.tookMs(0.99, at(plan.recoversAtMs) + 1_000, at(plan.endsAtMs)),
    ok: timeline.overTime(at(0), at(plan.endsAtMs), STEP_MS, okShare),
  };
}

type Measured = ReturnType<typeof measure>;

function charts(all: readonly Measured[], plan: Plan): Chart[] {
  const marks = [
    { axis: "x" as const, at: plan.failsAtMs / 1_000, label: "half of all calls fail" },
    { axis: "x" as const, at: plan.recoversAtMs / 1_000, label: "well again" },
  ];
  return [
    {
      name: "retry-storm-load",
      title: `Attempts that pods worked on; ${CALLS_PER_S} calls a second come`,
      xLabel: "seconds",
      yLabel: "attempts/s",
      series: all.map(({ name, attempts }) => ({ name, points: attempts })),
      marks: [...marks, { axis: "y", at: PODS * 200, label: "what the pods can do" }],
    },
    {
      name: "retry-storm-ok",
      title: "Calls that succeed",
      xLabel: "seconds",
      yLabel: "% OK",
      series: all.map(({ name, ok }) => ({ name, points: ok })),
      marks,
    },
  ];
}

function report(run: Run): Report {
  const plan = run.isShort ? SHORT : FULL;
  const all = CONTENDERS.map((each) => {
    run.progress(each.name);
    return measure(each, plan, run);
  });
  const none = all[0]!;
  const budget = all.at(-1)!;
  const columns = [
    "retries",
    "added load %",
    "OK in the storm %",
    "OK from 1 s after %",
    "p99 before ms",
    "p99 in the storm ms",
    "p99 after ms",
  ];
  return {
    tables: [
      {
        title: `${PODS} pods at 70 % load, all fail half of their calls for a while`,
        columns,
        rows: all.map((row) => [
          row.name,
          row.addedLoad,
          row.okStorm,
          row.okAfter,
          row.p99Before,
          row.p99Storm,
          row.p99After,
        ]),
      },
    ],
    charts: charts(all, plan),
    checks: [
      {
        what: "retry storm, budget: load added by retries",
        value: budget.addedLoad,
        unit: "%",
        atMost: 20,
      },
      {
        what: "retry storm, budget: calls OK, against none without retries",
        value: budget.okStorm - none.okStorm,
        unit: "% more",
        atLeast: 0,
      },
      {
        what: "retry storm, budget: calls OK from 1 s after the storm on",
        value: budget.okAfter,
        unit: "%",
        atLeast: 99.9,
      },
      {
        what: "retry storm, budget: p99 from 1 s after the storm on, against before",
        value: budget.p99After / budget.p99Before,
        unit: "x",
        atMost: 1.3,
      },
    ],
    notes: [
      `Each call may be tried ${RETRY_POLICY.maxAttempts} times within ${DEADLINE_MS} ms; pods`,
      "work on a call for as long whether it then fails or not. Without a bound more calls get",
      "through, at the price of pods with more than they can do and of calls that take long.",
      "The budget counts a retry that waits for its backoff: what it adds is below its share.",
    ],
  };
}

/** See the head of this file. */
export const retryStorm: Scenario = {
  name: "retry-storm",
  title: "A retry storm",
  about:
    `${CALLS_PER_S} calls a second to ${PODS} pods with a retry policy of ` +
    `${RETRY_POLICY.maxAttempts} attempts, while all pods fail half of their calls. Real: ` +
    "retries, backoff, throttling and budget, cluster, HTTP/2 engine.",
  run: report,
};
