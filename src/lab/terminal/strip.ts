/**
 * The heat strip in characters: a row a pod, time from left to right, the height of a block = calls
 * in fair shares. Half a block is the fair share, so even lanes are even bands, an unused pod is a
 * row of dots, and one pod with everything is a bar.
 *
 * Pure. Cells stand for whole numbers of columns, counted from the start, so that a picture moves
 * to the left as it grows and does not change otherwise.
 */
import { markOf } from "../figures/event-mark.ts";
import type { LabEvent } from "../view.ts";
import type { Pen, Style } from "./table-pen.ts";

/** Calls by row of each interval, oldest first. */
type Columns = readonly (readonly number[])[];

/** What a strip is drawn of. */
export interface StripSource {
  readonly columns: Columns;
  /** How many columns there were in all; the latest of `columns` is the last of them. */
  readonly columnCount: number;
  /** By row: no pod is in it now. */
  readonly isGone: readonly boolean[];
}

/** How wide it is. */
export interface StripScale {
  readonly cells: number;
  /** Columns of history in a cell. */
  readonly perCell: number;
}

/** Calls in fair shares; null: there was no pod. */
export type Cell = number | null;

/** A strip should reach so many columns back. */
const COLUMNS_SHOWN = 60;
const PER_CELL_MAX = 10;
/** Wide cells are of no more columns for the reach alone: events should keep their time. */
const PER_CELL_FOR_REACH = 4;
/** With fewer calls in a cell, chance looks like unevenness. */
const CALLS_PER_CELL = 12;
const BLOCKS = { full: "▁▂▃▄▅▆▇█", none: "·" };
const ASCII = { full: ",:-=+*#@", none: "." };
/** The height of a fair share, of eight. */
const FAIR_LEVEL = 4;
/** From here on it is a pod's overload. */
const OVER = 1.5;

/**
 * The scale of a strip in `cells` characters.
 *
 * @param callsPerColumn how many calls of an interval fall to a row, if all get the same.
 */
export function scaleOf(cells: number, callsPerColumn: number): StripScale {
  const forReach = Math.min(PER_CELL_FOR_REACH, Math.ceil(COLUMNS_SHOWN / cells));
  const forCalls = Math.ceil(CALLS_PER_CELL / callsPerColumn);
  return { cells, perCell: Math.min(PER_CELL_MAX, Math.max(forReach, forCalls)) };
}

/** The cells of each group of rows, the newest one at the right end. */
export function stripCells(
  { columns, columnCount, isGone }: StripSource,
  groups: readonly (readonly number[])[],
  { cells, perCell }: StripScale,
): Cell[][] {
  const last = Math.floor((columnCount - 1) / perCell);
  const first = columnCount - columns.length;
  const within = (cell: number): Columns =>
    columns.slice(Math.max(0, cell * perCell - first), Math.max(0, (cell + 1) * perCell - first));
  const shown = Array.from({ length: cells }, (_, index) => within(last - cells + 1 + index));
  return groups.map((rows) => shown.map((part) => cellOf(part, rows, isGone)));
}

function cellOf(columns: Columns, rows: readonly number[], isGone: readonly boolean[]): Cell {
  let calls = 0;
  let fair = 0;
  let seen = 0;
  for (const column of columns) {
    // A row that is empty now had a pod if it had calls.
    const isThere = (row: number): boolean =>
      row < column.length && (column[row]! > 0 || !isGone[row]);
    const there = column.filter((_, row) => isThere(row)).length;
    const sum = column.reduce((total, count) => total + count, 0);
    for (const row of rows) {
      if (!isThere(row)) continue;
      seen += 1;
      calls += column[row]!;
      fair += sum / there;
    }
  }
  if (seen === 0) return null;
  return calls === 0 ? 0 : calls / fair;
}

/** The cells as text of as many characters. */
export function stripText(cells: readonly Cell[], pen: Pen): string {
  const { full, none } = pen.size.hasUnicode ? BLOCKS : ASCII;
  const glyph = (cell: Cell): string => {
    if (cell === null) return " ";
    return cell === 0 ? none : full[Math.max(1, Math.min(8, Math.round(cell * FAIR_LEVEL))) - 1]!;
  };
  let text = "";
  for (let from = 0; from < cells.length; ) {
    const style = styleOf(cells[from]!);
    let to = from;
    while (to < cells.length && styleOf(cells[to]!) === style) to += 1;
    text += pen.style(style, cells.slice(from, to).map(glyph).join(""));
    from = to;
  }
  return text;
}

function styleOf(cell: Cell): Style {
  if (cell === null || cell === 0) return "dim";
  return cell >= OVER ? "yellow" : "cyan";
}

/** The letters of the events below a strip, each at its time. */
export function markText(
  events: readonly LabEvent[],
  columnCount: number,
  { cells, perCell }: StripScale,
  pen: Pen,
): string {
  const last = Math.floor((columnCount - 1) / perCell);
  const text = Array<string>(cells).fill(" ");
  for (const event of events) {
    const cell = cells - 1 - (last - Math.floor(event.column / perCell));
    const mark = markOf(event);
    // What was done since the last column is at the end.
    if (mark !== "" && cell >= 0) text[Math.min(cell, cells - 1)] = mark;
  }
  return pen.plain(text.join(""));
}

/** What the characters mean, in one line. */
export function legend(pen: Pen, { perCell }: StripScale, intervalMs: number): string {
  const { full, none } = pen.size.hasUnicode ? BLOCKS : ASCII;
  const seconds = (perCell * intervalMs) / 1000;
  const fair = full[FAIR_LEVEL - 1];
  const marks = `${none} no call, ${fair} fair share, ${full[7]} twice that or more`;
  return pen.cut(`time to the right, ${seconds} s a mark: ${marks}`, pen.size.columns);
}
