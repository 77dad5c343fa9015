/**
 * The figures that a scenario may speak of: how each is read off a lane, and its words. Pure.
 */

import { cut } from "../../base/index.ts";
import { fairness, maxOverMean } from "../figures/balance.ts";
import { counted, percentText, timesText } from "../figures/number-words.ts";
import type { Window } from "./observation.ts";
import type { Claim, MeasureName, PodChoice } from "./scenario.ts";

/** A figure of a lane. */
interface Measure {
  /** What is documented is said of this: "pods used". */
  readonly noun: string;
  /** Null: there is none, as before the first call. */
  value(window: Window, pod: PodChoice | null): number | null;
  /** What was seen: "1 of 3 pods used". */
  seen(value: number | null, window: Window, pod: PodChoice | null): string;
}

/** Of the reason why the last call failed. */
const REASON_CHARS_MAX = 70;

type Numbers = Exclude<MeasureName, "verdict">;

const MEASURES: Readonly<Record<Numbers, Measure>> = {
  podsUsed: {
    noun: "pods used",
    value: ({ perPod }) => Object.values(perPod).filter((calls) => calls > 0).length,
    seen: (value, { perPod }) => `${value} of ${counted(Object.keys(perPod).length, "pod")} used`,
  },
  maxOverMean: {
    noun: "max/mean",
    value: ({ perPod }) => maxOverMean(Object.values(perPod)),
    seen: (value) => (value === null ? NO_CALL : `max/mean ${timesText(value)}`),
  },
  fairness: {
    noun: "fairness",
    value: ({ perPod }) => fairness(Object.values(perPod)),
    seen: (value) => (value === null ? NO_CALL : `fairness ${value.toFixed(3)}`),
  },
  share: {
    noun: "share",
    value: ({ perPod, answered }, pod) => {
      if (answered === 0) return null;
      const calls = pod?.kind === "name" ? perPod[pod.name] : Math.max(...Object.values(perPod));
      return (calls ?? 0) / answered;
    },
    seen: (value, _, pod) =>
      value === null ? NO_CALL : `${podText(pod)} got ${percentText(value)}`,
  },
  calls: {
    noun: "calls",
    value: ({ answered, failed }) => answered + failed,
    seen: (value) => counted(value ?? 0, "call"),
  },
  failed: {
    noun: "failed calls",
    value: ({ failed }) => failed,
    seen: (value, { lane }) =>
      `${value} failed${value ? ` (${cut(lane.figures.lastFailure, REASON_CHARS_MAX) || "no reason given"})` : ""}`,
  },
  failedShare: {
    noun: "part of the calls that failed",
    value: ({ answered, failed }) =>
      answered + failed === 0 ? null : failed / (answered + failed),
    seen: (value) => (value === null ? NO_CALL : `${percentText(value)} failed`),
  },
  connections: {
    noun: "connections",
    value: ({ lane }) => lane.figures.connections,
    seen: (value) => counted(value ?? 0, "connection"),
  },
  podConnections: {
    noun: "connections to pods",
    value: ({ podConnections }) => podConnections,
    seen: (value) =>
      value === null ? "connections to pods not known" : `${counted(value, "connection")} to pods`,
  },
  p50Ms: {
    noun: "p50",
    value: ({ lane: { figures }, isPart }) => (isPart ? figures.recentP50Ms : figures.p50Ms),
    seen: (value) => (value === null ? NO_CALL : `p50 ${ms(value)}`),
  },
  p99Ms: {
    noun: "p99",
    value: ({ lane: { figures }, isPart }) => (isPart ? figures.recentP99Ms : figures.p99Ms),
    seen: (value) => (value === null ? NO_CALL : `p99 ${ms(value)}`),
  },
  firstCallOfNewPodMs: {
    noun: "first call of a new pod",
    value: ({ lane }) => lane.figures.firstCallOfNewPodMs,
    seen: (value) =>
      value === null ? "no call of a new pod" : `a new pod's first after ${ms(value)}`,
  },
  newPodWaitsMs: {
    noun: "a new pod's waiting for its first call",
    value: ({ lane }) => lane.figures.newPodWaitsMs,
    seen: (value) =>
      value === null ? "no new pod waits" : `a new pod has waited ${ms(value)} for a call`,
  },
  replicasUsed: {
    noun: "proxies used",
    value: ({ lane }) => (lane.replicas ?? []).filter(({ connections }) => connections > 0).length,
    seen: (value, { lane }) => `${value} of ${(lane.replicas ?? []).length} proxies used`,
  },
  replicasMaxOverMean: {
    noun: "connections of the busiest proxy over the mean",
    value: ({ lane }) => maxOverMean((lane.replicas ?? []).map(({ connections }) => connections)),
    seen: (value) => (value === null ? "no proxy used" : `proxies' max/mean ${timesText(value)}`),
  },
};

const NO_CALL = "no call";

/** What a claim says, in words: "share of echo-2: at most 5%". */
export function documentedText({ measure, pod, bound, pattern, over }: Claim): string {
  if (measure === "verdict") return `verdict like /${pattern!.source}/`;
  const { noun } = MEASURES[measure];
  const what = measure === "share" ? `share of ${podText(pod)}` : noun;
  return `${what}${over === null ? "" : ` over that of ${over}`}: ${bound!.text}`;
}

/** The figure of a lane, and what was seen of it. */
export function figureOf(
  { measure, pod }: Claim,
  window: Window,
): { value: number | null; seen: string } {
  if (measure === "verdict") return { value: null, seen: window.lane.verdict };
  const { value: read, seen } = MEASURES[measure];
  const value = read(window, pod);
  return { value, seen: seen(value, window, pod) };
}

function podText(pod: PodChoice | null): string {
  return pod?.kind === "name" ? pod.name : "the busiest pod";
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US")} ms`;
}
