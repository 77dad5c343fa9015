/**
 * From 3 pods to 30: when each new one has its share, and whether it is flooded when it comes.
 */
import type { Chart, Report, Run, Scenario } from "../report/report.ts";
import { Client } from "../world/client.ts";
import { type Contender, contenders, endScene, newScene, type Scene } from "./setup.ts";

const BEFORE = 3;
const AFTER = 30;
const CALLS_PER_S_FULL = 3_000;
const CALLS_PER_S_SHORT = 900;
const SCALES_AT_MS = 5_000;
const RUNS_MS = 15_000;
/** A pod has its share when it got this part of a fair one, in a step. */
const SHARE_OF_FAIR = 0.7;
const STEP_MS = 500;
const CHART_STEP_MS = 200;
const CHART_MS = 5_000;

function measure({ name, serviceConfig }: Contender, run: Run) {
  const scene = newScene(run.seed, BEFORE, serviceConfig);
  const { world, client, service, timeline } = scene;
  client.offer(() => (run.isShort ? CALLS_PER_S_SHORT : CALLS_PER_S_FULL));
  world.run(SCALES_AT_MS);
  const scaledMs = world.nowMs;
  service.addMany(AFTER - BEFORE, service.pods[0]!.config);
  world.run(RUNS_MS);
  endScene(scene);
  const newShare = (from: number, to: number) => {
    const counts = timeline.countsByPod(from, to);
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    return (100 * sum(counts.slice(BEFORE))) / sum(counts);
  };
  const steps = timeline.overTime(scaledMs, scaledMs + CHART_MS, CHART_STEP_MS, newShare);
  return { name, steps, ...joining(scene, scaledMs), failures: timeline.failures() };
}

/** When the new pods had their share, and the most that one of them got in a step by then. */
function joining({ timeline }: Scene, scaledMs: number) {
  const fair = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0) / AFTER;
  const reached = new Array<number>(AFTER - BEFORE).fill(Number.POSITIVE_INFINITY);
  let peak = 0;
  for (let at = 0; at < RUNS_MS; at += STEP_MS) {
    const counts = timeline.countsByPod(scaledMs + at, scaledMs + at + STEP_MS);
    for (const [i, count] of counts.slice(BEFORE).entries()) {
      peak = Math.max(peak, count / fair(counts));
      if (count >= SHARE_OF_FAIR * fair(counts)) reached[i] = Math.min(reached[i]!, at + STEP_MS);
    }
  }
  return { lastReachedMs: Math.max(...reached), peak };
}

/**
 * Calls that queued while nothing was ready, and how many of them the pod that was first ready got.
 */
function coldStart(run: Run, warmUpMs: number): number {
  const calls = 60;
  const scene = newScene(run.seed, 12, {});
  const late = new Client(scene.service, {
    name: "cold",
    serviceConfig: {},
    cluster: { warmUp: { timeMs: warmUpMs, share: 1 } },
    onCallEnded: (call) => scene.timeline.record(call),
  });
  for (let i = 0; i < calls; i += 1) late.call({ waitForReady: true });
  scene.world.run(2_000);
  late.cluster.close();
  const counts = scene.timeline.countsByPod();
  endScene(scene);
  return Math.max(...counts);
}

function report(run: Run): Report {
  const names = ["round_robin", "random", "least_request", "peak_ewma", "ring_hash"];
  const all = contenders(...names).map((each) => {
    run.progress(each.name);
    return measure(each, run);
  });
  const chart: Chart = {
    name: "scale-up",
    title: `Share of the ${AFTER - BEFORE} new pods after a scale-up from ${BEFORE} to ${AFTER}`,
    xLabel: "seconds after the scale-up",
    yLabel: "% of all calls",
    series: all.map(({ name, steps }) => ({ name, points: steps })),
    marks: [{ axis: "y", at: (100 * (AFTER - BEFORE)) / AFTER, label: "fair" }],
  };
  const slowest = Math.max(
    ...all.filter(({ name }) => name === "least_request").map(({ lastReachedMs }) => lastReachedMs),
  );
  const columns = ["policy", "all have their share s", "most in a step, x fair", "failed"];
  const [gated, ungated] = [coldStart(run, 50), coldStart(run, 0)];
  return {
    tables: [
      {
        title: `${BEFORE} pods become ${AFTER}; the client hears of it 0.3 s later or so`,
        columns,
        rows: all.map((row) => [row.name, row.lastReachedMs / 1_000, row.peak, row.failures]),
      },
      {
        title: "Cold start: 60 calls queue before any of 12 pods is connected",
        columns: ["warm-up gate", "most calls that one pod got", "fair"],
        rows: [
          ["50 ms (default)", gated, 5],
          ["none", ungated, 5],
        ],
      },
    ],
    charts: [chart],
    checks: [
      {
        what: "scale-up 3 -> 30, least_request: until every new pod has its share",
        value: slowest / 1_000,
        unit: "s",
        atMost: 3,
      },
      { what: "cold start: most of 60 calls on one of 12 pods", value: gated, unit: "", atMost: 6 },
    ],
    notes: [
      `A pod has its share when it gets ${SHARE_OF_FAIR} of a fair one within ${STEP_MS} ms; less`,
      "would be chance. `ring_hash` gives each pod what its part of the ring is worth.",
    ],
  };
}

/** See the head of this file. */
export const scaleUp: Scenario = {
  name: "scale-up",
  title: "Scaling up, and a cold start",
  about:
    "A Service grows from 3 pods to 30 under load. Real: cluster (connections, warm-up gate), " +
    "policies, HTTP/2 engine.",
  run: report,
};
