/** The log lines that health is ignored, and believed again: one a change, at most one a second. */

import type { Clock, Logger } from "../base/index.ts";

const INTERVAL_MS = 1_000;

/** See the head of this file. */
export class PanicLog {
  readonly #target: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  #isTold = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(target: string, log: Logger, clock: Clock) {
    this.#target = target;
    this.#log = log;
    this.#clock = clock;
  }

  /** It is so now. A change that comes too soon is told when it is still so at the next one. */
  onState(isPanic: boolean, health: string): void {
    const nowMs = this.#clock.nowMs();
    if (isPanic === this.#isTold || nowMs - this.#toldMs < INTERVAL_MS) return;
    this.#isTold = isPanic;
    this.#toldMs = nowMs;
    const fields = { target: this.#target, healthy: health };
    if (isPanic) this.#log.warn("too few endpoints are healthy: health is ignored", fields);
    else this.#log.info("enough endpoints are healthy again", fields);
  }
}
