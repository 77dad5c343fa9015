/**
 * The parts of the fuzzer by name, and how rounds of them are run: each with a seed of its own, so
 * that one round can be replayed alone.
 */
import { type Rng, seededRng } from "../src/base/index.ts";
import { fuzzConnection } from "./connection.ts";
import { fuzzFrames } from "./frames.ts";
import { fuzzHpack } from "./hpack.ts";

/** One round of each part; throws when a property does not hold. */
export const PARTS: Readonly<Record<string, (rng: Rng) => void>> = {
  frames: fuzzFrames,
  hpack: fuzzHpack,
  connection: fuzzConnection,
};

/** A round that failed. */
export class FuzzError extends Error {
  constructor(part: string, seed: number, cause: Error) {
    super(`replay: npm run fuzz -- --only ${part} --seed ${seed} --rounds 1\n${cause.stack}`);
    this.name = "FuzzError";
  }
}

/** Runs the round of `part` with `seed`; throws a FuzzError that says how to replay it. */
export function runRound(part: string, seed: number): void {
  try {
    PARTS[part]!(seededRng(seed));
  } catch (error) {
    throw new FuzzError(part, seed, error as Error);
  }
}
