/**
 * RFC 9113 §6.5: SETTINGS, their values, and what changes with them.
 */
import assert from "node:assert/strict";
import {
  ACK,
  frame,
  headers,
  join,
  REQUEST,
  RESPONSE,
  SETTING,
  SETTINGS_ACK,
  settings,
  uint,
  windowUpdate,
} from "../../../test/support/http2-frames.ts";
import { type WireCase, wireTests } from "../../../test/support/http2-peer.ts";
import { constantList, headerList } from "../index.ts";

const { HEADER_TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE } = SETTING;

/** One value, and the error of the connection that it is, if it is one. */
interface Value {
  readonly id: number;
  readonly what: string;
  readonly value: number;
  /** The error code, or "" when the value is allowed. */
  readonly server?: string;
  readonly client?: string;
}

const PROTOCOL = "PROTOCOL_ERROR";
const VALUES: readonly Value[] = [
  { id: HEADER_TABLE_SIZE, what: "HEADER_TABLE_SIZE 0", value: 0 },
  { id: HEADER_TABLE_SIZE, what: "HEADER_TABLE_SIZE 2^32-1", value: 0xffffffff },
  { id: ENABLE_PUSH, what: "ENABLE_PUSH 0", value: 0 },
  { id: ENABLE_PUSH, what: "ENABLE_PUSH 1", value: 1, client: PROTOCOL },
  { id: ENABLE_PUSH, what: "ENABLE_PUSH 2", value: 2, server: PROTOCOL, client: PROTOCOL },
  { id: 3, what: "MAX_CONCURRENT_STREAMS 2^32-1", value: 0xffffffff },
  { id: INITIAL_WINDOW_SIZE, what: "INITIAL_WINDOW_SIZE 2^31-1", value: 0x7fffffff },
  {
    id: INITIAL_WINDOW_SIZE,
    what: "INITIAL_WINDOW_SIZE 2^31",
    value: 0x80000000,
    server: "FLOW_CONTROL_ERROR",
    client: "FLOW_CONTROL_ERROR",
  },
  { id: MAX_FRAME_SIZE, what: "MAX_FRAME_SIZE 2^14", value: 16_384 },
  { id: MAX_FRAME_SIZE, what: "MAX_FRAME_SIZE 2^24-1", value: 0xffffff },
  {
    id: MAX_FRAME_SIZE,
    what: "MAX_FRAME_SIZE 2^14-1",
    value: 16_383,
    server: PROTOCOL,
    client: PROTOCOL,
  },
  {
    id: MAX_FRAME_SIZE,
    what: "MAX_FRAME_SIZE 2^24",
    value: 0x1000000,
    server: PROTOCOL,
    client: PROTOCOL,
  },
  { id: 6, what: "MAX_HEADER_LIST_SIZE 0", value: 0 },
];

wireTests(
  VALUES.flatMap((value) =>
    (["server", "client"] as const).map((role): WireCase => {
      const code = value[role] ?? "";
      const reason = "SETTINGS with a value out of range";
      return {
        section: "6.5.2",
        name: `to a ${role}, ${value.what} is ${code === "" ? "allowed" : code}`,
        role,
        script: (peer) =>
          peer
            .send(settings([value.id, value.value]))
            .want(code === "" ? "SETTINGS ACK" : `GOAWAY last=0 code=${code} "${reason}"`),
      };
    }),
  ),
);

