/**
 * HPACK encoder: a header list in, a whole block out. RFC 7541 §3.1, §6.
 *
 * Only canonical fields (those that came at least twice, see `field.ts`) enter the table, so
 * per-call values never churn it; they are found by identity. All other values leave as the wire
 * bytes that came. A list that repeats is encoded once per table version and then copied.
 */

import { ENCODER_TABLE_BYTES_MAX } from "../limits.ts";
import { copyBytes } from "../output.ts";
import { DynamicTable } from "./dynamic-table.ts";
import type { Field } from "./field.ts";
import type { HeaderList } from "./header-list.ts";
import { STATIC_COUNT } from "./static-table.ts";

/** Encoded lists that are kept per connection; then the collection starts anew. */
const CACHED_LISTS_MAX = 256;
/** Blocks above this are not worth keeping. */
const CACHED_BYTES_MAX = 512;
const SHORT_COPY_BYTES = 48;
/** Places of a list that are remembered, see `Encoder.#placeFields`. */
const REMEMBERED_MAX = 32;
/** A field above this share of the table would push out too much. */
const TABLE_SHARE_MAX = 0.5;

/** Stand for the places of an encoder that has none yet; nothing is added to them. */
const NO_FIELDS: (Field | null)[] = [];
const NO_BYTES: number[] = [];

class CachedBlock {
  readonly version: number;
  readonly bytes: Buffer;

  constructor(version: number, bytes: Buffer) {
    this.version = version;
    this.bytes = bytes;
  }
}

/** Encodes one direction of one connection. */
export class Encoder {
  readonly #table = new DynamicTable(ENCODER_TABLE_BYTES_MAX);
  /** Where each field of the table stands; entries that were evicted are removed lazily. */
  #places: Map<Field, number> | null = null;
  #cache: Map<HeaderList, CachedBlock> | null = null;
  /**
   * The indexed field that stood last at each place of a list, and its byte: lists differ in a few
   * values only. Holds while the table has `#placeVersion`; a map is asked where it does not help.
   */
  #placeFields = NO_FIELDS;
  #placeBytes = NO_BYTES;
  #placeVersion = -1;
  /** The smallest limit since the last block, and whether a size update is owed. RFC 7541 §4.2. */
  #owedMin = -1;

  /** Bytes in the dynamic table, as RFC 7541 §4.1 counts them. */
  get tableBytes(): number {
    return this.#table.sizeBytes;
  }

  /** Applies the peer's SETTINGS_HEADER_TABLE_SIZE; the next block announces the change. */
  setTableBytesMax(bytes: number): void {
    const limit = Math.min(bytes, ENCODER_TABLE_BYTES_MAX);
    if (limit === this.#table.maxBytes) return;
    this.#owedMin = this.#owedMin < 0 ? limit : Math.min(this.#owedMin, limit);
    this.#table.resize(limit);
    this.#dropEvicted();
  }

  /**
   * Writes the block of `list` at bytes[start..], which has room for `list.wireBytesMax`. Returns
   * its end.
   */
  encode(list: HeaderList, bytes: Buffer, start: number): number {
    let pos = start;
    if (this.#owedMin >= 0) pos = this.#writeOwedUpdates(bytes, pos);
    if (!list.isRepeated) return this.#encodeFields(list, bytes, pos);
    const known = this.#find(list);
    if (known !== null) {
      const length = known.length;
      if (length <= SHORT_COPY_BYTES) {
        for (let i = 0; i < length; i++) bytes[pos + i] = known[i]!;
      } else copyBytes(known, 0, length, bytes, pos);
      return pos + length;
    }
    const { version } = this.#table;
    const end = this.#encodeFields(list, bytes, pos);
    if (version === this.#table.version && end - pos <= CACHED_BYTES_MAX) {
      this.#keep(list, new CachedBlock(version, Buffer.from(bytes.subarray(pos, end))));
    }
    return end;
  }

  #find(list: HeaderList): Buffer | null {
    if (this.#cache === null) return null;
    const block = this.#cache.get(list);
    return block !== undefined && block.version === this.#table.version ? block.bytes : null;
  }

  #keep(list: HeaderList, block: CachedBlock): void {
    this.#cache ??= new Map();
    if (this.#cache.size >= CACHED_LISTS_MAX) this.#cache.clear();
    this.#cache.set(list, block);
  }

  #encodeFields(list: HeaderList, bytes: Buffer, start: number): number {
    const { fields } = list;
    let pos = start;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      if (field.staticIndex !== 0) bytes[pos++] = 0x80 | field.staticIndex;
      else if (field.isCanonical) {
        if (this.#placeVersion === this.#table.version && this.#placeFields[i] === field) {
          bytes[pos++] = this.#placeBytes[i]!;
        } else pos = this.#encodeCanonical(field, bytes, pos, i);
      } else pos = this.#encodeLiteral(field, bytes, pos, field.isNever ? 0x10 : 0, 0x0f);
    }
    return pos;
  }

