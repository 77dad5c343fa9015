/**
 * Log lines about refused and broken calls: the first of a kind at once, then one a second with a
 * count.
 *
 * Every one of them is counted in the metrics; a log of each would be an attack's second half.
 */

import type { Clock, Logger } from "../base/index.ts";

const INTERVAL_MS = 1_000;

class Kind {
  lastMs = Number.NEGATIVE_INFINITY;
  suppressed = 0;
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

  /** Logs `msg` unless one of its kind was logged within a second; the next line says how many. */
  warn(msg: string, kind: string, fields: () => Record<string, unknown>): void {
    const nowMs = this.#clock.nowMs();
    let state = this.#kinds.get(kind);
    if (state === undefined) {
      state = new Kind();
      this.#kinds.set(kind, state);
    }
    if (nowMs - state.lastMs < INTERVAL_MS) {
      state.suppressed += 1;
      return;
    }
    const more = state.suppressed > 0 ? { suppressed: state.suppressed } : {};
    state.lastMs = nowMs;
    state.suppressed = 0;
    this.#log.warn(msg, { ...fields(), ...more });
  }
}
