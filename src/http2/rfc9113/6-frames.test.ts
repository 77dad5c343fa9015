/**
 * RFC 9113 §6, frame by frame; SETTINGS and flow control have files of their own.
 */
import assert from "node:assert/strict";
import {
  ACK,
  data,
  END_HEADERS,
  frame,
  goaway,
  headers,
  hex,
  join,
  PADDED,
  PRIORITY,
  paddedData,
  ping,
  priority,
  REQUEST,
  RESPONSE,
  rstStream,
  splitHeaders,
} from "../../../test/support/http2-frames.ts";
import { plainBlock } from "../../../test/support/http2-hpack-model.ts";
import { type WireCase, wireTests } from "../../../test/support/http2-peer.ts";
import { errorCodeName, headerList } from "../index.ts";

const REQUEST_TEXT = ":method=POST :scheme=http :path=/s/m :authority=a";
const BLOCK = plainBlock(REQUEST);
const protocolError = (reason: string, last = 0) =>
  `GOAWAY last=${last} code=PROTOCOL_ERROR "${reason}"`;
const sizeError = (reason: string, last = 0) =>
  `GOAWAY last=${last} code=FRAME_SIZE_ERROR "${reason}"`;

/** One frame that ends the connection at once. */
function fatal(section: string, name: string, bytes: Uint8Array, answer: string): WireCase {
  return { section, name, script: (peer) => peer.send(bytes).want(answer) };
}

