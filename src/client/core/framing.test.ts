/** Tests of a call of the core on scripted bytes: framing, credit, compression, the end. */
import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { ClusterCall } from "../../cluster/index.ts";
import { Status } from "../../grpc/index.ts";
import { headerList } from "../../http2/index.ts";
import { ClientCall, type ClientCallEvents } from "./call.ts";
import type { CallStatus } from "./call-status.ts";
import type { CallOwner } from "./owner.ts";

/** The cluster's side: takes what is sent, and notes credit and resets. */
class ScriptedCall {
  readonly subchannel = {};
  readonly address = "127.0.0.1:1";
  readonly sent: { readonly bytes: Buffer; readonly isEnd: boolean }[] = [];
  creditedBytes = 0;
  isCancelled = false;
  /** No window is open: what is sent waits. */
  isBlocked = false;

  start(): void {}

  sendData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    this.sent.push({ bytes: Buffer.from(bytes.subarray(start, end)), isEnd });
    return this.isBlocked ? 0 : end - start;
  }

  credit(bytes: number): void {
    this.creditedBytes += bytes;
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

/** A started call under test: the script is its server, the probe its caller. */
class Probe implements ClientCallEvents, CallOwner {
  readonly inner = new ScriptedCall();
  readonly messages: string[] = [];
  status: CallStatus | null = null;
  readonly call: ClientCall;
  creditedBytes = 0;

  constructor(receiveBytesMax = Number.POSITIVE_INFINITY, encoding: "identity" | "gzip" = "gzip") {
    const options = { path: "/a.B/C", deadlineMs: Infinity, host: null, waitForReady: null };
    const config = { ...options, encoding };
    this.call = new ClientCall(this, config, config, this, Infinity, receiveBytesMax);
    this.call.start(null);
  }

  /** All credit, by either way. */
  get credit(): number {
    return this.creditedBytes + this.inner.creditedBytes;
  }

  headers(...more: [string, string][]): this {
    const list = headerList([[":status", "200"], ["content-type", "application/grpc"], ...more]);
    this.call.onResponse(list, false);
    return this;
  }

  /** The server's bytes, in pieces cut at these places. */
  data(bytes: Buffer, cuts: readonly number[] = []): this {
    const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
    for (let i = 1; i < places.length; i += 1) {
      // Bytes may be read only until the event returns.
      const piece = Buffer.from(bytes.subarray(places[i - 1], places[i]));
      if (piece.length === 0) continue;
      this.creditedBytes += this.call.onResponseData(piece, 0, piece.length, false);
      piece.fill(0xee);
    }
    return this;
  }

  trailers(code: Status = Status.OK): this {
    this.call.onResponseTrailers(headerList([["grpc-status", String(code)]]));
    return this;
  }

  writableCount = 0;

  onHeaders(): void {}
  onWritable(): void {
    this.writableCount += 1;
  }

  onMessage(message: Buffer): void {
    this.messages.push(message.toString("latin1"));
  }

  onEnd(status: CallStatus): void {
    assert.equal(this.status, null, "a call ends once");
    this.status = status;
  }

  open(): ClusterCall {
    return this.inner as unknown as ClusterCall;
  }

  onWaiting(): void {}
  onUnread(): null {
    return null;
  }

  onEnded(): void {}

  nowMs(): number {
    return 0;
  }
}

function framed(message: string | Buffer, flag = 0): Buffer {
  const body = Buffer.from(message as string);
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

test("messages come whole wherever the bytes are cut", () => {
  const bytes = Buffer.concat([framed("one"), framed(""), framed(gzipSync("three"), 1)]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const probe = new Probe().headers(["grpc-encoding", "gzip"]);
    for (let i = 0; i < 4; i += 1) probe.call.read();
    probe.data(bytes, [cut]).trailers();
    assert.deepEqual(probe.messages, ["one", "", "three"], `cut at ${cut}`);
    assert.equal(probe.status?.code, Status.OK);
    assert.equal(probe.credit, bytes.length, "the server gets credit for all of it");
  }
});

test("any messages in any pieces, read at any time, come in order with all credit", () => {
  const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
  const text = fc.uint8Array({ maxLength: 40 }).map(latin1);
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 6 }),
      fc.array(fc.nat({ max: 250 }), { maxLength: 6 }),
      fc.nat({ max: 7 }),
      (texts, cuts, readsBefore) => {
        const bytes = Buffer.concat(texts.map((each) => framed(Buffer.from(each, "latin1"))));
        const probe = new Probe().headers();
        for (let i = 0; i < readsBefore; i += 1) probe.call.read();
        const inside = cuts.filter((cut) => cut < bytes.length);
        probe.data(bytes, inside);
        assert.ok(probe.messages.length <= readsBefore, "no message comes unasked");
        probe.trailers();
        if (readsBefore < texts.length) assert.equal(probe.status, null, "the end is behind them");
        for (let i = readsBefore; i < texts.length; i += 1) probe.call.read();
        assert.deepEqual(probe.messages, texts);
        assert.equal(probe.credit, bytes.length);
        assert.equal(probe.status?.code, Status.OK);
      },
    ),
  );
});

