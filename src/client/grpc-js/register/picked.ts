/**
 * What policies that connect what they pick (`ring_hash`) need of grpc-js beyond the others: the
 * state of all endpoints as one (gRFC A42), and a call's headers to hash.
 */
import type { Metadata } from "@grpc/grpc-js";
import type { PickRequest, TargetConnectivity } from "../../../balancing/index.ts";

/** A42, "Aggregated Connectivity State", its six rules in order. */
export function pickedState(states: readonly TargetConnectivity[]): TargetConnectivity {
  const count = (state: TargetConnectivity) => states.filter((each) => each === state).length;
  if (count("READY") > 0) return "READY";
  if (count("TRANSIENT_FAILURE") > 1) return "TRANSIENT_FAILURE";
  if (count("CONNECTING") > 0) return "CONNECTING";
  if (count("TRANSIENT_FAILURE") > 0 && states.length > 1) return "CONNECTING";
  return count("IDLE") > 0 ? "IDLE" : "TRANSIENT_FAILURE";
}

/** The metadata of a call as a policy asks for them; one at a time. */
export class MetadataRequest implements PickRequest {
  #metadata: Metadata | null = null;

  /** The call that is picked for now. */
  of(metadata: Metadata): this {
    this.#metadata = metadata;
    return this;
  }

  joined(name: string): string | null {
    const values = this.#metadata?.get(name) ?? [];
    return values.length === 0 ? null : values.join(",");
  }
}