  #encodeCanonical(field: Field, bytes: Buffer, pos: number, place: number): number {
    const table = this.#table;
    const places = (this.#places ??= new Map<Field, number>());
    const at = places.get(field);
    if (at !== undefined && table.has(at)) {
      const end = writeInteger(bytes, pos, 0x80, 0x7f, STATIC_COUNT + table.next - at);
      if (end === pos + 1) this.#remember(field, bytes[pos]!, place);
      return end;
    }
    if (field.sizeBytes > table.maxBytes * TABLE_SHARE_MAX) {
      return this.#encodeLiteral(field, bytes, pos, 0, 0x0f);
    }
    const end = this.#encodeLiteral(field, bytes, pos, 0x40, 0x3f);
    places.set(field, table.next);
    table.insert(field);
    if (places.size > 2 * table.count + 16) this.#dropEvicted();
    return end;
  }

  #remember(field: Field, byte: number, place: number): void {
    if (place >= REMEMBERED_MAX) return;
    if (this.#placeVersion !== this.#table.version) {
      this.#placeVersion = this.#table.version;
      this.#placeFields = [];
      this.#placeBytes = [];
    }
    while (this.#placeFields.length < place) {
      this.#placeFields.push(null);
      this.#placeBytes.push(0);
    }
    this.#placeFields[place] = field;
    this.#placeBytes[place] = byte;
  }

  #encodeLiteral(field: Field, bytes: Buffer, start: number, prefix: number, mask: number): number {
    const { name } = field;
    let pos = start;
    if (name.staticIndex !== 0) pos = writeInteger(bytes, pos, prefix, mask, name.staticIndex);
    else {
      bytes[pos++] = prefix;
      const { wire } = name;
      for (let i = 0; i < wire.length; i++) bytes[pos++] = wire[i]!;
    }
    const length = field.rawEnd - field.rawStart;
    pos = writeInteger(bytes, pos, field.isHuffman ? 0x80 : 0, 0x7f, length);
    const { raw, rawStart } = field;
    if (length <= SHORT_COPY_BYTES) {
      for (let i = 0; i < length; i++) bytes[pos + i] = raw[rawStart + i]!;
    } else copyBytes(raw, rawStart, field.rawEnd, bytes, pos);
    return pos + length;
  }

  #dropEvicted(): void {
    const places = this.#places;
    if (places === null) return;
    for (const [field, at] of places) if (!this.#table.has(at)) places.delete(field);
  }

  #writeOwedUpdates(bytes: Buffer, start: number): number {
    let pos = start;
    const limit = this.#table.maxBytes;
    if (this.#owedMin < limit) pos = writeInteger(bytes, pos, 0x20, 0x1f, this.#owedMin);
    this.#owedMin = -1;
    return writeInteger(bytes, pos, 0x20, 0x1f, limit);
  }
}

/** An integer with a prefix of `mask` bits. RFC 7541 §5.1. Returns the end. */
function writeInteger(
  bytes: Buffer,
  start: number,
  prefix: number,
  mask: number,
  value: number,
): number {
  let pos = start;
  if (value < mask) {
    bytes[pos] = prefix | value;
    return pos + 1;
  }
  bytes[pos++] = prefix | mask;
  let rest = value - mask;
  for (; rest >= 128; rest >>>= 7) bytes[pos++] = (rest & 127) | 128;
  bytes[pos++] = rest;
  return pos;
}
