/** The report as a table of Markdown: a row for each scenario, as the README shows it. Pure. */
import type { Finding, Outcome, RunResult, ScenarioResult } from "./result.ts";
import { outcomesText } from "./tally.ts";

/** The whole text. */
export function markdownText({ results, isShort, machine }: RunResult): string {
  const rows = results.map(rowOf);
  const form = isShort ? " (short form)" : "";
  return [
    "| scenario | seen | as documented |",
    "|---|---|---|",
    ...rows,
    "",
    `${outcomesText(results)}${form}; ${machine}.`,
    "",
  ].join("\n");
}

const WORDS: Readonly<Record<Outcome, string>> = {
  shown: "✓",
  "not-shown": "✕",
  skipped: "skipped",
  stopped: "stopped",
};

function rowOf({ scenario, outcome, reason, findings }: ScenarioResult): string {
  const seen = reason === null ? seenOf(findings) : [reason, seenOf(findings)].join("<br>");
  return `| ${cell(`\`${scenario.name}\`: ${scenario.title}`)} | ${seen} | ${WORDS[outcome]} |`;
}

/** What was seen of each lane, lane by lane. */
function seenOf(findings: readonly Finding[]): string {
  const lanes = [...new Set(findings.map(({ lane }) => lane))];
  return lanes
    .map((lane) => {
      const own = findings.filter((finding) => finding.lane === lane);
      const out = own.find(({ skipped }) => skipped !== null);
      if (out) return cell(`**${lane}** left out: ${out.skipped}`);
      const times = [...new Set(own.map(({ when }) => when))];
      const parts = times.map((time) => {
        const then = own.filter(({ when }) => when === time).map(said);
        return `${time === "" ? "" : `${time}: `}${withoutRepeats(then).join(", ")}`;
      });
      return cell(`**${lane}** ${parts.join("; ")}`);
    })
    .join("<br>");
}

/** Each once, and not what a verdict begins with: "3 of 3 pods used evenly: calls in turn". */
function withoutRepeats(texts: readonly string[]): readonly string[] {
  const isSaidBy = (verdict: string, text: string): boolean =>
    verdict.startsWith(`${text}:`) || verdict.startsWith(`${text} evenly:`);
  return [...new Set(texts)].filter((text, _, all) => !all.some((other) => isSaidBy(other, text)));
}

function said({ seen, documented, isMet }: Finding): string {
  return isMet ? seen : `${seen} (documented: ${documented})`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
