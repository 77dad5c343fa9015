/** Tests of the coding of grpc-message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeGrpcMessage, encodeGrpcMessage, GRPC_MESSAGE_BYTES_MAX } from "./index.ts";

const CASES: readonly (readonly [name: string, message: string, field: string])[] = [
  ["nothing", "", ""],
  ["printable ASCII stays as it is", "Hello, world! ~{}", "Hello, world! ~{}"],
  ["the percent sign is escaped", "100%", "100%25"],
  ["control characters are escaped", "a\r\nb\tc\x7f\0", "a%0D%0Ab%09c%7F%00"],
  ["UTF-8, in upper case hex", "ü€😀", "%C3%BC%E2%82%AC%F0%9F%98%80"],
  ["RFC 9113 §8.2.1: no space at either end", " a b ", "%20a b%20"],
  ["a byte order mark is text", "\ufeffa", "%EF%BB%BFa"],
  ["a space alone", " ", "%20"],
];

for (const [name, message, field] of CASES) {
  test(`grpc-message: ${name}`, () => {
    assert.equal(encodeGrpcMessage(message), field);
    assert.equal(decodeGrpcMessage(field), message);
  });
}

test("a lone surrogate becomes U+FFFD", () => {
  assert.equal(encodeGrpcMessage("a\ud800b"), "a%EF%BF%BDb");
});

const TOLERATED: readonly (readonly [field: string, message: string])[] = [
  ["%", "%"],
  ["%4", "%4"],
  ["%zz%41", "%zzA"],
  ["100% of %41%", "100% of A%"],
  ["%e2%82%ac", "€"],
  ["%E2%82", "\ufffd"],
  ["%FF", "\ufffd"],
  ["%E2%41", "\ufffdA"],
  ["ü%41", "üA"],
  ["%25%34%31", "%41"],
];

for (const [field, message] of TOLERATED) {
  test(`grpc-message: ${field} decodes to ${JSON.stringify(message)} without an error`, () => {
    assert.equal(decodeGrpcMessage(field), message);
  });
}

test("a long message is cut between characters, marked, and not above 1 KiB", () => {
  assert.equal(GRPC_MESSAGE_BYTES_MAX, 1024);
  assert.equal(encodeGrpcMessage("x".repeat(1024)), "x".repeat(1024));
  assert.equal(encodeGrpcMessage("x".repeat(1025)), `${"x".repeat(1021)}...`);
  const cut = encodeGrpcMessage("😀".repeat(100_000));
  assert.equal(cut, `${"%F0%9F%98%80".repeat(85)}...`);
});

test("any text: a legal field value that decodes to the text, or to its beginning", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 600 });
  fc.assert(
    fc.property(text, (message) => {
      const field = encodeGrpcMessage(message);
      assert.match(field, /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
      assert.ok(field.length <= GRPC_MESSAGE_BYTES_MAX);
      const decoded = decodeGrpcMessage(field);
      if (decoded !== message) {
        assert.ok(decoded.endsWith("...") && message.startsWith(decoded.slice(0, -3)));
      }
    }),
  );
});

test("any field at all decodes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (field) => {
      assert.equal(typeof decodeGrpcMessage(field), "string");
    }),
  );
});
