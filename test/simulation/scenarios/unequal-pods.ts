/**
 * Half of the pods can do half as much as the others: which policies notice.
 */
import type { Report, Run, Scenario } from "../report/report.ts";
import { lognormal } from "../world/distributions.ts";
import type { PodConfig } from "../world/pod.ts";
import { type Contender, contenders, endScene, newScene } from "./setup.ts";

const PODS = 12;
const LARGE: PodConfig = {
  workMs: lognormal(20, 0.5),
  workers: 8,
  queueMax: 500,
  maxStreams: 100,
  reportsLoad: true,
};
const SMALL: PodConfig = { ...LARGE, workers: 4 };
/** 70 % of what all of them can do; evenly spread, 105 % of what a small one can. */
const LOAD = 0.7;
const CALLS_PER_S = (LOAD * (PODS / 2) * (LARGE.workers + SMALL.workers) * 1_000) / 20;
/** WRR uses no reports in its first 10 s (A58: "blackout_period"). */
const SETTLE_FULL_MS = 20_000;
const SETTLE_SHORT_MS = 13_000;
const RUNS_FULL_MS = 20_000;
const RUNS_SHORT_MS = 2_000;

function measure({ name, serviceConfig }: Contender, run: Run) {
  const scene = newScene(run.seed, PODS / 2, serviceConfig, LARGE);
  const { world, client, service, timeline } = scene;
  service.addMany(PODS / 2, SMALL);
  client.offer(
    () => CALLS_PER_S,
    () => ({ deadlineMs: 2_000 }),
  );
  world.run(run.isShort ? SETTLE_SHORT_MS : SETTLE_FULL_MS);
  const fromMs = world.nowMs;
  world.run(run.isShort ? RUNS_SHORT_MS : RUNS_FULL_MS);
  endScene(scene);
  const counts = timeline.countsByPod(fromMs);
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  return {
    name,
    ratio: sum(counts.slice(0, PODS / 2)) / sum(counts.slice(PODS / 2)),
    p50: timeline.tookMs(0.5, fromMs),
    p99: timeline.tookMs(0.99, fromMs),
    failed: (100 * timeline.failures(fromMs)) / sum(counts),
  };
}

function report(run: Run): Report {
  const names = ["round_robin", "random", "weighted_round_robin", "least_request", "peak_ewma"];
  const rows = contenders(...names).map((each) => {
    run.progress(each.name);
    return measure(each, run);
  });
  const of = (name: string) => rows.find((row) => row.name === name);
  const checks = ["weighted_round_robin", "least_request", "peak_ewma"]
    .flatMap((name) => of(name) ?? [])
    .map(({ name, p99 }) => ({
      what: `unequal pods, ${name}: p99 against that of round_robin`,
      value: p99 / of("round_robin")!.p99,
      unit: "x",
      atMost: 0.5,
    }));
  const columns = ["policy", "calls, large to small", "p50 ms", "p99 ms", "failed %"];
  return {
    tables: [
      {
        title: "6 pods with 8 workers, 6 pods with 4, at 70 % load",
        columns,
        rows: rows.map((row) => [row.name, row.ratio, row.p50, row.p99, row.failed]),
      },
    ],
    charts: [],
    checks,
    notes: [
      "Fair is 2 calls for a large pod to 1 for a small one. `weighted_round_robin` knows it from",
      "the pods' own reports (ORCA, in the trailers of each call), the others from what they see:",
      "calls in flight and latency. `round_robin` and `random` see nothing.",
    ],
  };
}

/** See the head of this file. */
export const unequalPods: Scenario = {
  name: "unequal-pods",
  title: "Unequal pods",
  about:
    "One client; half of 12 pods have half as many workers. Pods report their utilization and " +
    "their rate of calls. Real: policies, reports, cluster, HTTP/2 engine, connections.",
  run: report,
};
