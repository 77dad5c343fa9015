/**
 * Replicas of a proxy that even out their clients' connections: call by call for the usual size,
 * and by rates for many fleets and for large ones.
 */
import { seededRng } from "../../../../src/base/index.ts";
import { Fleet, lognormalRates } from "../../../../src/proxy/nesting/fleet.fixture.ts";
import type { Check, Report, Run, Scenario, Table } from "../../report/report.ts";
import { quantile } from "../../world/statistics.ts";
import { type Replicas, runReplicas } from "./replicas.ts";

const EVEN = 1.2;
const WITHIN_S = 30;
const REST_AFTER_S = 60;
/** At rest counting is noise all the same: so many percent of the connections in a minute. */
const REST_SHARE_MAX = 1;
const RUNS_S = 120;
const MEAN_RATE = 10;
/** Counting calls is noise: a replica with 500 calls/s varies by 2 % in 5 s. */
const COUNTING_NOISE = 0.05;

/** Replicas before and after, connections, and how many fleets. */
type Shape = readonly [from: number, to: number, connections: number, fleets: number];

const SHAPES_FULL: readonly Shape[] = [
  [2, 6, 300, 300],
  [2, 3, 300, 100],
  [5, 6, 300, 100],
  [2, 20, 4_000, 10],
  [2, 50, 10_000, 3],
  [40, 50, 10_000, 3],
];
const SHAPES_SHORT: readonly Shape[] = [
  [2, 6, 300, 10],
  [2, 10, 1_000, 1],
];

/** What many fleets of one shape did. */
function measure([from, to, connections, fleets]: Shape, run: Run) {
  const evenAtS: number[] = [];
  const after30: number[] = [];
  const sheds: number[] = [];
  let [late, youngestMs] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < fleets; i += 1) {
    run.progress(`${from} to ${to} replicas, fleet ${i + 1} of ${fleets}`);
    const seed = run.seed * 10_000 + i;
    const rates = lognormalRates(connections, 1, MEAN_RATE, to, seededRng(seed));
    const fleet = new Fleet({ seed, replicas: from, rates });
    fleet.scaleTo(to);
    let evenS = Number.POSITIVE_INFINITY;
    for (let s = 1; s <= RUNS_S; s += 1) {
      fleet.run(1_000);
      if (fleet.maxOverMean() <= EVEN) evenS = Math.min(evenS, s);
      if (s === WITHIN_S) after30.push(fleet.maxOverMean());
    }
    evenAtS.push(evenS);
    sheds.push(fleet.sheds.length / connections);
    late += fleet.sheds.filter(({ atMs }) => atMs >= REST_AFTER_S * 1_000).length;
    for (const { ageMs } of fleet.sheds) youngestMs = Math.min(youngestMs, ageMs);
  }
  return { evenAtS, after30, sheds, late: late / fleets, youngestMs };
}

function shapesTable(shapes: readonly Shape[], run: Run): [Table, Check[]] {
  const checks: Check[] = [];
  const rows = shapes.map((shape, i) => {
    const [from, to, connections, fleets] = shape;
    const got = measure(shape, run);
    const worst = Math.max(...got.evenAtS);
    if (i === 0 || to >= 50) {
      const what = `nesting ${from} -> ${to}, ${connections} connections: until max/mean <= 1.2`;
      checks.push({ what, value: worst, unit: "s", atMost: WITHIN_S });
      checks.push({
        what: `nesting ${from} -> ${to}: connections shed in the second minute`,
        value: (100 * got.late) / connections,
        unit: "%",
        atMost: REST_SHARE_MAX,
      });
    }
    return [
      `${from} -> ${to}`,
      connections,
      fleets,
      quantile(got.evenAtS, 0.5),
      worst,
      Math.max(...got.after30),
      quantile(got.sheds, 0.5),
      got.late,
      got.youngestMs / 1_000,
    ];
  });
  const columns = [
    "replicas",
    "connections",
    "fleets",
    "even after s, median",
    "worst",
    "max/mean at 30 s, worst",
    "sheds per connection",
    "sheds in 60-120 s, mean",
    "youngest shed s",
  ];
  const title = `Fleets of lognormal rates (sigma 1), ${MEAN_RATE} calls/s for each connection`;
  return [{ title, columns, rows }, checks];
}

function callsTable({ calls, failed, sheds, evenness }: Replicas): [Table, Check[]] {
  const evenAt = evenness.find(([, value]) => value <= EVEN)?.[0] ?? Number.POSITIVE_INFINITY;
  const youngest = Math.min(...sheds.map(({ ageMs }) => ageMs)) / 1_000;
  const late = evenness.slice(REST_AFTER_S).map(([, value]) => value);
  const inFlight = sheds.reduce((sum, { callsInFlight }) => sum + callsInFlight, 0);
  const columns = ["calls", "failed", "even after s", "sheds", "in flight then", "youngest shed s"];
  const row = [calls, failed, evenAt, sheds.length, inFlight, youngest];
  const title = "2 -> 6 replicas, 300 connections, call by call";
  return [
    { title, columns, rows: [row] },
    [
      { what: "nesting 2 -> 6: failed calls", value: failed, unit: "", atMost: 0 },
      {
        what: "nesting 2 -> 6: until max/mean of calls <= 1.2",
        value: evenAt,
        unit: "s",
        atMost: WITHIN_S,
      },
      { what: "nesting 2 -> 6: youngest connection shed", value: youngest, unit: "s", atLeast: 10 },
      {
        what: "nesting 2 -> 6: max/mean of calls, worst of the second minute",
        value: Math.max(...late),
        unit: "",
        atMost: EVEN + COUNTING_NOISE,
      },
    ],
  ];
}

function report(run: Run): Report {
  run.progress("2 to 6 replicas, call by call");
  const replicas = runReplicas(run, run.isShort ? 3 : MEAN_RATE, RUNS_S * 1_000);
  const [calls, callChecks] = callsTable(replicas);
  const [shapes, shapeChecks] = shapesTable(run.isShort ? SHAPES_SHORT : SHAPES_FULL, run);
  return {
    tables: [calls, shapes],
    charts: [
      {
        name: "nesting-shares",
        title: "Share of each replica after 2 became 6; fair is 16.7 %",
        xLabel: "seconds after the new replicas came",
        yLabel: "% of all calls",
        series: replicas.shares.map((points, i) => ({ name: `replica ${i + 1}`, points })),
      },
    ],
    checks: [...callChecks, ...shapeChecks],
    notes: [
      "Call by call: each connection is one of the engine, drained by the two-step GOAWAY while",
      "calls are in flight on it; the load of a replica is what came to it in the last 5 s, so a",
      "few hundredths of max/mean are chance. By rates: the real planner and choice, with calls",
      "counted as a Poisson process. Where a client lands is chance: a fleet that is even may be a",
      "little less so again.",
    ],
  };
}

/** See the head of this file. */
export const nesting: Scenario = {
  name: "nesting",
  title: "Several replicas of a proxy",
  about:
    "Clients with long connections of very unequal rates, behind an L4 balancer that places each " +
    "new connection by chance; replicas are added. Real: the planner, the choice of connections, " +
    "and call by call the connections, their rates, and the GOAWAYs. Simulated: the exchange " +
    "between replicas, as figures that are up to a second or two old.",
  run: report,
};
