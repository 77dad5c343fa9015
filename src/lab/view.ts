/**
 * The state of a running lab as plain data: what the terminal table, the page and the JSON show.
 * All three draw from this and know nothing of processes.
 */
import type { LaneFigures } from "./measure.ts";

/** Where a lane stands: `failed` has a reason, `running` and `ended` have figures. */
export type LanePhase = "starting" | "running" | "ended" | "failed";

/** Where a pod stands: `terminating` still serves its open calls; `gone` may come back. */
export type PodState = "starting" | "ready" | "terminating" | "gone";

/** One lane. */
export interface LaneView {
  /** Its word on the command line: "clusterip". */
  readonly name: string;
  /** Its name for people: "ClusterIP Service". */
  readonly title: string;
  /** How the client dials, in a few words. */
  readonly how: string;
  readonly phase: LanePhase;
  readonly figures: LaneFigures;
  /** Calls per second over the last seconds. */
  readonly callsPerSecond: number;
  readonly verdict: string;
  /** Why it did not run or broke off, or null. */
  readonly failure: string | null;
}

/** The lab. */
export interface LabView {
  /** Names of all pods that ever were, in order. */
  readonly pods: readonly string[];
  /** Where each of them stands, in the same order. */
  readonly podStates: readonly PodState[];
  /** How long the load has run; 0 before it. */
  readonly elapsedMs: number;
  /** Address of the page, or null. */
  readonly pageUrl: string | null;
  /** How other programs reach the pods through the API server; null while there is none. */
  readonly access: { readonly kubeconfig: string; readonly target: string } | null;
  /** What the keys of the terminal do, or null where there are none. */
  readonly hint: string | null;
  /** A remark to show, such as a page on another port than usual, or null. */
  readonly notice: string | null;
  readonly lanes: readonly LaneView[];
}
