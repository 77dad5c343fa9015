/** What became of a scenario, as plain data: reports are made of it. Types only. */
import type { LabEvent, LaneView, LoadView } from "../view.ts";
import type { MeasureName, Scenario } from "./scenario.ts";

/**
 * `shown`: all that is documented was seen. `not-shown`: something was not, or a lane did not run.
 * `skipped`: it needs what is not here. `stopped`: it was ended before it could tell.
 */
export type Outcome = "shown" | "not-shown" | "skipped" | "stopped";

/** One thing that was to be seen. */
export interface Finding {
  readonly lane: string;
  /** "from 40% to end"; "" for the whole load. */
  readonly when: string;
  readonly measure: MeasureName;
  /** "pods used: 4". */
  readonly documented: string;
  /** "3 of 4 pods used". */
  readonly seen: string;
  /** The figure; null where there is none, or it is a text. */
  readonly value: number | null;
  readonly isMet: boolean;
  /** Why the lane was left out, or null. */
  readonly skipped: string | null;
  /** Why it is so, by the file. */
  readonly because: string;
}

/** One scenario. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  /** The file it is from, or null for one that is built in. */
  readonly file: string | null;
  readonly outcome: Outcome;
  /** Why it was skipped or stopped, or did not come to its end; else null. */
  readonly reason: string | null;
  readonly findings: readonly Finding[];
  /** As they were in the end. */
  readonly lanes: readonly LaneView[];
  readonly events: readonly LabEvent[];
  /** As it was in the end; null where nothing ran. */
  readonly load: LoadView | null;
  /** Of load. */
  readonly loadSeconds: number;
  /** All of it, start and end of the lab included. */
  readonly seconds: number;
  /** When it began, in epoch ms. */
  readonly startedMs: number;
  /** It ran in a network namespace of its own. */
  readonly isInNetns: boolean;
}

/** All that ran. */
export interface RunResult {
  readonly results: readonly ScenarioResult[];
  readonly isShort: boolean;
  /** How many CPUs there were, and for which Node and system. */
  readonly machine: string;
}
