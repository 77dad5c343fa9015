/**
 * A lane's figures in one sentence: the sentence that stands under a lane in the terminal, on the
 * page and in the JSON, and that a screen reader reads out. It says what was seen, and why, to
 * someone who has never heard of the matter.
 */

import { EVEN_MAX, type Facts, factsOf, type Judged, UNEVEN_MIN } from "./facts.ts";
import { type LaneWords, laneWords } from "./lane-words.ts";
import type { LaneFigures } from "./measure.ts";
import { counted, overText, percentText, spanText } from "./number-words.ts";

/** Reasons of failed calls are cut to so many characters: clients chain them. */
const REASON_MAX = 90;

/**
 * One sentence without a full stop. It begins `N of M pods used` when a call was answered since
 * there are these pods, so `1 of M pods used` when one pod got every call.
 */
export function verdict(lane: Judged): string {
  const { figures, failure } = lane;
  const answered = figures.calls - figures.failed;
  if (figures.calls === 0) return failure === null ? "no call yet" : `did not run: ${failure}`;
  if (answered === 0) return `no call answered: all ${figures.failed} failed${reason(figures)}`;
  const facts = factsOf(lane);
  return [usage(facts, figures, laneWords(lane.name ?? "")), ...additions(lane, facts)].join("; ");
}

/** How the calls are spread over the pods, and why. */
function usage(facts: Facts, figures: LaneFigures, words: LaneWords): string {
  const { pods, used, answered, isEarly, busiest, justCame, idle, waiting } = facts;
  if (pods === 0) return "no pod is ready";
  const count = `${used} of ${pods} pods used`;
  if (used === 0) return `${count}: ${unused(facts)}`;
  if (pods === 1) return `${count}: there is no other`;
  if (isEarly) return `${count} so far, by ${counted(answered, "call")}`;
  const areAllOthersNew = justCame > 0 && idle === 0 && waiting.length === 0;
  if (used === 1 && !areAllOthersNew) {
    const cause = words.pinned === "" ? "" : `${words.pinned}, so `;
    return `${count}: ${cause}every call went to ${busiest}`;
  }
  if (idle + waiting.length + justCame > 0) return `${count}${partly(facts, figures, words)}`;
  if (facts.maxOverMean! <= EVEN_MAX) {
    return `${count} evenly${words.even === "" ? "" : `: ${words.even}`}`;
  }
  const manner = facts.maxOverMean! < UNEVEN_MIN ? "nearly evenly" : "unevenly";
  return `${count} ${manner}: ${most(facts)}`;
}

/** What becomes of the calls when no pod of now has answered one. */
function unused({ pods, elsewhere }: Facts): string {
  const [pod] = elsewhere;
  if (pod === undefined) return `no call answered since there are ${pods}`;
  // It is terminating, or its readiness probe fails: the lane keeps its connection all the same.
  if (elsewhere.length === 1) return `every call still goes to ${pod}, which is no longer ready`;
  return `every call still goes to ${elsewhere.length} pods that are no longer ready`;
}

/** Why some pods got nothing. */
function partly(facts: Facts, figures: LaneFigures, words: LaneWords): string {
  const { used, waiting, justCame, idle, maxOverMean } = facts;
  if (waiting.length > 0) {
    const cause = words.waits === "" ? "" : `${words.waits}, so `;
    const rest = idle > 0 ? `, and ${counted(idle, "other")} got none` : "";
    return `: ${cause}${waits(waiting, figures.newPodWaitsMs!)}${rest}`;
  }
  if (idle > 0 && words.isByConnection)
    return `: ${counted(figures.connections, "connection")}, each to one pod`;
  const news = justCame === 1 ? "a new pod has just come" : "new pods have just come";
  const isUneven = used > 1 && maxOverMean! >= UNEVEN_MIN;
  return `: ${idle > 0 ? `${idle} got no call` : news}${isUneven ? `, and ${most(facts)}` : ""}`;
}

function waits(pods: readonly string[], waitsMs: number): string {
  const time = spanText(waitsMs);
  if (pods.length === 1) return `new pod ${pods[0]} has waited ${time} for its first call`;
  return `${pods.length} new pods have waited up to ${time} for a first call`;
}