test("a message that nobody asked for gets no credit until somebody does", () => {
  const probe = new Probe().headers().data(framed("x".repeat(95)));
  assert.equal(probe.credit, 0);
  probe.call.read();
  assert.equal(probe.credit, 100);
});

test("a message that is on its way when somebody asks gets credit for what has come", () => {
  const bytes = framed("x".repeat(95));
  const probe = new Probe().headers().data(bytes.subarray(0, 40));
  assert.equal(probe.credit, 0);
  probe.call.read();
  assert.equal(probe.credit, 40, "one larger than the window would wait for ever");
  probe.data(bytes.subarray(40));
  assert.equal(probe.credit, 100);
  assert.deepEqual(probe.messages, ["x".repeat(95)]);
});

test("the last message and the end leave in one DATA frame", () => {
  const probe = new Probe();
  probe.call.send(Buffer.from("a"), false);
  probe.call.send(Buffer.from("b"), false, true);
  probe.call.halfClose();
  probe.call.send(Buffer.from("dropped"), false);
  assert.deepEqual(
    probe.inner.sent.map(({ bytes, isEnd }) => [bytes.toString("hex"), isEnd]),
    [
      ["000000000161", false],
      ["000000000162", true],
    ],
  );
  const large = new Probe();
  large.call.send(Buffer.alloc(40_000), false, true);
  assert.deepEqual(
    large.inner.sent.map(({ bytes, isEnd }) => [bytes.length, isEnd]),
    [
      [16_384, false],
      [40_005 - 16_384, true],
    ],
  );
});

test("an answer that comes before the half-close ends the request, one after it does not", () => {
  const early = new Probe().headers().trailers();
  assert.equal(early.status?.code, Status.OK);
  assert.ok(early.inner.isCancelled);
  const late = new Probe();
  late.call.halfClose();
  late.headers().trailers();
  assert.equal(late.inner.isCancelled, false);
});

const FAULTS: readonly (readonly [name: string, bytes: Buffer, code: Status, details: RegExp])[] = [
  ["a flag that is unknown", framed("x", 2), Status.INTERNAL, /unknown flag/],
  ["a message beyond the limit", framed("x".repeat(1_001)), 8, /\(1001 vs. 1000\)/],
  ["4 GiB announced", Buffer.from("00ffffffff", "hex"), 8, /\(4294967295 vs. 1000\)/],
  ["a bomb", framed(gzipSync(Buffer.alloc(50_000_000)), 1), 8, /1000 bytes when decompressed/],
  ["broken gzip", framed("no gzip at all", 1), Status.INTERNAL, /not valid gzip/],
];

for (const [name, bytes, code, details] of FAULTS) {
  test(`a server's ${name} ends the call, and the stream is reset`, () => {
    // Large enough for the bomb itself to come in.
    const max = name === "a bomb" ? bytes.length : 1_000;
    const probe = new Probe(max).headers(["grpc-encoding", "gzip"]);
    probe.call.read();
    probe.data(bytes);
    assert.equal(probe.status?.code, code);
    if (name !== "a bomb") assert.match(probe.status?.details ?? "", details);
    else assert.match(probe.status?.details ?? "", /bytes when decompressed/);
    assert.ok(probe.inner.isCancelled);
    assert.deepEqual(probe.messages, []);
  });
}

test("a compressed message without grpc-encoding is INTERNAL", () => {
  const probe = new Probe().headers();
  probe.call.read();
  probe.data(framed(gzipSync("x"), 1));
  assert.equal(probe.status?.code, Status.INTERNAL);
});

test("an end inside a message is INTERNAL, whatever the status says", () => {
  const probe = new Probe().headers();
  probe.call.read();
  probe.data(framed("abc").subarray(0, 7)).trailers();
  assert.equal(probe.status?.code, Status.INTERNAL);
});

