/** The report for people: a line for each scenario, and below it what was seen of what. Pure. */
import type { OutputStyle } from "../terminal/table-pen.ts";
import type { Finding, Outcome, RunResult, ScenarioResult } from "./result.ts";
import { outcomesText } from "./tally.ts";

const GREEN = "\u001b[32m";
const RED = "\u001b[31m";
const DIM = "\u001b[2m";
const BOLD = "\u001b[1m";
const OFF = "\u001b[0m";

/** The whole text. */
export function peopleText({ results }: RunResult, style: OutputStyle): string {
  const lines = results.flatMap((result) => linesOf(result, style));
  return `${[...lines, outcomesText(results)].join("\n")}\n`;
}

function linesOf(result: ScenarioResult, style: OutputStyle): string[] {
  const { scenario, outcome, reason, findings, seconds } = result;
  const took = outcome === "skipped" ? "" : dim(` ${seconds.toFixed(1)} s`, style);
  const head = `${sign(outcome, style)} ${bold(scenario.name, style)}: ${scenario.title}${took}`;
  const why = reason === null ? [] : [`    ${outcome === "skipped" ? "skipped: " : ""}${reason}`];
  const width = Math.max(0, ...findings.map(({ lane }) => lane.length));
  return [head, ...why, ...findings.flatMap((finding) => findingLines(finding, width, style)), ""];
}

function findingLines(finding: Finding, width: number, style: OutputStyle): string[] {
  const { lane, when, seen, documented, isMet, skipped, because } = finding;
  const lead = `    ${sign(signOf(finding), style)} ${lane.padEnd(width)}  `;
  if (skipped !== null) return [`${lead}left out: ${skipped}`];
  const time = when === "" ? "" : dim(`  (${when})`, style);
  if (isMet) return [`${lead}${seen}${time}`];
  const reason = because === "" ? "" : `, for ${because}`;
  return [`${lead}${seen}${time}`, `${" ".repeat(8 + width)}documented: ${documented}${reason}`];
}

function signOf({ isMet, skipped }: Finding): Outcome {
  if (skipped !== null) return "skipped";
  return isMet ? "shown" : "not-shown";
}

/** Never by colour alone. */
function sign(outcome: Outcome, { hasColour, hasUnicode }: OutputStyle): string {
  const [plain, drawn, colour] = SIGNS[outcome];
  const text = hasUnicode ? drawn : plain;
  return hasColour ? `${colour}${text}${OFF}` : text;
}

const SIGNS: Readonly<Record<Outcome, readonly [plain: string, drawn: string, colour: string]>> = {
  shown: ["ok ", "✓", GREEN],
  "not-shown": ["NOT", "✕", RED],
  skipped: ["-  ", "–", DIM],
  stopped: ["...", "…", DIM],
};

function dim(text: string, { hasColour }: OutputStyle): string {
  return hasColour && text !== "" ? `${DIM}${text}${OFF}` : text;
}

function bold(text: string, { hasColour }: OutputStyle): string {
  return hasColour ? `${BOLD}${text}${OFF}` : text;
}
