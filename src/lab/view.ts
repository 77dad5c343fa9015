/**
 * The state of a running lab as plain data: what the terminal table, the page and the JSON show.
 * All three draw from this and know nothing of processes.
 */
import type { EffectFigures } from "./figures/effect.ts";
import type { Kind } from "./figures/kind.ts";
import type { LaneFigures } from "./figures/measure.ts";

/** Where a lane stands: `failed` has a reason, `running` and `ended` have figures. */
export type LanePhase = "starting" | "running" | "ended" | "failed";

/**
 * Where a pod stands: `not-ready` serves, but its probe says that it should get no call; `killed`
 * is dead before the API server knows; `terminating` still serves its open calls; `gone` may come
 * back.
 */
export type PodState = "starting" | "ready" | "not-ready" | "killed" | "terminating" | "gone";

/** Something that was done to the lab, or that came of it. */
export interface LabEvent {
  /** Ms of load before it. */
  readonly atMs: number;
  /** As `actions.ts` writes it: "slow=echo-3"; "died=echo-3"; or an outcome, as "rolled". */
  readonly event: string;
  /** It came of an earlier one: effects are counted on from that. */
  readonly isOutcome: boolean;
  /** The pod concerned, or null. */
  readonly pod: string | null;
  /** For people: "echo-3 slow x10". */
  readonly text: string;
  /** How many columns of history were complete by then. */
  readonly column: number;
}

/** One of several proxies of a lane, by its own metrics. */
export interface ReplicaView {
  /** "proxy-1" */
  readonly name: string;
  /** Open connections of clients. */
  readonly connections: number;
  /** Calls that came in since it started. */
  readonly calls: number;
  /** Between the last two looks at its metrics. */
  readonly callsPerSecond: number;
}

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
  /** The same in a few words with a sign before them: "✕ 1 of 12 pods". */
  readonly short: string;
  /** How it fares, as that sign has it. */
  readonly kind: Kind;
  /** From one event to the next, the present one last; the first is from the start on. */
  readonly effects: readonly EffectFigures[];
  /** Names of the pods that its outlier detection has ejected; empty while that is off. */
  readonly ejected: readonly string[];
  /** The proxies it goes through where they may be several, else null. */
  readonly replicas: readonly ReplicaView[] | null;
  /** Why it did not run or broke off, or null. */
  readonly failure: string | null;
}

/** A way that could be compared, on or not. */
export interface LaneChoice {
  /** Its word on the command line: "envoy". */
  readonly name: string;
  readonly title: string;
  readonly how: string;
  readonly isOn: boolean;
  /** Why it cannot run here, in a sentence, or null. */
  readonly why: string | null;
}

/** Who carries connections to a ClusterIP: a relay, or with --netns rules of the kernel. */
export type ClusterIpBy = "relay" | "nftables";

/** What the clients of every lane are told to do, and what the lab itself costs. */
export interface LoadView {
  /** Calls per second of each lane. */
  readonly callsPerSecond: number;
  /** Calls of a lane that are open at a time, at most. */
  readonly inFlight: number;
  /** Of fairlead's lanes. */
  readonly policy: string;
  /** How much of one core the lab itself takes: its own process and its clients. */
  readonly overheadCpu: number;
  /** Calls per second that the machine could carry and that all lanes were lowered to, or null. */
  readonly heldBackTo: number | null;
}

/** The lab. */
export interface LabView {
  /** Names of the pods by row. A row whose pod is gone for good gets the next new one. */
  readonly pods: readonly string[];
  /** Where each of them stands, in the same order. */
  readonly podStates: readonly PodState[];
  /** Names of those that were made slow. */
  readonly slowPods: readonly string[];
  /** Names of those that answer every call with UNAVAILABLE. */
  readonly sickPods: readonly string[];
  /** What was done and what came of it, oldest first. */
  readonly events: readonly LabEvent[];
  /** How long the load has run; 0 before it. */
  readonly elapsedMs: number;
  /** Address of the page, or null. */
  readonly pageUrl: string | null;
  /** How other programs reach the pods through the API server; null while there is none. */
  readonly access: { readonly kubeconfig: string; readonly target: string } | null;
  /** What the keys of the terminal do, or null where there are none. */
  readonly hint: string | null;
  /** All lanes that there are, in the order in which they are offered. */
  readonly laneChoices: readonly LaneChoice[];
  readonly load: LoadView;
  readonly clusterIpBy: ClusterIpBy;
  /** What the lab waits for while it starts, as "starting 12 pods: 7 serve"; null once it runs. */
  readonly progress: string | null;
  /** A remark to show, such as a page on another port than usual, or null. */
  readonly notice: string | null;
  /** Calls by row of the intervals that are kept, by lane, oldest first. */
  readonly histories: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** How many intervals there were in all; the latest in `histories` is the last of them. */
  readonly columnCount: number;
  readonly intervalMs: number;
  readonly lanes: readonly LaneView[];
}
