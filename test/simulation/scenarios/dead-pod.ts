/**
 * A machine is gone without a word: no FIN, no reset. How long calls wait, and how many go there.
 */
import { Status } from "../../../src/grpc/index.ts";
import type { Report, Run, Scenario } from "../report/report.ts";
import type { SimulatedCall } from "../world/client.ts";
import { type Contender, contenders, endScene, newScene } from "./setup.ts";

const PODS = 12;
const CALLS_PER_S_FULL = 1_200;
const CALLS_PER_S_SHORT = 240;
const DIES_AT_MS = 5_000;
/** Until long after the connection is given up. */
const RUNS_MS = 30_000;
/** Silence, the probe's time-out, and a second for the ticks: src/transport/keepalive.ts. */
const WAIT_MS_MAX = 16_000;

function measure({ name, serviceConfig }: Contender, run: Run) {
  const failed: SimulatedCall[] = [];
  const took: number[] = [];
  const scene = newScene(run.seed, PODS, serviceConfig, undefined, {
    onCallEnded: (call) => {
      took.push(call.tookMs);
      if (call.status !== Status.OK) failed.push(call);
    },
  });
  const { world, client, service } = scene;
  client.offer(() => (run.isShort ? CALLS_PER_S_SHORT : CALLS_PER_S_FULL));
  world.run(DIES_AT_MS);
  const dead = service.pods[0]!;
  dead.vanish();
  const diedMs = world.nowMs;
  world.run(RUNS_MS);
  endScene(scene);
  const isExplained = (call: SimulatedCall) =>
    call.address === dead.address && call.failure?.reason.includes(dead.address) === true;
  return {
    name,
    calls: took.length,
    lost: failed.length,
    unexplained: failed.filter((call) => !isExplained(call)).length,
    longestMs: took.reduce((a, b) => Math.max(a, b), 0),
    lastStartMs: Math.max(0, ...failed.map(({ startedMs }) => startedMs - diedMs)),
    reason: failed[0]?.failure?.reason ?? "",
  };
}

function report(run: Run): Report {
  const names = ["round_robin", "random", "least_request", "peak_ewma"];
  const rows = contenders(...names).map((each) => {
    run.progress(each.name);
    return measure(each, run);
  });
  const worst = (of: (row: (typeof rows)[number]) => number) => Math.max(...rows.map(of));
  const columns = ["policy", "calls", "lost", "longest wait s", "last one went there s after"];
  return {
    tables: [
      {
        title: `One of ${PODS} pods is gone without a FIN`,
        columns,
        rows: rows.map((row) => [
          row.name,
          row.calls,
          row.lost,
          row.longestMs / 1_000,
          row.lastStartMs / 1_000,
        ]),
      },
    ],
    charts: [],
    checks: [
      {
        what: "dead pod: the longest that any call waited",
        value: worst(({ longestMs }) => longestMs) / 1_000,
        unit: "s",
        atMost: WAIT_MS_MAX / 1_000,
      },
      {
        what: "dead pod: failed calls that had not been sent to it",
        value: worst(({ unexplained }) => unexplained),
        unit: "",
        atMost: 0,
      },
    ],
    notes: [
      "Nothing tells the client but silence: after 10 s of it a probe goes out (PING), and 5 s",
      "later the connection is given up; ticks of a second lie between. The calls were written, so",
      `they may have been executed and are not sent again; each says "${rows[0]?.reason}".`,
      "Policies that count calls in flight soon see that this pod answers none, and spare it; the",
      "others go on until MAX_CONCURRENT_STREAMS (100) calls wait there.",
    ],
  };
}

/** See the head of this file. */
export const deadPod: Scenario = {
  name: "dead-pod",
  title: "A dead pod that says nothing",
  about:
    "One client, 12 pods; the machine of one vanishes. Calls have no deadline, so that nothing " +
    "but the transport ends them. Real: keepalive probe, cluster, policies, HTTP/2 engine.",
  run: report,
};
