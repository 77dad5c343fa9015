/**
 * HPACK decoder: a whole header block in, a header list out. RFC 7541 §3.2, §6.
 *
 * A block that leaves the table unchanged is remembered by its bytes and yields the same list
 * object. Values are checked and kept as wire bytes; see `field.ts`. Limits are kept while
 * decoding: fields beyond them are decoded (the table must stay in step) and dropped.
 */

import { DECODER_TABLE_BYTES_MAX, HEADER_FIELDS_MAX, HEADER_LIST_BYTES_MAX } from "../limits.ts";
import { latin1Text } from "../output.ts";
import { BlockCache } from "./block-cache.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { canonicalField, Field, STATIC_FIELDS } from "./field.ts";
import { HeaderList } from "./header-list.ts";
import { decodeHuffman, scanHuffman, scanPlain } from "./huffman.ts";
import { type HeaderName, headerName } from "./name.ts";
import { Slab } from "./slab.ts";
import { STATIC_COUNT } from "./static-table.ts";

/** Values that pass through: their lists live as long as their calls. Shared by all connections. */
const passing = new Slab(16_384);
/** Values in a dynamic table: first in, first out, so a table pins little more than its size. */
const TABLE_SLAB_BYTES = 2_048;

/** Integers beyond this are an attack or a mistake. RFC 7541 §5.1 lets us choose. */
const INTEGER_MAX = 0x1000000;

/** What a decoder may produce. */
export interface DecoderLimits {
  readonly listBytesMax: number;
  readonly fieldsMax: number;
}

/** The limits of `limits.ts`. */
const DECODER_LIMITS: DecoderLimits = {
  listBytesMax: HEADER_LIST_BYTES_MAX,
  fieldsMax: HEADER_FIELDS_MAX,
};

/** Decodes one direction of one connection. */
export class Decoder {
  readonly #table = new DynamicTable(DECODER_TABLE_BYTES_MAX);
  readonly #limits: DecoderLimits;
  #tableSlab: Slab | null = null;
  #cache: BlockCache | null = null;
  /** What our SETTINGS allow; a size update above it is an error. RFC 7541 §6.3. */
  readonly #tableBytesMax: number;
  /** Where the block is being read; -1 once it turned out to be malformed. */
  #pos = 0;

  constructor(limits: DecoderLimits = DECODER_LIMITS, tableBytesMax = DECODER_TABLE_BYTES_MAX) {
    this.#limits = limits;
    this.#tableBytesMax = tableBytesMax;
  }

  /** Bytes in the dynamic table, as RFC 7541 §4.1 counts them. */
  get tableBytes(): number {
    return this.#table.sizeBytes;
  }

