/**
 * What is done to a lab without anybody at its keys: the numbers of `--scale` and the actions of
 * `--events`, each at its time.
 */
import type { Clock } from "../base/index.ts";
import { type Action, newAction, type TimedAction } from "./actions.ts";
import type { LabOptions } from "./options.ts";

/** Both as one list, in the order of time. */
export function scheduleOf(
  options: Pick<LabOptions, "scale" | "scaleEverySeconds" | "events">,
): readonly TimedAction[] {
  const steps = options.scale.slice(1).map((count, index) => ({
    atMs: (index + 1) * options.scaleEverySeconds * 1000,
    action: newAction("scale", { count }),
  }));
  return [...steps, ...options.events].toSorted((a, b) => a.atMs - b.atMs);
}

/**
 * When something that is done every `everyMs` is due again. What is late is done once, and keeps to
 * the times that there were from the first on.
 *
 * @param dueMs when it was due the last time; `nowMs` is then or later.
 */
export function nextDueMs(dueMs: number, nowMs: number, everyMs: number): number {
  return dueMs + everyMs * Math.max(1, Math.floor((nowMs - dueMs) / everyMs) + 1);
}

/** Calls `act` for each action when its time has come. Answers how to call off the rest. */
export function startSchedule(
  clock: Clock,
  actions: readonly TimedAction[],
  act: (action: Action) => void,
): () => void {
  const timers = actions.map(({ atMs, action }) => clock.setTimer(atMs, () => act(action)));
  return () => {
    for (const timer of timers) timer.cancel();
  };
}
