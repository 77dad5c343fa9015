/**
 * What the page is told, as server-sent events: a `hello` with everything so far begins every
 * connection, then comes a `delta` ten times a second with what changed (`page-delta.ts`).
 *
 * Types and their making; no sockets. `web/` imports the types.
 */
import { effectSentence } from "../figures/effect.ts";
import type {
  ClusterIpBy,
  LabEvent,
  LaneChoice,
  LaneView,
  LoadView,
  PodState,
  ReplicaView,
} from "../view.ts";

/** A lane as the page draws it. Arrays are in the order of `Sample.pods`. */
export interface LaneSample {
  readonly name: string;
  readonly phase: string;
  readonly verdict: string;
  /** The same in a few words with a sign before them: "✕ 1 of 12 pods". */
  readonly short: string;
  /** How it fares, as that sign has it. */
  readonly kind: LaneView["kind"];
  /** Answered calls by pod since the number of pods last changed; null of pods that are not. */
  readonly perPod: readonly (number | null)[];
  /** This and the two that follow are of the calls that the verdict is of. */
  readonly podsUsed: number;
  readonly maxOverMean: number | null;
  readonly fairness: number | null;
  readonly calls: number;
  readonly failed: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly connections: number;
  /** From a pod's being ready to its first call here, of the latest new pod; null before one. */
  readonly firstCallOfNewPodMs: number | null;
  /** How long a new pod has waited for its first call here; null when none waits. */
  readonly newPodWaitsMs: number | null;
  /** What became of it since the latest event, in a sentence, or null. */
  readonly effect: string | null;
  /** Names of the pods that its outlier detection has ejected. */
  readonly ejected: readonly string[];
  readonly replicas: readonly ReplicaView[] | null;
}

/** A pod in a row of the page. */
export interface PodSample {
  readonly name: string;
  readonly state: PodState;
  /** It was made slow. */
  readonly isSlow: boolean;
  /** Its health service says NOT_SERVING. */
  readonly isNotServing: boolean;
  /** It answers every call with UNAVAILABLE. */
  readonly isSick: boolean;
}

/** All lanes at one moment. */
export interface Sample {
  readonly elapsedMs: number;
  /** True in the last one: the lab has ended. */
  readonly isLast: boolean;
  /** The pods by row. A row whose pod is gone for good gets the next new one. */
  readonly pods: readonly PodSample[];
  /** How many there should be. */
  readonly wantedPods: number;
  /** The latest events, oldest first. */
  readonly events: readonly LabEvent[];
  /** How many columns there were in all; the events' `column` refers to it. */
  readonly columnCount: number;
  /** What the lab waits for while it starts; null once it runs. */
  readonly progress: string | null;
  /** Why the latest thing that was asked for could not be done, or null. */
  readonly problem: string | null;
  /** The command line of a new lab that does what was done to this one so far. */
  readonly newLab: string;
  readonly lanes: readonly LaneSample[];
  /** All lanes that there are, in the order in which they are offered. */
  readonly laneChoices: readonly LaneChoice[];
  readonly load: LoadView;
}

/** What a lane did in one interval. */
export interface LaneColumn {
  /** Answered calls by row. */
  readonly calls: readonly number[];
  /** Of the latest second by then; null without an answered call. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Rows of pods that outlier detection had ejected; absent without one. */
  readonly ejected?: readonly number[];
}

/** One interval of the heat strips: all lanes by their name, and where the pods stood. */
export interface Column {
  /** A letter a row: `STATE_LETTERS`. */
  readonly states: string;
  readonly lanes: Readonly<Record<string, LaneColumn>>;
}

/** A letter for each state of a pod, so that hundreds of columns stay small. */
export const STATE_LETTERS: Readonly<Record<PodState, string>> = {
  starting: "s",
  ready: "r",
  "not-ready": "n",
  killed: "k",
  terminating: "t",
  gone: "g",
};

/** An event `hello`: the first of every connection. It replaces all that was before. */
export interface Hello {
  /** When this run of the lab began, in epoch ms: another number is another run. */
  readonly runId: number;
  /** How many pods a lab may have. */
  readonly podsMax: number;
  /** Names of the policies that fairlead's lanes can have. */
  readonly policies: readonly string[];
  /** The width of a column. */
  readonly intervalMs: number;
  /** The command line of the lab, to run the same again. */
  readonly command: string;
  readonly clusterIpBy: ClusterIpBy;
  /** The latest columns, oldest first. */
  readonly columns: readonly Column[];
  readonly now: Sample;
}

/** Makes a lane's part of a sample from its view. */
export function laneSample(lane: LaneView, pods: readonly string[]): LaneSample {
  const { figures } = lane;
  const { judged } = figures;
  return {
    name: lane.name,
    phase: lane.phase,
    verdict: lane.verdict,
    short: lane.short,
    kind: lane.kind,
    perPod: pods.map((pod) => figures.current[pod] ?? null),
    podsUsed: Object.values(judged.perPod).filter((calls) => calls > 0).length,
    maxOverMean: rounded(judged.maxOverMean),
    fairness: rounded(judged.fairness),
    calls: figures.calls,
    failed: figures.failed,
    callsPerSecond: Math.round(lane.callsPerSecond),
    p50Ms: rounded(figures.p50Ms),
    p99Ms: rounded(figures.p99Ms),
    connections: figures.connections,
    firstCallOfNewPodMs: figures.firstCallOfNewPodMs,
    newPodWaitsMs: figures.newPodWaitsMs,
    effect: effectSentence(lane.effects.at(-1)!),
    ejected: lane.ejected,
    replicas: lane.replicas,
  };
}

/** To three digits after the point: what is shown has two. */
export function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1000) / 1000;
}
