/**
 * What a scenario reports: tables, charts, and figures held against their targets.
 *
 * Values only. How they look on a terminal and on a page is said in `text.ts`, `markdown.ts` and
 * `svg.ts`.
 */

/** One cell; a number is shown with as many digits as it deserves. */
export type Cell = string | number;

/** A table with a title. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** One line of a chart. */
export interface Series {
  readonly name: string;
  /** [x, y], by ascending x. */
  readonly points: readonly (readonly [number, number])[];
}

/** A chart of lines. */
export interface Chart {
  /** Name of its file, without ".svg". */
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Whether y is drawn by its logarithm. */
  readonly isLog?: boolean;
  /** Whether x is. */
  readonly isLogX?: boolean;
  /** Moments or limits worth a line of their own. */
  readonly marks?: readonly Mark[];
}

/** A line across a chart, at an x or a y. */
export interface Mark {
  readonly axis: "x" | "y";
  readonly at: number;
  readonly label: string;
}

/** A figure held against a target. */
export interface Check {
  readonly what: string;
  readonly value: number;
  /** Printed behind the value, such as "ms" or "%". */
  readonly unit: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** All that a scenario has to say. */
export interface Report {
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly checks: readonly Check[];
  /** Sentences below the tables: what to make of them. */
  readonly notes: readonly string[];
}

/** What a scenario is told. */
export interface Run {
  readonly seed: number;
  /** The short form of the ordinary test run: less of everything, the same code. */
  readonly isShort: boolean;
  /** Tells a person who waits how far it is. */
  progress(text: string): void;
}

/** One experiment. */
export interface Scenario {
  /** For the command line. */
  readonly name: string;
  readonly title: string;
  /** What is done, and what of it is real. */
  readonly about: string;
  run(run: Run): Report;
}

/** Whether a figure meets its target. */
export function isMet({ value, atMost, atLeast }: Check): boolean {
  if (Number.isNaN(value)) return false;
  return (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
}

/** A target in words: "<= 1.05". */
export function targetOf({ atMost, atLeast, unit }: Check): string {
  const parts: string[] = [];
  if (atLeast !== undefined) parts.push(`>= ${atLeast}`);
  if (atMost !== undefined) parts.push(`<= ${atMost}`);
  return withUnit(parts.join(" and "), unit);
}

/** A value with its unit after a space, "%" too: "5 %". */
export function withUnit(text: string, unit: string): string {
  return unit === "" ? text : `${text} ${unit}`;
}

/** A number with about three significant digits; whole ones in full. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "-";
  if (!Number.isFinite(value)) return "never";
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString("en-US");
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.1) return value.toFixed(3);
  return value.toPrecision(2);
}

/** A cell as text. */
export function formatCell(cell: Cell): string {
  return typeof cell === "number" ? formatNumber(cell) : cell;
}

/** The figures against targets as a table. */
export function checkTable(checks: readonly Check[]): Table {
  return {
    title: "Against the targets",
    columns: ["figure", "value", "target", "met"],
    rows: checks.map((check) => [
      check.what,
      withUnit(formatNumber(check.value), check.unit),
      targetOf(check),
      isMet(check) ? "yes" : "NO",
    ]),
  };
}
