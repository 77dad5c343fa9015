/**
 * `npm run bench -- picks`: what a pick costs with 10 and with 10,000 endpoints, by policy, and
 * what one endpoint more costs. Each measurement is a process of its own; rounds are interleaved.
 */
import { join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import { runProcess } from "../../test/peers/processes.ts";
import { UsageError } from "../options.ts";
import { machineSetting, writeResults } from "../results.ts";
import type { PicksReport } from "./program.ts";
import { keepPicks, type PicksResult, picksTable } from "./results.ts";
import { SIZES, SUBJECTS, type Subject } from "./subjects.ts";

/** Help text. */
export const PICKS_USAGE = `usage: npm run bench -- picks [--rounds N] [--only A,B] [--quick]

  --rounds N   interleaved rounds (default 7; --quick: 1)
  --only A,B   only these policies: a look, not a result
  --quick      a look: RESULTS.md is left as it is`;

const SECONDS = 0.5;
const TIMEOUT_MS = 60_000;
const NODE = join(rootDir, "node_modules", ".bin", "node");

/** Runs the benchmark. @throws UsageError */
export async function runPicks(args: readonly string[]): Promise<void> {
  const { rounds, subjects, isWritten } = parse(args);
  const found = new Map<string, PicksReport[]>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const subject of subjects) {
      for (const size of SIZES) {
        const report = await measure(subject, size);
        const key = `${subject.name} ${size}`;
        found.set(key, [...(found.get(key) ?? []), report]);
        const { pickNs, updateMs, stepMs } = report;
        const update = `update ${updateMs.toFixed(2)} ms, longest piece ${stepMs.toFixed(2)} ms`;
        console.log(`  round ${round} ${key}: ${pickNs.toFixed(0)} ns a pick; ${update}`);
      }
    }
  }
  const result: PicksResult = {
    reports: Object.fromEntries(found),
    setting: machineSetting(),
  };
  console.log(`\n${picksTable(result)}`);
  if (!isWritten) return;
  keepPicks(result);
  writeResults();
}

interface Options {
  readonly rounds: number;
  readonly subjects: readonly Subject[];
  readonly isWritten: boolean;
}

function parse(args: readonly string[]): Options {
  let [rounds, subjects, isQuick] = [7, SUBJECTS, false];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--quick") [rounds, isQuick] = [1, true];
    else if (arg === "--rounds") rounds = Number(rest.shift());
    else if (arg === "--only") [subjects, isQuick] = [chosen(rest.shift() ?? ""), true];
    else throw new UsageError(`unexpected argument ${arg}`);
  }
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError("--rounds: must be above 0");
  return { rounds, subjects, isWritten: !isQuick };
}

function chosen(text: string): readonly Subject[] {
  return text.split(",").map((name) => {
    const subject = SUBJECTS.find((each) => each.name === name);
    if (subject !== undefined) return subject;
    const known = SUBJECTS.map((each) => each.name).join(", ");
    throw new UsageError(`--only ${name}: known are ${known}`);
  });
}

async function measure({ name }: Subject, size: number): Promise<PicksReport> {
  const program = join(import.meta.dirname, "program.ts");
  const args = [program, name, String(size), String(SECONDS)];
  const run = await runProcess(NODE, args, { name: `picks of ${name}`, timeoutMs: TIMEOUT_MS });
  if (run.code !== 0) throw new Error(`picks of ${name} ended with ${run.code}: ${run.stderr}`);
  return JSON.parse(run.stdout) as PicksReport;
}
