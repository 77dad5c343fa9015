/**
 * HPACK on random sequences of blocks, against a second implementation: what is decoded, what is
 * passed on, and the tables at all ends. With the block cache and without it there is one result,
 * because the oracle has none. RFC 7541.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { relayRandomBlocks } from "../../../test/support/http2-hpack-random.ts";
import { seededRng } from "../../base/index.ts";

const SEED = 20_260_101;

test("decoding, passing on and the tables agree with the oracle on random blocks", () => {
  for (let round = 0; round < 400; round++) {
    const seed = SEED + round;
    try {
      relayRandomBlocks(seededRng(seed), 60);
    } catch (error) {
      assert.fail(
        `replay: npm run fuzz -- --only hpack --seed ${seed} --rounds 1\n${(error as Error).stack}`,
      );
    }
  }
});
