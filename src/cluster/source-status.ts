/**
 * What a cluster knows of the source of its endpoints: whether a set came, why it is empty, and
 * since when and why the source is away.
 */

import type { EndpointSet } from "../discovery/index.ts";

/** See the head of this file. */
export class SourceStatus {
  #isResolved = false;
  #emptyReason: string | null = null;
  #awayReason: string | null = null;
  #awaySinceMs = 0;

  /** Whether a set came. */
  get isResolved(): boolean {
    return this.#isResolved;
  }

  /** Whether the source is away, before the first set too. */
  get isAway(): boolean {
    return this.#awayReason !== null;
  }

  /** Whether the last good set is in use; before the first one there is nothing that is old. */
  get isStale(): boolean {
    return this.#isResolved && this.isAway;
  }

  /** For how long; 0 when it is not. */
  staleMs(nowMs: number): number {
    return this.isStale ? nowMs - this.#awaySinceMs : 0;
  }

  /** Why the source is away or the set empty, or null. */
  get reason(): string | null {
    return this.#awayReason ?? this.#emptyReason;
  }

  /** Why there is no endpoint: no set yet, or an empty one; null when that is not known. */
  get missingReason(): string | null {
    return this.#isResolved ? this.#emptyReason : this.#awayReason;
  }

  /** A set came. */
  onSet({ isStale, endpoints, reason }: EndpointSet): void {
    this.#isResolved = true;
    if (isStale !== true) this.#awayReason = null;
    this.#emptyReason = endpoints.length === 0 ? (reason ?? "the set is empty") : null;
  }

  /** The source is away. */
  onError(reason: string, nowMs: number): void {
    if (this.#awayReason === null) this.#awaySinceMs = nowMs;
    this.#awayReason = reason;
  }
}
