/**
 * Remembers header blocks by their bytes: the same bytes under the same table are the same list.
 *
 * Direct-mapped and small; a block is kept on its second appearance, so that blocks that never
 * repeat cost a hash and nothing else. Blocks that insert into the table are not eligible, and are
 * told apart by a skim over their representations.
 */

import { type HeaderList, sharedList } from "./header-list.ts";

/** Most connections see one or two blocks that repeat; the cache doubles when live ones collide. */
const SLOTS_FIRST = 4;
const SLOTS_MAX = 32;
/** Longer blocks carry per-call values as a rule. */
const BLOCK_BYTES_MAX = 160;

/** Copies of blocks that are kept; then the collection starts anew. */
const SHARED_BLOCKS_MAX = 1_024;

const sharedBlocks = new Map<number, Uint8Array>();

/** A copy of bytes[start, end), mostly one for all connections that see these bytes. */
function sharedBlock(hash: number, bytes: Uint8Array, start: number, end: number): Uint8Array {
  const known = sharedBlocks.get(hash);
  if (known !== undefined && isEqual(known, bytes, start, end)) return known;
  const own = Uint8Array.prototype.slice.call(bytes, start, end);
  if (sharedBlocks.size >= SHARED_BLOCKS_MAX) sharedBlocks.clear();
  sharedBlocks.set(hash, own);
  return own;
}

function isEqual(block: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  for (let i = 0; i < block.length; i++) if (block[i] !== bytes[start + i]) return false;
  return true;
}

/** What was seen last in a slot; with its bytes and list from the second time on. */
class Slot {
  readonly hash: number;
  readonly version: number;
  block: Uint8Array | null = null;
  list: HeaderList | null = null;

  constructor(hash: number, version: number) {
    this.hash = hash;
    this.version = version;
  }
}

/** A bounded cache of decoded blocks, one per decoder. */
export class BlockCache {
  #slots: (Slot | null)[] = new Array<Slot | null>(SLOTS_FIRST).fill(null);

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
    const slot = this.#slots[this.#indexOf(hash)]!;
    if (slot === null || slot.hash !== hash || slot.version !== version) return null;
    const { block } = slot;
    return block !== null && isEqual(block, bytes, start, end) ? slot.list : null;
  }

  #indexOf(hash: number): number {
    return (hash ^ (hash >>> 11)) & (this.#slots.length - 1);
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
    const slot = this.#slots[this.#indexOf(hash)]!;
    if (slot !== null && slot.hash === hash && slot.version === version) {
      const shared = sharedList(list);
      if (shared === null) return;
      slot.block = sharedBlock(hash, bytes, start, end);
      slot.list = shared;
      return;
    }
    if (slot !== null && slot.list !== null && slot.version === version) this.#grow();
    this.#slots[this.#indexOf(hash)] = new Slot(hash, version);
  }

  #grow(): void {
    const old = this.#slots;
    if (old.length >= SLOTS_MAX) return;
    this.#slots = new Array<Slot | null>(old.length * 2).fill(null);
    for (const slot of old) if (slot !== null) this.#slots[this.#indexOf(slot.hash)] = slot;
  }
}
