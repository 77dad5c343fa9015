/**
 * `npm run chaos`: random faults with real processes for as long as it is told, in runs of a minute
 * or less, each from a seed of its own, and what failed by the fault that explains it.
 *
 * Options: --minutes M (default 10), --seed N (the first; default another one each time),
 * --seconds S of a run (default 60), --quiet (faults are not told one by one).
 */
import { parseArgs } from "node:util";
import { whole } from "../support/flags.ts";
import { type ChaosResult, runChaos } from "./campaign.ts";
import { describeChaos } from "./chaos-report.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    seconds: { type: "string", default: "60" },
    quiet: { type: "boolean", default: false },
  },
});

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new RangeError(`--${name} ${text}: must be a number above 0`);
}

async function main(): Promise<void> {
  const first = whole("seed", values.seed);
  const untilMs = Date.now() + positive("minutes", values.minutes) * 60_000;
  const seconds = positive("seconds", values.seconds);
  const tell = values.quiet ? () => {} : (line: string) => console.log(line);
  const results: ChaosResult[] = [];
  for (let seed = first; ; seed += 1) {
    console.log(`seed ${seed}`);
    const result = await runChaos(seed, seconds, tell);
    results.push(result);
    console.log(describeChaos(result));
    if (Date.now() + seconds * 1_000 > untilMs) break;
  }
  const bad = results.filter(({ complaints }) => complaints.length > 0);
  const faults = results.reduce((sum, each) => sum + each.faults.length, 0);
  const calls = results.flatMap(({ ways }) => ways).reduce((sum, way) => sum + way.calls, 0);
  console.log(`\n${results.length} runs, ${faults} faults, ${calls} calls`);
  if (bad.length === 0) return;
  console.log(`wrong: seeds ${bad.map(({ seed }) => seed).join(", ")}`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof RangeError ? error.message : error);
  process.exitCode = error instanceof RangeError ? 2 : 1;
}
