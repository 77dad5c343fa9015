/**
 * Nothing that outlives its frame may pin a read buffer: the transport reads into one buffer again
 * and again, and a field of 20 bytes must not keep 64 KiB alive.
 *
 * Every script of `http2-peer.ts` overwrites what it pushed, so a value that was only referred to
 * would read as garbage in all tests; here the references themselves are looked at.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { data, frame, headers, REQUEST, splitHeaders } from "../../test/support/http2-frames.ts";
import { literal, plainBlock } from "../../test/support/http2-hpack-model.ts";
import { Peer } from "../../test/support/http2-peer.ts";
import { Connection, DEFAULT_CONNECTION_CONFIG, Decoder, headerList, SendQueue } from "./index.ts";

/** Every ArrayBuffer that can be reached from `root` through fields that are not private. */
function buffersOf(root: unknown): Set<ArrayBufferLike> {
  const seen = new Set<object>();
  const found = new Set<ArrayBufferLike>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) found.add(value.buffer);
    else if (value instanceof Map) for (const pair of value) walk(pair);
    else for (const key of Object.keys(value)) walk((value as Record<string, unknown>)[key]);
  };
  walk(root);
  return found;
}

const FORMS = [
  { indexing: "with" },
  { indexing: "without" },
  { indexing: "never" },
  { indexing: "with", isHuffman: true },
  { indexing: "without", isHuffman: true, nameIndex: 23 },
] as const;

test("no field of a list or of the table refers to the bytes that were decoded", () => {
  const decoder = new Decoder();
  for (const form of FORMS) {
    for (const size of [0, 1, 40, 200, 3_000]) {
      const bytes = Uint8Array.from(literal("x", "v".repeat(size), form));
      const list = decoder.decode(bytes, 0, bytes.length)!;
      assert.ok(!buffersOf(list).has(bytes.buffer), `list, ${JSON.stringify(form)}, ${size}`);
      assert.ok(!buffersOf(decoder.tableFields()).has(bytes.buffer), "table");
      bytes.fill(0);
      assert.equal(list.fields[0]!.value, "v".repeat(size));
    }
  }
});

test("a repeated block does not refer to any of the reads that it came in", () => {
  const decoder = new Decoder();
  for (let i = 0; i < 4; i++) {
    const bytes = Uint8Array.from(plainBlock([...REQUEST, ["x-pin", "1"]]));
    const list = decoder.decode(bytes, 0, bytes.length)!;
    assert.ok(!buffersOf(list).has(bytes.buffer));
    bytes.fill(0);
  }
});

test("a queue holds copies", () => {
  const queue = new SendQueue();
  const bytes = Buffer.from("abcdef");
  queue.push(bytes, 1, 4);
  bytes.fill(0);
  assert.notEqual(queue.headBytes.buffer, bytes.buffer);
  assert.equal(queue.headBytes.toString("latin1", queue.headStart, queue.headEnd), "bcd");
});

test("a stream, its lists and its queue refer to no read", () => {
  const peer = new Peer();
  const reads = new Set<ArrayBufferLike>();
  const { recv } = Connection.prototype;
  const { connection } = peer;
  connection.recv = (bytes, start, end, nowMs) => {
    reads.add(bytes.buffer);
    recv.call(connection, bytes, start, end, nowMs);
  };
  const block = plainBlock(REQUEST);
  peer.send(headers(1, block), headers(3, block));
  peer.send(splitHeaders(5, [block.slice(0, 3), block.slice(3)]), data(5, "abc"));
  peer.send(headers(7, block).slice(0, 12)).send(headers(7, block).slice(12));
  for (const id of [1, 3, 5, 7]) {
    const { stream } = peer.on(id);
    stream.sendHeaders(headerList([[":status", "200"]]), false);
    peer.write(id, 100_000);
  }
  const held = buffersOf([...peer.user.streams.values()]);
  assert.ok(reads.size >= 4 && held.size > 0);
  for (const buffer of reads) assert.ok(!held.has(buffer));
});

test("a frame that is not complete is kept apart from the read that began it", () => {
  // The first read is overwritten before the second one completes the frame.
  const peer = new Peer();
  const block = plainBlock([...REQUEST, ["x", "0123456789"]]);
  const bytes = frame(1, 5, 1, block);
  for (let at = 1; at < bytes.length; at++) {
    const other = new Peer();
    other.send(bytes.slice(0, at)).send(bytes.slice(at));
    assert.equal(other.on(1).lists[0]!.get("x"), "0123456789");
  }
  peer.finish();
});

test("an idle connection holds no output chunk, and no buffer for what it reads", () => {
  const connection = new Connection("server", new Peer().user, DEFAULT_CONNECTION_CONFIG, 0);
  assert.equal(connection.output.bytes, null);
  const peer = new Peer();
  peer.send(headers(1, REQUEST, 1));
  peer.on(1).stream.sendHeaders(headerList([[":status", "200"]]), true);
  peer.said();
  assert.equal(peer.connection.output.bytes, null);
  assert.equal(peer.connection.output.pendingBytes, 0);
});
