/**
 * Resources as the protocol sees them: a type, a name, bytes that somebody else understands, and
 * those who watch them. gRFC A88 for what watchers hear.
 */

import type { Decoded } from "../../xds/index.ts";

/** A type of resource, and who understands it. One object for each type and client. */
export interface ResourceKind<T> {
  readonly typeUrl: string;
  /** For people: "LDS". */
  readonly name: string;
  /**
   * "For Listener and Cluster resource types ... the server must include the complete state of the
   * world": what such an answer lacks is gone.
   */
  readonly isComplete: boolean;
  /** @throws anything, for bytes that are no message of the type. */
  decode(bytes: Uint8Array): Decoded<T>;
}

/** Hears of one resource. Never called after its watch was closed; may close it. */
export interface ResourceWatcher<T> {
  /** It is this from now on. */
  onResource(value: T): void;
  /** There is nothing to use, and what was told before is not to be used any more. */
  onAbsent(reason: string): void;
  /** What was told stays in use, if anything was. null: that trouble is over. */
  onTrouble(reason: string | null): void;
}

/** Hears of every resource of a type. */
export interface WildcardWatcher<T> {
  /** All that there are, by name. The very values that were told before where nothing changed. */
  onResources(all: ReadonlyMap<string, T>): void;
  /** See `ResourceWatcher.onTrouble`. */
  onTrouble(reason: string | null): void;
}

/** What ends a watch. Harmless when repeated. */
export interface ResourceWatch {
  close(): void;
}

/**
 * What the server was asked for and said of one resource (gRFC A40, `ClientResourceStatus`).
 * NACKED: the newest one was refused; an older one may be in use.
 */
export type ResourceState = "REQUESTED" | "DOES_NOT_EXIST" | "ACKED" | "NACKED";

/** One resource as a client has it. */
export interface ResourceStatus {
  readonly typeUrl: string;
  /** Of the type, for people: "LDS". */
  readonly kind: string;
  readonly name: string;
  readonly state: ResourceState;
  /** Of what is in use; "" when nothing is. */
  readonly version: string;
  /** Wall time at which what is in use came; null when nothing is. */
  readonly updatedMs: number | null;
  /** What is in use, as it came: may hold secrets. Null when nothing is. */
  readonly bytes: Uint8Array | null;
  /** The newest one, when it was refused; null when it was not. */
  readonly refused: RefusedUpdate | null;
  /** What is wrong, or why there is nothing, for people; null when all is well. */
  readonly reason: string | null;
}

/** An update that could not be used. */
export interface RefusedUpdate {
  readonly version: string;
  /** Which field, and why. */
  readonly reason: string;
  /** Wall time. */
  readonly atMs: number;
}