function most({ busiest, maxOverMean }: Facts): string {
  return `${busiest} got ${overText(maxOverMean!)} its fair share`;
}

/** What there is to say beside the spread. */
function additions(lane: Judged, facts: Facts): string[] {
  const { figures, failure } = lane;
  const isPinned = facts.used === 1;
  const parts: string[] = [];
  if (facts.slow !== null) parts.push(slowly(facts.slow, isPinned));
  if (!isPinned && facts.waiting.length === 0) parts.push(served(facts));
  parts.push(...ill(lane, facts));
  parts.push(ways(lane.replicas ?? []));
  if (figures.failed > 0) {
    const when = facts.failedSince === 0 ? " earlier" : "";
    parts.push(`${counted(figures.failed, "call")} failed${when}${reason(figures)}`);
  }
  if (failure !== null) parts.push(`broke off: ${failure}`);
  return parts.filter((part) => part !== "");
}

/** Pods that fail calls: who left them, and how they can be left. */
function ill({ ejected = [], sick = [], mayEject = false }: Judged, facts: Facts): string[] {
  const rest = sick.filter((pod) => !ejected.includes(pod));
  const words = (pods: readonly string[], what: string): string =>
    `${pods.join(", ")}${what} ${pods.length === 1 ? "is" : "are"}`;
  const both = ejected.filter((pod) => sick.includes(pod));
  const well = ejected.filter((pod) => !sick.includes(pod));
  const relative = both.length === 1 ? ", which is sick," : ", which are sick,";
  const told = [
    both.length > 0 ? `${words(both, relative)} ejected` : "",
    well.length > 0 ? `${words(well, "")} ejected` : "",
  ];
  if (rest.length === 0) return told;
  if (mayEject && facts.failedSince > 0) {
    const them = rest.length === 1 ? "it" : "them";
    return [...told, `${words(rest, "")} sick: outliers=on (key o) would eject ${them}`];
  }
  // Of a client that is pinned to another pod it says nothing.
  if (facts.used === 1 && facts.idle > 0) return told;
  const excused = rest.filter((pod) => facts.excused.includes(pod));
  return excused.length === 0 ? told : [...told, `${words(excused, "")} sick`];
}

function slowly(
  { pod, share, fairShare, isSpared }: NonNullable<Facts["slow"]>,
  isPinned: boolean,
) {
  // Of a client that is pinned to another pod it is no merit that the slow one gets nothing.
  if (isPinned) return share > fairShare ? `${pod} is slow, and still gets every call` : "";
  const part = `${percentText(share)} of the calls`;
  return isSpared ? `slow ${pod} is spared, with ${part}` : `slow ${pod} still gets ${part}`;
}

function served({ served: pods, servedWithinMs }: Facts): string {
  if (servedWithinMs === null) return "";
  const time = spanText(servedWithinMs);
  if (pods.length === 1) return `new pod ${pods[0]} got its first call after ${time}`;
  return `${pods.length} new pods got their first call within ${time}`;
}

/** Nothing of one replica: everything goes through it. */
function ways(replicas: NonNullable<Judged["replicas"]>): string {
  if (replicas.length < 2) return "";
  const busy = replicas.filter(({ connections }) => connections > 0);
  const [only] = busy;
  if (busy.length === 1) {
    const idle = replicas.filter((replica) => replica !== only).map(({ name }) => name);
    const all = `${only!.name} has all ${counted(only!.connections, "connection")}`;
    return `but ${all} and ${idle.join(", ")} none, because clients keep the ones they have`;
  }
  const counts = replicas.map(({ name, connections }) => `${name} ${connections}`);
  return `connections: ${counts.join(", ")}`;
}

function reason({ lastFailure }: LaneFigures): string {
  if (lastFailure === "") return "";
  const text =
    lastFailure.length > REASON_MAX ? `${lastFailure.slice(0, REASON_MAX - 3)}...` : lastFailure;
  return ` (${text})`;
}
