/**
 * A clock whose timers never keep the process alive: for what serves a library's user in the
 * background, and must not be the reason why a program of theirs does not end.
 */
import type { Clock } from "./clock.ts";

/** The same time; every timer of it is unref'd. */
export function unrefClock(clock: Clock): Clock {
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    setTimer(delayMs, fn) {
      const timer = clock.setTimer(delayMs, fn);
      timer.unref();
      return timer;
    },
  };
}
