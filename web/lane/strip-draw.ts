/**
 * The heat strip on its canvas: a row a pod, a column half a second. A new column moves what is
 * there to the left and is drawn alone; everything is drawn only when something else than time
 * changed.
 *
 * Brightness is the share in fair shares. Dark grey: the pod is there and gets nothing. Hatched: it
 * is draining. Outlined: it is not ready, or the lane has ejected it. Empty: there is no pod. Where
 * few calls come to many pods a cell is not of half a second but of the latest few: single calls
 * are chance, and would look like imbalance.
 */
import type { Column } from "../../src/lab/page/page-feed.ts";
import { heat } from "../heat.ts";

const HATCH = "#c9d4e3";
const OUTLINE = "#ffffff";

/** What a strip shows. */
export interface StripInput {
  /** The lane's word. */
  readonly lane: string;
  /** Oldest first. */
  readonly columns: readonly Column[];
  /** How many there were in all, with those that are kept no more. */
  readonly columnCount: number;
  readonly rows: number;
  /** In CSS pixels. */
  readonly width: number;
  readonly rowHeight: number;
  /** Width of a column in CSS pixels. */
  readonly step: number;
  /** Colour of what is empty. */
  readonly ground: string;
  /** Another value: everything is drawn anew. */
  readonly run: number;
}

/** Few columns are drawn wide, so that the first seconds fill the strip, too. */
const STEPS = [8, 6, 4, 3, 2] as const;

/** How wide a column is when there are so many. */
export function stepFor(columnCount: number, width: number): number {
  return STEPS.find((step) => step * columnCount <= width) ?? STEPS.at(-1)!;
}

/** Paints one strip, from one time to the next. */
export class StripPainter {
  readonly #canvas: HTMLCanvasElement;
  #drawn = 0;
  #key = "";

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** Brings the canvas up to date. */
  paint(input: StripInput): void {
    const { lane, columns, columnCount, rows, width, rowHeight, step, ground, run } = input;
    const ratio = window.devicePixelRatio || 1;
    const key = [lane, rows, width, rowHeight, step, ground, run, ratio].join();
    const context = this.#canvas.getContext("2d")!;
    const device = Math.max(1, Math.round(step * ratio));
    const missing = columnCount - this.#drawn;
    const isAnew = key !== this.#key || missing < 0 || missing * step > width;
    if (isAnew) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(rows * rowHeight * ratio);
      context.fillStyle = ground;
      context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    } else if (missing > 0) {
      context.drawImage(this.#canvas, -missing * device, 0);
    }
    const first = isAnew ? Math.ceil(this.#canvas.width / device) : missing;
    for (let back = Math.min(first, columns.length); back > 0; back -= 1) {
      const at = columns.length - back;
      const x = this.#canvas.width - back * device;
      const place = { x, width: device, row: rowHeight * ratio, rows, ground };
      const states = columns[at]!.states;
      const before = columns[at - 1]?.states ?? "";
      const { calls, fair } = lately(columns, at, lane);
      const ejected = columns[at]!.lanes[lane]?.ejected ?? [];
      const wereEjected = columns[at - 1]?.lanes[lane]?.ejected ?? [];
      const number = columnCount - back;
      drawColumn(context, { states, before, ejected, wereEjected, calls, fair, number }, place);
    }
    this.#key = key;
    this.#drawn = columnCount;
  }
}

interface ColumnPlace {
  /** In device pixels, as all here. */
  readonly x: number;
  readonly width: number;
  readonly row: number;
  readonly rows: number;
  readonly ground: string;
}

/** So many calls of a fair share tell a share from chance. */
const FAIR_CALLS = 8;
/** A cell is of so many columns at most. */
const COLUMNS_A_CELL_MAX = 8;

/** Calls by row of so many of the latest columns that they say something; null without the lane. */
function lately(
  columns: readonly Column[],
  at: number,
  lane: string,
): Pick<Cells, "calls" | "fair"> {
  let calls: readonly number[] | null = null;
  let fair = 0;
  for (let back = 0; back < COLUMNS_A_CELL_MAX && (back === 0 || fair < FAIR_CALLS); back += 1) {
    const column = columns[at - back];
    const each = column?.lanes[lane]?.calls;
    if (column === undefined || each === undefined) break;
    const ready = [...column.states].filter((state) => state === "r").length;
    fair += each.reduce((total, one) => total + one, 0) / Math.max(1, ready);
    calls = calls === null ? each : added(calls, each);
  }
  return { calls, fair };
}

function added(one: readonly number[], other: readonly number[]): readonly number[] {
  return one.map((calls, row) => calls + (other[row] ?? 0));
}

/** A column as it is drawn. */
interface Cells {
  /** Letters by row, and those of the column before. */
  readonly states: string;
  readonly before: string;
  /** Rows that the lane has ejected, and those of the column before. */
  readonly ejected: readonly number[];
  readonly wereEjected: readonly number[];
  readonly calls: readonly number[] | null;
  /** Calls that a pod's fair share is. */
  readonly fair: number;
  /** Of all columns. */
  readonly number: number;
}

function drawColumn(
  context: CanvasRenderingContext2D,
  { states, before, ejected, wereEjected, calls, fair, number }: Cells,
  { x, width, row, rows, ground }: ColumnPlace,
): void {
  context.fillStyle = ground;
  context.fillRect(x, 0, width, Math.ceil(rows * row));
  if (calls === null) return;
  const gap = row >= 5 ? Math.max(1, Math.round(row / 10)) : 0;
  for (let at = 0; at < states.length; at += 1) {
    const state = states[at]!;
    const count = calls[at] ?? 0;
    if (state === "g" && count === 0) continue;
    const top = Math.round(at * row);
    const height = Math.round((at + 1) * row) - top - gap;
    context.fillStyle = heat(fair === 0 ? 0 : count / fair);
    if ((state === "s" || state === "k") && count === 0) {
      // Not there yet, or no more: a thread in the middle of its row.
      context.fillRect(x, top + (height >> 1), width, 1);
      continue;
    }
    context.fillRect(x, top, width, height);
    if (state === "t") hatched(context, { x, top, width, height }, number);
    if (state !== "n" && !ejected.includes(at)) continue;
    const isFirst = before[at] !== "n" && !wereEjected.includes(at);
    outlined(context, { x, top, width, height }, isFirst);
  }
}

interface Cell {
  readonly x: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A slanted line in every second column. */
function hatched(context: CanvasRenderingContext2D, cell: Cell, number: number): void {
  if (number % 2 === 1) return;
  context.strokeStyle = HATCH;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(cell.x, cell.top + cell.height);
  context.lineTo(cell.x + cell.width, cell.top);
  context.stroke();
}

/** Above and below, and where it begins. */
function outlined(context: CanvasRenderingContext2D, cell: Cell, isFirst: boolean): void {
  context.fillStyle = OUTLINE;
  context.fillRect(cell.x, cell.top, cell.width, 1);
  context.fillRect(cell.x, cell.top + cell.height - 1, cell.width, 1);
  if (isFirst) context.fillRect(cell.x, cell.top, 1, cell.height);
}
