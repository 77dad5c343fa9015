/**
 * Keeps what was measured: bench/results/relay.jsonl (every round) and bench/RESULTS.md (its text).
 *
 * A run replaces the loads that it ran and leaves the others as they were, each with its own date.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { rootDir } from "../test/peers/paths.ts";
import { clientChapter, keptClient } from "./client/results.ts";
import { controlChapter } from "./control/results.ts";
import { discoveryChapter } from "./discovery/results.ts";
import { LOADS } from "./loads/index.ts";
import { meshChapter } from "./mesh/results.ts";
import { picksChapter } from "./picks/results.ts";
import type { BenchProxy } from "./proxies/index.ts";
import { keptReaction, reactionChapter } from "./reaction/results.ts";
import { type LoadRounds, loadTable, verdicts, verdictTable } from "./report.ts";

/** Where and with what a load was measured. */
export interface Setting {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  /** Version by proxy. */
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: number;
}

/** One load's rounds and their setting. */
export interface KeptLoad extends LoadRounds {
  readonly setting: Setting;
}

const jsonFile = join(rootDir, "bench", "results", "relay.jsonl");
const textFile = join(rootDir, "bench", "RESULTS.md");

/** Date and machine of a run that starts now. */
export function machineSetting(): Pick<Setting, "date" | "machine" | "node"> {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    machine: `${processors[0]?.model ?? "unknown CPU"}, ${processors.length} cores, ${process.platform} ${release()}`,
    node: process.version,
  };
}

/** The setting of a relay run that starts now. */
export function currentSetting(proxies: readonly BenchProxy[], seconds: number): Setting {
  return {
    ...machineSetting(),
    versions: Object.fromEntries(proxies.map((proxy) => [proxy.name, proxy.version])),
    seconds,
  };
}

/** Puts new results beside the kept ones and writes both files; the path of the text. */
export function keepResults(measured: readonly KeptLoad[]): string {
  const kept = existsSync(jsonFile) ? parseLines(readFileSync(jsonFile, "utf8")) : [];
  const byName = new Map([...kept, ...measured].map((each) => [each.load, each]));
  const all = LOADS.map((load) => byName.get(load.name)).filter((each) => each !== undefined);
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, all.map((each) => `${JSON.stringify(each)}\n`).join(""));
  writeText(all);
  return textFile;
}

/** Writes RESULTS.md anew from what is kept. */
export function writeResults(): void {
  writeText(existsSync(jsonFile) ? parseLines(readFileSync(jsonFile, "utf8")) : []);
}

function writeText(relay: readonly KeptLoad[]): void {
  const chapters = [
    resultsText(relay),
    reactionChapter(keptReaction()),
    meshChapter(),
    controlChapter(),
    discoveryChapter(),
    clientChapter(keptClient()),
    picksChapter(),
  ];
  writeFileSync(textFile, chapters.join(""));
}

/** One load a line. */
function parseLines(text: string): KeptLoad[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as KeptLoad);
}

/** RESULTS.md for these loads. */
export function resultsText(all: readonly KeptLoad[]): string {
  const loads = all.map((each) => {
    const { setting } = each;
    const versions = Object.entries(setting.versions).map(
      ([name, version]) => `${name} ${version}`,
    );
    return `## ${each.title}

${loadTable(each)}

\`${each.load}\`, ${setting.date.slice(0, 16).replace("T", " ")} UTC, ${setting.seconds} s a round, ${setting.machine}, Node ${setting.node}. ${versions.join("; ")}.
`;
  });
  return `# Results of \`npm run bench -- relay\`

Every figure below was measured by that command; nothing is estimated. Costs are CPU time (user +
system, from /proc) of the proxy's own processes. Each proxy has one worker, the same three
upstreams (where not said otherwise) and the same client, on one machine; rounds are interleaved and
ratios are taken within a round, so read the ratios. A round in which any call failed does not count.

## Targets

${verdictTable(verdicts(all))}

${loads.join("\n")}`;
}
