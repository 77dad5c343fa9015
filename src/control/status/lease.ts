/**
 * A Lease (coordination.k8s.io/v1) as leader election uses it: JSON of a server, read and made.
 *
 * Fields and their meaning are those of client-go's `resourcelock.LeaseLock`, so that people's
 * tools show who leads. Whatever else is in a Lease is kept as it is.
 */
import { asJson, asText, type Json } from "../../base/index.ts";
import type { WriteTarget } from "../../discovery/index.ts";

/** What a Lease says. */
export interface LeaseRecord {
  /** "" when nobody holds it: it was released, or never held. */
  readonly holder: string;
  /** For so long after the holder was last seen to renew it nobody else may take it. */
  readonly durationMs: number;
  readonly transitions: number;
  /** RFC 3339; by the holder's clock, for people. "" when it is not said. */
  readonly acquiredAt: string;
  /** Everything, as the server gave it. */
  readonly object: Json;
  /** Other than before when anybody has written it. */
  readonly text: string;
}

/** Where a Lease is. */
export function leaseTarget(namespace: string, name: string): WriteTarget {
  const apiVersion = "coordination.k8s.io/v1";
  return { apiVersion, plural: "leases", namespace, name, subresource: null };
}

/** Reads a Lease that may be anything; one that says nothing is held by nobody. */
export function readLease(value: unknown): LeaseRecord {
  const object = asJson(value);
  const spec = asJson(object.spec);
  const seconds = Number(spec.leaseDurationSeconds);
  return {
    holder: asText(spec.holderIdentity),
    durationMs: seconds > 0 ? seconds * 1000 : 0,
    transitions: Number(spec.leaseTransitions) || 0,
    acquiredAt: asText(spec.acquireTime),
    object,
    text: JSON.stringify([asJson(object.metadata).resourceVersion, spec]),
  };
}

/**
 * The Lease with a holder.
 *
 * @param record as it is now; null for a new one.
 * @param acquiredAt null: it was not taken just now, the time stays.
 */
export function leaseOf(
  { namespace, name }: WriteTarget,
  record: LeaseRecord | null,
  change: {
    readonly holder: string;
    readonly durationMs: number;
    readonly transitions: number;
    readonly isTaken: boolean;
  },
  wallMs: number,
): Json {
  const now = microTime(wallMs);
  const metadata = { ...asJson(record?.object.metadata), namespace, name };
  const spec = {
    ...asJson(record?.object.spec),
    holderIdentity: change.holder,
    leaseDurationSeconds: Math.max(1, Math.round(change.durationMs / 1000)),
    acquireTime: change.isTaken ? now : record?.acquiredAt || now,
    renewTime: now,
    leaseTransitions: change.transitions,
  };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
}

/** `MicroTime`: RFC 3339 with six digits of a second. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace("Z", "000Z");
}
