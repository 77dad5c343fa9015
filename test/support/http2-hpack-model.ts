/**
 * A second HPACK, written for plainness: the oracle that the engine's is held against. RFC 7541.
 *
 * Arrays, strings and text bits; no caches, no sharing, no limits. What it decodes is what the RFC
 * says; what it encodes is what the test asks for, also where no sane encoder would.
 */
import { CODE_BITS, CODES, EOS } from "../../src/http2/hpack/huffman-code.ts";
import { STATIC_ROWS } from "../../src/http2/hpack/static-table.ts";

/** One decoded field. */
export interface ModelField {
  readonly name: string;
  readonly value: string;
  /** It came as a never-indexed literal. RFC 7541 §6.2.3. */
  readonly isNever: boolean;
}

/** A block that breaks the RFC. */
export class ModelError extends Error {}

const SYMBOLS = new Map<string, number>();
for (let symbol = 0; symbol <= EOS; symbol++) {
  SYMBOLS.set(CODES[symbol]!.toString(2).padStart(CODE_BITS[symbol]!, "0"), symbol);
}

/** Huffman-codes `text`, one byte per UTF-16 unit. RFC 7541 §5.2. */
export function modelHuffman(text: string): number[] {
  let bits = "";
  for (const byte of Buffer.from(text, "latin1")) {
    bits += CODES[byte]!.toString(2).padStart(CODE_BITS[byte]!, "0");
  }
  while (bits.length % 8 !== 0) bits += "1";
  return Array.from({ length: bits.length / 8 }, (_, i) =>
    Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2),
  );
}

function huffmanText(bytes: Uint8Array): string {
  let text = "";
  let code = "";
  for (const byte of bytes) {
    for (const bit of byte.toString(2).padStart(8, "0")) {
      code += bit;
      const symbol = SYMBOLS.get(code);
      if (symbol === EOS) throw new ModelError("EOS inside a string");
      if (symbol === undefined) continue;
      text += String.fromCharCode(symbol);
      code = "";
    }
  }
  if (code.length > 7 || code.includes("0")) throw new ModelError("wrong padding");
  return text;
}

/** A dynamic table, newest first. RFC 7541 §2.3.2. */
export class ModelTable {
  readonly rows: [string, string][] = [];
  maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Name + value + 32 over all rows. RFC 7541 §4.1. */
  get sizeBytes(): number {
    return this.rows.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  }

  insert(name: string, value: string): void {
    this.rows.unshift([name, value]);
    this.#evict();
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.#evict();
  }

  /** The row at a wire index: the static table first, from 1 on. RFC 7541 §2.3.3. */
  at(index: number): readonly [string, string] {
    const row =
      index <= STATIC_ROWS.length
        ? STATIC_ROWS[index - 1]
        : this.rows[index - STATIC_ROWS.length - 1];
    if (row === undefined) throw new ModelError(`index ${index}`);
    return row;
  }

  #evict(): void {
    while (this.sizeBytes > this.maxBytes) this.rows.pop();
  }
}

/** Decodes one direction of one connection; throws ModelError for a block that is malformed. */
export class ModelDecoder {
  readonly table: ModelTable;
  readonly #maxBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #pos = 0;

  constructor(maxBytes = 4_096) {
    this.#maxBytes = maxBytes;
    this.table = new ModelTable(maxBytes);
  }

  decode(bytes: Uint8Array): ModelField[] {
    this.#bytes = bytes;
    this.#pos = 0;
    const fields: ModelField[] = [];
    while (this.#pos < bytes.length) {
      const byte = bytes[this.#pos]!;
      if (byte >= 0x80) {
        const [name, value] = this.table.at(this.#integer(7));
        fields.push({ name, value, isNever: false });
      } else if (byte >= 0x40) {
        const [name, value] = this.#literal(6);
        this.table.insert(name, value);
        fields.push({ name, value, isNever: false });
      } else if (byte >= 0x20) {
        if (fields.length > 0) throw new ModelError("a size update behind a field");
        const size = this.#integer(5);
        if (size > this.#maxBytes) throw new ModelError("a size update above the limit");
        this.table.resize(size);
      } else {
        const [name, value] = this.#literal(4);
        fields.push({ name, value, isNever: byte >= 0x10 });
      }
    }
    return fields;
  }

  #integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let scale = 1; ; scale *= 128) {
      if (scale > 2 ** 21) throw new ModelError("an endless integer");
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#pos];
    if (byte === undefined) throw new ModelError("a block that ends early");
    this.#pos += 1;
    return byte;
  }

  #literal(prefixBits: number): [string, string] {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.table.at(index)[0];
    return [name, this.#string()];
  }

  #string(): string {
    const isHuffman = (this.#bytes[this.#pos] ?? 0) >= 0x80;
    const length = this.#integer(7);
    if (this.#pos + length > this.#bytes.length) throw new ModelError("a block that ends early");
    const bytes = this.#bytes.subarray(this.#pos, this.#pos + length);
    this.#pos += length;
    return isHuffman ? huffmanText(bytes) : Buffer.from(bytes).toString("latin1");
  }
}

/** An integer behind `first`, whose low `prefixBits` bits it begins in. RFC 7541 §5.1. */
export function hpackInteger(first: number, prefixBits: number, value: number): number[] {
  const mask = 2 ** prefixBits - 1;
  if (value < mask) return [first | value];
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** A string literal. RFC 7541 §5.2. */
export function hpackString(text: string, isHuffman = false): number[] {
  const bytes = isHuffman ? modelHuffman(text) : [...Buffer.from(text, "latin1")];
  return [...hpackInteger(isHuffman ? 0x80 : 0, 7, bytes.length), ...bytes];
}

/** An indexed field. RFC 7541 §6.1. */
export function indexed(index: number): number[] {
  return hpackInteger(0x80, 7, index);
}

/** A dynamic table size update. RFC 7541 §6.3. */
export function sizeUpdate(bytes: number): number[] {
  return hpackInteger(0x20, 5, bytes);
}

/** How a literal is written. */
export interface LiteralForm {
  /** `with` incremental indexing, `without`, or `never`. RFC 7541 §6.2. */
  readonly indexing?: "with" | "without" | "never";
  readonly isHuffman?: boolean;
  /** A wire index for the name, in place of its text. */
  readonly nameIndex?: number;
}

const LITERALS = { with: [0x40, 6], without: [0x00, 4], never: [0x10, 4] } as const;

/** A literal field, by default without indexing and without Huffman. RFC 7541 §6.2. */
export function literal(name: string, value: string, form: LiteralForm = {}): number[] {
  const [first, prefixBits] = LITERALS[form.indexing ?? "without"];
  const nameIndex = form.nameIndex ?? 0;
  const head = hpackInteger(first, prefixBits, nameIndex);
  const text = nameIndex === 0 ? hpackString(name, form.isHuffman) : [];
  return [...head, ...text, ...hpackString(value, form.isHuffman)];
}

/** A block of literals without indexing: it means the same on every connection. */
export function plainBlock(pairs: readonly (readonly [string, string])[]): Uint8Array {
  return Uint8Array.from(pairs.flatMap(([name, value]) => literal(name, value)));
}
