/**
 * What the page is told, as server-sent events: one `hello` with everything so far, then one
 * `sample` every half second. Types and their making; no sockets. `web/` imports the types.
 */
import { effectSentence } from "../figures/effect.ts";
import type {
  LabEvent,
  LabView,
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
  /** Answered calls by pod in the latest interval. */
  readonly column: readonly number[];
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

/** An event `sample`: all lanes at one moment. */
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
  /** Why the latest thing that was asked for could not be done, or null. */
  readonly problem: string | null;
  readonly lanes: readonly LaneSample[];
  /** All lanes that there are, in the order in which they are offered. */
  readonly laneChoices: readonly LaneChoice[];
  readonly load: LoadView;
}

/** An event `hello`: the first of every connection. */
export interface Hello {
  /** How many pods a lab may have. */
  readonly podsMax: number;
  readonly intervalMs: number;
  /** The command line of the lab, to run the same again. */
  readonly command: string;
  readonly clusterIpBy: LabView["clusterIpBy"];
  /** The columns kept of each lane that is on, by its name, oldest first. */
  readonly histories: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly now: Sample;
}

/** Makes a lane's part of a sample from its view and its latest column. */
export function laneSample(
  lane: LaneView,
  pods: readonly string[],
  column: readonly number[],
): LaneSample {
  const { figures } = lane;
  return {
    name: lane.name,
    phase: lane.phase,
    verdict: lane.verdict,
    short: lane.short,
    kind: lane.kind,
    perPod: pods.map((pod) => figures.current[pod] ?? null),
    column,
    podsUsed: figures.podsUsed,
    maxOverMean: figures.maxOverMean,
    fairness: figures.fairness,
    calls: figures.calls,
    failed: figures.failed,
    callsPerSecond: Math.round(lane.callsPerSecond),
    p50Ms: figures.p50Ms,
    p99Ms: figures.p99Ms,
    connections: figures.connections,
    firstCallOfNewPodMs: figures.firstCallOfNewPodMs,
    newPodWaitsMs: figures.newPodWaitsMs,
    effect: effectSentence(lane.effects.at(-1)!),
    replicas: lane.replicas,
  };
}
