/** A wait that a signal cuts short; nothing of it stays, as commands that watch make thousands. */
import type { Clock } from "../base/index.ts";

/** Resolves after `pauseMs`, or once `stop` is aborted; at once when it is already. */
export function pause(pauseMs: number, clock: Clock, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimer(pauseMs, end);
    stop.addEventListener("abort", end);
  });
}
