/**
 * Why an endpoint that is connected gets no calls all the same: what is known of its health, and
 * that outlier detection has ejected it. And the states of endpoints in gRPC's own words.
 */

import type { TargetConnectivity } from "../balancing/index.ts";
import type { EndpointState } from "./view.ts";

/**
 * What a health check knows of an endpoint: "failing" is what our active checks conclude,
 * "not-serving" what it says of itself (A17).
 */
export type EndpointHealth = "unknown" | "serving" | "failing" | "not-serving";

/** See the head of this file. */
export class Overlay {
  health: EndpointHealth = "serving";
  healthReason = "";
  ejectedBecause: string | null = null;

  /** The state of an endpoint that is connected. */
  get state(): EndpointState {
    if (this.health === "unknown") return "CONNECTING"; // A17, until the first answer
    if (this.health !== "serving") return "UNHEALTHY";
    return this.ejectedBecause === null ? "READY" : "EJECTED";
  }

  /** Whether it is kept from calls by a conclusion of ours. */
  get isConcluded(): boolean {
    return this.health === "failing" || (this.health === "serving" && this.ejectedBecause !== null);
  }

  /** Why, for people; null when it is READY. */
  get reason(): string | null {
    return this.health === "serving" ? this.ejectedBecause : this.healthReason;
  }
}

/** gRPC has four states; what is out of use for any reason is in TRANSIENT_FAILURE. */
export function connectivityOf(state: EndpointState): TargetConnectivity {
  const isKnown = state === "IDLE" || state === "CONNECTING" || state === "READY";
  return isKnown ? state : "TRANSIENT_FAILURE";
}
