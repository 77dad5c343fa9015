/**
 * When one endpoint is connected to again: after a backoff when an attempt failed, at once when a
 * connection that worked has ended. gRPC's connection-backoff document.
 */

import type { Clock, Timer } from "../base/index.ts";
import type { Backoff } from "./backoff.ts";
import { CONNECTION_PROVEN_MS } from "./config.ts";
import type { Upstream } from "./upstream.ts";

/** See the head of this file. */
export class Reconnect {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #open: () => void;
  #timer: Timer | null = null;
  #atMs = 0;
  /** Connections in a row that were made, and ended at once. */
  #unprovenCount = 0;

  /** @param open makes the next attempt. */
  constructor(clock: Clock, backoff: Backoff, open: () => void) {
    this.#clock = clock;
    this.#backoff = backoff;
    this.#open = open;
  }

  /** The time to the next attempt; null when none is set. */
  get inMs(): number | null {
    return this.#timer === null ? null : Math.max(0, this.#atMs - this.#clock.nowMs());
  }

  /** An attempt failed: the next is made after the backoff. */
  later(): void {
    const delayMs = this.#backoff.nextMs();
    this.#atMs = this.#clock.nowMs() + delayMs;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#open();
    });
  }

  /** No attempt is to be made. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /**
   * Whether a connection that has ended is replaced at once: one that worked is, as the pod may be
   * back already. So is one that ended as soon as it was made, but not twice in a row: from then on
   * it counts as a failed attempt, or a server that cuts would be hammered.
   */
  isAtOnce(upstream: Upstream): boolean {
    const livedMs = this.#clock.nowMs() - upstream.readyMs;
    const isProven = livedMs >= CONNECTION_PROVEN_MS || upstream.hasServed;
    this.#unprovenCount = isProven ? 0 : this.#unprovenCount + 1;
    if (isProven) this.#backoff.reset();
    return this.#unprovenCount <= 1;
  }
}
