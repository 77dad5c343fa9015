/**
 * Log lines about refused and broken calls: the first of a kind at once, then one a second at most,
 * and how many were left out.
 *
 * Every one of them is counted in the metrics; a log of each would be an attack's second half.
 */

import type { Clock, Logger } from "../base/index.ts";

const INTERVAL_MS = 1_000;

class Kind {
  readonly msg: string;
  lastMs = Number.NEGATIVE_INFINITY;
  /** Events since `lastMs` that got no line. */
  more = 0;

  constructor(msg: string) {
    this.msg = msg;
  }
}

/** A logger of repeated events. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Logs `msg`, unless one of its kind was logged within a second: then it is counted. */
  warn(msg: string, kind: string, fields: () => Record<string, unknown>): void {
    const nowMs = this.#clock.nowMs();
    let state = this.#kinds.get(kind);
    if (state === undefined) {
      state = new Kind(msg);
      this.#kinds.set(kind, state);
    }
    if (nowMs - state.lastMs < INTERVAL_MS) {
      state.more += 1;
      return;
    }
    this.#tellMore(kind, state);
    state.lastMs = nowMs;
    this.#log.warn(msg, fields());
  }

  /** About once a second: tells what was left out a second ago or longer. */
  onTick(): void {
    const nowMs = this.#clock.nowMs();
    for (const [kind, state] of this.#kinds) {
      if (nowMs - state.lastMs >= INTERVAL_MS) this.#tellMore(kind, state);
    }
  }

  /** Tells all that was left out: nothing more will come. */
  flush(): void {
    for (const [kind, state] of this.#kinds) this.#tellMore(kind, state);
  }

  #tellMore(kind: string, state: Kind): void {
    if (state.more === 0) return;
    this.#log.warn(`${state.msg}: and more`, { group: kind, more: state.more });
    state.more = 0;
  }
}