test("at any time the server has credit for no more than it sent, and for less while all waits", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ bytes: fc.nat({ max: 60 }), reads: fc.nat({ max: 2 }) }), {
        maxLength: 12,
      }),
      (steps) => {
        const probe = new Probe().headers();
        let received = 0;
        let wanted = 0;
        let whole = 0;
        for (const { bytes, reads } of steps) {
          const message = framed("x".repeat(bytes));
          // Half of it, and the rest, each followed by what is read in between.
          const half = message.length >> 1;
          for (const part of [message.subarray(0, half), message.subarray(half)]) {
            probe.data(part);
            received += part.length;
            assert.ok(probe.credit <= received, "no more than came");
            if (wanted <= whole) assert.ok(probe.credit < received, "what nobody wants is held");
          }
          whole += 1;
          for (let i = 0; i < reads; i += 1) probe.call.read();
          wanted += reads;
          assert.equal(probe.messages.length, Math.min(wanted, whole));
        }
        while (wanted < whole) {
          probe.call.read();
          wanted += 1;
        }
        assert.equal(probe.credit, received, "all of it in the end");
      },
    ),
  );
});

test("cancelling ends a call once, wherever it is", () => {
  const message = framed("abc");
  const points: readonly ((probe: Probe) => unknown)[] = [
    () => {},
    (probe) => probe.headers(),
    (probe) => probe.headers().data(message.subarray(0, 6)),
    (probe) => probe.headers().data(message),
    (probe) => probe.headers().data(message).trailers(),
    (probe) => probe.call.send(Buffer.from("a"), false),
    (probe) => probe.call.halfClose(),
  ];
  for (const [index, reach] of points.entries()) {
    const probe = new Probe();
    reach(probe);
    probe.call.cancel(Status.CANCELLED, "enough");
    probe.call.cancel(Status.ABORTED, "again");
    assert.equal(probe.status?.details, "enough", `point ${index}`);
    assert.ok(probe.inner.isCancelled, `point ${index}: the server is told`);
    probe.call.read();
    probe.call.halfClose();
    assert.equal(probe.call.send(Buffer.from("b"), false), true);
    assert.deepEqual(probe.messages, [], "nothing comes after the end");
  }
});

test("a deadline ends a call whose last messages nobody reads", () => {
  const probe = new Probe().headers().data(framed("abc")).trailers();
  assert.equal(probe.status, null);
  probe.call.onUnreadTooLong();
  assert.equal(probe.status!.code, Status.DEADLINE_EXCEEDED);
  probe.call.read();
  assert.deepEqual(probe.messages, []);
});

// 60 streams that nobody read took 3 GB: each message was inflated when it came, and credit counts
// the bytes that came.
test("messages that nobody has asked for stay compressed until somebody does", () => {
  const inflated = 1_000_000;
  const bytes = framed(gzipSync(Buffer.alloc(inflated)), 1);
  const probe = new Probe().headers(["grpc-encoding", "gzip"]);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 50; i += 1) probe.data(bytes);
  assert.ok(process.memoryUsage().arrayBuffers - before < 10 * inflated, "as they came");
  assert.equal(probe.credit, 0);
  probe.call.read();
  assert.deepEqual(
    probe.messages.map(({ length }) => length),
    [inflated],
  );
  assert.equal(probe.credit, bytes.length);
});

test("a message that cannot be inflated fails its call when it is asked for", () => {
  const probe = new Probe().headers(["grpc-encoding", "gzip"]);
  probe
    .data(framed(gzipSync("first"), 1))
    .data(framed("no gzip", 1))
    .data(framed("never"));
  probe.call.read();
  assert.deepEqual([probe.messages, probe.status], [["first"], null]);
  probe.call.read();
  assert.deepEqual(probe.messages, ["first"]);
  assert.equal(probe.status?.code, Status.INTERNAL);
  assert.ok(probe.inner.isCancelled);
});

// Its length went out modulo 2^32, and the rest as frames of whoever had made the message.
test("a message longer than a length can say is refused before anything of it is sent", () => {
  const probe = new Probe();
  const length = 2 ** 32;
  const huge = Object.create(Uint8Array.prototype, { length: { value: length } }) as Uint8Array;
  probe.call.send(huge, false);
  assert.equal(probe.status?.code, Status.RESOURCE_EXHAUSTED);
  assert.match(probe.status?.details ?? "", /4294967296 vs. 4294967295/);
  assert.equal(probe.inner.sent.length, 0);
});

// It waited for the end, which waited for the reader, who waited for the write.
test("a write that waits goes on when the server has ended with messages unread", () => {
  const probe = new Probe();
  probe.inner.isBlocked = true;
  assert.equal(probe.call.send(Buffer.from("waits"), false), false);
  probe.headers().data(framed("unread")).trailers();
  assert.equal(probe.status, null, "its message comes first");
  assert.equal(probe.writableCount, 1);
  assert.equal(probe.call.send(Buffer.from("of no interest"), false), true);
  probe.call.onRequestWritable(10);
  probe.call.halfClose();
  assert.equal(probe.writableCount, 1);
  probe.call.read();
  assert.deepEqual(
    [probe.messages, (probe.status as CallStatus | null)?.code],
    [["unread"], Status.OK],
  );
});
