/**
 * The Huffman code of HPACK as a table of lengths. RFC 7541 Appendix B.
 *
 * The code is canonical: codes of one length are consecutive and in the order of their symbols, so
 * the 257 lengths (256 bytes and EOS) say everything. Encoder and decoder tables are derived from
 * them.
 */

/** The end-of-string symbol, which must never appear. RFC 7541 §5.2. */
export const EOS = 256;

/** No code is longer. */
const BITS_MAX = 30;

/** Code length in bits of each byte value, and of EOS. */
// biome-ignore format: a table, 94 columns wide
export const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30,
  28, 28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5,
  7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22,
  22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23,
  22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22,
  21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26,
  26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20,
  24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27,
  27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/** The code of each symbol, right-aligned in a uint32. */
export const CODES: readonly number[] = canonicalCodes(CODE_BITS);

/** The first code of each length, counted on through the symbols. This runs at every import. */
function canonicalCodes(lengths: readonly number[]): number[] {
  const next = new Array<number>(BITS_MAX + 2).fill(0);
  for (const bits of lengths) next[bits + 1]! += 1;
  // next[bits + 1] is how many codes of `bits` there are; it becomes the first one that is longer.
  for (let bits = 1; bits <= BITS_MAX; bits++) next[bits + 1] = (next[bits]! + next[bits + 1]!) * 2;
  return lengths.map((bits) => {
    const code = next[bits]!;
    next[bits] = code + 1;
    return code;
  });
}
