/**
 * Keeps what the reaction benchmark found: bench/results/reaction.jsonl, and its part of
 * bench/RESULTS.md.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import { percentile } from "../statistics.ts";
import type { Reaction } from "./measure.ts";

/** Date and machine of a run. */
export interface ReactionSetting {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
}

/** One client beside one cluster. */
export interface ReactionResult extends Reaction {
  readonly cluster: string;
  readonly client: string;
  readonly setting: ReactionSetting;
}

/** The most that p50 and p99 may be, in ms, by cluster. */
const TARGETS: Readonly<Record<string, { readonly p50Ms: number | null; readonly p99Ms: number }>> =
  {
    lab: { p50Ms: 10, p99Ms: 25 },
    real: { p50Ms: null, p99Ms: 50 },
  };

const jsonFile = join(rootDir, "bench", "results", "reaction.jsonl");

/** Puts these beside what was kept: one line a cluster and client. */
export function keepReaction(results: readonly ReactionResult[]): void {
  const keyOf = ({ cluster, client }: ReactionResult) => `${cluster} ${client}`;
  const all = new Map([...keptReaction(), ...results].map((each) => [keyOf(each), each]));
  mkdirSync(dirname(jsonFile), { recursive: true });
  // JSON has no Infinity: what was not seen is null.
  writeFileSync(jsonFile, [...all.values()].map((each) => `${JSON.stringify(each)}\n`).join(""));
}

/** What was kept. */
export function keptReaction(): ReactionResult[] {
  if (!existsSync(jsonFile)) return [];
  const lines = readFileSync(jsonFile, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    const kept = JSON.parse(line) as ReactionResult;
    const samplesMs = kept.samplesMs.map((each) => each ?? Number.POSITIVE_INFINITY);
    return { ...kept, samplesMs };
  });
}

/** The chapter of RESULTS.md; "" without results. */
export function reactionChapter(results: readonly ReactionResult[]): string {
  if (results.length === 0) return "";
  return `
# Results of \`npm run bench -- reaction\`

Pods come one by one beside three others under light load. The time is from before the write of
the EndpointSlice is sent (for DNS: from the answer's change) to the first call that a stock server
on the new pod is asked.

${reactionTable(results)}

${settingLines(results)}
`;
}

/** When and where each row was measured: rows of other runs are kept. One line a setting. */
function settingLines(results: readonly ReactionResult[]): string {
  const rowsBySetting = new Map<string, string[]>();
  for (const { client, cluster, setting } of results) {
    const { date, machine, node } = setting;
    const text = `${date.slice(0, 16).replace("T", " ")} UTC, ${machine}, Node ${node}`;
    const row = `${client} with ${serverOf(cluster)}`;
    rowsBySetting.set(text, [...(rowsBySetting.get(text) ?? []), row]);
  }
  return [...rowsBySetting].map(([text, rows]) => `- ${rows.join(", ")}: ${text}.`).join("\n");
}

function serverOf(cluster: string): string {
  return cluster === "lab" ? "lab" : "kube-apiserver";
}

/** A row for each result. */
export function reactionTable(results: readonly ReactionResult[]): string {
  const rows = results.map((result) => {
    const sorted = [...result.samplesMs].sort((a, b) => a - b);
    const of = (share: number) => percentile(sorted, share) ?? Number.NaN;
    const cells = [
      result.client,
      serverOf(result.cluster),
      String(sorted.length),
      shown(of(0.5)),
      shown(of(0.99)),
      shown(sorted.at(-1) as number),
      `${result.failed} of ${result.calls}`,
      result.client.startsWith("fairlead") ? verdict(result.cluster, of(0.5), of(0.99)) : "",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = "| client | API server | pods | p50 ms | p99 ms | max ms | failed calls | target |";
  return [head, "|---|---|---|---|---|---|---|---|", ...rows].join("\n");
}

function shown(ms: number): string {
  return Number.isFinite(ms) ? ms.toFixed(1) : "not seen in 35 s";
}

function verdict(cluster: string, p50Ms: number, p99Ms: number): string {
  const target = TARGETS[cluster];
  if (target === undefined) return "";
  const isMet = p99Ms <= target.p99Ms && (target.p50Ms === null || p50Ms <= target.p50Ms);
  const first = target.p50Ms === null ? "" : `p50 <= ${target.p50Ms}, `;
  return `${first}p99 <= ${target.p99Ms}: ${isMet ? "pass" : "FAIL"}`;
}
