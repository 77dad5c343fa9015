/**
 * Log lines about what a resolver says: which endpoints came and went, that there are none, that
 * the source is away. A change at once, those of the next second in one line, so that a rollout of
 * a thousand pods does not bury everything else.
 *
 * Not about connections: those are `endpoint-log.ts`'s.
 */

import type { Clock, Logger } from "../base/index.ts";
import type { Endpoint, EndpointSet } from "../discovery/index.ts";

/** Addresses that a line names of those that came, and of those that went. */
export const LOGGED_ADDRESSES_MAX = 5;
/** From one line about changes to the next. */
export const SET_LOG_INTERVAL_MS = 1_000;

/** What the log knows of one target's sets. */
export class EndpointSetLog {
  readonly #target: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  /** Of the set that was told last, and of the one that holds now. */
  #told: readonly Endpoint[] = [];
  #current = this.#told;
  #emptyReason: string | null = null;
  #isAway = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(target: string, log: Logger, clock: Clock) {
    this.#target = target;
    this.#log = log;
    this.#clock = clock;
  }

  /** A whole new set, or the same one after the source was away. */
  onEndpoints(set: EndpointSet): void {
    if (this.#isAway && !set.isStale) {
      this.#log.info("the source of endpoints is back", { target: this.#target });
      this.#isAway = false;
    }
    this.#current = set.endpoints;
    const emptyReason = set.endpoints.length === 0 ? (set.reason ?? "the set is empty") : null;
    if (emptyReason !== null && emptyReason !== this.#emptyReason) {
      this.#log.warn("no endpoints", { target: this.#target, reason: emptyReason });
    }
    this.#emptyReason = emptyReason;
    this.tell();
  }

  /** The source is away or answers nonsense. */
  onError(reason: string): void {
    this.#isAway = true;
    // With endpoints in use calls go on: that is no outage.
    const msg = this.#current.length > 0 ? "endpoints may be out of date" : "cannot resolve";
    this.#log.warn(msg, { target: this.#target, reason });
  }

  /**
   * Tells what changed since the last line, unless that is too young. To be called again
   * `SET_LOG_INTERVAL_MS` after a change, or about once a second.
   */
  tell(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#told === this.#current || nowMs - this.#toldMs < SET_LOG_INTERVAL_MS) return;
    // Not with each set: of thousands of endpoints this is the dearest part of a change.
    const [before, now] = [this.#told, this.#current].map(addressesOf) as [Addresses, Addresses];
    const added = [...now].filter((address) => !before.has(address));
    const removed = [...before].filter((address) => !now.has(address));
    this.#told = this.#current;
    if (added.length === 0 && removed.length === 0) return;
    this.#toldMs = nowMs;
    this.#log.info("endpoints changed", {
      target: this.#target,
      endpoints: now.size,
      added: added.length,
      removed: removed.length,
      addedFirst: added.slice(0, LOGGED_ADDRESSES_MAX),
      removedFirst: removed.slice(0, LOGGED_ADDRESSES_MAX),
    });
  }
}

type Addresses = ReadonlySet<string>;

function addressesOf(endpoints: readonly Endpoint[]): Addresses {
  return new Set(endpoints.map(({ address }) => address));
}
