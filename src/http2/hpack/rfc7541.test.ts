/**
 * HPACK by the sections of RFC 7541, with the examples of its Appendix C.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { hex } from "../../../test/support/http2-frames.ts";
import {
  hpackInteger,
  hpackString,
  indexed,
  literal,
  ModelDecoder,
  modelHuffman,
  sizeUpdate,
} from "../../../test/support/http2-hpack-model.ts";
import { seededRng } from "../../base/index.ts";
import { Decoder } from "./decoder.ts";
import { Encoder } from "./encoder.ts";
import { canonicalField, Field, newField } from "./field.ts";
import { HeaderList, headerList } from "./header-list.ts";
import { decodeHuffman, encodeHuffman, huffmanLength, Scan, scanHuffman } from "./huffman.ts";
import { CODE_BITS, CODES } from "./huffman-code.ts";
import { STATIC_ROWS } from "./static-table.ts";

type Pairs = readonly (readonly [string, string])[];

const decode = (decoder: Decoder, bytes: Uint8Array | readonly number[]) => {
  const block = Uint8Array.from(bytes);
  return decoder.decode(block, 0, block.length);
};
const pairsOf = (list: HeaderList | null) => list?.toPairs() ?? null;
const tableOf = (decoder: Decoder) =>
  decoder.tableFields().map(({ name, value }) => [name.text, value]);

function encode(encoder: Encoder, list: HeaderList): Buffer {
  const bytes = Buffer.alloc(list.wireBytesMax);
  return bytes.subarray(0, encoder.encode(list, bytes, 0));
}

/** A list whose fields may enter an encoder's table, as fields do that came twice. */
function canonicalList(pairs: Pairs): HeaderList {
  const list = new HeaderList();
  for (const [name, value] of pairs) list.add(canonicalField(newField(name, value)));
  return list;
}

describe("RFC 7541 §2.3: the tables are one address space", () => {
  test("§2.3.1, Appendix A: the static table has 61 rows; index 62 is the newest of ours", () => {
    assert.equal(STATIC_ROWS.length, 61);
    const decoder = new Decoder();
    const rows = STATIC_ROWS.map((row) => [...row]);
    const all = STATIC_ROWS.flatMap((_, i) => indexed(i + 1));
    assert.deepEqual(pairsOf(decode(decoder, all)), rows);
    decode(decoder, [
      ...literal("a", "1", { indexing: "with" }),
      ...literal("b", "2", { indexing: "with" }),
    ]);
    assert.deepEqual(pairsOf(decode(decoder, [...indexed(62), ...indexed(63)])), [
      ["b", "2"],
      ["a", "1"],
    ]);
    assert.equal(decode(decoder, indexed(64)), null);
  });

  test("§2.3.1, Appendix A, B: both tables are those that another implementation has", () => {
    const require = createRequire(import.meta.url);
    const table = require("hpack/lib/static_table.js") as { get(i: number): [string, string] };
    for (const [i, row] of STATIC_ROWS.entries()) {
      assert.deepEqual(table.get(i + 1), [...row], `row ${i + 1}`);
    }
    const source = readFileSync(require.resolve("hpack/lib/huffman_codec.js"), "latin1");
    const codes = [...source.matchAll(/'value': (0x[0-9a-f]+) *, 'len': *(\d+)/g)];
    assert.equal(codes.length, 257);
    for (const [symbol, [, value, bits]] of codes.entries()) {
      assert.deepEqual([CODES[symbol], CODE_BITS[symbol]], [Number(value), Number(bits)]);
    }
  });
});

