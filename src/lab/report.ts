/**
 * The result of a lab run as the one JSON document of `fairlead lab -o json`, a contract that other
 * programs read: keys may be added, never renamed.
 */
import type { EffectFigures } from "./figures/effect.ts";
import type { Kind } from "./figures/kind.ts";
import type { StepFigures } from "./figures/measure.ts";
import type { LabEvent, LaneView, LoadView, ReplicaView } from "./view.ts";

/** One lane of `LabReport`. Figures that need a call to be known are null before the first. */
export interface LaneReport {
  readonly name: string;
  readonly title: string;
  readonly verdict: string;
  /** How it fares, which is the sign before the verdict: good, flawed, bad, waiting. */
  readonly kind: Kind;
  readonly podsUsed: number;
  readonly maxOverMean: number | null;
  readonly fairness: number | null;
  readonly calls: number;
  readonly failed: number;
  /** Latency of answered calls, without the first half second of the load. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly connections: number;
  /** From a pod's being ready to its first call, of the latest new pod; null before one. */
  readonly firstCallOfNewPodMs: number | null;
  /** The longest that a new pod has waited for its first call; null when none waits. */
  readonly newPodWaitsMs: number | null;
  /** Answered calls by pod since the start, of all pods that ever were. */
  readonly perPod: Readonly<Record<string, number>>;
  /** The balance at each number of pods; the last one is also in the keys above. */
  readonly steps: readonly StepFigures[];
  /** From one event to the next; the first is from the start on. */
  readonly effects: readonly EffectFigures[];
  /** The proxies it goes through where they may be several, else null. */
  readonly replicas: readonly ReplicaView[] | null;
  /** Why the lane did not run or broke off, or null. */
  readonly failure: string | null;
}

/** What the clients were told to do in the end, and what the lab cost. */
export interface LoadReport {
  /** Calls per second of each lane. */
  readonly callsPerSecond: number;
  /** Calls of a lane that are open at a time, at most. */
  readonly inFlight: number;
  /** Of fairlead's lanes. */
  readonly policy: string;
  /** Calls per second that the machine could carry and that all lanes were lowered to, or null. */
  readonly heldBackTo: number | null;
  /** How much of one core the lab itself took in the last second, without pods and proxies. */
  readonly overheadCpu: number;
}

/** The document of `-o json`. */
export interface LabReport {
  /** How many there were in the end. */
  readonly pods: number;
  /** Seconds the load ran. */
  readonly seconds: number;
  /** What was done to it and what came of it, oldest first. */
  readonly events: readonly Omit<LabEvent, "column">[];
  readonly load: LoadReport;
  readonly lanes: readonly LaneReport[];
}

/** What a report is made of. */
export interface Reported {
  readonly pods: number;
  readonly seconds: number;
  readonly events: readonly LabEvent[];
  readonly load: LoadView;
  readonly lanes: readonly LaneView[];
}

/** Makes the document from the lab as it stands. */
export function labReport({ pods, seconds, events, load, lanes }: Reported): LabReport {
  return {
    pods,
    seconds: round(seconds, 2)!,
    events: events.map(({ column: _, ...event }) => event),
    load: {
      callsPerSecond: load.callsPerSecond,
      inFlight: load.inFlight,
      policy: load.policy,
      heldBackTo: load.heldBackTo,
      overheadCpu: round(load.overheadCpu, 2)!,
    },
    lanes: lanes.map((lane) => ({
      name: lane.name,
      title: lane.title,
      verdict: lane.verdict,
      kind: lane.kind,
      podsUsed: lane.figures.podsUsed,
      maxOverMean: round(lane.figures.maxOverMean, 4),
      fairness: round(lane.figures.fairness, 4),
      calls: lane.figures.calls,
      failed: lane.figures.failed,
      p50Ms: round(lane.figures.p50Ms, 3),
      p99Ms: round(lane.figures.p99Ms, 3),
      connections: lane.figures.connections,
      firstCallOfNewPodMs: round(lane.figures.firstCallOfNewPodMs, 1),
      newPodWaitsMs: round(lane.figures.newPodWaitsMs, 1),
      perPod: lane.figures.perPod,
      steps: lane.figures.steps.map((step) => ({
        ...step,
        maxOverMean: round(step.maxOverMean, 4),
        fairness: round(step.fairness, 4),
      })),
      effects: lane.effects.map((effect) => ({
        ...effect,
        podShare: round(effect.podShare, 4),
        p50Ms: round(effect.p50Ms, 3),
        p99Ms: round(effect.p99Ms, 3),
      })),
      replicas: lane.replicas,
      failure: lane.failure,
    })),
  };
}

function round(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
