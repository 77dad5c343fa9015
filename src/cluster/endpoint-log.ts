/**
 * Log lines about endpoints that fail and come back: one a change, and only so many a second, so
 * that a thousand that fail at once do not bury everything else. How many were left out is told.
 *
 * Not about single attempts: an endpoint that is tried again and fails again has not changed.
 */

import type { Clock, Logger } from "../base/index.ts";
import type { Subchannel } from "./subchannel.ts";
import type { EndpointState } from "./view.ts";

/** Endpoints that are named in a second. */
export const ENDPOINT_LINES_MAX = 10;
/** The second of `ENDPOINT_LINES_MAX`. */
const INTERVAL_MS = 1_000;

const FAILURES: Readonly<Partial<Record<EndpointState, string>>> = {
  TRANSIENT_FAILURE: "endpoint failed",
  EJECTED: "endpoint ejected",
  UNHEALTHY: "endpoint is unhealthy",
};

/** What the log knows of one cluster's endpoints. */
export class EndpointLog {
  readonly #target: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  /** Those that failed and are not ready again, and in which state. */
  readonly #failed = new Map<Subchannel, EndpointState>();
  #sinceMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  /** Changes that got no line of their own. */
  #failedMore = 0;
  #readyMore = 0;

  constructor(target: string, log: Logger, clock: Clock) {
    this.#target = target;
    this.#log = log;
    this.#clock = clock;
  }

  /** The state of a subchannel changed. */
  onState(subchannel: Subchannel): void {
    const { state } = subchannel;
    const message = FAILURES[state];
    if (message !== undefined) this.#onFailed(subchannel, message);
    else if (state === "READY") this.#onReady(subchannel);
    // One that left is nobody's trouble any more.
    else if (state === "DRAINING") this.#failed.delete(subchannel);
  }

  #onFailed(subchannel: Subchannel, message: string): void {
    const { endpoint, reason, state } = subchannel;
    if (this.#failed.get(subchannel) === state) return;
    this.#failed.set(subchannel, state);
    const fields = { target: this.#target, endpoint: endpoint.address, reason };
    if (this.#tryLine()) this.#log.warn(message, fields);
    else this.#failedMore += 1;
  }

  #onReady(subchannel: Subchannel): void {
    if (!this.#failed.delete(subchannel)) return;
    const fields = { target: this.#target, endpoint: subchannel.endpoint.address };
    if (this.#tryLine()) this.#log.info("endpoint ready again", fields);
    else this.#readyMore += 1;
  }

  #tryLine(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs >= INTERVAL_MS) {
      this.#sinceMs = nowMs;
      this.#lines = 0;
    }
    this.#lines += 1;
    return this.#lines <= ENDPOINT_LINES_MAX;
  }

  /** About once a second: tells what was left out. */
  onTick(): void {
    if (this.#failedMore === 0 && this.#readyMore === 0) return;
    const fields = { failed: this.#failedMore, readyAgain: this.#readyMore };
    this.#log.warn("more endpoints changed", { target: this.#target, ...fields });
    this.#failedMore = 0;
    this.#readyMore = 0;
  }
}
