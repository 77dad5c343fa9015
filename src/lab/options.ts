/**
 * The options of `fairlead lab`: text from the command line to one fully set value, or one clear
 * sentence. It reads nothing but its argument.
 */

import { KNOWN_POLICY_NAMES } from "../balancing/index.ts";
import { didYouMean } from "../base/index.ts";
import { CALLS_PER_SECOND_MAX, IN_FLIGHT_LIMIT, type TimedAction } from "./actions.ts";
import { POD_LANGUAGES, type PodLanguage } from "./pods/pod-language.ts";
import { ALONE_MAX } from "./pods/pod-processes.ts";
import { ActionError, type ActionLimits, parseTimedActions } from "./read-action.ts";

/** All lanes, in the order in which they are offered. */
export const LANE_NAMES = [
  ...(["clusterip", "http1", "static", "headless", "client", "proxy"] as const),
  ...(["nested", "sidecar", "proxyless", "envoy", "nginx", "haproxy"] as const),
] as const;
/** The word of a lane. */
export type LaneName = (typeof LANE_NAMES)[number];
/** Lanes that run unless `--lanes` says otherwise: what is wrong, and three ways that are right. */
const DEFAULT_LANES: readonly LaneName[] = ["clusterip", "headless", "client", "proxy"];

/** Where the page listens unless told otherwise. */
const PAGE_DEFAULT = "127.0.0.1:7480";
/** Length of a `--once` run unless told otherwise. */
const SECONDS_DEFAULT = 10;
/** So many can be drawn and told apart; from the 25th on they share processes. */
export const PODS_MAX = 100;
/** Between the numbers of `--scale` unless told otherwise. */
const SCALE_EVERY_SECONDS_DEFAULT = 10;
const SECONDS_MAX = 86_400;
/** What the last of `--events` brought about has so long to show its effect. */
export const SECONDS_AFTER_EVENTS = 5;
/**
 * Turns as in grpc-js' lanes while all pods are alike, and fewer of them for a slow one. The lab's
 * pods say with each answer how busy they are. What chooses by chance or latency (`least_request`,
 * `peak_ewma`) is some 10 and 30 % from even after the 10 s of `--once`.
 */
const POLICY_DEFAULT = "weighted_round_robin";
/** Load of every lane: firm figures within seconds, and a fraction of one core in all. */
const LOAD_DEFAULT = "300";
/** Open calls of a lane. */
const IN_FLIGHT_DEFAULT = "10";

/** What actions may name. */
export const ACTION_LIMITS: ActionLimits = {
  podsMax: PODS_MAX,
  lanes: LANE_NAMES,
  policies: KNOWN_POLICY_NAMES,
};

/** A value that the lab does not take: one line with the flag, the value and what is allowed. */
export class LabOptionError extends Error {}

/** Where the page listens. */
export interface PageAddress {
  readonly host: string;
  readonly port: number;
  /** True if the user named it: then a port in use is an error, not a reason to try the next. */
  readonly isExplicit: boolean;
}

/** What to run. */
export interface LabOptions {
  readonly once: boolean;
  /** How long the load runs, or null for "until stopped". */
  readonly seconds: number | null;
  /** It runs longer than that where what the events brought about takes longer to be seen. */
  readonly awaitsOutcomes: boolean;
  /** How many pods there are, one number after the other; one at least. */
  readonly scale: readonly number[];
  /** Seconds between them. */
  readonly scaleEverySeconds: number;
  /** What is done to the lab, by time. */
  readonly events: readonly TimedAction[];
  readonly lanes: readonly LaneName[];
  /** What the pods are written in. */
  readonly podLanguage: PodLanguage;
  /** Calls per second of each lane. */
  readonly callsPerSecond: number;
  /** Calls of a lane that are open at a time, at most. */
  readonly inFlight: number;
  /** Of fairlead's lanes. */
  readonly policy: string;
  /** Replicas of the lane `nested` find each other. */
  readonly hasPeers: boolean;
  readonly page: PageAddress | null;
  /** In a network namespace of its own. */
  readonly hasNetns: boolean;
  readonly output: "table" | "json";
}

/** The options as commander yields them. */
export interface RawLabOptions {
  readonly once?: boolean;
  readonly seconds?: string;
  readonly pods?: string;
  readonly scale?: string;
  readonly scaleEvery?: string;
  readonly events?: string;
  readonly lanes?: string;
  readonly podLanguage?: string;
  readonly load?: string;
  readonly inFlight?: string;
  readonly policy?: string;
  readonly peers?: boolean;
  readonly page?: string;
  readonly netns?: boolean;
  readonly output?: string;
}

