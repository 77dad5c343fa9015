/**
 * The contracts of balancing: what can be picked, what picks, and what makes pickers.
 *
 * A policy is leaf-free: connections belong to the cluster, which tells the policy what is ready.
 */
import type { Rng } from "../base/index.ts";

/** Something that can serve a call: one ready endpoint. Its owner keeps the figures up to date. */
export interface PickTarget {
  /** Attempts in flight on this endpoint, as this process counts them. */
  activeCalls: number;
}

/**
 * Chooses an endpoint for one attempt of a call.
 *
 * A picker is a snapshot: the policy makes a new one whenever the set of ready endpoints changes,
 * and never edits one that is in use.
 */
export interface Picker<T extends PickTarget> {
  /**
   * Called once per attempt, on the calling tick. O(1), allocates nothing, never throws.
   *
   * @param exclude is avoided when there is another endpoint (the replay of a call that this one
   *   refused); null to avoid none.
   * @returns the endpoint, or null exactly when none is ready: the call then waits.
   */
  pick(exclude: T | null): T | null;
}

/** One way of choosing, with its parameters. Immutable: any number of clusters may share it. */
export interface Policy {
  /** The gRFC's name, such as "least_request". */
  readonly name: string;
  /** Which endpoints hold a connection: every one, or only the first that can be reached. */
  readonly connects: "all" | "first";
  /**
   * Whether it aims at equal numbers of calls in flight, so that of calls which queued and are let
   * go at once an endpoint gets no more than its share. Absent: calls go where it picks.
   */
  readonly levelsCalls?: boolean;
  /** Whether endpoints are to be tried in random order (A62). Only with `connects: "first"`. */
  readonly shuffleAddressList: boolean;
  /**
   * Makes the picker for a set of ready endpoints. O(n).
   *
   * @param ready kept, not copied: the caller never changes the array afterwards.
   * @param previous the picker that this one replaces, if it is of the same policy it hands over
   *   what must outlive it, such as the position of round robin; null for the first.
   */
  newPicker<T extends PickTarget>(
    ready: readonly T[],
    rng: Rng,
    previous: Picker<T> | null,
  ): Picker<T>;
}
