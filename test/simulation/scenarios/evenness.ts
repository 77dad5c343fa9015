/**
 * How evenly each policy spreads calls over equal pods, and what that does to their latency.
 */
import type { Check, Report, Run, Scenario } from "../report/report.ts";
import { lognormal } from "../world/distributions.ts";
import { jain, maxOverMean } from "../world/statistics.ts";
import { type Contender, contenders, endScene, newScene } from "./setup.ts";

const PODS = 12;
/** 70 % of what twelve pods with four workers can do at 20 ms a call. */
const CALLS_PER_S = 1_680;
const CALLS_FULL = 100_000;
const CALLS_SHORT = 10_000;

/** What one pod alone cannot do, fails. */
const DEADLINE_MS = 2_000;

/** Calls of very unequal length: sigma 1.2, so that one in a hundred takes 150 ms. */
const POD = {
  workMs: lognormal(20, 1.2),
  workers: 4,
  queueMax: 1_000,
  maxStreams: 100,
  reportsLoad: true,
};

function measure({ name, serviceConfig }: Contender, run: Run) {
  const scene = newScene(run.seed, PODS, serviceConfig, POD);
  const calls = run.isShort ? CALLS_SHORT : CALLS_FULL;
  scene.client.offer(
    () => CALLS_PER_S,
    () => ({ deadlineMs: DEADLINE_MS }),
  );
  while (scene.timeline.count < calls) scene.world.run(100);
  const counts = scene.timeline.countsByPod();
  const [p50, p99] = [scene.timeline.tookMs(0.5), scene.timeline.tookMs(0.99)];
  endScene(scene);
  const { OK = 0, ...failed } = scene.timeline.statuses;
  const isFailed = Object.entries(failed).map(([status, count]) => `${count} ${status}`);
  return {
    name,
    evenness: maxOverMean(counts),
    jain: jain(counts),
    p50,
    p99,
    calls: OK,
    failed: isFailed.join(", ") || "none",
  };
}

function report(run: Run): Report {
  const all = contenders(
    "pick_first",
    "random",
    "round_robin",
    "weighted_round_robin",
    "least_request",
    "peak_ewma",
    "ring_hash",
    "maglev",
  );
  const rows = all.map((each) => {
    run.progress(each.name);
    return measure(each, run);
  });
  const checks: Check[] = rows
    .filter(({ name }) => name === "least_request")
    .map(({ name, evenness }) => ({
      what: `${name}: max/mean of calls per pod, ${PODS} pods`,
      value: evenness,
      unit: "",
      atMost: 1.05,
    }));
  const columns = ["policy", "max/mean", "Jain", "p50 ms", "p99 ms", "calls", "failed"];
  const calls = run.isShort ? CALLS_SHORT : CALLS_FULL;
  return {
    tables: [
      {
        title: `${calls.toLocaleString("en-US")} calls over ${PODS} equal pods at 70 % load`,
        columns,
        rows: rows.map((row) => [
          row.name,
          row.evenness,
          row.jain,
          row.p50,
          row.p99,
          row.calls,
          row.failed,
        ]),
      },
    ],
    charts: [],
    checks,
    notes: [
      "`pick_first` is what a client gets behind a ClusterIP Service: one pod, whatever its load.",
      "Counts alone say little: `random` and `round_robin` are even too, and their p99 shows that",
      "they do not look where a long call is being worked on. Equal pods have nothing to report:",
      "to `weighted_round_robin` the noise of their reports is a difference.",
    ],
  };
}

/** See the head of this file. */
export const evenness: Scenario = {
  name: "evenness",
  title: "Evenness of each policy",
  about:
    "One client, 12 pods with 4 workers each, calls of 20 ms on average and of very unequal " +
    "length (lognormal, sigma 1.2). Real: policies, cluster, HTTP/2 engine, connections.",
  run: report,
};
