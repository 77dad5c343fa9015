/**
 * The last minutes of a lane as columns: how many calls each pod got in each interval. It is what
 * heat strips draw: that of the terminal all of it, that of the page each column as it is closed.
 *
 * Bounded: the oldest column goes when there are `columnsMax`.
 */

/** The width of a column. */
export const INTERVAL_MS = 500;

/** Columns of calls by row, oldest first. */
export class CallHistory {
  readonly #columnsMax: number;
  readonly #columns: number[][] = [];
  /** Totals at the last column, by name. */
  #before: Readonly<Record<string, number>> = {};

  /** @param columnsMax How many columns are kept. */
  constructor(columnsMax: number) {
    this.#columnsMax = columnsMax;
  }

  /**
   * Closes an interval: a column of the calls since the last one.
   *
   * @param rows names of the pods that are in the rows now.
   * @param perPod running totals.
   */
  push(rows: readonly string[], perPod: Readonly<Record<string, number>>): readonly number[] {
    const column = rows.map((pod) => (perPod[pod] ?? 0) - (this.#before[pod] ?? 0));
    this.#before = perPod;
    this.#columns.push(column);
    if (this.#columns.length > this.#columnsMax) this.#columns.shift();
    return column;
  }

  /** All columns kept, oldest first, each with one number per row that there was by then. */
  get columns(): readonly (readonly number[])[] {
    return this.#columns;
  }
}