describe("RFC 7541 §3.2, §4: the dynamic table", () => {
  test("§4.1: a field takes name + value + 32, decoded, also when it came Huffman-coded", () => {
    const decoder = new Decoder();
    decode(decoder, literal("name", "value", { indexing: "with", isHuffman: true }));
    assert.equal(decoder.tableBytes, 4 + 5 + 32);
  });

  test("§4.2: a size update stands in front of the first field, also twice", () => {
    const decoder = new Decoder();
    assert.notEqual(decode(decoder, [...sizeUpdate(0), ...sizeUpdate(100), ...indexed(2)]), null);
    assert.equal(decode(decoder, [...indexed(2), ...sizeUpdate(0)]), null);
  });

  test("§4.2, §6.3: a size update above what our settings allow is an error", () => {
    assert.notEqual(decode(new Decoder(), sizeUpdate(4_096)), null);
    assert.equal(decode(new Decoder(), sizeUpdate(4_097)), null);
    assert.equal(decode(new Decoder(undefined, 100), sizeUpdate(101)), null);
  });

  test("§4.2: an encoder that owes several size changes says the smallest, then the last", () => {
    const list = headerList([]);
    const encoder = new Encoder();
    encoder.setTableBytesMax(1_000);
    encoder.setTableBytesMax(10);
    encoder.setTableBytesMax(2_000);
    assert.deepEqual([...encode(encoder, list)], [...sizeUpdate(10), ...sizeUpdate(2_000)]);
    assert.deepEqual([...encode(encoder, list)], [], "once");
    encoder.setTableBytesMax(0);
    assert.deepEqual([...encode(encoder, list)], sizeUpdate(0));
    encoder.setTableBytesMax(0);
    assert.deepEqual([...encode(encoder, list)], [], "nothing changed");
  });

  test("§4.2: an encoder never uses more than 4 KiB, whatever it is offered", () => {
    const encoder = new Encoder();
    encoder.setTableBytesMax(2 ** 32 - 1);
    assert.deepEqual([...encode(encoder, headerList([]))], []);
    encoder.setTableBytesMax(100);
    encoder.setTableBytesMax(1_000_000);
    const both = [...sizeUpdate(100), ...sizeUpdate(4_096)];
    assert.deepEqual([...encode(encoder, headerList([]))], both);
  });

  test("§4.3: a smaller table evicts the oldest fields, one of 0 bytes all of them", () => {
    const decoder = new Decoder();
    for (const name of ["a", "b", "c"]) decode(decoder, literal(name, "", { indexing: "with" }));
    decode(decoder, sizeUpdate(67));
    assert.deepEqual(tableOf(decoder), [
      ["c", ""],
      ["b", ""],
    ]);
    decode(decoder, [...sizeUpdate(0), ...sizeUpdate(4_096)]);
    assert.deepEqual(tableOf(decoder), []);
  });

  test("§4.4: a new field evicts the oldest; one larger than the table empties it", () => {
    const decoder = new Decoder(undefined, 4_096);
    decode(decoder, sizeUpdate(100));
    for (const name of ["a", "b", "c", "d"]) {
      decode(decoder, literal(name, "", { indexing: "with" }));
    }
    assert.deepEqual(
      tableOf(decoder).map(([name]) => name),
      ["d", "c", "b"],
    );
    const large = literal("x", "v".repeat(68), { indexing: "with" });
    assert.deepEqual(pairsOf(decode(decoder, large)), [["x", "v".repeat(68)]], "that is no error");
    assert.deepEqual(tableOf(decoder), []);
    assert.equal(decoder.tableBytes, 0);
  });

  test("§4.4: a field may take its name from the row that it evicts", () => {
    const decoder = new Decoder();
    decode(decoder, sizeUpdate(40));
    decode(decoder, literal("name", "1", { indexing: "with" }));
    const second = literal("", "2", { indexing: "with", nameIndex: 62 });
    assert.deepEqual(pairsOf(decode(decoder, second)), [["name", "2"]]);
    assert.deepEqual(tableOf(decoder), [["name", "2"]]);
  });

  test("§2.3.2: equal fields may stand in the table twice", () => {
    const decoder = new Decoder();
    for (let i = 0; i < 2; i++) decode(decoder, literal("a", "1", { indexing: "with" }));
    assert.equal(tableOf(decoder).length, 2);
  });

  test("many insertions, over the ring's ends and growths, keep the order", () => {
    const decoder = new Decoder();
    const model = new ModelDecoder();
    for (let i = 0; i < 500; i++) {
      const block = literal(`n${i}`, "v".repeat(i % 7), { indexing: "with" });
      decode(decoder, block);
      model.decode(Uint8Array.from(block));
    }
    assert.deepEqual(tableOf(decoder), model.table.rows);
  });
});

