/**
 * `npm run rollouts`: many rollouts with real processes, one after the other, each from a seed of
 * its own, and a table of all.
 *
 * Options: --count N (default 50), --seed N (the first; default another one each time), --mode
 * surge|in-place|kill (default: drawn), --out FILE (each result as a line of JSON).
 */
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { whole } from "../support/flags.ts";
import { describe, summarize } from "./report.ts";
import { MODES, type Mode, planOf, type RolloutResult, runRollout } from "./rollout.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "50" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    mode: { type: "string" },
    out: { type: "string" },
  },
});

function modeOf(text: string | undefined): Mode | null {
  if (text === undefined) return null;
  const mode = MODES.find((each) => each === text);
  if (mode === undefined) throw new RangeError(`--mode ${text}: must be ${MODES.join(", ")}`);
  return mode;
}

async function main(): Promise<void> {
  const count = whole("count", values.count);
  const seed = whole("seed", values.seed);
  const mode = modeOf(values.mode);
  const results: RolloutResult[] = [];
  for (let i = 0; i < count; i += 1) {
    const result = await runRollout(planOf(seed + i, mode));
    results.push(result);
    console.log(`${i + 1} of ${count}, ${describe(result)}`);
    if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(result)}\n`);
  }
  console.log(`\n${summarize(results)}`);
  const bad = results.filter(({ complaints }) => complaints.length > 0);
  if (bad.length === 0) return;
  console.log(`\nwrong: seeds ${bad.map(({ plan }) => plan.seed).join(", ")}`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof RangeError ? error.message : error);
  process.exitCode = error instanceof RangeError ? 2 : 1;
}
