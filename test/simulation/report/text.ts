/**
 * Reports as text for a terminal.
 */
import { type Cell, checkTable, formatCell, type Report, type Table } from "./report.ts";

/** A report with all its tables and notes. */
export function reportText(report: Report): string {
  const tables = [...report.tables];
  if (report.checks.length > 0) tables.push(checkTable(report.checks));
  const notes = report.notes.map((note) => `  ${note}`);
  return [...tables.map(tableText), ...(notes.length > 0 ? [notes.join("\n")] : [])].join("\n\n");
}

function tableText({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(formatCell))];
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]!.length)));
  const lines = cells.map((row) =>
    row.map((cell, at) => pad(cell, widths[at]!, isNumeric(rows, at))).join("  "),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return [`  ${title}`, ...lines.map((line) => `  ${line.trimEnd()}`)].join("\n");
}

/** Whether a column holds numbers: these stand right. */
export function isNumeric(rows: readonly (readonly Cell[])[], at: number): boolean {
  return rows.length > 0 && rows.every((row) => typeof row[at] === "number" || row[at] === "");
}

function pad(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width);
}
