/**
 * Huffman coding of HPACK strings, both ways. RFC 7541 §5.2.
 *
 * The decoder is a machine that eats four bits a step (256 states x 16). `scanHuffman` runs a
 * machine of whole bytes and produces nothing: a relay validates a value and passes on the bytes
 * that came.
 */

import { latin1Text } from "../output.ts";
import { CODE_BITS, CODES, EOS } from "./huffman-code.ts";

/** Result bits of `scanHuffman` and `scanPlain`, beside the decoded length in the low 24 bits. */
export const Scan = {
  LENGTH: 0xffffff,
  /** The decoded value may not stand in a header field (RFC 9113 §8.2.1). */
  BAD_VALUE: 1 << 24,
} as const;

const NEXT = 0xff;
const SYMBOL_SHIFT = 8;
const HAS_SYMBOL = 1 << 16;
const IS_FORBIDDEN = 1 << 17;
const FAILS = 1 << 18;

/**
 * One entry per (state, nibble): next state, symbol completed on the way, flags. This and the other
 * tables are filled when a first string needs them: to import us costs nothing.
 */
const STEPS = new Int32Array(256 * 16);
/**
 * The same a byte a step, for `scanHuffman`, which needs no symbols: next state, symbols completed,
 * flags. Twice as fast, and of its 128 KiB a value touches only the few states of its letters.
 */
const BYTE_STEPS = new Uint16Array(256 * 256);
const COUNT_SHIFT = 8;
const COUNT = 3;
const BYTE_IS_FORBIDDEN = 1 << 10;
const BYTE_FAILS = 1 << 11;

/** States in which a string may end: the root, and up to seven 1-bits of padding below it. */
const ACCEPTS = new Uint8Array(256);

let areTablesBuilt = false;

/** RFC 9113 §8.2.1: NUL, LF and CR are malformed anywhere in a value. */
function isForbidden(symbol: number): boolean {
  return symbol === 0 || symbol === 0x0a || symbol === 0x0d;
}

/** Leading and trailing white space is malformed. RFC 9113 §8.2.1. */
function isBlank(symbol: number): boolean {
  return symbol === 0x20 || symbol === 0x09;
}

/** The code as a binary tree: [zero, one] per node; a leaf is -2 - symbol, an unused slot -1. */
function buildTree(): number[] {
  const tree = [-1, -1];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = CODE_BITS[symbol]! - 1; bit >= 0; bit--) {
      const slot = node * 2 + (Math.floor(CODES[symbol]! / 2 ** bit) & 1);
      if (bit === 0) tree[slot] = -2 - symbol;
      else {
        if (tree[slot] === -1) {
          tree[slot] = tree.length / 2;
          tree.push(-1, -1);
        }
        node = tree[slot]!;
      }
    }
  }
  return tree;
}

function stepOf(tree: number[], state: number, nibble: number): number {
  let node = state;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = tree[node * 2 + ((nibble >> bit) & 1)]!;
    if (next >= 0) {
      node = next;
      continue;
    }
    const symbol = -2 - next;
    if (symbol === EOS) return FAILS;
    entry = HAS_SYMBOL | (symbol << SYMBOL_SHIFT) | (isForbidden(symbol) ? IS_FORBIDDEN : 0);
    node = 0;
  }
  return entry | node;
}

function buildTables(): void {
  areTablesBuilt = true;
  const tree = buildTree();
  for (let state = 0; state < tree.length / 2; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      STEPS[state * 16 + nibble] = stepOf(tree, state, nibble);
    }
  }
  let node = 0;
  for (let ones = 0; ones <= 7; ones++) {
    ACCEPTS[node] = 1;
    node = tree[node * 2 + 1]!;
  }
  for (let at = 0; at < BYTE_STEPS.length; at++) BYTE_STEPS[at] = byteStepOf(at >> 8, at & 0xff);
}

/** Two steps of four bits as one. */
function byteStepOf(state: number, byte: number): number {
  const high = STEPS[(state << 4) | (byte >> 4)]!;
  const low = STEPS[((high & NEXT) << 4) | (byte & 15)]!;
  const both = high | low;
  const count = ((high & HAS_SYMBOL) === 0 ? 0 : 1) + ((low & HAS_SYMBOL) === 0 ? 0 : 1);
  return (
    (low & NEXT) |
    (count << COUNT_SHIFT) |
    ((both & IS_FORBIDDEN) === 0 ? 0 : BYTE_IS_FORBIDDEN) |
    ((both & FAILS) === 0 ? 0 : BYTE_FAILS)
  );
}

