/**
 * The story of a pod in a lane: two to four sentences that answer why it gets calls or none, with
 * the numbers. Pure: everything said is in the evidence.
 */
import { counted, latencyText, percentText } from "../figures/number-words.ts";
import type { WhyRow } from "./answer.ts";
import type { Evidence } from "./evidence.ts";
import type { CallSeen } from "./messages.ts";
import type { PodFact } from "./pod-facts.ts";
import { policyText } from "./policy-words.ts";
import { laneClauses, serviceClauses } from "./service-story.ts";
import { lookupText } from "./stock-rows.ts";
import { count, sentence, troubleOf, whereText } from "./words.ts";

/** From so many times the latency of the others on, the story speaks of it. */
const MUCH_SLOWER = 2;

const NO_CALL = "no call of this lane has been answered yet";

/** Of one pod. `rows`: those of the lane. */
export function podStory(
  pod: PodFact,
  rows: readonly WhyRow[],
  evidence: Evidence,
): readonly string[] {
  const own = rows.filter((row) => row.pod === pod.name);
  const clauses = [shareText(pod, evidence)];
  const trouble = troubleOf(pod);
  if (trouble !== null) clauses.push(trouble);
  return [...clauses, ...waysOf(pod, own, rows, evidence)].map(sentence);
}

/** Of the lane as a whole. */
export function laneStory(rows: readonly WhyRow[], evidence: Evidence): readonly string[] {
  const { answered, answeredInAll } = evidence;
  const pods = Object.keys(answered).length;
  const used = Object.values(answered).filter((calls) => calls > 0).length;
  const span = spanText(total(answered), evidence);
  const start =
    total(answeredInAll) === 0
      ? NO_CALL
      : `${used} of ${counted(pods, "pod")} that may get calls answered this lane's ${span}`;
  return [start, ...laneClauses(rows, evidence)].map(sentence);
}

function waysOf(
  pod: PodFact,
  own: readonly WhyRow[],
  rows: readonly WhyRow[],
  evidence: Evidence,
): readonly string[] {
  switch (evidence.chooser.by) {
    case "service":
      return serviceClauses(pod, evidence);
    case "list":
      return listClauses(pod, own, evidence);
    case "channel":
    case "proxies":
      return viewClauses(pod, own, rows, evidence);
    case "envoy":
      return own.map(({ state, reason }) =>
        state === "unknown" ? reason : `Envoy has it in its set of pods: ${reason}`,
      );
    case "other":
      return [
        ...(evidence.chooser.listed ? own.map(({ reason }) => `it is ${reason}`) : []),
        `how ${evidence.chooser.who} chooses is not told: certain is who answered`,
      ];
  }
}

/** "echo-3 has answered 300 of this lane's 7,200 calls: 4.2 %, ...; of the latest 50, 2" */
function shareText(pod: PodFact, evidence: Evidence): string {
  const { answered, answeredInAll, known } = evidence;
  const all = total(answered);
  if (total(answeredInAll) === 0) return NO_CALL;
  const { name } = pod;
  const calls = answered[name];
  const now = latestText(pod, known.calls, calls ?? answeredInAll[name] ?? 0);
  // One that should get no calls is not among those that are compared.
  if (calls === undefined) {
    const before = counted(answeredInAll[name] ?? 0, "call");
    return `${name} has answered ${before} of this lane in all${now}`;
  }
  const span = spanText(all, evidence);
  if (calls === 0) return `${name} has answered none of this lane's ${span}${now}`;
  if (calls === all) return `${name} has answered all of this lane's ${span}`;
  const fair = percentText(1 / Object.keys(answered).length);
  const share = `${percentText(calls / all)}, where the fair share is ${fair}`;
  return `${name} has answered ${count(calls)} of this lane's ${span}, ${share}${now}`;
}

/** What became of it lately; "" where nothing is known or nothing has changed. */
function latestText(pod: PodFact, latest: readonly CallSeen[], calls: number): string {
  const answered = latest.filter((call) => call.failure === "" && call.pod === pod.name).length;
  const failed = latest.filter((call) => failedAt(call, pod)).length;
  if (latest.length === 0 || answered + failed + calls === 0) return "";
  const more = failed === 0 ? "" : `, and ${count(failed)} failed there`;
  return `; of the latest ${counted(latest.length, "call")} it answered ${count(answered)}${more}`;
}

