/**
 * Hundreds of rollouts in virtual time: no call fails where pods leave as they should, and none is
 * executed twice.
 */
import type { Check, Report, Run, Scenario, Table } from "../../report/report.ts";
import { type Leaving, planOf } from "./plan.ts";
import { type Outcome, runRollout } from "./rollout.ts";

/** How many rollouts of each kind; 950 in all. */
const FULL: Readonly<Record<Leaving, number>> = {
  goaway: 450,
  refused: 200,
  killed: 200,
  retried: 100,
};
const SHORT: Readonly<Record<Leaving, number>> = { goaway: 8, refused: 4, killed: 4, retried: 4 };

const WORDS: Readonly<Record<Leaving, string>> = {
  goaway: "SIGTERM, then GOAWAY in two steps",
  refused: "the same, REFUSED_STREAM before GOAWAY",
  killed: "SIGKILL",
  retried: "SIGKILL, clients have a retry policy",
};

/** How the seeds of the rollouts follow from that of the run. */
function seedOf(run: Run, leaving: Leaving, number: number): number {
  const offset = { goaway: 1, refused: 2, killed: 3, retried: 4 }[leaving];
  return run.seed * 1_000_000 + offset * 100_000 + number;
}

function runAll(run: Run): Map<Leaving, Outcome[]> {
  const counts = run.isShort ? SHORT : FULL;
  const all = new Map<Leaving, Outcome[]>();
  for (const leaving of Object.keys(counts) as Leaving[]) {
    const outcomes = Array.from({ length: counts[leaving] }, (_, i) => {
      run.progress(`${leaving} ${i + 1} of ${counts[leaving]}`);
      return runRollout(planOf(seedOf(run, leaving, i), leaving));
    });
    all.set(leaving, outcomes);
  }
  return all;
}

function total(outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
}

function tableOf(all: ReadonlyMap<Leaving, Outcome[]>): Table {
  const columns = [
    "pods leave by",
    "rollouts",
    "pods",
    "calls",
    "of these streams",
    "OK",
    "lost, executed",
    "lost on the way",
    "lost, unary",
    "unexplained",
    "sent again",
    "executed twice",
  ];
  const rows = [...all].map(([leaving, outcomes]) => [
    WORDS[leaving],
    outcomes.length,
    total(outcomes, ({ plan }) => plan.pods),
    total(outcomes, ({ calls }) => calls),
    total(outcomes, ({ streams }) => streams),
    total(outcomes, ({ ok }) => ok),
    total(outcomes, ({ lostExecuted }) => lostExecuted),
    total(outcomes, ({ lostOnTheWay }) => lostOnTheWay),
    total(outcomes, ({ lostUnary }) => lostUnary),
    total(outcomes, ({ unexplained }) => unexplained.length),
    total(outcomes, ({ replays }) => replays),
    total(outcomes, ({ executedTwice }) => executedTwice),
  ]);
  return { title: "Every pod replaced under load", columns, rows };
}

function report(run: Run): Report {
  const all = runAll(run);
  const outcomes = [...all.values()].flat();
  const of = (...kinds: Leaving[]) => outcomes.filter(({ plan }) => kinds.includes(plan.leaving));
  const failed = (list: readonly Outcome[]) => total(list, ({ calls, ok }) => calls - ok);
  const none = (what: string, value: number): Check => ({ what, value, unit: "", atMost: 0 });
  const checks = [
    none("rollouts: failed calls where pods leave gracefully", failed(of("goaway", "refused"))),
    none(
      "rollouts: failed calls that are not explained by a SIGKILL",
      total(outcomes, ({ unexplained }) => unexplained.length),
    ),
    none(
      "rollouts: calls executed twice without a retry policy",
      total(of("goaway", "refused", "killed"), ({ executedTwice }) => executedTwice),
    ),
    none(
      "rollouts: calls unaccounted for",
      total(outcomes, ({ unaccounted }) => unaccounted),
    ),
  ];
  const complaints = outcomes.flatMap(({ plan, unexplained }) =>
    unexplained.map((what) => `Rollout ${plan.seed} (${JSON.stringify(plan)}): ${what}`),
  );
  return {
    tables: [tableOf(all)],
    charts: [],
    checks,
    notes: [
      "Each rollout has its own seed and shape: 2 to 12 pods, any policy, 1 to 3 clients (channels",
      "or proxies), unary calls and streams with and without a request body, drain delays of 0 to",
      "5 s, new pods before old ones or after. Lost calls had been sent to a pod that was killed;",
      "each failed with UNAVAILABLE and the pod's address, because without a retry policy a call",
      "that may have been executed is not sent again.",
      "What the server must do: serve on until the news has spread (1.5 s at most here), or let",
      "the next pod leave no sooner. A rollout of all pods that is faster than the news fails",
      "calls: the client then knows of nothing but pods that are gone.",
      ...complaints.slice(0, COMPLAINTS_MAX),
    ],
  };
}

const COMPLAINTS_MAX = 10;

/** See the head of this file. */
export const rollouts: Scenario = {
  name: "rollouts",
  title: "Rolling restarts",
  about:
    "Every pod of a Service is replaced, one after the other, while clients call. Pods count the " +
    "calls that they execute by their ids, and both sides are compared. Real: cluster, policies, " +
    "HTTP/2 engine at both ends (GOAWAY, REFUSED_STREAM, resets), drain.",
  run: report,
};
