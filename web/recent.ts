/**
 * Shares of the last seconds from running totals: what a diagram has to show when something was
 * just done to a pod, which the totals of minutes would hide.
 *
 * Pure. It counts by name: rows come and go with their pods, and the others go on. Totals begin
 * anew whenever there are other pods; what they had before is kept here.
 */

const SPAN_MS = 5000;

/** Running totals by row; null where there is no pod that calls should reach. */
export type Totals = readonly (number | null)[];

/** Calls by name of the pod. */
type Calls = ReadonlyMap<string, number>;

/** Remembers one lane's calls for some seconds. */
export class RecentShares {
  #latest: { readonly atMs: number; readonly totals: Calls } | null = null;
  /** What came from one time to the next, oldest first. */
  #came: { readonly atMs: number; readonly calls: Calls }[] = [];
  /** All of it, by name. */
  readonly #sums = new Map<string, number>();

  /**
   * Takes the totals at a time, and answers each row's part of the latest calls, 0 to 1.
   *
   * @param pods names of the pods in the rows.
   */
  take(atMs: number, pods: readonly string[], perPod: Totals): readonly (number | null)[] {
    // Time that goes back is of a lab that begins anew.
    if (this.#latest !== null && atMs < this.#latest.atMs) this.#forget();
    const totals = totalsOf(pods, perPod);
    this.#add(atMs, cameSince(this.#latest?.totals ?? new Map(), totals));
    this.#latest = { atMs, totals };
    const since = perPod.map((each, row) => (each === null ? null : this.#sum(pods[row]!)));
    const sum = since.reduce<number>((total, each) => total + (each ?? 0), 0);
    return since.map((each) => (each === null ? null : sum === 0 ? 0 : each / sum));
  }

  #add(atMs: number, calls: Calls): void {
    this.#came.push({ atMs, calls });
    for (const [pod, count] of calls) this.#sums.set(pod, this.#sum(pod) + count);
    while (this.#came[0]!.atMs <= atMs - SPAN_MS) {
      for (const [pod, count] of this.#came.shift()!.calls) {
        const left = this.#sum(pod) - count;
        if (left > 0) this.#sums.set(pod, left);
        else this.#sums.delete(pod);
      }
    }
  }

  #sum(pod: string): number {
    return this.#sums.get(pod) ?? 0;
  }

  #forget(): void {
    this.#latest = null;
    this.#came = [];
    this.#sums.clear();
  }
}

function totalsOf(pods: readonly string[], perPod: Totals): Calls {
  const totals = new Map<string, number>();
  for (const [row, calls] of perPod.entries()) if (calls !== null) totals.set(pods[row]!, calls);
  return totals;
}

/** All of `after` that is not in `before`; all that there is when the totals began anew. */
function cameSince(before: Calls, after: Calls): Calls {
  const isAnew = [...after].some(([pod, calls]) => calls < (before.get(pod) ?? 0));
  return isAnew
    ? after
    : new Map([...after].map(([pod, calls]) => [pod, calls - (before.get(pod) ?? 0)]));
}
