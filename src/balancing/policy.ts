/**
 * The contracts of balancing: what can be picked, what picks, and what makes pickers.
 *
 * A policy is leaf-free: connections belong to the cluster, which tells the policy what is ready.
 */
import type { Rng } from "../base/index.ts";
import type { LoadReport } from "./load-report.ts";
import type { OutlierDetectionConfig } from "./outlier-config.ts";
import type { PriorityConfig } from "./priority.ts";
import type { SubsettingConfig } from "./subsetting.ts";

/** Something that can serve a call: one endpoint. Its owner keeps the figures up to date. */
export interface PickTarget {
  /** Attempts in flight on this endpoint, as this process counts them. */
  readonly activeCalls: number;
  /** Its share of calls in relation to the others; 1 unless the source says otherwise. */
  readonly weight: number;
  /** What tells it from others for as long as it exists, and in every process: its address. */
  readonly key: string;
  /** Only policies that connect what they pick see others than "READY". */
  readonly connectivity: TargetConnectivity;
  /** What the policy keeps of it, made by `Policy.newLoad`; null when it keeps nothing. */
  readonly load: EndpointLoad | null;
}

/** gRPC's states of a subchannel. */
export type TargetConnectivity = "IDLE" | "CONNECTING" | "READY" | "TRANSIENT_FAILURE";

/**
 * What a policy keeps of one endpoint. Fed by the endpoint's owner, on the calling tick; allocates
 * nothing and never throws. `nowMs` is the cluster's clock.
 */
export interface EndpointLoad {
  /** The response headers of an attempt came, so long after its start. */
  onAnswered(latencyMs: number, nowMs: number): void;
  /** An attempt is over. `isFailure`: by a fault of the endpoint. */
  onEnded(isFailure: boolean, latencyMs: number, nowMs: number): void;
  /** The endpoint said how loaded it is. */
  onReport(report: LoadReport, nowMs: number): void;
  /** It is connected (again): what was known of it may be of another process. */
  onReady?(nowMs: number): void;
}

/** What a policy may ask of the call that is to be placed; a list of request headers is one. */
export interface PickRequest {
  /**
   * Header (in lower case) that this call is hashed by, whatever the policy's parameters say: that
   * of its route (A42). Absent or null: they count.
   */
  readonly hashHeader?: string | null;
  /** The values of all fields of that name (in lower case), joined by ","; null when absent. */
  joined(name: string): string | null;
}

/**
 * Chooses an endpoint for one attempt of a call.
 *
 * A picker is a snapshot: the policy makes a new one whenever the set of ready endpoints changes,
 * and never edits one that is in use.
 */
export interface Picker<T extends PickTarget> {
  /**
   * Called once per attempt, on the calling tick. O(1) or O(log n), allocates nothing, never
   * throws.
   *
   * @param exclude is avoided when there is another endpoint (the replay of a call that this one
   *   refused); null to avoid none.
   * @param request null when nothing is known of the call.
   * @param nowMs the time on the cluster's clock.
   * @returns the endpoint, or null exactly when there is none: the call then waits. Of a policy
   *   that connects what it picks it may be one that is not ready: it is connected, and the call
   *   waits for it.
   */
  pick(exclude: T | null, request: PickRequest | null, nowMs: number): T | null;
  /** What was known of weights when it was made; absent where it does not use any. */
  readonly weighing?: Weighing;
  /**
   * One that is idle, which the last pick passed over for one that is ready, and which is to be
   * connected beside (A76); null for none. Only of policies that connect what they pick.
   */
  readonly passedOver?: T | null;
}

/** What a picker knows of the weights of its endpoints, for the metrics of gRFC A78. */
export interface Weighing {
  /** 0 for an endpoint without a usable weight. */
  readonly weights: Float64Array;
  /** Endpoints that have not reported (for long enough) yet. */
  readonly notYetUsableCount: number;
  /** Endpoints whose last report is too old. */
  readonly staleCount: number;
  /** Too few weights are usable: it goes round robin. */
  readonly isFallback: boolean;
}

/** A picker in the making, for policies whose pickers take long. */
export interface PickerBuild<T extends PickTarget> {
  /** A bounded piece of the work (2 ms at most); the picker when it is done, else null. */
  step(): Picker<T> | null;
}

/** One way of choosing, with its parameters. Immutable: any number of clusters may share it. */
export interface Policy {
  /** The gRFC's name, such as "least_request". */
  readonly name: string;
  /**
   * Which endpoints hold a connection: every one, only the first that can be reached, or those
   * that were picked (its pickers are made of all endpoints, ready or not).
   */
  readonly connects: "all" | "first" | "picked";
  /**
   * Whether it aims at equal numbers of calls in flight, so that of calls which queued and are let
   * go at once an endpoint gets no more than its share. Absent: calls go where it picks.
   */
  readonly levelsCalls?: boolean;
  /** Whether endpoints are to be tried in random order (A62). Only with `connects: "first"`. */
  readonly shuffleAddressList: boolean;
  /** A new picker is made this often, also when nothing changed; absent: only then. */
  readonly refreshMs?: number;
  /** Whether reports of load are taken from the trailers of calls. */
  readonly usesReports?: boolean;
  /** How often endpoints are to report their load out of band; absent or null: not at all. */
  readonly reportPeriodMs?: number | null;
  /**
   * What it keeps of an endpoint, made when it is first seen; absent when it keeps nothing.
   *
   * @param previous what the policy before has kept of it; null for none.
   */
  newLoad?(nowMs: number, previous: EndpointLoad | null): EndpointLoad;
  /**
   * Makes the picker for a set of ready endpoints. O(n).
   *
   * @param ready kept, not copied: the caller never changes the array afterwards.
   * @param previous the picker that this one replaces, if it is of the same policy it hands over
   *   what must outlive it, such as the position of round robin; null for the first.
   * @param nowMs the time on the cluster's clock.
   */
  newPicker<T extends PickTarget>(
    ready: readonly T[],
    rng: Rng,
    previous: Picker<T> | null,
    nowMs: number,
  ): Picker<T>;
  /**
   * The same piece by piece, where it takes longer than calls may be held up. The picker before
   * stays in use meanwhile, whatever became of its endpoints. Absent: `newPicker` is quick.
   */
  beginPicker?<T extends PickTarget>(
    ready: readonly T[],
    rng: Rng,
    previous: Picker<T> | null,
    nowMs: number,
  ): PickerBuild<T>;
}

/** A policy and what stands around it, as `loadBalancingConfig` has it. Immutable. */
export interface Balancing {
  /** The innermost policy. */
  readonly policy: Policy;
  /** Each null where it is not asked for. */
  readonly outlierDetection: OutlierDetectionConfig | null;
  readonly subsetting: SubsettingConfig | null;
  readonly priority: PriorityConfig | null;
}
