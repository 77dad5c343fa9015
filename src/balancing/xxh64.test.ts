/** Tests of XXH64: known answers, and the same answers as a reference with whole 64-bit numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Xxh64 } from "./xxh64.ts";

const hex = (hash: Xxh64) =>
  [hash.hi, hash.lo].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");

const hashOf = (text: string, seed = 0) => {
  const hash = new Xxh64();
  hash.text(text, seed);
  return hex(hash);
};

// Answers of xxhsum 0.8 and of the tests of github.com/cespare/xxhash.
const KNOWN: readonly (readonly [text: string, seed: number, hash: string])[] = [
  ["", 0, "ef46db3751d8e999"],
  ["", 1, "d5afba1336a3be4b"],
  ["a", 0, "d24ec4f1a98c6e5b"],
  ["as", 0, "1c330fb2d66be179"],
  ["asd", 0, "631c37ce72a97393"],
  ["asdf", 0, "415872f599cea71e"],
  ["Call me Ishmael. Some years ago--never mind how long precisely-", 0, "02a2e85470d6fd96"],
];

for (const [text, seed, expected] of KNOWN) {
  test(`XXH64 of ${JSON.stringify(text)} with seed ${seed}`, () => {
    assert.equal(hashOf(text, seed), expected);
  });
}

const MASK = 0xffffffffffffffffn;
const [P1, P2, P3, P4, P5] = [
  ...[0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n],
  ...[0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n],
];
const turn = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;
const round = (acc: bigint, input: bigint) => (turn((acc + input * P2) & MASK, 31n) * P1) & MASK;

/** The specification, word for word. */
function reference(bytes: Buffer, seed: bigint): string {
  let at = 0;
  let acc = (seed + P5) & MASK;
  if (bytes.length >= 32) {
    const lanes = [seed + P1 + P2, seed + P2, seed, seed - P1].map((each) => each & MASK);
    for (; at + 32 <= bytes.length; at += 32) {
      for (const i of lanes.keys()) lanes[i] = round(lanes[i], bytes.readBigUInt64LE(at + 8 * i));
    }
    acc = [1n, 7n, 12n, 18n].reduce((sum, by, i) => sum + turn(lanes[i], by), 0n) & MASK;
    for (const lane of lanes) acc = ((acc ^ round(0n, lane)) * P1 + P4) & MASK;
  }
  acc = (acc + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    acc = (turn(acc ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK;
  }
  if (at + 4 <= bytes.length) {
    acc = (turn(acc ^ ((BigInt(bytes.readUInt32LE(at)) * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at += 1) {
    acc = (turn(acc ^ ((BigInt(bytes[at]) * P5) & MASK), 11n) * P1) & MASK;
  }
  acc = ((acc ^ (acc >> 33n)) * P2) & MASK;
  acc = ((acc ^ (acc >> 29n)) * P3) & MASK;
  return (acc ^ (acc >> 32n)).toString(16).padStart(16, "0");
}

test("the reference gives the known answers too", () => {
  for (const [text, seed, expected] of KNOWN) {
    assert.equal(reference(Buffer.from(text), BigInt(seed)), expected);
  }
});

const ascii = fc.string({ unit: "binary-ascii", maxLength: 200 });
const anyText = fc.string({ unit: "binary", maxLength: 100 });
const seeds = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat());

test("any text and any seed of 32 bits: the same as the reference", () => {
  fc.assert(
    fc.property(fc.oneof(ascii, anyText), seeds, (text, seed) => {
      assert.equal(hashOf(text, seed), reference(Buffer.from(text), BigInt(seed)));
    }),
    { numRuns: 3000 },
  );
});

test("texts of every length up to 100, and long ones", () => {
  const lengths = [...Array(101).keys(), 1012, 1013, 1014, 1024, 1025, 5000];
  for (const length of lengths) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + (i % 90))).join("");
    assert.equal(hashOf(text), reference(Buffer.from(text), 0n), `${length} bytes`);
  }
});

test("indexed: the hash of the text, an underscore and the number", () => {
  const hash = new Xxh64();
  assert.ok(hash.begin("10.0.0.1:50051"));
  for (const index of [
    0, 1, 9, 10, 11, 99, 100, 4096, 65_535, 99_999, 100_000, 8_388_607, 2147483647,
  ]) {
    hash.indexed(index);
    assert.equal(hex(hash), hashOf(`10.0.0.1:50051_${index}`), String(index));
  }
});

test("begin keeps only what is short and ASCII", () => {
  const hash = new Xxh64();
  assert.ok(hash.begin("x".repeat(1000)));
  assert.ok(!hash.begin("x".repeat(1014)));
  assert.ok(!hash.begin("é"));
});
