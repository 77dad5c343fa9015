/**
 * The reports of all scenarios as one page, `docs/simulation.md`.
 */
import { checkTable, formatCell, type Report, type Scenario, type Table } from "./report.ts";
import { isNumeric } from "./text.ts";

/** A scenario and what its run had to say. */
export interface Reported {
  readonly scenario: Scenario;
  readonly report: Report;
}

/** The whole page; its charts are files in `simulation/` beside it. */
export function pageMarkdown(head: string, all: readonly Reported[], seed: number): string {
  const parts = [head.trim(), summary(all)];
  for (const each of all) parts.push(section(each, seed));
  return `${parts.join("\n\n")}\n`;
}

function summary(all: readonly Reported[]): string {
  const checks = all.flatMap(({ report }) => report.checks);
  return `## All figures with a target\n\n${tableMarkdown(checkTable(checks))}`;
}

function section({ scenario, report }: Reported, seed: number): string {
  const parts = [
    `## ${scenario.title}`,
    scenario.about,
    `\`npm run simulate -- --scenario ${scenario.name} --seed ${seed}\``,
  ];
  for (const table of report.tables) parts.push(`**${table.title}**`, tableMarkdown(table));
  for (const { name, title } of report.charts) parts.push(`![${title}](simulation/${name}.svg)`);
  if (report.notes.length > 0) parts.push(report.notes.join("\n"));
  return parts.join("\n\n");
}

function tableMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const marks = columns.map((_, at) => (isNumeric(rows, at) ? "---:" : "---"));
  return [line(columns), line(marks), ...rows.map((row) => line(row.map(formatCell)))].join("\n");
}