describe("RFC 7541 §5.1: integers", () => {
  /** Lengths are integers with a prefix of 7 bits: a field with a value of that length. */
  const withLength = (bytes: readonly number[], valueBytes: number) =>
    decode(new Decoder(), [0x00, 1, 0x78, ...bytes, ...new Array(valueBytes).fill(0x61)]);

  test("C.1: 10 and 1337 in a prefix of 5 bits, 42 in one of 8", () => {
    assert.deepEqual(hpackInteger(0, 5, 10), [10]);
    assert.deepEqual(hpackInteger(0, 5, 1_337), [31, 154, 10]);
    assert.deepEqual(hpackInteger(0, 8, 42), [42]);
    const decoder = new Decoder();
    assert.notEqual(decode(decoder, [0x3f, 154, 10]), null, "a table of 1,337 bytes");
    assert.equal(decode(new Decoder(undefined, 1_336), [0x3f, 154, 10]), null);
  });

  for (const value of [0, 1, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 20_000]) {
    test(`a length of ${value} is read back`, () => {
      const list = withLength(hpackInteger(0, 7, value), value);
      assert.equal(list?.fields[0]?.value.length, value);
    });
  }

  test("an integer may have needless zeros at its end", () => {
    assert.equal(withLength([0x7f, 0x80, 0x00], 127)?.fields[0]?.value.length, 127);
  });

  test("an integer that does not end, is too large or is cut short is an error", () => {
    assert.equal(withLength([0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 200), null);
    assert.equal(withLength([0x7f, 0xff, 0xff, 0xff, 0xff, 0x0f], 200), null);
    assert.equal(withLength([0x7f, 0xff, 0xff, 0xff, 0x7f], 200), null);
    assert.equal(withLength([0x7f, 0x80], 0), null);
    assert.equal(withLength([0x7f], 0), null);
    assert.equal(decode(new Decoder(), [0xff]), null);
    assert.equal(decode(new Decoder(), [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), null);
  });

  test("an encoder's integers are read back by the oracle, at each size of index", () => {
    // 130 small fields fill the table: their indices need one and two bytes.
    const encoder = new Encoder();
    const model = new ModelDecoder();
    const pairs = Array.from({ length: 110 }, (_, i) => [`i${i}`, ""] as const);
    const list = canonicalList(pairs);
    for (let round = 0; round < 2; round++) {
      const fields = model.decode(encode(encoder, list));
      assert.deepEqual(
        fields.map(({ name }) => name),
        pairs.map(([name]) => name),
      );
    }
    assert.equal(model.table.rows.length, 110);
  });
});

describe("RFC 7541 §5.2: strings", () => {
  test("each byte value is coded and decoded, alone and in a row", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      const bytes = Uint8Array.from(modelHuffman(text));
      assert.equal(decodeHuffman(bytes, 0, bytes.length), text, `${byte}`);
      assert.equal(huffmanLength(text), bytes.length);
      const own = new Uint8Array(bytes.length);
      assert.equal(encodeHuffman(text, own, 0), bytes.length);
      assert.deepEqual(own, bytes);
    }
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("latin1");
    const bytes = Uint8Array.from(modelHuffman(all));
    assert.equal(decodeHuffman(bytes, 0, bytes.length), all);
  });

  test("random strings go round, and are measured without being decoded", () => {
    const rng = seededRng(7);
    for (let i = 0; i < 2_000; i++) {
      const text = String.fromCharCode(...Array.from({ length: rng.int(40) }, () => rng.int(256)));
      const bytes = Buffer.alloc(huffmanLength(text) + 2, 0xff);
      const end = encodeHuffman(text, bytes, 1);
      assert.equal(end, bytes.length - 1);
      assert.equal(decodeHuffman(bytes, 1, end), text);
      assert.equal(scanHuffman(bytes, 1, end) & 0xffffff, text.length);
    }
  });

  test("measuring and decoding judge alike, whatever the bytes", () => {
    const rng = seededRng(11);
    const edges = ["", " ", "\t", "\n", "\0", "\r", "z", "\u00ff"];
    for (let i = 0; i < 4_000; i++) {
      const middle = String.fromCharCode(
        ...Array.from({ length: rng.int(6) }, () => (rng.int(8) === 0 ? rng.int(16) : 0x61)),
      );
      const text = edges[rng.int(edges.length)]! + middle + edges[rng.int(edges.length)]!;
      const bytes = Buffer.alloc(huffmanLength(text));
      encodeHuffman(text, bytes, 0);
      const isBad = /[\0\r\n]|^[ \t]|[ \t]$/.test(text);
      const expected = text.length | (isBad ? Scan.BAD_VALUE : 0);
      assert.equal(scanHuffman(bytes, 0, bytes.length), expected, JSON.stringify(text));
      if (bytes.length > 0) bytes[rng.int(bytes.length)] = rng.int(256);
      const decoded = decodeHuffman(bytes, 0, bytes.length);
      const scan = scanHuffman(bytes, 0, bytes.length);
      assert.equal(scan < 0 ? null : scan & Scan.LENGTH, decoded?.length ?? null);
    }
  });

  const bad: readonly [string, string][] = [
    ["EOS alone", "ff ff ff ff"],
    ["EOS inside", "1f ff ff ff fc ; 0, then EOS"],
    ["padding of eight bits", "1f ff ; a, then 11 ones"],
    ["padding of a whole byte", "07 ff ; 0, then padding"],
    ["padding with zeros", "00 ; 0, then 000"],
    ["padding that is not ones all along", "06 ; 0, then 110"],
    ["a code that is cut short", "ff"],
  ];
  for (const [what, bytes] of bad) {
    test(`${what} is an error, in names and in values`, () => {
      const coded = hex(bytes);
      assert.equal(decodeHuffman(coded, 0, coded.length), null);
      assert.equal(scanHuffman(coded, 0, coded.length), -1);
      const string = [0x80 | coded.length, ...coded];
      assert.equal(decode(new Decoder(), [0x00, ...string, ...hpackString("v")]), null);
      assert.equal(decode(new Decoder(), [0x00, ...hpackString("n"), ...string]), null);
    });
  }

  test("padding of up to seven ones is right", () => {
    for (const text of ["0", "00", "000", "aaa", "o", "&", "XZ", "!"]) {
      const bytes = Uint8Array.from(modelHuffman(text));
      assert.equal(decodeHuffman(bytes, 0, bytes.length), text);
    }
  });

  test("an empty string may be called Huffman-coded", () => {
    const list = decode(new Decoder(), [0x00, 0x81, 0x1f, 0x80]);
    assert.deepEqual(pairsOf(list), [["a", ""]]);
  });

  test("a string that is longer than its block is an error, and nothing behind it is read", () => {
    const bytes = Uint8Array.from([0x00, ...hpackString("n"), 5, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(new Decoder().decode(bytes, 0, 8), null);
    assert.notEqual(new Decoder().decode(bytes, 0, 9), null);
  });
});

describe("RFC 7541 §6: representations", () => {
  test("§6.1: index 0 is an error", () => assert.equal(decode(new Decoder(), [0x80]), null));

  test("§6.2: an index beyond the tables is an error for a name too", () => {
    for (const indexing of ["with", "without", "never"] as const) {
      assert.equal(decode(new Decoder(), literal("", "v", { indexing, nameIndex: 62 })), null);
    }
  });

  test("§6.2: a literal that is cut short anywhere is an error", () => {
    const whole = [...literal("name", "value", { indexing: "with" })];
    for (let length = 1; length < whole.length; length++) {
      assert.equal(decode(new Decoder(), whole.slice(0, length)), null, `${length} bytes`);
    }
  });

  test("§6.2.2, §6.2.3: only literals with indexing enter the table", () => {
    const decoder = new Decoder();
    decode(decoder, literal("a", "1"));
    decode(decoder, literal("a", "1", { indexing: "never" }));
    assert.equal(decoder.tableBytes, 0);
  });

  test("§6.2.3, §7.1.3: never-indexed stays never-indexed through decoding and encoding", () => {
    const decoder = new Decoder();
    const encoder = new Encoder();
    const model = new ModelDecoder();
    const forms = [{ nameIndex: 23 }, { nameIndex: 0 }, { isHuffman: true }];
    const block = forms.flatMap((form) =>
      literal("authorization", "secret", { indexing: "never", ...form }),
    );
    // Also when the block comes again and again, so that caches could take it.
    for (let round = 0; round < 5; round++) {
      const list = decode(decoder, block)!;
      assert.equal(list.isRepeated, false);
      for (const field of model.decode(encode(encoder, list))) {
        assert.deepEqual(field, { name: "authorization", value: "secret", isNever: true });
      }
    }
    assert.equal(encoder.tableBytes, 0);
  });

  test("§6.2.3: a never-indexed field leaves as a literal, though the static table has it", () => {
    const list = new HeaderList();
    list.add(newField(":method", "GET", true));
    const [field] = new ModelDecoder().decode(encode(new Encoder(), list));
    assert.deepEqual(field, { name: ":method", value: "GET", isNever: true });
  });
});

describe("RFC 7541 §2.4, §3.1: what the encoder puts into its table", () => {
  const CALL = [
    [":method", "POST"],
    ["traceparent", "00-1"],
  ] as const;

  test("a value that came once leaves as a literal, and the table stays as it was", () => {
    const decoder = new Decoder();
    const encoder = new Encoder();
    for (let i = 0; i < 50; i++) {
      const block = [0x83, ...literal("traceparent", `00-${i}`, { indexing: "with" })];
      encode(encoder, decode(decoder, block)!);
    }
    assert.equal(encoder.tableBytes, 0);
    assert.ok(decoder.tableBytes > 0);
  });

  test("a field enters the encoder's table on its second use, and is an index from then on", () => {
    const decoder = new Decoder();
    const encoder = new Encoder();
    const model = new ModelDecoder();
    const first = [...indexed(3), ...literal("x-again", "1", { indexing: "with" })];
    model.decode(encode(encoder, decode(decoder, first)!));
    assert.equal(encoder.tableBytes, 0, "first use");
    const again = [...indexed(3), ...indexed(62)];
    model.decode(encode(encoder, decode(decoder, again)!));
    assert.equal(encoder.tableBytes, "x-again1".length + 32, "second use");
    const third = encode(encoder, decode(decoder, again)!);
    assert.deepEqual([...third], [...indexed(3), ...indexed(62)]);
    assert.deepEqual(
      model.decode(third).map(({ name }) => name),
      [":method", "x-again"],
    );
  });

  test("the field of one connection is known on another: it is one object", () => {
    const [one, other] = [new Decoder(), new Decoder()];
    const lists = [one, other].map((decoder) => {
      decode(decoder, literal("x-both", "1", { indexing: "with" }));
      return decode(decoder, indexed(62))!;
    });
    assert.equal(lists[0]!.fields[0], lists[1]!.fields[0]);
  });

  test("a field above half the table is never put in", () => {
    const encoder = new Encoder();
    const list = canonicalList([["x-large", "v".repeat(2_100)]]);
    for (let i = 0; i < 3; i++) encode(encoder, list);
    assert.equal(encoder.tableBytes, 0);
  });

  test("a list that repeats is encoded once per state of the table, then copied", () => {
    const encoder = new Encoder();
    const model = new ModelDecoder();
    const list = canonicalList(CALL);
    list.isRepeated = true;
    const lengths: number[] = [];
    for (let i = 0; i < 4; i++) {
      const block = encode(encoder, list);
      lengths.push(block.length);
      assert.deepEqual(
        model.decode(block).map(({ name, value }) => [name, value]),
        CALL.map((pair) => [...pair]),
      );
    }
    assert.ok(lengths[0]! > lengths[1]!);
    assert.deepEqual(lengths.slice(1), [2, 2, 2]);
    // Another insertion moves the index: the copy must not be used.
    model.decode(encode(encoder, canonicalList([["x-moves", "1"]])));
    assert.equal(model.decode(encode(encoder, list))[1]!.value, "00-1");
  });

  test("after an eviction the field is inserted anew", () => {
    const encoder = new Encoder();
    const model = new ModelDecoder();
    const list = canonicalList([["x-evicted", "1"]]);
    for (let round = 0; round < 3; round++) {
      assert.equal(model.decode(encode(encoder, list))[0]!.name, "x-evicted");
      for (let i = 0; i < 100; i++) {
        model.decode(encode(encoder, canonicalList([[`x-fill-${i}`, `${round}`.repeat(20)]])));
      }
      assert.equal(encoder.tableBytes, model.table.sizeBytes);
    }
  });

  test("more lists than an encoder remembers are all right, one after the other", () => {
    const encoder = new Encoder();
    const model = new ModelDecoder();
    for (let i = 0; i < 1_200; i++) {
      const list = canonicalList([["x-list", `${i % 600}`]]);
      list.isRepeated = true;
      assert.equal(model.decode(encode(encoder, list))[0]!.value, `${i % 600}`);
    }
    assert.equal(encoder.tableBytes, model.table.sizeBytes);
  });
});

describe("the block cache", () => {
  test("blocks with one hash and one length are told apart by their bytes", () => {
    // The hash is a polynomial in 31: "Aa" and "BB" have the same.
    const decoder = new Decoder();
    const blocks = ["Aa", "BB"].map((value) => literal("x", value));
    for (let round = 0; round < 4; round++) {
      for (const [i, block] of blocks.entries()) {
        for (let times = 0; times < 3; times++) {
          assert.deepEqual(pairsOf(decode(decoder, block)), [["x", ["Aa", "BB"][i]]]);
        }
      }
    }
  });

  test("a repeated block is one list object, until the table changes", () => {
    const decoder = new Decoder();
    decode(decoder, literal("a", "1", { indexing: "with" }));
    const block = [...indexed(2), ...indexed(62)];
    const lists = Array.from({ length: 4 }, () => decode(decoder, block));
    assert.equal(lists[2], lists[3]);
    assert.ok(lists[3]!.isRepeated);
    decode(decoder, literal("b", "2", { indexing: "with" }));
    assert.deepEqual(pairsOf(decode(decoder, block))?.[1], ["b", "2"], "the index is another one");
    decode(decoder, sizeUpdate(0));
    assert.equal(decode(decoder, block), null, "the index is none");
  });

  test("a long block is not kept", () => {
    const decoder = new Decoder();
    const block = literal("x", "v".repeat(161));
    const lists = Array.from({ length: 4 }, () => decode(decoder, block));
    assert.equal(new Set(lists).size, 4);
  });

  test("a list that is too large is not kept, so each time it is said to be", () => {
    const decoder = new Decoder({ listBytesMax: 1_000, fieldsMax: 2 });
    const block = [...indexed(2), ...indexed(2), ...indexed(2)];
    for (let i = 0; i < 4; i++) assert.ok(decode(decoder, block)!.isTooLarge);
    assert.ok(!decode(new Decoder(), block)!.isTooLarge);
  });
});

/** One example of Appendix C: the block, what it means, and the table afterwards. */
interface Example {
  readonly block: string;
  readonly fields: Pairs;
  readonly table: Pairs;
  readonly bytes: number;
}

const REQUESTS: Pick<Example, "fields" | "table" | "bytes">[] = [
  {
    fields: [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "www.example.com"],
    ],
    table: [[":authority", "www.example.com"]],
    bytes: 57,
  },
  {
    fields: [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "www.example.com"],
      ["cache-control", "no-cache"],
    ],
    table: [
      ["cache-control", "no-cache"],
      [":authority", "www.example.com"],
    ],
    bytes: 110,
  },
  {
    fields: [
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/index.html"],
      [":authority", "www.example.com"],
      ["custom-key", "custom-value"],
    ],
    table: [
      ["custom-key", "custom-value"],
      ["cache-control", "no-cache"],
      [":authority", "www.example.com"],
    ],
    bytes: 164,
  },
];

