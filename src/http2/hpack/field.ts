/**
 * A header field: a name and a value, the value kept as it goes on the wire.
 *
 * Most values of a relayed call are never read: they stay the bytes that came, and a string is
 * built only when somebody asks. Field objects are shared between the dynamic tables and the header
 * lists, so that an encoder finds a known one by identity. A field that was referred to by index
 * (so it comes again) is made canonical: one object for all connections of the process.
 */

import { assert } from "../../base/index.ts";
import { latin1Text } from "../output.ts";
import { decodeHuffman, encodeHuffman, huffmanLength, Scan, scanPlain } from "./huffman.ts";
import { type HeaderName, headerName } from "./name.ts";
import { STATIC_ROWS } from "./static-table.ts";

/** A field's share of a table or list beyond its text. RFC 7541 §4.1. */
const FIELD_OVERHEAD_BYTES = 32;

/** Canonical fields that are kept; then the collection starts anew. */
const CANONICAL_MAX = 4_096;
/** Their sizes in all: peers choose what is kept here. */
const CANONICAL_BYTES_MAX = 2_097_152;

/** One header field. Immutable but for what is found out about it. */
export class Field {
  readonly name: HeaderName;
  /** The value's wire bytes are raw[rawStart, rawEnd). */
  readonly raw: Uint8Array;
  readonly rawStart: number;
  readonly rawEnd: number;
  readonly isHuffman: boolean;
  /** Name + value + 32, decoded. RFC 7541 §4.1. */
  readonly sizeBytes: number;
  /** Its index in the static table, or 0. */
  readonly staticIndex: number;
  /** Never to be put into a table, here or further on. RFC 7541 §6.2.3. */
  readonly isNever: boolean;
  /** The value may not stand in a field. RFC 9113 §8.2.1. */
  readonly isBadValue: boolean;
  /** One of the shared fields that encoders may put into their tables. */
  isCanonical: boolean;
  /** The fault of the value by its name's own grammar, or ""; null until `validate.ts` looked. */
  grammarProblem: string | null;
  #text: string | null;

  constructor(
    name: HeaderName,
    raw: Uint8Array,
    rawStart: number,
    rawEnd: number,
    isHuffman: boolean,
    scan: number,
    staticIndex: number,
    isNever: boolean,
  ) {
    this.name = name;
    this.raw = raw;
    this.rawStart = rawStart;
    this.rawEnd = rawEnd;
    this.isHuffman = isHuffman;
    this.sizeBytes = name.text.length + (scan & Scan.LENGTH) + FIELD_OVERHEAD_BYTES;
    this.staticIndex = staticIndex;
    this.isNever = isNever;
    this.isBadValue = (scan & Scan.BAD_VALUE) !== 0;
    this.isCanonical = false;
    this.grammarProblem = null;
    this.#text = null;
  }

  /** The value, one UTF-16 unit per byte; built on the first call. */
  get value(): string {
    if (this.#text === null) {
      const text = this.isHuffman
        ? decodeHuffman(this.raw, this.rawStart, this.rawEnd)
        : latin1Text(this.raw, this.rawStart, this.rawEnd);
      assert(text !== null, "a field's coding was checked when it was made");
      this.#text = text;
    }
    return this.#text;
  }
}

/** A field made here from text; Huffman-coded where that is shorter. */
export function newField(name: string, value: string, isNever = false): Field {
  const coded = huffmanLength(value);
  const plain = Buffer.from(value, "latin1");
  const scan = scanPlain(plain, 0, plain.length);
  const isHuffman = coded < plain.length;
  const raw = isHuffman ? new Uint8Array(coded) : new Uint8Array(plain);
  if (isHuffman) encodeHuffman(value, raw, 0);
  // RFC 7541 §6.2.3: a never-indexed field leaves as a literal, whatever the static table has.
  const index = isNever ? 0 : (STATIC_INDEX.get(`${name}\0${value}`) ?? 0);
  return new Field(headerName(name), raw, 0, raw.length, isHuffman, scan, index, isNever);
}

const STATIC_INDEX = new Map<string, number>();
for (const [index, [name, value]] of STATIC_ROWS.entries()) {
  STATIC_INDEX.set(`${name}\0${value}`, index + 1);
}

/** The static table's fields; index 0 is unused (and stands for "no such field"). */
export const STATIC_FIELDS: readonly Field[] = [
  newField("", ""),
  ...STATIC_ROWS.map(([name, value]) => newField(name, value)),
];

const canonical = new Map<string, Field>();
let canonicalBytes = 0;

/**
 * The one shared field with this name and value. Its bytes are its own, so it pins nothing. Fields
 * that must never be indexed, and static ones, are returned as they are.
 */
export function canonicalField(field: Field): Field {
  if (field.isCanonical || field.isNever || field.staticIndex !== 0) return field;
  const key = `${field.name.text}\0${field.value}`;
  const known = canonical.get(key);
  if (known !== undefined) return known;
  if (canonical.size >= CANONICAL_MAX || canonicalBytes >= CANONICAL_BYTES_MAX) {
    canonical.clear();
    canonicalBytes = 0;
  }
  const own = newField(field.name.text, field.value);
  own.isCanonical = true;
  canonical.set(key, own);
  canonicalBytes += own.sizeBytes;
  return own;
}
