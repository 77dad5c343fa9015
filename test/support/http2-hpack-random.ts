/**
 * Random header blocks for HPACK: valid ones with all representations, that repeat as blocks of
 * real callers do, and the pair of oracle and engine that they are fed to. RFC 7541.
 */
import assert from "node:assert/strict";
import type { Rng } from "../../src/base/index.ts";
import { Encoder } from "../../src/http2/hpack/encoder.ts";
import { Decoder, type HeaderList } from "../../src/http2/index.ts";
import {
  indexed,
  literal,
  ModelDecoder,
  ModelError,
  type ModelField,
  sizeUpdate,
} from "./http2-hpack-model.ts";

const NAMES = [
  ":path",
  "x",
  "traceparent",
  "grpc-timeout",
  "authorization",
  "cookie",
  "x-long-name",
];
const SIZES = [0, 60, 150, 400, 4_096];
const INDEXINGS = ["with", "with", "without", "never"] as const;

/** A value: mostly short ones of a small set, so that they repeat; sometimes odd or long ones. */
function randomValue(rng: Rng): string {
  const kind = rng.int(20);
  if (kind < 12) return `v${rng.int(8)}`;
  if (kind < 14) return "";
  if (kind < 16) return "w".repeat(rng.int(200));
  if (kind < 17) return "y".repeat(rng.int(3_000));
  if (kind < 18) return ["a\0b", " a", "a\n", "\t"][rng.int(4)]!;
  return String.fromCharCode(...Array.from({ length: rng.int(12) }, () => rng.int(256)));
}

/** Makes the bytes of valid blocks for a decoder whose table it knows. */
export class BlockMaker {
  readonly #rng: Rng;
  readonly #table: ModelDecoder["table"];
  /** Blocks that were made before: they are sent again as they are, valid or not. */
  readonly #old: number[][] = [];

  constructor(rng: Rng, decoder: ModelDecoder) {
    this.#rng = rng;
    this.#table = decoder.table;
  }

  next(): number[] {
    const rng = this.#rng;
    if (this.#old.length > 0 && rng.int(10) < 6) return this.#old[rng.int(this.#old.length)]!;
    const block: number[] = [];
    if (rng.int(20) === 0) block.push(...sizeUpdate(SIZES[rng.int(SIZES.length)]!));
    if (rng.int(40) === 0) block.push(...sizeUpdate(rng.int(4_097)));
    const isInserting = rng.int(3) === 0;
    for (let count = rng.int(8); count > 0; count--) block.push(...this.#field(isInserting));
    if (this.#old.length < 12) this.#old.push(block);
    else this.#old[rng.int(12)] = block;
    return block;
  }

  #field(isInserting: boolean): number[] {
    const rng = this.#rng;
    const rows = this.#table.rows.length;
    // An index that an earlier field of the same block moves may fall off the table: that is fine.
    if (rows > 0 && rng.int(3) === 0) return indexed(62 + rng.int(rows));
    if (rng.int(3) === 0) return indexed(1 + rng.int(61));
    const indexing = isInserting ? INDEXINGS[rng.int(4)]! : INDEXINGS[2 + rng.int(2)]!;
    const isHuffman = rng.int(2) === 0;
    const nameIndex = rng.int(3) === 0 ? 1 + rng.int(61 + rows) : 0;
    const name = rng.int(20) === 0 ? "Bad Name" : NAMES[rng.int(NAMES.length)]!;
    return literal(name, randomValue(rng), { indexing, isHuffman, nameIndex });
  }
}

const textOf = ({ name, value, isNever }: ModelField) => `${isNever ? "!" : ""}${name}: ${value}`;

const fieldsOf = (list: HeaderList) =>
  list.fields.map((field) =>
    textOf({ name: field.name.text, value: field.value, isNever: field.isNever }),
  );

/**
 * A relay of header blocks: the engine decodes what comes and encodes it for the next hop, and the
 * oracle looks over its shoulder at both ends.
 */
export class HpackRelay {
  readonly incoming = new ModelDecoder();
  readonly outgoing = new ModelDecoder();
  readonly #decoder = new Decoder({ listBytesMax: 1_000_000, fieldsMax: 10_000 });
  readonly #encoder = new Encoder();

  /** Passes one block on. False when it was malformed: both said so, and the relay is over. */
  pass(block: readonly number[]): boolean {
    const bytes = Uint8Array.from(block);
    let expected: ModelField[] | null = null;
    try {
      expected = this.incoming.decode(bytes);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
    }
    const list = this.#decode(bytes);
    assert.equal(list === null, expected === null, "both find the block malformed, or neither");
    if (list === null || expected === null) return false;
    assert.deepEqual(fieldsOf(list), expected.map(textOf), "the decoded fields");
    this.#checkTable();
    this.#checkEncoding(list, expected);
    return true;
  }

  /** The buffer is overwritten at once: nothing may be kept in it. */
  #decode(bytes: Uint8Array): HeaderList | null {
    const read = new Uint8Array(bytes.length + 8).fill(0xff);
    read.set(bytes, 4);
    const list = this.#decoder.decode(read, 4, 4 + bytes.length);
    read.fill(0xff);
    return list;
  }

  #checkTable(): void {
    const { table } = this.incoming;
    assert.equal(this.#decoder.tableBytes, table.sizeBytes, "the decoder's table, in bytes");
    const rows = this.#decoder.tableFields().map(({ name, value }) => [name.text, value]);
    assert.deepEqual(rows, table.rows, "the decoder's table");
  }

  #checkEncoding(list: HeaderList, expected: readonly ModelField[]): void {
    const out = Buffer.alloc(list.wireBytesMax + 8, 0xaa);
    const end = this.#encoder.encode(list, out, 4);
    assert.ok(end - 4 <= list.wireBytesMax, "the bound holds");
    assert.ok(
      out.subarray(end).every((byte) => byte === 0xaa),
      "nothing behind the end is touched",
    );
    const passed = this.outgoing.decode(out.subarray(4, end));
    assert.deepEqual(passed.map(textOf), expected.map(textOf), "what the next hop decodes");
    const { sizeBytes } = this.outgoing.table;
    assert.equal(this.#encoder.tableBytes, sizeBytes, "the encoder's table");
  }

  /** The next hop allows another table size; its table changes when the next block says so. */
  resize(bytes: number): void {
    this.#encoder.setTableBytesMax(bytes);
  }
}

/** Runs one random relay of up to `blocks` blocks. */
export function relayRandomBlocks(rng: Rng, blocks: number): void {
  const relay = new HpackRelay();
  const maker = new BlockMaker(rng, relay.incoming);
  for (let i = 0; i < blocks; i++) {
    // Sometimes twice before the next block: then both sizes are owed.
    for (let times = 1; times < 3 && rng.int(20) === 0; times++) {
      relay.resize([0, 50, 100, 1_000, 4_096, 65_536][rng.int(6)]!);
      if (rng.int(2) === 0) relay.resize(4_096);
    }
    if (!relay.pass(maker.next())) return;
  }
}
