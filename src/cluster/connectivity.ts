/**
 * The connectivity of a cluster as a whole, aggregated from its endpoints as gRPC does it: the
 * connectivity-semantics document, and A62 for what stays failed.
 *
 * It counts and judges; who is told, and which calls fail, is the cluster's business.
 */

import type { Policy } from "../balancing/index.ts";
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
  #idle = 0;
  #failed = 0;
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
    return this.#connecting + this.#idle;
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
    else if (state === "CONNECTING") this.#connecting += by;
    else if (state === "IDLE") this.#idle += by;
    else if (state !== null && state !== "DRAINING") this.#failed += by;
  }

  /**
   * Judges anew; returns whether the state changed.
   *
   * @param connects which endpoints hold a connection.
   * @param isPanic endpoints are used although they are held back: calls need not wait.
   */
  update(
    { isResolved, isAway }: SourceStatus,
    connects: Policy["connects"],
    isPanic: boolean,
  ): boolean {
    if (!isResolved) return this.#become(isAway ? "TRANSIENT_FAILURE" : "CONNECTING", false);
    if (this.#ready > 0 || isPanic) return this.#become("READY", false);
    if (connects === "picked") return this.#become(this.#ofPicked(), true);
    // A62: pick_first stays in TRANSIENT_FAILURE until READY. Of the others each endpoint keeps
    // to that by itself: one that is tried again is not CONNECTING.
    const isSticky = connects === "first" && this.#isTried;
    if (this.connecting > 0 && !isSticky) return this.#become("CONNECTING", false);
    return this.#become("TRANSIENT_FAILURE", true);
  }

  /** A42: the state of ring_hash, whose endpoints connect when they are picked. */
  #ofPicked(): Connectivity {
    // "If there are 2 or more subchannels in TRANSIENT_FAILURE state, report TRANSIENT_FAILURE."
    if (this.#failed >= 2) return "TRANSIENT_FAILURE";
    if (this.#connecting > 0) return "CONNECTING";
    // "If there is one subchannel in TRANSIENT_FAILURE state and there is more than one
    // subchannel, report state CONNECTING."
    if (this.#failed === 1 && this.#idle > 0) return "CONNECTING";
    return this.#idle > 0 ? "IDLE" : "TRANSIENT_FAILURE";
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
