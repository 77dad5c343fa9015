/**
 * Shares of the last seconds from running totals: what a diagram has to show when something was
 * just done to a pod, which the totals of minutes would hide.
 *
 * Pure. Totals that go down are of other pods; what was before is forgotten then.
 */

const SPAN_MS = 5000;

/** Running totals by row; null where there is no pod that calls should reach. */
export type Totals = readonly (number | null)[];

/** Remembers one lane's totals for some seconds. */
export class RecentShares {
  #totals: { readonly atMs: number; readonly perPod: Totals }[] = [];

  /** Takes the totals at a time, and answers each row's part of the latest calls, 0 to 1. */
  take(atMs: number, perPod: Totals): readonly (number | null)[] {
    const last = this.#totals.at(-1);
    if (last && (atMs < last.atMs || !continues(last.perPod, perPod))) this.#totals = [];
    if (last?.atMs !== atMs || this.#totals.length === 0) this.#totals.push({ atMs, perPod });
    while (this.#totals.length > 1 && this.#totals[1]!.atMs <= atMs - SPAN_MS) this.#totals.shift();
    // Before that there are too few calls to compare: all that there were so far are taken.
    const first = this.#totals[0]!;
    const since = calls(perPod, atMs - first.atMs >= SPAN_MS ? first.perPod : []);
    const sum = total(since);
    return since.map((each) => (each === null ? null : sum === 0 ? 0 : each / sum));
  }
}

/** All of `after` that is not in `before`. */
function calls(after: Totals, before: Totals): readonly (number | null)[] {
  return after.map((each, row) => (each === null ? null : each - (before[row] ?? 0)));
}

function continues(before: Totals, after: Totals): boolean {
  return (
    before.length === after.length &&
    after.every((each, row) => (each === null) === (before[row] === null)) &&
    after.every((each, row) => (each ?? 0) >= (before[row] ?? 0))
  );
}

function total(perPod: Totals): number {
  return perPod.reduce<number>((sum, each) => sum + (each ?? 0), 0);
}
