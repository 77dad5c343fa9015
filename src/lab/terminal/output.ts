/**
 * Where a lab's pictures go: a terminal (redrawn in place), a pipe (a line every few seconds, and a
 * table at the end), or nowhere until the end (`--once`, JSON).
 */
import type { Clock } from "../../base/index.ts";
import type { LabView } from "../view.ts";
import { renderLive } from "./live.ts";
import { ProgressLines, statusLine } from "./progress-lines.ts";
import { Screen, type Terminal } from "./screen.ts";
import { renderTable } from "./table.ts";
import { type OutputStyle, Pen, type TableSize } from "./table-pen.ts";

/** Width of tables where there is no terminal to ask. */
const WIDTH_DEFAULT = 100;
const ROWS_DEFAULT = 24;

/** The parts of `process.stdout` that are used. */
export interface LabStdout extends Terminal {
  readonly isTTY?: boolean;
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
    screen.draw(renderLive(latest, sizeOf(stdout, style, rows)));
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

/**
 * A pipe or a file, as of a CI: a line for what is started and for what happens, one every 5 s for
 * how the lanes fare, and the table at the end.
 */
export function scrollingOutput(stdout: LabStdout, style: OutputStyle, clock: Clock): Output {
  const lines = new ProgressLines(style, clock.nowMs());
  const print = (view: LabView): void => {
    for (const line of lines.take(view, clock.nowMs())) stdout.write(`${line}\n`);
  };
  return {
    update: print,
    finish: (view) => {
      print(view);
      stdout.write(`\n${tableText(stdout, style, view)}`);
    },
    close: () => {},
  };
}

/**
 * A terminal that is to have what `text` makes of the lab in the end, and until then a line that
 * says how far it is. `endMs` answers how long the load runs, or null while that is not known.
 */
export function onceOutput(
  stdout: LabStdout,
  style: OutputStyle,
  endMs: () => number | null,
  text: (view: LabView) => string,
): Output {
  let latest: LabView | null = null;
  const draw = (): void => {
    const size = sizeOf(stdout, style, 1);
    if (latest) screen.draw([statusLine(latest, endMs(), new Pen(size))]);
  };
  const screen = new Screen(stdout, draw);
  const close = (): void => {
    screen.draw([]);
    screen.close();
    process.off("exit", close);
  };
  process.once("exit", close);
  const update = (view: LabView): void => {
    latest = view;
    draw();
  };
  return {
    update,
    finish: (view) => {
      close();
      stdout.write(text(view));
    },
    close,
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