/** Checks and completes the options. Throws `LabOptionError`. */
export function parseLabOptions(raw: RawLabOptions): LabOptions {
  const once = raw.once ?? false;
  const hasNetns = raw.netns ?? false;
  const output = raw.output ?? "table";
  if (output !== "table" && output !== "json") {
    throw new LabOptionError(notOneOf("--output", output, ["table", "json"]));
  }
  const scale = parseScale(raw);
  const scaleEverySeconds = parseScaleEvery(raw);
  const events = parseEvents(raw.events);
  const scaleSeconds = scale.length === 1 ? SECONDS_DEFAULT : scale.length * scaleEverySeconds;
  const lastEvent = events.at(-1);
  const eventSeconds = lastEvent ? lastEvent.atMs / 1000 + SECONDS_AFTER_EVENTS : 0;
  const seconds = parseSeconds(raw.seconds, once ? Math.max(scaleSeconds, eventSeconds) : null);
  if (seconds !== null && lastEvent && lastEvent.atMs >= seconds * 1000) {
    throw new LabOptionError(`--events "${raw.events}": the last one is not before --seconds`);
  }
  return {
    ...{ once, seconds, scale, scaleEverySeconds, events },
    awaitsOutcomes: once && raw.seconds === undefined && events.length > 0,
    lanes: parseLanes(raw.lanes, hasNetns),
    podLanguage: parsePodLanguage(raw.podLanguage ?? "node", Math.max(...scale)),
    callsPerSecond: parseCount("--load", raw.load ?? LOAD_DEFAULT, CALLS_PER_SECOND_MAX),
    inFlight: parseCount("--in-flight", raw.inFlight ?? IN_FLIGHT_DEFAULT, IN_FLIGHT_LIMIT),
    policy: parsePolicyName(raw.policy ?? POLICY_DEFAULT),
    hasPeers: raw.peers ?? false,
    page: parsePage(raw.page),
    ...{ hasNetns, output },
  };
}

function parseSeconds(text: string | undefined, without: number | null): number | null {
  return text === undefined ? without : secondsOf("--seconds", text);
}

function secondsOf(flag: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
    throw new LabOptionError(`${flag} "${text}": must be a number above 0, up to ${SECONDS_MAX}`);
  }
  return seconds;
}

function parseScale({ pods, scale }: RawLabOptions): readonly number[] {
  if (scale === undefined) return [parseCount("--pods", pods ?? "12", PODS_MAX)];
  if (pods !== undefined) {
    throw new LabOptionError("--pods beside --scale: give one of them; --scale begins with it");
  }
  return scale.split(",").map((text) => parseCount("--scale", text.trim(), PODS_MAX));
}

function parseScaleEvery({ scale, scaleEvery }: RawLabOptions): number {
  if (scaleEvery === undefined) return SCALE_EVERY_SECONDS_DEFAULT;
  if (scale === undefined) throw new LabOptionError("--scale-every: needs --scale A,B,...");
  return secondsOf("--scale-every", scaleEvery);
}

function parseCount(flag: string, text: string, max: number): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > max) {
    throw new LabOptionError(`${flag} "${text}": must be a whole number from 1 to ${max}`);
  }
  return count;
}

function parseEvents(text: string | undefined): readonly TimedAction[] {
  if (text === undefined) return [];
  try {
    return parseTimedActions(text, ACTION_LIMITS);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    throw new LabOptionError(`--events ${error.message}`);
  }
}

function parsePodLanguage(text: string, pods: number): PodLanguage {
  const language = POD_LANGUAGES.find((known) => known === text);
  if (!language) {
    throw new LabOptionError(notOneOf("--pod-language", text, POD_LANGUAGES));
  }
  if (language !== "node" && pods > ALONE_MAX) {
    throw new LabOptionError(
      `--pod-language "${text}": needs --pods 1 to ${ALONE_MAX}, since each is a process`,
    );
  }
  return language;
}

function parsePolicyName(text: string): string {
  if (!KNOWN_POLICY_NAMES.includes(text)) {
    throw new LabOptionError(notOneOf("--policy", text, KNOWN_POLICY_NAMES));
  }
  return text;
}

function parseLanes(text: string | undefined, hasNetns: boolean): readonly LaneName[] {
  if (text === undefined) return hasNetns ? [...DEFAULT_LANES, "sidecar"] : DEFAULT_LANES;
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  for (const name of names) {
    if (isLane(name)) continue;
    const there = `there are ${LANE_NAMES.join(", ")}${didYouMean(name, LANE_NAMES)}`;
    throw new LabOptionError(`--lanes "${name}": no such lane; ${there}`);
  }
  return names.filter(isLane);
}

function isLane(name: string): name is LaneName {
  return (LANE_NAMES as readonly string[]).includes(name);
}

function notOneOf(flag: string, text: string, known: readonly string[]): string {
  return `${flag} "${text}": must be one of ${known.join(", ")}${didYouMean(text, known)}`;
}

function parsePage(text: string | undefined): PageAddress | null {
  if (text === "none") return null;
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s/]+):)?(\d{1,5})$/.exec(text ?? PAGE_DEFAULT);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) {
    throw new LabOptionError(
      `--page "${text}": must be HOST:PORT, such as ${PAGE_DEFAULT}, or none`,
    );
  }
  const host = (match[1] ?? "127.0.0.1").replace(/^\[|\]$/g, "");
  return { host, port, isExplicit: text !== undefined };
}
