/**
 * The moments of a scenario in their order: what is done, and when the lanes are looked at. Pure.
 *
 * At one time, a look that ends a window comes first, then what is done, then a look that begins
 * one: "from 40%" is what came of the step at 40%.
 */
import type { Action } from "../actions.ts";
import { momentMs } from "./moment.ts";
import type { Moment, Scenario } from "./scenario.ts";

/** One moment. */
export interface Point {
  /** Ms of the scenario before it. */
  readonly atMs: number;
  /** What is done; empty for a look. */
  readonly actions: readonly Action[];
  /** The look's key (`lookKey`); "" when something is done. */
  readonly look: string;
}

/** All of them but the look at the end. */
export function pointsOf({ steps, expectations }: Scenario, seconds: number): readonly Point[] {
  const looks = new Map<string, Point & { readonly rank: number }>();
  const add = (moment: Moment, isFrom: boolean): void => {
    if (moment.kind === "end") return;
    const look = lookKey(moment, isFrom, seconds);
    const atMs = momentMs(moment, seconds);
    looks.set(look, { atMs, actions: [], look, rank: isFrom ? 2 : 0 });
  };
  for (const { from, at } of expectations) {
    if (from !== null) add(from, true);
    add(at, false);
  }
  const done = steps.map(({ at, actions }) => {
    return { atMs: momentMs(at, seconds), actions, look: "", rank: 1 };
  });
  return [...looks.values(), ...done].toSorted((a, b) => a.atMs - b.atMs || a.rank - b.rank);
}

/** Which look it is. */
export function lookKey(moment: Moment, isFrom: boolean, seconds: number): string {
  return moment.kind === "end" ? "end" : `${isFrom ? "from" : "at"} ${momentMs(moment, seconds)}`;
}