/** Only a client that is connected to pods itself knows where a call failed. */
function failedAt({ failure, peer }: CallSeen, { inSlice }: PodFact): boolean {
  return failure !== "" && peer !== "" && peer === inSlice?.address;
}

function spanText(all: number, { hasChanged }: Evidence): string {
  const calls = counted(all, "call");
  return hasChanged ? `${calls} since the number of pods last changed` : calls;
}

function total(answered: Evidence["answered"]): number {
  return Object.values(answered).reduce((sum, calls) => sum + calls, 0);
}

/** A stock client with a list of addresses. */
function listClauses(pod: PodFact, own: readonly WhyRow[], evidence: Evidence): readonly string[] {
  const { chooser, known, wallMs } = evidence;
  const from = chooser.by === "list" ? chooser.from : "static";
  const row = own[0];
  if (row !== undefined && row.state !== "unknown") {
    const told = { dns: "DNS named it", static: "it is in the client's list", xds: "xDS named it" };
    if (!row.usable) {
      return [`${told[from]}, but its connection is ${row.state}, and no call is sent there`];
    }
    if (from === "xds") return [`${told.xds}, and the client, which balances itself, is connected`];
    const blind = troubleOf(pod) !== null ? ", and does not look at how a pod fares" : "";
    return [`${told[from]}, and round_robin gives each connected pod a call in turn${blind}`];
  }
  if (pod.inSlice?.isReady !== true) return [];
  if (from === "static") {
    return [`it is ready, ${whereText(pod)}, but the client has a fixed list from before`];
  }
  if (from === "xds") return [`it is ready, ${whereText(pod)}, and the client does not tell more`];
  return [
    `it is ready, ${whereText(pod)}, but ${lookupText(known.lookup, wallMs, pod)}`,
    "grpc-js asks DNS again when a connection breaks, and not because new pods are there",
  ];
}

/** Who knows each endpoint: fairlead's channel, or its proxies. */
function viewClauses(
  pod: PodFact,
  own: readonly WhyRow[],
  rows: readonly WhyRow[],
  { chooser, views }: Evidence,
): readonly string[] {
  const isChannel = chooser.by === "channel";
  const who = isChannel ? "fairlead's channel in the client" : "fairlead proxy";
  if (views.length === 0) return [`${who} has not connected yet`];
  const known = own.filter(({ state }) => state !== "unknown");
  const best = known.find(({ usable }) => usable) ?? known[0];
  if (best === undefined) return [`${who} does not have it: it is ${whereText(pod)}`];
  const name = best.via ?? who;
  if (!best.usable)
    return [`${name} knows it from ${best.source} and does not use it: ${best.reason}`];
  const flight = counted(best.activeCalls ?? 0, "call");
  const held = counted(best.connections ?? 0, "connection");
  const policy = policyText(views[0]!.view.policy);
  const parts = own.map(({ via, calls }) => `${via} has sent it ${counted(calls ?? 0, "call")}`);
  return [
    ...(own.length > 1 ? [parts.join(", ")] : []),
    `${name} knows it from ${best.source}, holds ${held} to it and has ${flight} in flight ` +
      `there${latencyClause(best, rows, pod)}`,
    ...(policy === "" ? [] : [`for each call, ${policy}`]),
  ];
}

/** Of a pod that answers much slower than the others, by what who chooses measures itself. */
function latencyClause(own: WhyRow, rows: readonly WhyRow[], pod: PodFact): string {
  if (own.latencyMs === null) return "";
  const others = rows
    .filter((row) => row.pod !== pod.name && row.via === own.via && row.latencyMs !== null)
    .map((row) => row.latencyMs!)
    .sort((a, b) => a - b);
  const middle = others[Math.floor(others.length / 2)];
  if (middle === undefined || own.latencyMs < middle * MUCH_SLOWER) return "";
  const [its, theirs] = [latencyText(own.latencyMs), latencyText(middle)];
  return `; its answers take ${its} of late, those of the others ${theirs}`;
}
