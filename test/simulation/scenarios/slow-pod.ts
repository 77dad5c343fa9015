/**
 * One of twelve pods becomes ten times slower, and recovers: how soon each policy sees it.
 */
import type { Chart, Check, Report, Run, Scenario } from "../report/report.ts";
import { type Contender, contenders, endScene, newScene, USUAL_POD } from "./setup.ts";

const PODS = 12;
const FAIR = 1 / PODS;
const CALLS_PER_S = 1_200;
const SLOW_FACTOR = 10;
/** As usual, and they say how loaded they are, for weighted_round_robin. */
const POD = { ...USUAL_POD, reportsLoad: true };

/** Moments, in ms after the load began. */
interface Plan {
  readonly slowAtMs: number;
  readonly recoversAtMs: number;
  readonly endsAtMs: number;
}

const FULL: Plan = { slowAtMs: 20_000, recoversAtMs: 50_000, endsAtMs: 90_000 };
const SHORT: Plan = { slowAtMs: 4_000, recoversAtMs: 9_000, endsAtMs: 22_000 };

/** The same policy with the decay that Finagle and Linkerd have, for contrast. */
const LINKERD: Contender = {
  name: "peak_ewma, decay 10 s",
  serviceConfig: { loadBalancingConfig: [{ peak_ewma: { decay: "10s" } }] },
};

/** How long after the change a share is judged. */
const JUDGED_AFTER_MS = 2_000;
const RECOVERED_AFTER_MS = 10_000;
/** The share is that of the calls of so long. */
const WINDOW_MS = 2_000;

function measure(contender: Contender, plan: Plan, run: Run) {
  const scene = newScene(run.seed, PODS, contender.serviceConfig, POD);
  const { world, client, service, timeline } = scene;
  const beganMs = world.nowMs;
  client.offer(() => CALLS_PER_S);
  world.run(plan.slowAtMs);
  service.pods[0]!.slowFactor = SLOW_FACTOR;
  world.run(plan.recoversAtMs - plan.slowAtMs);
  service.pods[0]!.slowFactor = 1;
  world.run(plan.endsAtMs - plan.recoversAtMs);
  const at = (ms: number) => beganMs + ms;
  const share = (from: number, to: number) => timeline.share(0, from, to);
  const judgedAt = at(plan.slowAtMs) + JUDGED_AFTER_MS;
  const backAt = at(plan.recoversAtMs) + RECOVERED_AFTER_MS;
  endScene(scene);
  const before = timeline.tookMs(0.99, at(0), at(plan.slowAtMs));
  const during = timeline.tookMs(0.99, judgedAt, at(plan.recoversAtMs));
  return {
    name: contender.name,
    shareSlow: share(judgedAt, judgedAt + WINDOW_MS),
    shareBack: share(backAt, backAt + WINDOW_MS),
    backAfterS: backAfterS(share, at(plan.recoversAtMs), at(plan.endsAtMs)),
    before,
    during,
    ratio: during / before,
    failures: timeline.failures(),
    shares: timeline.overTime(at(0), at(plan.endsAtMs), 1_000, (from, to) => 100 * share(from, to)),
    p99: timeline.overTime(at(0), at(plan.endsAtMs), 1_000, (from, to) =>
      timeline.tookMs(0.99, from, to),
    ),
  };
}

/** Seconds until the pod first has 80 % of a fair share over a window. */
function backAfterS(share: (from: number, to: number) => number, from: number, to: number): number {
  for (let at = from + 500; at + WINDOW_MS <= to; at += 500) {
    if (share(at, at + WINDOW_MS) >= 0.8 * FAIR) return (at + WINDOW_MS - from) / 1_000;
  }
  return Number.POSITIVE_INFINITY;
}

type Measured = ReturnType<typeof measure>;

function charts(all: readonly Measured[], plan: Plan): Chart[] {
  const marks = [
    { axis: "x" as const, at: plan.slowAtMs / 1_000, label: "10 times slower" },
    { axis: "x" as const, at: plan.recoversAtMs / 1_000, label: "well again" },
  ];
  return [
    {
      name: "slow-pod-share",
      title: `Share of the slow pod, of ${PODS}: fair is ${(100 * FAIR).toFixed(1)} %`,
      xLabel: "seconds",
      yLabel: "% of all calls",
      series: all.map(({ name, shares }) => ({ name, points: shares })),
      marks,
    },
    {
      name: "slow-pod-p99",
      title: "p99 of all calls",
      xLabel: "seconds",
      yLabel: "ms",
      isLog: true,
      series: all.map(({ name, p99 }) => ({ name, points: p99 })),
      marks,
    },
  ];
}

function report(run: Run): Report {
  const plan = run.isShort ? SHORT : FULL;
  const names = ["round_robin", "random", "weighted_round_robin", "least_request", "peak_ewma"];
  const all = [...contenders(...names), LINKERD].map((each) => {
    run.progress(each.name);
    return measure(each, plan, run);
  });
  const checks = all
    .filter(({ name }) => name === "peak_ewma")
    .flatMap(({ name, shareSlow, shareBack, ratio }): Check[] => [
      {
        what: `${name}: share of the slow pod 2 s after it became slow`,
        value: 100 * shareSlow,
        unit: "%",
        atMost: 5,
      },
      { what: `${name}: p99 of all calls, against before`, value: ratio, unit: "x", atMost: 1.3 },
      {
        what: `${name}: share 10 s after it recovered, of a fair one`,
        value: (100 * shareBack) / FAIR,
        unit: "%",
        atLeast: 80,
      },
    ]);
  const columns = [
    "policy",
    "share, slow %",
    "share, recovered % of fair",
    "80 % of fair after s",
    "p99 before ms",
    "p99 while slow ms",
    "ratio",
    "failed",
  ];
  const rows = all.map((each) => [
    each.name,
    100 * each.shareSlow,
    (100 * each.shareBack) / FAIR,
    each.backAfterS,
    each.before,
    each.during,
    each.ratio,
    each.failures,
  ]);
  return {
    tables: [{ title: `One of ${PODS} pods ten times slower`, columns, rows }],
    charts: charts(all, plan),
    checks,
    notes: [
      "Shares are of the calls in the two seconds that begin 2 s after the pod became slow, and",
      "10 s after it recovered; p99 while slow is of all calls from 2 s on. A decay of 10 s is",
      "Finagle's and Linkerd's. Envoy's default is round_robin, and it has least_request; what it",
      "adds, outlier detection, ejects pods that fail, and a slow pod does not. That a pod has",
      "80 % of a fair share is seen at the end of two seconds with it, so 2.5 s is at once.",
    ],
  };
}

/** See the head of this file. */
export const slowPod: Scenario = {
  name: "slow-pod",
  title: "A slow pod",
  about:
    `One client makes ${CALLS_PER_S} calls a second to ${PODS} pods (10 ms a call, lognormal, ` +
    "sigma 0.5; 16 workers). One pod takes ten times as long for a while. Real: policies, " +
    "cluster, HTTP/2 engine, connections.",
  run: report,
};