  /** Fields of the dynamic table, newest first: for tests and dumps. */
  tableFields(): Field[] {
    return Array.from({ length: this.#table.count }, (_, index) => this.#table.get(index)!);
  }

  /**
   * Decodes the block bytes[start, end). Null is COMPRESSION_ERROR: the table is out of step and
   * the connection must end. RFC 9113 §4.3.
   */
  decode(bytes: Uint8Array, start: number, end: number): HeaderList | null {
    const hash = BlockCache.hashOf(bytes, start, end);
    if (hash !== 0) {
      this.#cache ??= new BlockCache();
      const known = this.#cache.find(hash, this.#table.version, bytes, start, end);
      if (known !== null) return known;
    }
    const { version } = this.#table;
    const list = this.#decodeBlock(bytes, start, end);
    if (hash !== 0 && list !== null && !list.isTooLarge && this.#table.version === version) {
      this.#cache!.offer(hash, version, bytes, start, end, list);
    }
    return list;
  }

  #decodeBlock(bytes: Uint8Array, start: number, end: number): HeaderList | null {
    const list = new HeaderList();
    let mayResize = true;
    this.#pos = start;
    while (this.#pos < end) {
      const byte = bytes[this.#pos]!;
      if ((byte & 0xe0) === 0x20) {
        // RFC 7541 §4.2: a size update stands at the beginning of a block.
        if (!mayResize || !this.#resize(bytes, end)) return null;
        continue;
      }
      mayResize = false;
      const field = (byte & 0x80) !== 0 ? this.#indexed(bytes, end) : this.#literal(bytes, end);
      if (field === null) return null;
      this.#keep(list, field);
    }
    return list;
  }

  /** Adds the field unless a limit is reached; the block is decoded to its end all the same. */
  #keep(list: HeaderList, field: Field): void {
    if (
      list.sizeBytes + field.sizeBytes > this.#limits.listBytesMax ||
      list.fields.length >= this.#limits.fieldsMax
    ) {
      list.isTooLarge = true;
      return;
    }
    list.add(field);
  }

  #resize(bytes: Uint8Array, end: number): boolean {
    const size = this.#integer(bytes, end, 0x1f);
    if (size < 0 || size > this.#tableBytesMax) return false;
    if (size !== this.#table.maxBytes) this.#table.resize(size);
    return true;
  }

  /** RFC 7541 §6.1. A second use makes the field canonical, in the table too. */
  #indexed(bytes: Uint8Array, end: number): Field | null {
    const first = bytes[this.#pos]! & 0x7f;
    let index = first;
    if (first < 0x7f) this.#pos += 1;
    else index = this.#integer(bytes, end, 0x7f);
    if (index <= 0) return null;
    if (index <= STATIC_COUNT) return STATIC_FIELDS[index]!;
    const field = this.#table.get(index - STATIC_COUNT - 1);
    if (field === null || field.isCanonical || field.isNever || field.isBadValue) return field;
    const shared = canonicalField(field);
    if (shared !== field) this.#table.replace(index - STATIC_COUNT - 1, shared);
    return shared;
  }

  /** RFC 7541 §6.2: with incremental indexing (01), without (0000), never indexed (0001). */
  #literal(bytes: Uint8Array, end: number): Field | null {
    const byte = bytes[this.#pos]!;
    const isIndexing = (byte & 0x40) !== 0;
    const name = this.#name(bytes, end, isIndexing ? 0x3f : 0x0f);
    if (name === null || this.#pos >= end) return null;
    const isHuffman = (bytes[this.#pos]! & 0x80) !== 0;
    const length = this.#integer(bytes, end, 0x7f);
    if (length < 0 || length > end - this.#pos) return null;
    const from = this.#pos;
    const to = from + length;
    this.#pos = to;
    const scan = isHuffman ? scanHuffman(bytes, from, to) : scanPlain(bytes, from, to);
    if (scan < 0) return null;
    const slab = isIndexing ? (this.#tableSlab ??= new Slab(TABLE_SLAB_BYTES)) : passing;
    const at = slab.copy(bytes, from, to);
    const isNever = !isIndexing && (byte & 0x10) !== 0;
    const field = new Field(name, slab.bytes!, at, at + length, isHuffman, scan, 0, isNever);
    if (isIndexing) this.#table.insert(field);
    return field;
  }

  #name(bytes: Uint8Array, end: number, prefix: number): HeaderName | null {
    const index = this.#integer(bytes, end, prefix);
    if (index < 0) return null;
    if (index === 0) return this.#literalName(bytes, end);
    if (index <= STATIC_COUNT) return STATIC_FIELDS[index]!.name;
    return this.#table.get(index - STATIC_COUNT - 1)?.name ?? null;
  }

  #literalName(bytes: Uint8Array, end: number): HeaderName | null {
    if (this.#pos >= end) return null;
    const isHuffman = (bytes[this.#pos]! & 0x80) !== 0;
    const length = this.#integer(bytes, end, 0x7f);
    if (length < 0 || length > end - this.#pos) return null;
    const from = this.#pos;
    this.#pos = from + length;
    const text = isHuffman
      ? decodeHuffman(bytes, from, from + length)
      : latin1Text(bytes, from, from + length);
    return text === null ? null : headerName(text);
  }

  /** An integer with a prefix of `mask` bits at #pos. RFC 7541 §5.1. Returns -1 when malformed. */
  #integer(bytes: Uint8Array, end: number, mask: number): number {
    let value = bytes[this.#pos]! & mask;
    this.#pos += 1;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#pos >= end) return -1;
      const byte = bytes[this.#pos]!;
      this.#pos += 1;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value <= INTEGER_MAX ? value : -1;
    }
    return -1;
  }
}
