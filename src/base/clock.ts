/**
 * The interface of time. Who needs the time gets a `Clock`; nobody reads a global one.
 *
 * Not a scheduler: what holds thousands of deadlines belongs in a `TimerWheel` on top of one clock.
 */

/** A pending call of a function, made by `Clock.setTimer`. */
export interface Timer {
  /** Forgets the timer. No-op when it has fired or was cancelled before. */
  cancel(): void;
  /** Lets the process end although this timer is pending. By default a timer keeps it alive. */
  unref(): void;
  /** Takes `unref` back. Harmless when the timer has fired or was cancelled. */
  ref(): void;
}

/** Where the time comes from: `realClock()` at the entry points, `VirtualClock` in tests. */
export interface Clock {
  /** Milliseconds, with fractions, since a moment of the clock's choice. It never goes back. */
  nowMs(): number;
  /** Milliseconds since 1970-01-01 UTC. It may jump: for people to read, never for durations. */
  wallMs(): number;
  /**
   * Calls `fn` once, on a later turn of the event loop, when at least `delayMs` have passed by
   * `nowMs()`. A delay below 0 counts as 0.
   */
  setTimer(delayMs: number, fn: () => void): Timer;
}