const DATE = "Mon, 21 Oct 2013 20:13:21 GMT";
const DATE_2 = "Mon, 21 Oct 2013 20:13:22 GMT";
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const LOCATION = "https://www.example.com";

const RESPONSES: Pick<Example, "fields" | "table" | "bytes">[] = [
  {
    fields: [
      [":status", "302"],
      ["cache-control", "private"],
      ["date", DATE],
      ["location", LOCATION],
    ],
    table: [
      ["location", LOCATION],
      ["date", DATE],
      ["cache-control", "private"],
      [":status", "302"],
    ],
    bytes: 222,
  },
  {
    fields: [
      [":status", "307"],
      ["cache-control", "private"],
      ["date", DATE],
      ["location", LOCATION],
    ],
    table: [
      [":status", "307"],
      ["location", LOCATION],
      ["date", DATE],
      ["cache-control", "private"],
    ],
    bytes: 222,
  },
  {
    fields: [
      [":status", "200"],
      ["cache-control", "private"],
      ["date", DATE_2],
      ["location", LOCATION],
      ["content-encoding", "gzip"],
      ["set-cookie", COOKIE],
    ],
    table: [
      ["set-cookie", COOKIE],
      ["content-encoding", "gzip"],
      ["date", DATE_2],
    ],
    bytes: 215,
  },
];

