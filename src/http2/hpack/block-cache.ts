/**
 * Remembers header blocks by their bytes: the same bytes under the same table are the same list.
 *
 * Direct-mapped and small; a block is kept on its second appearance, so that blocks that never
 * repeat cost a hash and nothing else. Blocks that insert into the table are not eligible, and are
 * told apart by a skim over their representations.
 */

import { type HeaderList, sharedList } from "./header-list.ts";

const SLOTS = 32;
/** Longer blocks carry per-call values as a rule. */
const BLOCK_BYTES_MAX = 160;

/** A bounded cache of decoded blocks, one per decoder. */
export class BlockCache {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #versions = new Float64Array(SLOTS);
  readonly #blocks = new Array<Uint8Array | null>(SLOTS).fill(null);
  readonly #lists = new Array<HeaderList | null>(SLOTS).fill(null);

  /** A hash of bytes[start, end), never 0; or 0 when the block is not eligible. */
  static hashOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > BLOCK_BYTES_MAX || length === 0) return 0;
    // Stop early at the first representation that changes the table.
    let pos = start;
    while (pos < end) {
      const byte = bytes[pos]!;
      if (byte >= 0x80) {
        if (byte === 0xff) {
          do pos += 1;
          while (pos < end && bytes[pos]! >= 0x80);
        }
        pos += 1;
      } else if (byte >= 0x20) return 0;
      else {
        // Names by index without continuation and short strings only; anything else is rare.
        const index = byte & 0x0f;
        if (index === 15) {
          do pos += 1;
          while (pos < end && bytes[pos]! >= 0x80);
        }
        pos += 1;
        if (index === 0) pos += 1 + (bytes[pos]! & 0x7f);
        pos += 1 + (bytes[pos]! & 0x7f);
      }
    }
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    return hash === 0 ? 1 : hash;
  }

  /** The list that these bytes stood for under this table version, or null. */
  find(
    hash: number,
    version: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): HeaderList | null {
    const slot = (hash ^ (hash >>> 11)) & (SLOTS - 1);
    if (this.#hashes[slot] !== hash || this.#versions[slot] !== version) return null;
    const block = this.#blocks[slot]!;
    if (block === null || block.length !== end - start) return null;
    for (let i = 0; i < block.length; i++) if (block[i] !== bytes[start + i]) return null;
    return this.#lists[slot]!;
  }

  /** Takes note of a block; keeps it when it was offered before under the same version. */
  offer(
    hash: number,
    version: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    list: HeaderList,
  ): void {
    const slot = (hash ^ (hash >>> 11)) & (SLOTS - 1);
    if (this.#hashes[slot] === hash && this.#versions[slot] === version) {
      const shared = sharedList(list);
      if (shared === null) return;
      this.#blocks[slot] = Uint8Array.prototype.slice.call(bytes, start, end);
      this.#lists[slot] = shared;
      return;
    }
    this.#hashes[slot] = hash;
    this.#versions[slot] = version;
    this.#blocks[slot] = null;
    this.#lists[slot] = null;
  }
}
