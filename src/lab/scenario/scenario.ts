/**
 * What a scenario is: a lab, what is done to it, and what is to be seen of it, as plain data. Its
 * written form is a YAML file (`read-scenario.ts`); types and limits only.
 */
import type { Action } from "../actions.ts";
import type { LoadSettings } from "../core/lane-link.ts";
import type { CalledMethods } from "../messages.ts";
import type { LaneName } from "../options.ts";
import type { PodSettings } from "../pods/pod-settings.ts";
import type { Bound } from "./bound.ts";
import type { Pattern } from "./pattern.ts";

/** The only one so far. */
export const SCENARIO_VERSION = 1;
/** Of a file; longer ones are no scenarios. */
export const SCENARIO_BYTES_MAX = 65_536;
/** Of a scenario. */
export const STEPS_MAX = 100;
/** Of a scenario; `that` may say several things of a lane. */
export const EXPECTATIONS_MAX = 100;
/** Lanes of a scenario, each with processes of its own. */
export const SCENARIO_LANES_MAX = 16;
/** An hour of load. */
export const SCENARIO_SECONDS_MAX = 3600;
/** So many calls end a load at the latest. */
export const SCENARIO_CALLS_MAX = 10_000_000;
/** Of a text of it: the story is the longest. */
export const TEXT_CHARS_MAX = 4000;

/** What a scenario may need that is not everywhere. */
export const NEEDS = ["netns"] as const;
/** One of them. */
export type Need = (typeof NEEDS)[number];

/** A moment of a scenario: ms of load, a part of it all (0 to 1), or its end. */
export type Moment =
  | { readonly kind: "ms"; readonly ms: number }
  | { readonly kind: "part"; readonly part: number }
  | { readonly kind: "end" };

/** The pods at the start, and how they serve. */
export interface ScenarioPods {
  readonly count: number;
  readonly settings: PodSettings;
}

/** A lane, as it is or changed in a few points. */
export interface ScenarioLane {
  /** What it is called here: its word on the command line unless the file gives another. */
  readonly name: string;
  readonly lane: LaneName;
  /** Of its client, in place of the lane's own; null: the lane's. */
  readonly policy: string | null;
  /** Up to so many from fairlead's client to a pod (gRFC A105); null: one. */
  readonly connectionsPerPod: number | null;
  /** What its client calls. */
  readonly calls: CalledMethods;
  /** Where it cannot run, the others are shown without it. */
  readonly isOptional: boolean;
}

/** Something that is done. */
export interface Step {
  readonly at: Moment;
  /** One after the other, at once. */
  readonly actions: readonly Action[];
}

/** One thing that is to be seen, in one of a lane's figures. */
export interface Claim {
  /** Its key in the file: "podsUsed". */
  readonly measure: MeasureName;
  /** The pod whose share it is; null for other measures. */
  readonly pod: PodChoice | null;
  /** What is allowed of a number; null for a text. */
  readonly bound: Bound | null;
  /** What a text has to match; null for a number. */
  readonly pattern: Pattern | null;
  /** The lane that the figure is compared with (as a quotient); null: it stands alone. */
  readonly over: string | null;
}

/** Whose share: a pod by its name, or the one with most calls. */
export type PodChoice = { readonly kind: "name"; readonly name: string } | { kind: "busiest" };

/** What is to be seen in a lane. */
export interface Expectation {
  /** Its name in this scenario. */
  readonly lane: string;
  /** What is counted begins here; null: with the load. */
  readonly from: Moment | null;
  readonly at: Moment;
  readonly claims: readonly Claim[];
  /** Where it is looked at: in the full form alone, or in both. */
  readonly isFullOnly: boolean;
  /** Why it is so, in a sentence; "" when nobody says. */
  readonly because: string;
}

/** Figures that a scenario may speak of. */
export const MEASURES = [
  "podsUsed",
  "maxOverMean",
  "fairness",
  "share",
  "calls",
  "failed",
  "failedShare",
  "connections",
  "podConnections",
  "p50Ms",
  "p99Ms",
  "firstCallOfNewPodMs",
  "newPodWaitsMs",
  "replicasUsed",
  "replicasMaxOverMean",
  "verdict",
] as const;
/** One of them. */
export type MeasureName = (typeof MEASURES)[number];

/** What differs in the short form. */
export interface Timing {
  readonly seconds: number;
  /** The load ends when every lane has made so many calls, if that is before `seconds`; or null. */
  readonly calls: number | null;
}

/** All of it. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Of the table of systems that it shows; "" for none. */
  readonly row: string;
  readonly story: string;
  readonly needs: readonly Need[];
  /** With these it runs where they can be had, and without elsewhere. */
  readonly prefers: readonly Need[];
  readonly pods: ScenarioPods;
  readonly lanes: readonly ScenarioLane[];
  /** Of each lane. */
  readonly load: LoadSettings;
  /** Of fairlead's lanes. */
  readonly policy: string;
  readonly full: Timing;
  readonly short: Timing;
  readonly steps: readonly Step[];
  readonly expectations: readonly Expectation[];
}