const STORIES: readonly [string, number, readonly string[], typeof REQUESTS][] = [
  [
    "C.3: requests without Huffman",
    4_096,
    [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
    REQUESTS,
  ],
  [
    "C.4: requests with Huffman",
    4_096,
    [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
    REQUESTS,
  ],
  [
    "C.5: responses without Huffman, in a table of 256 bytes",
    256,
    [
      `4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54
       6e1768747470733a2f2f7777772e6578616d706c652e636f6d`,
      "4803333037c1c0bf",
      `88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d
       4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20766572
       73696f6e3d31`,
    ],
    RESPONSES,
  ],
  [
    "C.6: responses with Huffman, in a table of 256 bytes",
    256,
    [
      `488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad1718
       63c78f0b97c8e9ae82ae43d3`,
      "4883640effc1c0bf",
      `88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7
       b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007`,
    ],
    RESPONSES,
  ],
];

describe("RFC 7541 Appendix C", () => {
  const singles: readonly [string, string, readonly [string, string], number][] = [
    [
      "C.2.1: a literal with indexing",
      "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
      ["custom-key", "custom-header"],
      55,
    ],
    [
      "C.2.2: a literal without indexing",
      "040c2f73616d706c652f70617468",
      [":path", "/sample/path"],
      0,
    ],
    [
      "C.2.3: a literal never indexed",
      "100870617373776f726406736563726574",
      ["password", "secret"],
      0,
    ],
    ["C.2.4: an indexed field", "82", [":method", "GET"], 0],
  ];
  for (const [name, block, field, tableBytes] of singles) {
    test(name, () => {
      const decoder = new Decoder();
      assert.deepEqual(pairsOf(decode(decoder, hex(block))), [field]);
      assert.equal(decoder.tableBytes, tableBytes);
    });
  }

  for (const [name, tableBytesMax, blocks, expected] of STORIES) {
    test(name, () => {
      const decoder = new Decoder();
      if (tableBytesMax !== 4_096) decode(decoder, sizeUpdate(tableBytesMax));
      for (const [i, block] of blocks.entries()) {
        assert.deepEqual(pairsOf(decode(decoder, hex(block))), expected[i]!.fields);
        assert.deepEqual(tableOf(decoder), expected[i]!.table);
        assert.equal(decoder.tableBytes, expected[i]!.bytes);
      }
    });
  }
});

test("a field's text is one UTF-16 unit per byte, and is built once", () => {
  const field = decode(new Decoder(), literal("x", "\u00e9\u00ff"))!.fields[0]!;
  assert.ok(field instanceof Field);
  assert.equal(field.value, "\u00e9\u00ff");
  assert.equal(field.value, "\u00e9\u00ff");
});
