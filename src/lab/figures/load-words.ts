/**
 * The load of the lanes and what the lab itself costs, in a few words for people.
 */
import type { LoadView } from "../view.ts";

/** The words. */
export interface LoadWords {
  /** "300 calls/s a lane" */
  readonly rate: string;
  /** "lab 40% of a core" */
  readonly cost: string;
  /** What the machine could not carry, in a sentence; null while it carries the load. */
  readonly heldBack: string | null;
}

/** What is to be said of the load. */
export function loadWords({ callsPerSecond, heldBackTo, overheadCpu }: LoadView): LoadWords {
  const cost = `lab ${Math.round(overheadCpu * 100)}% of a core`;
  if (heldBackTo === null)
    return { rate: `${callsPerSecond} calls/s a lane`, cost, heldBack: null };
  const to = Math.round(heldBackTo);
  return {
    rate: `${to} of ${callsPerSecond} calls/s a lane`,
    cost,
    heldBack: `this machine is short: every lane is held back to ${to} calls/s`,
  };
}
