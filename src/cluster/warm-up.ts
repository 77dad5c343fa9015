/**
 * The gate before the calls that queued while nothing was ready: it opens when enough endpoints are
 * ready, or none more will be soon, or after a short time.
 *
 * Without it a cold start would give all that queued to the pod that answered first.
 */

import type { Clock, Timer } from "../base/index.ts";
import type { WarmUpConfig } from "./config.ts";
import type { ConnectivityAggregate } from "./connectivity.ts";

/** See the head of this file. */
export class WarmUp {
  readonly #config: WarmUpConfig;
  readonly #clock: Clock;
  readonly #open: () => void;
  #timer: Timer | null = null;

  /** @param open lets the calls go; called by `judge`, or later by its timer. */
  constructor(config: WarmUpConfig, clock: Clock, open: () => void) {
    this.#config = config;
    this.#clock = clock;
    this.#open = open;
  }

  /** Calls wait and something is ready: opens now, or sets the time when it does so at last. */
  judge({ ready, connecting }: ConnectivityAggregate, all: number): void {
    const { share, timeMs } = this.#config;
    if (connecting === 0 || ready >= share * all) this.#openNow();
    else this.#timer ??= this.#clock.setTimer(timeMs, () => this.#openNow());
  }

  #openNow(): void {
    this.cancel();
    this.#open();
  }

  /** Forgets the time that was set. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
