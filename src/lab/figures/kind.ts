/**
 * How a lane fares, as one of four kinds, and the sign of each: the same in the terminal, on the
 * page and in pictures. It imports nothing, so that the page takes nothing else along.
 */

/** How a lane fares: as it should, with a flaw, or not; `waiting` before that is known. */
export type Kind = "good" | "flawed" | "bad" | "waiting";

/** The signs, which say it without colour. */
export const SIGNS: Readonly<Record<Kind, string>> = {
  good: "✓",
  flawed: "!",
  bad: "✕",
  waiting: "…",
};