/**
 * Validates a Huffman-coded value bytes[start, end) and measures it. Returns the decoded length
 * with the bits of `Scan`, or -1 for bad coding (EOS inside, wrong or too long padding).
 */
export function scanHuffman(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  if (!areTablesBuilt) buildTables();
  let state = 0;
  let seen = 0;
  let length = 0;
  const lastAt = end - 1;
  for (let pos = start; pos < lastAt; pos++) {
    const step = BYTE_STEPS[(state << 8) | bytes[pos]!]!;
    state = step & NEXT;
    seen |= step;
    length += (step >> COUNT_SHIFT) & COUNT;
  }
  // The last symbol ends in the last byte: padding is shorter than that.
  const byte = bytes[lastAt]!;
  const high = STEPS[(state << 4) | (byte >> 4)]!;
  const low = STEPS[((high & NEXT) << 4) | (byte & 15)]!;
  if ((high & HAS_SYMBOL) !== 0) length += 1;
  if ((low & HAS_SYMBOL) !== 0) length += 1;
  const flags = high | low;
  if ((seen & BYTE_FAILS) !== 0 || (flags & FAILS) !== 0 || ACCEPTS[low & NEXT] === 0) return -1;
  const last = (low & HAS_SYMBOL) === 0 ? high : low;
  const isBad =
    (seen & BYTE_IS_FORBIDDEN) !== 0 ||
    (flags & IS_FORBIDDEN) !== 0 ||
    isBlank((last >> SYMBOL_SHIFT) & 0xff) ||
    isBlank(firstSymbol(bytes, start, end));
  return isBad ? length | Scan.BAD_VALUE : length;
}

/** Space is coded 010100 in front; a tab in front is 24 bits of 0xffffea. */
function firstSymbol(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start]! >> 2 === 0x14) return 0x20;
  const isTab =
    end - start >= 3 &&
    bytes[start] === 0xff &&
    bytes[start + 1] === 0xff &&
    bytes[start + 2] === 0xea;
  return isTab ? 0x09 : -1;
}

/** As `scanHuffman`, for a value that came as plain bytes. Never -1. */
export function scanPlain(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  let isBad = isBlank(bytes[start]!) || isBlank(bytes[end - 1]!);
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (byte <= 0x0d && isForbidden(byte)) isBad = true;
  }
  return isBad ? length | Scan.BAD_VALUE : length;
}

let scratch = Buffer.allocUnsafeSlow(4_096);

/** The decoded string (one UTF-16 unit per byte), or null for bad coding. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | null {
  if (!areTablesBuilt) buildTables();
  // The shortest code has five bits.
  const lengthMax = Math.ceil(((end - start) * 8) / 5) + 1;
  if (scratch.length < lengthMax) scratch = Buffer.allocUnsafeSlow(lengthMax * 2);
  const out = scratch;
  let entry = 0;
  let flags = 0;
  let length = 0;
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    entry = STEPS[((entry & NEXT) << 4) | (byte >> 4)]!;
    flags |= entry;
    if ((entry & HAS_SYMBOL) !== 0) out[length++] = entry >> SYMBOL_SHIFT;
    entry = STEPS[((entry & NEXT) << 4) | (byte & 15)]!;
    flags |= entry;
    if ((entry & HAS_SYMBOL) !== 0) out[length++] = entry >> SYMBOL_SHIFT;
  }
  if ((flags & FAILS) !== 0 || ACCEPTS[entry & NEXT] === 0) return null;
  return latin1Text(out, 0, length);
}

/** Bytes that `text` (one byte per UTF-16 unit) takes when Huffman-coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i) & 0xff]!;
  return (bits + 7) >> 3;
}

/** Huffman-codes `text` into bytes at `start`. Returns the end. */
export function encodeHuffman(text: string, bytes: Uint8Array, start: number): number {
  let pos = start;
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    let left = CODE_BITS[symbol]!;
    const code = CODES[symbol]!;
    while (left > 0) {
      const take = Math.min(8 - heldBits, left);
      left -= take;
      held = (held << take) | ((code >>> left) & ((1 << take) - 1));
      heldBits += take;
      if (heldBits === 8) {
        bytes[pos++] = held;
        held = 0;
        heldBits = 0;
      }
    }
  }
  // The rest of the last byte is the front of EOS: ones.
  if (heldBits > 0) bytes[pos++] = (held << (8 - heldBits)) | ((1 << (8 - heldBits)) - 1);
  return pos;
}
