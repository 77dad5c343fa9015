/**
 * `npm run fuzz`: random rounds of every part, until time is up or a property does not hold.
 *
 * Options: --seed N (default: another one each time), --seconds S (default 60), --rounds N (instead
 * of seconds), --only frames|hpack|connection. The seed is printed; a failure says how to replay
 * it.
 */
import { parseArgs } from "node:util";
import { FuzzError, PARTS, runRound } from "./rounds.ts";

const OPTIONS = {
  seed: { type: "string" },
  seconds: { type: "string", default: "60" },
  rounds: { type: "string" },
  only: { type: "string" },
} as const;

/** Time that each part gets before the next one has its turn. */
const SLICE_MS = 500;

function numberOption(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`--${name} ${text}: not a number`);
  return value;
}

function partsOption(only: string | undefined): string[] {
  if (only === undefined) return Object.keys(PARTS);
  if (PARTS[only] === undefined) {
    throw new RangeError(`--only ${only}: not one of ${Object.keys(PARTS).join(", ")}`);
  }
  return [only];
}

function main(): void {
  const { values } = parseArgs({ options: OPTIONS });
  const parts = partsOption(values.only);
  const start = Math.floor(Math.random() * 2 ** 31);
  const seed = values.seed === undefined ? start : numberOption("seed", values.seed);
  const hasRounds = values.rounds !== undefined;
  const roundsMax = hasRounds ? numberOption("rounds", values.rounds!) : Number.POSITIVE_INFINITY;
  const seconds = hasRounds ? Number.POSITIVE_INFINITY : numberOption("seconds", values.seconds);
  console.log(`fuzz: seed ${seed}, ${parts.join(", ")}`);
  const endMs = performance.now() + seconds * 1_000;
  const rounds = new Map(parts.map((part) => [part, 0]));
  let isOver = false;
  while (!isOver) {
    for (const part of parts) {
      const sliceMs = Math.min(endMs, performance.now() + SLICE_MS);
      do {
        const round = rounds.get(part)!;
        if (round >= roundsMax) break;
        runRound(part, seed + round);
        rounds.set(part, round + 1);
      } while (performance.now() < sliceMs);
    }
    isOver = performance.now() >= endMs || [...rounds.values()].every((n) => n >= roundsMax);
  }
  for (const [part, count] of rounds) console.log(`fuzz: ${part}: ${count} rounds held`);
}

try {
  main();
} catch (error) {
  const isExpected = error instanceof FuzzError || error instanceof RangeError;
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
}
