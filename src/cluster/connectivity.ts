/**
 * The connectivity of a cluster as a whole, aggregated from its endpoints as gRPC does it: the
 * connectivity-semantics document, and A62 for what stays failed.
 *
 * It counts and judges; who is told, and which calls fail, is the cluster's business.
 */

import type { SourceStatus } from "./source-status.ts";
import type { EndpointState } from "./view.ts";

/** gRPC's states of a channel. */
export type Connectivity = "IDLE" | "CONNECTING" | "READY" | "TRANSIENT_FAILURE" | "SHUTDOWN";

/** See the head of this file. */
export class ConnectivityAggregate {
  #state: Connectivity = "IDLE";
  /** Endpoints of the current set in these states. One that rests is about to connect. */
  #ready = 0;
  #connecting = 0;
  /** Whether it is in TRANSIENT_FAILURE because every endpoint was tried. */
  #isTried = false;

  get state(): Connectivity {
    return this.#state;
  }

  /** Endpoints that are ready. */
  get ready(): number {
    return this.#ready;
  }

  /** Endpoints that are connecting, or about to. */
  get connecting(): number {
    return this.#connecting;
  }

  /** Whether calls should not wait: nothing is ready, and nothing is about to be. */
  get isFailing(): boolean {
    return this.#state === "TRANSIENT_FAILURE";
  }

  /** An endpoint went from one state to another; it begins as IDLE, coming from null. */
  onEndpoint(before: EndpointState | null, now: EndpointState): void {
    this.#count(before, -1);
    this.#count(now, 1);
  }

  #count(state: EndpointState | null, by: number): void {
    if (state === "READY") this.#ready += by;
    else if (state === "CONNECTING" || state === "IDLE") this.#connecting += by;
  }

  /**
   * Judges anew; returns whether the state changed.
   *
   * @param isOneChoice whether the policy uses the first endpoint that can be reached (pick_first).
   */
  update({ isResolved, isAway }: SourceStatus, isOneChoice: boolean): boolean {
    if (!isResolved) return this.#become(isAway ? "TRANSIENT_FAILURE" : "CONNECTING", false);
    if (this.#ready > 0) return this.#become("READY", false);
    // A62: pick_first stays in TRANSIENT_FAILURE until READY. Of the others each endpoint keeps
    // to that by itself: one that is tried again is not CONNECTING.
    const isSticky = isOneChoice && this.#isTried;
    if (this.#connecting > 0 && !isSticky) return this.#become("CONNECTING", false);
    return this.#become("TRANSIENT_FAILURE", true);
  }

  /** Nothing follows. */
  close(): boolean {
    return this.#become("SHUTDOWN", false);
  }

  #become(state: Connectivity, isTried: boolean): boolean {
    this.#isTried = isTried;
    if (state === this.#state) return false;
    this.#state = state;
    return true;
  }
}
