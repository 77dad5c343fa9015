/**
 * The stories of hpack-test-case: header blocks that other implementations encoded, to be decoded
 * here; and their raw headers, to be encoded here and understood elsewhere. RFC 7541.
 *
 * They come with the npm package `hpack` (MIT). Folders whose `draft` is below 9 were encoded with
 * the static table of an older draft and are left out by that number.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Decoder, Encoder, headerList } from "../../src/http2/index.ts";
import { hex } from "../support/http2-frames.ts";
import { ModelDecoder } from "../support/http2-hpack-model.ts";

const ROOT = join(dirname(createRequire(import.meta.url).resolve("hpack")), "test/hpack-test-case");
/** The final draft's number; it is RFC 7541. */
const DRAFT_MIN = 9;
/** Tables above this are announced by stories whose decoder allowed more than we do. */
const TABLE_BYTES_MAX = 16_384;

interface Case {
  readonly header_table_size?: number;
  readonly wire?: string;
  readonly headers: readonly Readonly<Record<string, string>>[];
}

interface Story {
  readonly draft?: number;
  readonly cases: readonly Case[];
}

const read = (folder: string, file: string): Story =>
  JSON.parse(readFileSync(join(ROOT, folder, file), "utf8"));

const stories = (folder: string) =>
  readdirSync(join(ROOT, folder)).filter((file) => /^story_\d+\.json$/.test(file));

const folders = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && stories(entry.name).length > 0)
  .map((entry) => entry.name);

const encoded = folders.filter(
  (folder) => (read(folder, stories(folder)[0]!).draft ?? 0) >= DRAFT_MIN,
);

/** Headers as pairs; the stories are UTF-8, the engine has one unit per byte. */
const pairsOf = ({ headers }: Case) =>
  headers.flatMap((header) =>
    Object.entries(header).map(([name, value]) => [latin1(name), latin1(value)] as const),
  );

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");

/** Decodes a story, passes each list on as a relay does, and reads that back with the oracle. */
function tell(story: Story): void {
  const decoder = new Decoder(undefined, TABLE_BYTES_MAX);
  const encoder = new Encoder();
  const next = new ModelDecoder();
  for (const [seqno, each] of story.cases.entries()) {
    const wire = hex(each.wire!);
    const list = decoder.decode(wire, 0, wire.length);
    assert.ok(list !== null, `case ${seqno} is decoded`);
    const expected = pairsOf(each);
    assert.deepEqual(list.toPairs(), expected, `case ${seqno}`);
    const out = Buffer.alloc(list.wireBytesMax);
    const fields = next.decode(out.subarray(0, encoder.encode(list, out, 0)));
    assert.deepEqual(
      fields.map(({ name, value }) => [name, value]),
      expected,
      `case ${seqno}, passed on`,
    );
    assert.equal(encoder.tableBytes, next.table.sizeBytes);
  }
}

test("at least the folders that are known are there", () => {
  assert.ok(encoded.length >= 11, `${encoded}`);
  assert.ok(folders.includes("raw-data"));
  for (const old of ["hyper-hpack", "node-http2-protocol", "twitter-hpack"]) {
    assert.ok(!encoded.includes(old), old);
  }
});

for (const folder of encoded) {
  test(`the stories of ${folder} decode and are passed on unchanged`, () => {
    for (const file of stories(folder)) {
      try {
        tell(read(folder, file));
      } catch (error) {
        assert.fail(`${folder}/${file}: ${(error as Error).message}`);
      }
    }
  });
}

test("the stories of raw-data are encoded here and understood elsewhere", () => {
  for (const file of stories("raw-data")) {
    const encoder = new Encoder();
    const own = new Decoder();
    const other = new ModelDecoder();
    for (const each of read("raw-data", file).cases) {
      const expected = pairsOf(each);
      const list = headerList(expected);
      const out = Buffer.alloc(list.wireBytesMax);
      const block = out.subarray(0, encoder.encode(list, out, 0));
      assert.deepEqual(
        other.decode(block).map(({ name, value }) => [name, value]),
        expected,
        file,
      );
      assert.deepEqual(own.decode(block, 0, block.length)!.toPairs(), expected, file);
    }
  }
});
