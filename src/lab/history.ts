/**
 * The last minutes of a lane as columns: how many calls each pod got in each interval. It is what
 * the heat strip of the page draws.
 *
 * Bounded: the oldest column goes when there are `columnsMax`.
 */

/** Columns of calls per pod, oldest first. */
export class CallHistory {
  #pods: readonly string[];
  readonly #columnsMax: number;
  readonly #columns: number[][] = [];
  #before: number[];

  /**
   * @param pods Names of all pods, in the order of the rows.
   * @param columnsMax How many columns are kept.
   */
  constructor(pods: readonly string[], columnsMax: number) {
    this.#pods = pods;
    this.#columnsMax = columnsMax;
    this.#before = pods.map(() => 0);
  }

  /** From now on there are these pods: those so far, and more behind them. */
  grow(pods: readonly string[]): void {
    this.#pods = pods;
    while (this.#before.length < pods.length) this.#before.push(0);
  }

  /** Closes an interval: a column of the calls since the last one. `perPod` are running totals. */
  push(perPod: Readonly<Record<string, number>>): readonly number[] {
    const now = this.#pods.map((pod) => perPod[pod] ?? 0);
    const column = now.map((calls, row) => calls - this.#before[row]!);
    this.#before = now;
    this.#columns.push(column);
    if (this.#columns.length > this.#columnsMax) this.#columns.shift();
    return column;
  }

  /** All columns kept, oldest first, each with one number per pod that there was by then. */
  get columns(): readonly (readonly number[])[] {
    return this.#columns;
  }
}
