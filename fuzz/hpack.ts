/**
 * Fuzz: HPACK against a second implementation, on valid blocks and on blocks with flipped bytes.
 *
 * Properties: both find a block good or malformed; fields and tables agree at both ends of a relay;
 * Huffman coding goes round. RFC 7541.
 */
import assert from "node:assert/strict";
import type { Rng } from "../src/base/index.ts";
import {
  decodeHuffman,
  encodeHuffman,
  huffmanLength,
  scanHuffman,
} from "../src/http2/hpack/huffman.ts";
import { BlockMaker, HpackRelay, relayRandomBlocks } from "../test/support/http2-hpack-random.ts";

/** Blocks with a few wrong bytes: the relay ends with the first that is malformed. */
function relayMutatedBlocks(rng: Rng, blocks: number): void {
  const relay = new HpackRelay();
  const maker = new BlockMaker(rng, relay.incoming);
  for (let i = 0; i < blocks; i++) {
    const block = [...maker.next()];
    for (let times = rng.int(3); times > 0 && block.length > 0; times--) {
      const at = rng.int(block.length);
      const kind = rng.int(3);
      if (kind === 0) block[at] = block[at]! ^ (1 << rng.int(8));
      else if (kind === 1) block.splice(at, 1);
      else block.splice(at, 0, rng.int(256));
    }
    if (!relay.pass(block)) return;
  }
}

/** Random bytes as a Huffman string: measuring and decoding agree, and a string has one coding. */
function goRoundHuffman(rng: Rng): void {
  const bytes = Buffer.from(Array.from({ length: rng.int(12) }, () => rng.int(256)));
  const text = decodeHuffman(bytes, 0, bytes.length);
  const scan = scanHuffman(bytes, 0, bytes.length);
  assert.equal(scan < 0, text === null, "measuring and decoding agree");
  if (text === null) return;
  assert.equal(scan & 0xffffff, text.length);
  const again = Buffer.alloc(huffmanLength(text));
  assert.equal(encodeHuffman(text, again, 0), again.length);
  assert.deepEqual(again, bytes, "a string has one coding");
}

/** One round. */
export function fuzzHpack(rng: Rng): void {
  relayRandomBlocks(rng, 60);
  for (let i = 0; i < 5; i++) relayMutatedBlocks(rng, 30);
  for (let i = 0; i < 50; i++) goRoundHuffman(rng);
}
