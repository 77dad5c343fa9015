/**
 * What the parts of the lab's table draw with: a pen that knows the place, and columns of lanes.
 */
import { styleText } from "node:util";

/** How to write in a place. */
export interface OutputStyle {
  readonly hasColour: boolean;
  /** False where only ASCII is sure to be shown. */
  readonly hasUnicode: boolean;
}

/** What the place to draw on is like. */
export interface TableSize extends OutputStyle {
  readonly columns: number;
  /** Lines at most; Infinity where the output scrolls. */
  readonly rows: number;
}

/** How a piece of text looks where there is colour. */
export type Style = "dim" | "bold" | "cyan" | "yellow";

/** What stands for a sign or letter where only ASCII is sure. */
const ASCII: Readonly<Record<string, string>> = {
  "✓": "+",
  "✕": "x",
  "…": ".",
  "±": "#",
  "·": "-",
};

/** Widths of the columns. */
export interface Columns {
  readonly pen: Pen;
  readonly labelWidth: number;
  readonly laneWidth: number;
  /** Before each lane. */
  readonly gap: number;
}

/** Cuts, pads and colours. Styles are put on last, so that they take no width. */
export class Pen {
  readonly size: TableSize;

  constructor(size: TableSize) {
    this.size = size;
  }

  style(style: Style, text: string): string {
    if (!this.size.hasColour || text === "") return text;
    return styleText(style, text, { validateStream: false });
  }

  /** The text in at most `width` columns. */
  cut(text: string, width: number): string {
    if (text.length <= width) return text;
    const mark = this.size.hasUnicode ? "…" : "~";
    return width < 1 ? "" : `${text.slice(0, width - 1)}${mark}`;
  }

  /** The text as it can be shown: signs are ASCII where Unicode is not sure. */
  plain(text: string): string {
    return this.size.hasUnicode ? text : text.replace(/[^ -~]/g, (sign) => ASCII[sign] ?? "?");
  }

  /** A line that says how many things are not shown. */
  more(count: number, things: string): string {
    const mark = this.size.hasUnicode ? "…" : "...";
    return this.style("dim", this.cut(`${mark} and ${count} more ${things}`, this.size.columns));
  }

  /** The text in exactly `width` columns. */
  fit(text: string, width: number): string {
    return this.cut(text, width).padEnd(width);
  }
}

/** A line: a label, and a cell a lane. */
export function row({ pen, gap }: Columns, label: string, cells: readonly string[]): string {
  const line = [label, ...cells].join(" ".repeat(gap));
  return pen.size.hasColour ? line : line.trimEnd();
}

/** The text as wide as a lane. */
export function cell({ pen, laneWidth }: Columns, text: string): string {
  return pen.fit(text, laneWidth);
}

/** Breaks text at spaces into lines of at most `width`. A longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= width) {
      line = longer;
    } else {
      if (line !== "") lines.push(line);
      line = word.slice(0, width);
    }
  }
  return [...lines, line];
}
