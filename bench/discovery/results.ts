/** Keeps what the discovery benchmark found, and writes its part of bench/RESULTS.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import type { Spread } from "../statistics.ts";

/** One run. */
export interface DiscoveryResult {
  /** From start to the first set of 10,000 endpoints in 100 slices. */
  readonly syncMs: Spread;
  /** CPU time of the process for one endpoint that changes among them. */
  readonly changeCpuMs: Spread;
  /** Resident memory of a process that watches 1,000 Services. */
  readonly manyRssMb: Spread;
  readonly rounds: number;
  readonly setting: { readonly date: string; readonly machine: string; readonly node: string };
}

const SYNC_MS_MAX = 300;
const CHANGE_CPU_MS_MAX = 3;
const MANY_RSS_MB_MAX = 150;

const jsonFile = join(rootDir, "bench", "results", "discovery.json");

/** Replaces what was kept. */
export function keepDiscovery(result: DiscoveryResult): void {
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify(result, null, 2)}\n`);
}

/** The chapter of RESULTS.md; "" when nothing is kept. */
export function discoveryChapter(): string {
  if (!existsSync(jsonFile)) return "";
  const result = JSON.parse(readFileSync(jsonFile, "utf8")) as DiscoveryResult;
  const { date, machine, node } = result.setting;
  return `
# Results of \`npm run bench -- discovery\`

Discovery alone in a process, bundled, against the lab's API server: no connection to an endpoint.

${discoveryTable(result)}

${result.rounds} processes, ${date.slice(0, 16).replace("T", " ")} UTC, ${machine}, Node ${node}.
`;
}

/** A row for each figure. */
export function discoveryTable(result: DiscoveryResult): string {
  const row = (what: string, spread: Spread, max: number, unit: string) => {
    const [least, middle, most] = [spread.min, spread.median, spread.max].map(short);
    const verdict = spread.median <= max ? "pass" : "FAIL";
    return `| ${what} | <= ${max} ${unit} | ${least} / **${middle}** / ${most} | ${verdict} |`;
  };
  return [
    "| what | wanted | min / median / max | verdict |",
    "|---|---|---|---|",
    row("10,000 endpoints in 100 slices: first set", result.syncMs, SYNC_MS_MAX, "ms"),
    row("one of them changes: CPU", result.changeCpuMs, CHANGE_CPU_MS_MAX, "ms"),
    row("1,000 Services watched: RSS", result.manyRssMb, MANY_RSS_MB_MAX, "MB"),
  ].join("\n");
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
