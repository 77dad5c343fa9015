/**
 * A lane's figures in one sentence: the sentence that stands under a lane in the terminal, on the
 * page and in the JSON, and that a screen reader reads out. It says what was seen, and why, to
 * someone who has never heard of the matter.
 */

import { EVEN_MAX, type Facts, factsOf, type Judged, UNEVEN_MIN } from "./facts.ts";
import { type LaneWords, laneWords } from "./lane-words.ts";
import type { LaneFigures } from "./measure.ts";
import { counted, percentText, spanText } from "./number-words.ts";

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
  const { pods, used, answered, isEarly, busiest } = facts;
  if (pods === 0) return "no pod is ready";
  const count = `${used} of ${pods} pods used`;
  if (used === 0) return `${count}: no call since there are ${pods}`;
  if (used === 1) {
    if (pods === 1) return `${count}: there is no other`;
    if (isEarly) return `${count} so far, by ${counted(answered, "call")}`;
    const cause = words.pinned === "" ? "" : `${words.pinned}, so `;
    return `${count}: ${cause}every call went to ${busiest}`;
  }
  if (used < pods) return `${count}${partly(facts, figures, words)}`;
  if (figures.maxOverMean! <= EVEN_MAX) {
    return `${count} evenly${words.even === "" ? "" : `: ${words.even}`}`;
  }
  const manner = figures.maxOverMean! < UNEVEN_MIN ? "nearly evenly" : "unevenly";
  return `${count} ${manner}: ${most(facts, figures)}`;
}

/** Why some pods got nothing. */
function partly(facts: Facts, figures: LaneFigures, words: LaneWords): string {
  const { pods, used, answered, isEarly, waiting, justCame } = facts;
  if (isEarly) return ` so far, by ${counted(answered, "call")}`;
  const others = pods - used - waiting.length - justCame;
  if (waiting.length > 0) {
    const cause = words.waits === "" ? "" : `${words.waits}, so `;
    const rest = others > 0 ? `, and ${counted(others, "other")} got none` : "";
    return `: ${cause}${waits(waiting, figures.newPodWaitsMs!)}${rest}`;
  }
  if (others === 0) return `: ${justCame === 1 ? "a new pod has" : "new pods have"} just come`;
  if (words.isByConnection)
    return `: ${counted(figures.connections, "connection")}, each to one pod`;
  const idle = `: ${others} got no call`;
  return figures.maxOverMean! < UNEVEN_MIN ? idle : `${idle}, and ${most(facts, figures)}`;
}

function waits(pods: readonly string[], waitsMs: number): string {
  const time = spanText(waitsMs);
  if (pods.length === 1) return `new pod ${pods[0]} has waited ${time} for its first call`;
  return `${pods.length} new pods have waited up to ${time} for a first call`;
}

function most({ busiest }: Facts, { maxOverMean }: LaneFigures): string {
  return `${busiest} got ${maxOverMean!.toFixed(maxOverMean! < 10 ? 1 : 0)}x its fair share`;
}

/** What there is to say beside the spread. */
function additions(lane: Judged, facts: Facts): string[] {
  const { figures, failure } = lane;
  const isPinned = facts.used === 1;
  const parts: string[] = [];
  if (facts.slow !== null) parts.push(slowly(facts.slow, isPinned));
  if (!isPinned && facts.waiting.length === 0) parts.push(served(facts));
  const { ejected = [] } = lane;
  if (ejected.length > 0) parts.push(`ejected: ${ejected.join(", ")}`);
  parts.push(ways(lane.replicas ?? []));
  if (figures.failed > 0) {
    const when = facts.failedSince === 0 ? " earlier" : "";
    parts.push(`${counted(figures.failed, "call")} failed${when}${reason(figures)}`);
  }
  if (failure !== null) parts.push(`broke off: ${failure}`);
  return parts.filter((part) => part !== "");
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