wireTests([
  {
    section: "6.5",
    name: "SETTINGS on a stream is PROTOCOL_ERROR",
    script: (peer) =>
      peer.send(frame(0x4, 0, 1)).want('GOAWAY last=0 code=PROTOCOL_ERROR "SETTINGS on a stream"'),
  },
  ...[1, 5, 7, 11].map(
    (length): WireCase => ({
      section: "6.5",
      name: `SETTINGS of ${length} bytes is FRAME_SIZE_ERROR`,
      script: (peer) =>
        peer
          .send(frame(0x4, 0, 0, new Uint8Array(length)))
          .want('GOAWAY last=0 code=FRAME_SIZE_ERROR "SETTINGS of a wrong size"'),
    }),
  ),
  {
    section: "6.5",
    name: "an ACK with a payload is FRAME_SIZE_ERROR",
    script: (peer) =>
      peer
        .send(frame(0x4, ACK, 0, "000400000001"))
        .want('GOAWAY last=0 code=FRAME_SIZE_ERROR "a SETTINGS ACK with payload"'),
  },
  {
    section: "6.5.2",
    name: "32 entries in one frame are taken, 33 are too many",
    script: (peer) => {
      const entries = (count: number) => Array.from({ length: count }, () => [0x99, 1] as const);
      peer
        .send(settings(...entries(32)))
        .want("SETTINGS ACK")
        .send(settings(...entries(33)))
        .want('GOAWAY last=0 code=ENHANCE_YOUR_CALM "SETTINGS with too many entries"');
    },
  },
  {
    section: "6.5.3",
    name: "each SETTINGS is acknowledged, with what was in force before",
    script: (peer) =>
      peer
        .send(settings([INITIAL_WINDOW_SIZE, 1]), settings(), settings([INITIAL_WINDOW_SIZE, 2]))
        .want("SETTINGS ACK", "SETTINGS ACK", "SETTINGS ACK"),
  },
  {
    section: "6.5.3",
    name: "the entries of a frame are applied in their order: the last value counts",
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 5], [0x77, 1], [INITIAL_WINDOW_SIZE, 3]));
      peer.send(headers(1, REQUEST, 1)).said();
      peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
      peer.write(1, 10);
      peer.want("HEADERS 1 :status=200", 'DATA 1 "\\u0000\\u0000\\u0000"');
    },
  },
  {
    section: "6.5.3",
    name: "SETTINGS that are never acknowledged end the connection after 30 s",
    isRaw: true,
    script: (peer) => {
      peer.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings()).said();
      peer
        .advance(30_000)
        .want()
        .advance(1_000)
        .want('GOAWAY last=0 code=SETTINGS_TIMEOUT "SETTINGS were not acknowledged in time"');
    },
  },
  {
    section: "6.5.3",
    name: "acknowledged SETTINGS end nothing",
    script: (peer) => peer.send(SETTINGS_ACK).advance(3_600_000).want().heard(),
  },
  {
    section: "6.5.2",
    name: "frames grow with the peer's MAX_FRAME_SIZE",
    isUncut: true,
    script: (peer) => {
      peer.send(settings([MAX_FRAME_SIZE, 30_000]), headers(1, REQUEST, 1)).said();
      peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
      peer.write(1, 60_000);
      peer.want("HEADERS 1 :status=200", "DATA 1 <60000 bytes>");
      assert.equal(peer.reader.payloadBytesMax, 30_000);
    },
  },
  {
    section: "6.5.2",
    name: "a smaller table is announced with the next block (RFC 7541 §4.2)",
    script: (peer) => {
      const repeated = constantList([...RESPONSE, ["x-settings-table", "1"]]);
      peer.send(settings([HEADER_TABLE_SIZE, 100]), headers(1, REQUEST, 1)).said();
      peer.on(1).stream.sendHeaders(repeated, true);
      peer.want("HEADERS 1 :status=200 x-settings-table=1 END_STREAM");
      assert.equal(peer.reader.hpack.table.maxBytes, 100);
    },
  },
  {
    section: "6.5.2",
    name: "a table that one frame shrinks and grows again is emptied on both sides",
    script: (peer) => {
      // The story: only the last value was looked at, so our table kept what the peer had evicted.
      const repeated = constantList([...RESPONSE, ["x-settings-min", "1"]]);
      peer.send(headers(1, REQUEST, 1), headers(3, REQUEST, 1)).said();
      peer.on(1).stream.sendHeaders(repeated, true);
      peer.said();
      assert.equal(peer.reader.hpack.table.rows.length, 1);
      peer.send(settings([HEADER_TABLE_SIZE, 0], [HEADER_TABLE_SIZE, 4_096])).said();
      peer.reader.hpack.table.resize(0); // as the peer does when it applies its own settings
      peer.on(3).stream.sendHeaders(repeated, true);
      peer.want("HEADERS 3 :status=200 x-settings-min=1 END_STREAM");
    },
  },
  {
    section: "6.5.2",
    name: "a table of 2^32-1 bytes is not used: ours stays at 4 KiB",
    isUncut: true,
    script: (peer) => {
      peer.send(settings([HEADER_TABLE_SIZE, 0xffffffff], [INITIAL_WINDOW_SIZE, 1_000_000])).said();
      for (let i = 0; i < 200; i++) {
        peer.send(headers(1 + 2 * i, REQUEST, 1));
        const list = constantList([...RESPONSE, ["x-settings-large", `${i}`.padEnd(100, "x")]]);
        peer.on(1 + 2 * i).stream.sendHeaders(list, true);
      }
      // The reader's table is 4 KiB, so it would not understand what a larger one refers to.
      assert.equal(peer.said().length, 200);
      assert.equal(peer.reader.hpack.table.maxBytes, 4_096);
    },
  },
  {
    section: "6.5.2",
    name: "a new INITIAL_WINDOW_SIZE says nothing of the connection's window",
    isUncut: true,
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 200_000]), headers(1, REQUEST, 1)).said();
      peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
      assert.equal(peer.write(1, 100_000), 65_535);
      peer.send(windowUpdate(0, 40_000)).said();
      assert.equal(peer.reader.dataBytes.get(1), 100_000);
    },
  },
  {
    section: "6.5.2",
    name: "INITIAL_WINDOW_SIZE that lifts a stream's window above 2^31-1 is FLOW_CONTROL_ERROR",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), windowUpdate(1, 0x7fffffff - 65_535))
        .want()
        .send(join("000006 04 00 00000000", uint(INITIAL_WINDOW_SIZE, 2), uint(65_536, 4)))
        .want('GOAWAY last=1 code=FLOW_CONTROL_ERROR "a stream window above 2^31-1"'),
  },
]);