wireTests([
  {
    section: "6.1",
    name: "the payload is passed on, part by part or whole, and ends with END_STREAM",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), data(1, "hello "), data(1, "world"), data(1, "!", 1))
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "hello world!" END'),
  },
  {
    section: "6.1",
    name: "an empty frame with END_STREAM ends the stream",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), data(1, "", 1))
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "" END'),
  },
  {
    section: "6.1",
    name: "an empty frame without END_STREAM is no event",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), data(1, ""), paddedData(1, "", 3), data(1, "a", 1))
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "a" END'),
  },
  {
    section: "6.1",
    name: "padding is taken off, whatever it holds",
    script: (peer) =>
      peer
        .send(
          headers(1, REQUEST),
          paddedData(1, "abc", 0),
          paddedData(1, "def", 255),
          frame(0x0, PADDED, 1, "02 67 ffff ; one byte of data, two of padding"),
          paddedData(1, "", 9, 1),
        )
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "abcdefg" END'),
  },
  fatal(
    "6.1",
    "DATA on stream 0 is PROTOCOL_ERROR",
    data(0, "a"),
    protocolError("DATA on stream 0"),
  ),
  fatal(
    "6.1",
    "padded DATA on stream 0 is PROTOCOL_ERROR",
    paddedData(0, "a", 1),
    protocolError("DATA on stream 0"),
  ),
  ...[
    { what: "as long as the payload", payload: "03 6161 ; 3 of 2 bytes" },
    { what: "one byte too long", payload: "01 ; 1 of 0 bytes" },
    { what: "without its length", payload: "" },
  ].map(
    ({ what, payload }): WireCase => ({
      section: "6.1",
      name: `padding ${what} is PROTOCOL_ERROR`,
      script: (peer) =>
        peer
          .send(headers(1, REQUEST), frame(0x0, PADDED, 1, payload))
          .want(protocolError("padding longer than its frame", 1)),
    }),
  ),
  {
    section: "6.2",
    name: "padding and priority fields are taken off",
    script: (peer) =>
      peer
        .send(
          frame(
            0x1,
            END_HEADERS | PADDED | PRIORITY | 0x1,
            1,
            join("04 ; padding", "80000003 10 ; exclusive, on stream 3", BLOCK, "00000000"),
          ),
          frame(0x1, END_HEADERS | PADDED, 3, join("00", BLOCK)),
          frame(0x1, END_HEADERS | PRIORITY, 5, join("00000000 ff", BLOCK)),
        )
        .want()
        .heard(
          `request 1 ${REQUEST_TEXT} END`,
          `request 3 ${REQUEST_TEXT}`,
          `request 5 ${REQUEST_TEXT}`,
        ),
  },
  fatal(
    "6.2",
    "HEADERS on stream 0 is PROTOCOL_ERROR",
    headers(0, REQUEST),
    protocolError("HEADERS on stream 0"),
  ),
  ...[
    { what: "padding beyond the frame", flags: PADDED, payload: "05 82" },
    { what: "padding without its length", flags: PADDED, payload: "" },
    {
      what: "padding that leaves no room for the priority",
      flags: PADDED | PRIORITY,
      payload: "02 0000000000",
    },
    { what: "priority fields that are cut short", flags: PRIORITY, payload: "00000000" },
  ].map(({ what, flags, payload }) =>
    fatal(
      "6.2",
      `${what} is PROTOCOL_ERROR`,
      frame(0x1, END_HEADERS | flags, 1, payload),
      protocolError("padding longer than its frame"),
    ),
  ),
  {
    section: "6.2",
    name: "a stream that depends on itself is a stream error (RFC 7540 §5.3.1)",
    script: (peer) =>
      peer
        .send(frame(0x1, END_HEADERS | PRIORITY, 1, join("00000001 00", BLOCK)))
        .want("RST_STREAM 1 PROTOCOL_ERROR"),
  },
  ...[
    { what: "DATA on the same stream", bytes: data(1, "a") },
    { what: "HEADERS on the same stream", bytes: headers(1, REQUEST) },
    { what: "a CONTINUATION of another stream", bytes: frame(0x9, END_HEADERS, 3) },
    { what: "PING", bytes: ping() },
    { what: "RST_STREAM of the same stream", bytes: rstStream(1, 8) },
    { what: "PRIORITY", bytes: priority(1, 3) },
  ].map(
    ({ what, bytes }): WireCase => ({
      section: "6.2",
      name: `${what} while a header block is open is PROTOCOL_ERROR`,
      script: (peer) =>
        peer.send(frame(0x1, 0, 1, BLOCK), bytes).want(protocolError("a header block is open")),
    }),
  ),
  {
    section: "6.3",
    name: "PRIORITY is checked and ignored, also on idle and closed streams",
    script: (peer) =>
      peer
        .send(priority(9, 0), headers(1, REQUEST, 1), priority(1, 9), rstStream(1, 8))
        .send(priority(1, 9), headers(9, REQUEST, 1))
        .want(),
  },
  fatal(
    "6.3",
    "PRIORITY on stream 0 is PROTOCOL_ERROR",
    priority(0, 1),
    protocolError("PRIORITY on stream 0"),
  ),
  {
    section: "6.3",
    name: "PRIORITY of a wrong size is a stream error",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), frame(0x2, 0, 1, "00000003"))
        .want("RST_STREAM 1 FRAME_SIZE_ERROR"),
  },
  {
    section: "6.3",
    name: "PRIORITY of a stream on itself is a stream error (RFC 7540 §5.3.1)",
    script: (peer) =>
      peer.send(headers(1, REQUEST), priority(1, 1)).want("RST_STREAM 1 PROTOCOL_ERROR"),
  },
  ...[0, 1, 2, 5, 7, 8, 11, 14, 0xffffffff].map(
    (code): WireCase => ({
      section: "6.4",
      name: `RST_STREAM ${code} ends the stream with that code`,
      script: (peer) =>
        peer
          .send(headers(1, REQUEST), rstStream(1, code))
          .want()
          .heard(
            `request 1 ${REQUEST_TEXT}`,
            `reset 1 ${errorCodeName(code)} by remote "the peer reset the stream"`,
          ),
    }),
  ),
  {
    section: "6.4",
    name: "RST_STREAM drops what is queued for the stream",
    script: (peer) => {
      peer.send(headers(1, REQUEST, 1));
      peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
      peer.write(1, 100_000, true);
      peer.said();
      peer.send(rstStream(1, 8)).want();
      assert.equal(peer.on(1).stream.queuedBytes, 0);
      assert.equal(peer.connection.streamCount, 0);
    },
  },
  fatal(
    "6.4",
    "RST_STREAM on stream 0 is PROTOCOL_ERROR",
    rstStream(0, 8),
    protocolError("RST_STREAM on stream 0"),
  ),
  ...["", "000000", "0000000800"].map(
    (payload): WireCase => ({
      section: "6.4",
      name: `RST_STREAM with a payload of ${payload.length / 2} bytes is FRAME_SIZE_ERROR`,
      script: (peer) =>
        peer
          .send(headers(1, REQUEST), frame(0x3, 0, 1, payload))
          .want(sizeError("RST_STREAM of a wrong size", 1)),
    }),
  ),
  ...(["server", "client"] as const).map(
    (role): WireCase => ({
      section: "6.6",
      name: `${role}: PUSH_PROMISE is PROTOCOL_ERROR`,
      role,
      script: (peer) => {
        if (role === "client") peer.open(true);
        peer.said();
        peer
          .send(frame(0x5, END_HEADERS, 1, join("00000002", BLOCK)))
          .want(protocolError("PUSH_PROMISE, which is switched off"));
      },
    }),
  ),
  {
    section: "6.7",
    name: "PING is answered with the same eight bytes",
    script: (peer) =>
      peer
        .send(ping("0011223344556677"), ping("ffffffffffffffff"))
        .want("PING ACK 0011223344556677", "PING ACK ffffffffffffffff"),
  },
  {
    section: "6.7",
    name: "the ACK of a PING is reported and not answered, also when nobody asked for it",
    script: (peer) => {
      peer.connection.ping(hex("0102030405060708"));
      peer
        .want("PING 0102030405060708")
        .send(ping("0102030405060708", ACK), ping("ffffffffffffffff", ACK))
        .want()
        .heard("pong", "pong");
    },
  },
  fatal(
    "6.7",
    "PING on a stream is PROTOCOL_ERROR",
    frame(0x6, 0, 1, "0102030405060708"),
    protocolError("PING on a stream"),
  ),
  ...["", "01020304050607", "010203040506070809"].map((payload) =>
    fatal(
      "6.7",
      `PING with a payload of ${payload.length / 2} bytes is FRAME_SIZE_ERROR`,
      frame(0x6, 0, 0, payload),
      sizeError("PING of a wrong size"),
    ),
  ),
  fatal(
    "6.8",
    "GOAWAY on a stream is PROTOCOL_ERROR",
    frame(0x7, 0, 1, "0000000000000000"),
    protocolError("GOAWAY on a stream"),
  ),
  fatal(
    "6.8",
    "GOAWAY of less than eight bytes is FRAME_SIZE_ERROR",
    frame(0x7, 0, 0, "00000000000000"),
    sizeError("GOAWAY of a wrong size"),
  ),
  {
    section: "6.8",
    name: "a GOAWAY is reported with its code and as much of its debug data as is of use",
    script: (peer) =>
      peer
        .send(goaway(0, 11, "too_many_pings"), goaway(0, 0, "x".repeat(5_000)))
        .heard('goaway ENHANCE_YOUR_CALM "too_many_pings"', `goaway NO_ERROR "${"x".repeat(256)}"`),
  },
  {
    section: "6.10",
    name: "a block over many frames is one list",
    script: (peer) =>
      peer
        .send(
          splitHeaders(
            1,
            [...BLOCK]
              .map((byte) => [byte])
              .slice(0, 8)
              .concat([[...BLOCK.slice(8)]]),
            1,
          ),
        )
        .heard(`request 1 ${REQUEST_TEXT} END`),
  },
  {
    section: "6.10",
    name: "END_STREAM counts on HEADERS, and is an unknown flag on CONTINUATION",
    script: (peer) =>
      peer
        .send(frame(0x1, 0, 1, BLOCK.slice(0, 5)), frame(0x9, END_HEADERS | 0x1, 1, BLOCK.slice(5)))
        .heard(`request 1 ${REQUEST_TEXT}`),
  },
  fatal(
    "6.10",
    "CONTINUATION without HEADERS is PROTOCOL_ERROR",
    frame(0x9, END_HEADERS, 1, BLOCK),
    protocolError("CONTINUATION without an open header block"),
  ),
  {
    section: "6.10",
    name: "CONTINUATION behind END_HEADERS is PROTOCOL_ERROR",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), frame(0x9, END_HEADERS, 1))
        .want(protocolError("CONTINUATION without an open header block", 1)),
  },
  fatal(
    "6.10",
    "CONTINUATION on stream 0 is PROTOCOL_ERROR",
    join(frame(0x1, 0, 1, BLOCK), frame(0x9, END_HEADERS, 0)),
    protocolError("a header block is open"),
  ),
  {
    section: "6.10",
    name: "our blocks above the peer's frame size go out in CONTINUATIONs, in a row",
    isUncut: true,
    script: (peer) => {
      peer.send(headers(1, REQUEST, 1));
      const value = "\u00ff".repeat(40_000);
      peer.on(1).stream.sendHeaders(
        headerList([
          [":status", "200"],
          ["x", value],
        ]),
        true,
      );
      peer.want(`HEADERS 1 :status=200 x=${value} END_STREAM`);
      assert.deepEqual([peer.reader.counts.get(0x1), peer.reader.counts.get(0x9)], [1, 2]);
    },
  },
  {
    section: "6.10",
    name: "a block that only might be above the frame size goes out in one frame",
    isUncut: true,
    script: (peer) => {
      peer.send(headers(1, REQUEST, 1));
      // Many short fields: the bound that is known before is far above what is needed.
      const fields = Array.from({ length: 900 }, (_, i) => [`x${i}`, "1"] as const);
      peer.on(1).stream.sendHeaders(headerList([[":status", "200"], ...fields]), true);
      peer.said();
      assert.deepEqual([peer.reader.counts.get(0x1), peer.reader.counts.get(0x9)], [1, undefined]);
    },
  },
]);
