/**
 * One pod joins eleven: what it gets at first, with and without slow start.
 */
import type { Chart, Report, Run, Scenario } from "../report/report.ts";
import { policyConfig } from "../world/client.ts";
import { type Contender, endScene, newScene, USUAL_POD } from "./setup.ts";

const BEFORE = 11;
const PODS = BEFORE + 1;
const CALLS_PER_S = 1_200;
const WINDOW_MS = 10_000;
const SETTLE_MS = 15_000;
const RUNS_MS = 16_000;
/** A cold pod: its first calls take this much longer, and less and less so. */
const COLD_FACTOR = 10;
const WARM_AFTER_MS = 8_000;
const STEP_MS = 1_000;

const SLOW_START = { slowStart: { window: `${WINDOW_MS / 1_000}s`, minWeightPercent: 10 } };

const CONTENDERS: readonly Contender[] = ["round_robin", "least_request", "peak_ewma"].flatMap(
  (name) => [
    { name, serviceConfig: policyConfig(name) },
    {
      name: `${name}, slow start`,
      serviceConfig: { ...policyConfig(name), fairlead: SLOW_START },
    },
  ],
);

function measure({ name, serviceConfig }: Contender, run: Run) {
  const scene = newScene(run.seed, BEFORE, serviceConfig);
  const { world, client, service, timeline } = scene;
  client.offer(() => CALLS_PER_S);
  // The first pods are as new as the client: they have their whole share by then.
  world.run(SETTLE_MS);
  const pod = service.add(USUAL_POD);
  const addedMs = world.nowMs;
  for (let at = 0; at < RUNS_MS; at += 100) {
    pod.slowFactor = 1 + (COLD_FACTOR - 1) * Math.max(0, 1 - at / WARM_AFTER_MS);
    world.run(100);
  }
  endScene(scene);
  const percentOfFair = (from: number, to: number) => 100 * PODS * timeline.share(BEFORE, from, to);
  const shares = timeline.overTime(addedMs, addedMs + RUNS_MS, STEP_MS, percentOfFair);
  const at = (ms: number) => percentOfFair(addedMs + ms, addedMs + ms + 2 * STEP_MS);
  return {
    name,
    shares,
    early: at(1_000),
    half: at(5_000),
    whole: at(WINDOW_MS + 3_000),
    p99: timeline.tookMs(0.99, addedMs, addedMs + WINDOW_MS),
    slow: timeline.countSlower(5 * 10, addedMs, addedMs + WINDOW_MS),
    failures: timeline.failures(),
  };
}

function report(run: Run): Report {
  const all = CONTENDERS.map((each) => {
    run.progress(each.name);
    return measure(each, run);
  });
  const chart: Chart = {
    name: "slow-start",
    title: `Share of a pod that joins ${BEFORE} others, of a fair one`,
    xLabel: "seconds after it was added",
    yLabel: "% of fair",
    series: all.map(({ name, shares }) => ({ name, points: shares })),
    marks: [{ axis: "y", at: 100, label: "fair" }],
  };
  const of = (name: string) => all.find((each) => each.name === name)!;
  const slowed = of("least_request, slow start");
  return {
    tables: [
      {
        title: "A cold pod joins: ten times slower at first, well after 8 s",
        columns: [
          "policy",
          "% of fair, 1-3 s",
          "5-7 s",
          "13-15 s",
          "p99 of 10 s ms",
          "calls above 50 ms",
          "failed",
        ],
        rows: all.map((row) => [
          row.name,
          row.early,
          row.half,
          row.whole,
          row.p99,
          row.slow,
          row.failures,
        ]),
      },
    ],
    charts: [chart],
    checks: [
      {
        what: "slow start: share of a new pod in its first seconds, of a fair one",
        value: of("round_robin, slow start").early,
        unit: "%",
        atMost: 40,
      },
      {
        what: "slow start: share when the window is over, of a fair one",
        value: slowed.whole,
        unit: "%",
        atLeast: 80,
      },
    ],
    notes: [
      "Slow start spares what is not warm yet, whatever the policy. `least_request`, `peak_ewma`",
      "see a cold pod by themselves, from its first calls on.",
    ],
  };
}

/** See the head of this file. */
export const slowStart: Scenario = {
  name: "slow-start",
  title: "Slow start",
  about:
    `A pod that is cold at first joins ${BEFORE} that are warm; the window is 10 s. Real: slow ` +
    "start, policies, cluster, HTTP/2 engine.",
  run: report,
};
