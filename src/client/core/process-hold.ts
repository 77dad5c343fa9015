/**
 * What keeps a program alive while calls are in flight: one timer that is let go of when none is.
 *
 * Sockets and all other timers of a client let the process end.
 */
import type { Clock, Timer } from "../../base/index.ts";

/** Node's longest timer, 24.8 days; a call may be older, so another one follows. */
export const HOLD_MS = 2 ** 31 - 1;

/** See the head of this file. Once a process. */
export class ProcessHold {
  readonly #clock: Clock;
  #timer: Timer;
  #count = 0;

  /** @param clock whose timers keep the process alive. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = this.#newTimer();
  }

  /** One more call. */
  retain(): void {
    this.#count += 1;
    if (this.#count === 1) this.#timer.ref();
  }

  /** One less. */
  release(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#timer.unref();
  }

  #newTimer(): Timer {
    const timer = this.#clock.setTimer(HOLD_MS, () => {
      this.#timer = this.#newTimer();
    });
    if (this.#count === 0) timer.unref();
    return timer;
  }
}
