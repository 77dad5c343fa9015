/**
 * The fuzzer in its short form: a few seconds of each part, with a seed that is printed.
 *
 * `npm run fuzz` is the long one. A round that failed is replayed as its message says.
 */
import { describe, test } from "node:test";
import { PARTS, runRound } from "../../fuzz/rounds.ts";

/** Rounds of each part, about two seconds. */
const ROUNDS: Readonly<Record<string, number>> = { frames: 3_000, hpack: 400, connection: 150 };

/** FUZZ_SEED replays a whole run. */
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`fuzz, FUZZ_SEED=${seed}`, () => {
  for (const part of Object.keys(PARTS)) {
    test(`${part}: every property holds`, () => {
      for (let round = 0; round < ROUNDS[part]!; round++) runRound(part, seed + round);
    });
  }
});
