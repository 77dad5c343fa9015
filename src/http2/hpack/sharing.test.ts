/**
 * What connections share: names, canonical fields, repeated lists. RFC 7541 §7.1 (probing) aside,
 * the rule is that nothing one peer sends changes what another one's bytes mean, and that nothing
 * it sends is kept without bound.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { headers, type Pairs, REQUEST } from "../../../test/support/http2-frames.ts";
import { literal, plainBlock } from "../../../test/support/http2-hpack-model.ts";
import { Peer } from "../../../test/support/http2-peer.ts";
import { Decoder } from "./decoder.ts";
import { canonicalField, newField } from "./field.ts";
import { constantList, HeaderList, headerList, sharedList } from "./header-list.ts";
import { headerName } from "./name.ts";

const END = 1;

describe("a list that repeats is shared by all connections", () => {
  test("a malformed list never passes for a good one of another connection", () => {
    // The story: lists are shared by their text, with NUL between the parts. A field whose value
    // held ":method\0POST\0..." was malformed, but had the same text as a good request; sent twice,
    // it took the place of that request, and every other caller was refused from then on.
    const good = [...REQUEST, ["x-victim", "1"]] as const;
    const [name, ...rest] = good.flat();
    const bad = Uint8Array.from(literal(name!, rest.join("\0")));
    const attacker = new Peer();
    attacker.send(headers(1, bad, END), headers(3, bad, END), headers(5, bad, END));
    assert.deepEqual(
      attacker.said(),
      [1, 3, 5].map((id) => `RST_STREAM ${id} PROTOCOL_ERROR`),
    );
    const victim = new Peer();
    victim.send(headers(1, good, END), headers(3, good, END), headers(5, good, END));
    victim.want();
    assert.deepEqual([...victim.user.streams.keys()], [1, 3, 5]);
  });

  test("no malformed list is shared, whatever is wrong with it", () => {
    const bad: Pairs[] = [
      [["x", "a\0b"]],
      [["x\0y", "a"]],
      [["", "a"]],
      [["Upper", "a"]],
      [[":nobody", "a"]],
      [["connection", "close"]],
    ];
    for (const pairs of bad) assert.equal(sharedList(headerList(pairs)), null, `${pairs}`);
    assert.notEqual(sharedList(headerList([["x", "a"]])), null);
  });

  test("a very large list is not shared, so that what peers make us keep is bounded", () => {
    const large = headerList([["x", "y".repeat(4_096)]]);
    assert.equal(sharedList(large), null);
  });

  test("a list with a never-indexed field is not shared", () => {
    const list = new HeaderList();
    list.add(newField("authorization", "secret", true));
    assert.equal(sharedList(list), null);
  });

  test("equal blocks of two connections become one list object", () => {
    const block = plainBlock([...REQUEST, ["x-shared", "1"]]);
    const decode = (decoder: Decoder) => decoder.decode(block, 0, block.length)!;
    const [one, other] = [new Decoder(), new Decoder()];
    for (let i = 0; i < 2; i++) assert.notEqual(decode(one), decode(other), "not yet");
    assert.equal(decode(one), decode(other));
    assert.equal(decode(one), constantList([...REQUEST, ["x-shared", "1"]]));
  });
});

describe("names and fields are shared within bounds", () => {
  test("made-up names cannot keep the names of others out of the shared table", () => {
    // The story: the table was full for ever after 2,048 names that one peer had made up; from then
    // on every other name was built anew for each field.
    for (let i = 0; i < 5_000; i++) headerName(`x-made-up-${i}`);
    const name = headerName("x-request-id");
    assert.equal(headerName("x-request-id"), name);
    assert.equal(headerName(":path").staticIndex, 4);
  });

  test("a very long name is not shared", () => {
    const text = "x".repeat(129);
    assert.notEqual(headerName(text), headerName(text));
  });

  test("the canonical field of a name and value is one object, and many do not pile up", () => {
    const first = canonicalField(newField("x-canonical", "1"));
    assert.equal(canonicalField(newField("x-canonical", "1")), first);
    assert.ok(first.isCanonical);
    for (let i = 0; i < 5_000; i++) canonicalField(newField("x-canonical", `other ${i}`));
    assert.notEqual(canonicalField(newField("x-canonical", "1")), first, "forgotten by count");
    const second = canonicalField(newField("x-canonical", "1"));
    for (let i = 0; i < 600; i++) canonicalField(newField("x", `${i}`.padEnd(4_000, "x")));
    assert.notEqual(canonicalField(newField("x-canonical", "1")), second, "forgotten by bytes");
  });

  test("a never-indexed field has no canonical form", () => {
    const secret = newField("authorization", "secret", true);
    assert.equal(canonicalField(secret), secret);
  });
});
