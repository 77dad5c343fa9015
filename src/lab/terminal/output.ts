/**
 * Where a lab's pictures go: a terminal (redrawn in place), a pipe (a table every few seconds), or
 * nowhere until the end (`--once`, JSON).
 */
import type { Clock } from "../../base/index.ts";
import type { LabView } from "../view.ts";
import { Screen, type Terminal } from "./screen.ts";
import { renderTable } from "./table.ts";
import type { TableSize } from "./table-pen.ts";

/** A pipe gets a table this often. */
const SCROLL_MS = 5000;
/** Width of tables where there is no terminal to ask. */
const WIDTH_DEFAULT = 100;
const ROWS_DEFAULT = 24;

/** The parts of `process.stdout` that are used. */
export interface LabStdout extends Terminal {
  readonly isTTY?: boolean;
}

/** How to write there. */
export interface OutputStyle {
  readonly hasColour: boolean;
  readonly hasUnicode: boolean;
}

/** Takes pictures of the lab. */
export interface Output {
  /** The lab as it is now; shown if and when it suits the place. */
  update(view: LabView): void;
  /** The last picture; the place is left as it was found. */
  finish(view: LabView): void;
  /** Leaves the place as it was found, without a last picture. */
  close(): void;
}

/** A terminal, redrawn at every update and at once when its size changes. */
export function liveOutput(stdout: LabStdout, style: OutputStyle): Output {
  let latest: LabView | null = null;
  const draw = (): void => {
    if (!latest) return;
    const rows = (stdout.rows ?? ROWS_DEFAULT) - 1;
    const lines = renderTable(latest, sizeOf(stdout, style, rows));
    screen.draw(lines.slice(0, rows));
  };
  const screen = new Screen(stdout, draw);
  const close = (): void => {
    screen.close();
    process.off("exit", close);
  };
  // A second Ctrl-C ends the process at once; the cursor comes back all the same.
  process.once("exit", close);
  const update = (view: LabView): void => {
    latest = view;
    draw();
  };
  return {
    update,
    finish: (view) => {
      update(view);
      close();
    },
    close,
  };
}

/** A pipe or a file: a table every 5 s, and one at the end. */
export function scrollingOutput(stdout: LabStdout, style: OutputStyle, clock: Clock): Output {
  let nextAtMs = clock.nowMs() + SCROLL_MS;
  const print = (view: LabView): void => {
    const lines = renderTable(view, sizeOf(stdout, style, Number.POSITIVE_INFINITY));
    stdout.write(`${lines.join("\n")}\n\n`);
  };
  return {
    update: (view) => {
      if (clock.nowMs() < nextAtMs) return;
      nextAtMs = clock.nowMs() + SCROLL_MS;
      print(view);
    },
    finish: print,
    close: () => {},
  };
}

/** Nothing until the end, then what `text` makes of the lab. */
export function finalOutput(stdout: LabStdout, text: (view: LabView) => string): Output {
  return { update: () => {}, finish: (view) => stdout.write(text(view)), close: () => {} };
}

/** The table as one text, for an output that prints it once. */
export function tableText(stdout: LabStdout, style: OutputStyle, view: LabView): string {
  const lines = renderTable(view, sizeOf(stdout, style, Number.POSITIVE_INFINITY));
  return `${lines.join("\n")}\n`;
}

function sizeOf(stdout: LabStdout, style: OutputStyle, rows: number): TableSize {
  return { columns: stdout.columns ?? WIDTH_DEFAULT, rows, ...style };
}
