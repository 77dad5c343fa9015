/**
 * Long work in slices: so that whatever else is due has its turn meanwhile.
 *
 * The work is a generator that yields where it may be left. Who runs it says by a timer when it
 * goes on; this is not a scheduler.
 */
import type { Clock } from "./clock.ts";

/** For so long work goes on before others have their turn. */
export const SLICE_MS = 20;

/**
 * Goes on with work until it is done, or until a slice of time is over.
 *
 * @returns what is left: nothing when `done`, and then the work's result.
 */
export function runSlice<T>(
  work: Iterator<undefined, T>,
  clock: Clock,
): IteratorResult<undefined, T> {
  const endMs = clock.nowMs() + SLICE_MS;
  let step = work.next();
  while (step.done !== true && clock.nowMs() < endMs) step = work.next();
  return step;
}
