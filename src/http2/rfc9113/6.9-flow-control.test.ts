/**
 * RFC 9113 §5.2, §6.9: both windows, both ways. What was granted is what may be sent, not a byte
 * more; what was passed on is granted again, not a byte less.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ascii,
  data,
  frame,
  headers,
  hex,
  PREFACE_TEXT,
  paddedData,
  REQUEST,
  RESPONSE,
  rstStream,
  SETTING,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from "../../../test/support/http2-frames.ts";
import { Peer, type WireCase, wireTests } from "../../../test/support/http2-peer.ts";
import { headerList, limits } from "../index.ts";

const { INITIAL_WINDOW_SIZE } = SETTING;
const INITIAL = 65_535;
const REQUEST_TEXT = ":method=POST :scheme=http :path=/s/m :authority=a";
const flowError = (reason: string) => `GOAWAY last=0 code=FLOW_CONTROL_ERROR "${reason}"`;

/** Opens `count` streams at a server and answers each, so that data can be sent. */
function answered(peer: Peer, count: number): void {
  for (let i = 0; i < count; i++) {
    peer.send(headers(1 + 2 * i, REQUEST, 1));
    peer.on(1 + 2 * i).stream.sendHeaders(headerList(RESPONSE), false);
  }
  peer.said();
}

wireTests([
  ...["", "000000", "0000000100"].map(
    (payload): WireCase => ({
      section: "6.9",
      name: `WINDOW_UPDATE with a payload of ${payload.length / 2} bytes is FRAME_SIZE_ERROR`,
      script: (peer) =>
        peer
          .send(frame(0x8, 0, 0, payload))
          .want('GOAWAY last=0 code=FRAME_SIZE_ERROR "WINDOW_UPDATE of a wrong size"'),
    }),
  ),
  {
    section: "6.9",
    name: "WINDOW_UPDATE of 0 on the connection is PROTOCOL_ERROR",
    script: (peer) =>
      peer.send(windowUpdate(0, 0)).want('GOAWAY last=0 code=PROTOCOL_ERROR "WINDOW_UPDATE of 0"'),
  },
  {
    section: "6.9",
    name: "WINDOW_UPDATE of 0 on a stream is an error of the stream",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), windowUpdate(1, 0))
        .want("RST_STREAM 1 PROTOCOL_ERROR")
        .heard(
          `request 1 ${REQUEST_TEXT}`,
          'reset 1 PROTOCOL_ERROR by library "WINDOW_UPDATE of 0"',
        ),
  },
  {
    section: "6.9.1",
    name: "a connection window of 2^31-1 is allowed, one more is FLOW_CONTROL_ERROR",
    script: (peer) =>
      peer
        .send(hex("000004 08 00 00000000 7fff0000 ; 65,535 + 0x7fff0000 = 2^31-1"))
        .want()
        .send(windowUpdate(0, 1))
        .want(flowError("a connection window above 2^31-1")),
  },
  {
    section: "6.9.1",
    name: "a stream window of 2^31-1 is allowed, one more resets the stream",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), windowUpdate(1, 0x7fff0000))
        .want()
        .send(windowUpdate(1, 1))
        .want("RST_STREAM 1 FLOW_CONTROL_ERROR"),
  },
  {
    section: "6.9.1",
    name: "nothing is sent beyond the stream's window; the rest follows its updates",
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 3]));
      answered(peer, 1);
      const { stream } = peer.on(1);
      assert.equal(stream.sendData(Buffer.from("abcdefgh"), 0, 8, true), 3);
      assert.equal(stream.queuedBytes, 5);
      peer.want('DATA 1 "abc"').send(windowUpdate(1, 2)).want('DATA 1 "de"');
      peer.send(windowUpdate(1, 100)).want('DATA 1 "fgh" END_STREAM');
      assert.equal(peer.on(1).writtenBytes, 5);
    },
  },
  {
    section: "6.9.1",
    name: "nothing is sent beyond the connection's window; the rest follows its updates",
    isUncut: true,
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 1_000_000]));
      answered(peer, 1);
      assert.equal(peer.write(1, 70_000, true), INITIAL);
      peer.want(`DATA 1 <${INITIAL} bytes>`).send(windowUpdate(1, 1_000)).want();
      peer.send(windowUpdate(0, 4_000)).want("DATA 1 <4000 bytes>");
      peer.send(windowUpdate(0, 1_000)).want("DATA 1 <465 bytes> END_STREAM");
    },
  },
  {
    section: "6.9.1",
    name: "headers, trailers and an empty end pass closed windows",
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 0]));
      answered(peer, 3);
      peer.on(1).stream.sendTrailers(headerList([["x", "1"]]));
      assert.equal(peer.write(3, 0, true), 0);
      peer.want("HEADERS 1 x=1 END_STREAM", 'DATA 3 "" END_STREAM');
    },
  },
  {
    section: "6.9.1",
    name: "trailers and the end wait behind the data that waits",
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 0]));
      answered(peer, 2);
      peer.write(1, 2);
      peer.on(1).stream.sendTrailers(headerList([["x", "1"]]));
      peer.write(3, 2);
      peer.write(3, 0, true);
      peer.want().send(windowUpdate(1, 1), windowUpdate(3, 1));
      peer.want('DATA 1 "\\u0000"', 'DATA 3 "\\u0000"');
      peer.send(windowUpdate(1, 1), windowUpdate(3, 1));
      peer.want('DATA 1 "\\u0000"', "HEADERS 1 x=1 END_STREAM", 'DATA 3 "\\u0000" END_STREAM');
    },
  },
  {
    section: "6.9.2",
    name: "a smaller initial window makes windows negative; updates must climb out first",
    script: (peer) => {
      answered(peer, 1);
      peer.write(1, 40);
      peer.said();
      peer.send(settings([INITIAL_WINDOW_SIZE, 16])).want("SETTINGS ACK");
      assert.equal(peer.on(1).stream.sendWindow, -24);
      peer.write(1, 10);
      peer.want().send(windowUpdate(1, 24)).want().send(windowUpdate(1, 1));
      peer.want('DATA 1 "\\u0000"');
      // A negative window does not keep the end of an empty rest back.
      peer.send(settings([INITIAL_WINDOW_SIZE, 0])).want("SETTINGS ACK");
      peer.send(settings([INITIAL_WINDOW_SIZE, 41 + 9]));
      peer.want(
        'DATA 1 "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"',
        "SETTINGS ACK",
      );
    },
  },
  {
    section: "6.9.2",
    name: "an empty end passes a negative window",
    script: (peer) => {
      answered(peer, 1);
      peer.write(1, 40);
      peer.send(settings([INITIAL_WINDOW_SIZE, 16])).said();
      peer.write(1, 0, true);
      peer.want('DATA 1 "" END_STREAM');
    },
  },
  {
    section: "6.9.2",
    name: "a larger initial window opens all waiting streams at once",
    script: (peer) => {
      peer.send(settings([INITIAL_WINDOW_SIZE, 0]));
      answered(peer, 3);
      for (const id of [1, 3, 5]) peer.write(id, 1, true);
      // A turn in which no window is open must not lose the streams.
      peer.send(windowUpdate(0, 1_000)).want();
      peer.send(settings([INITIAL_WINDOW_SIZE, 1]));
      peer.want(...[1, 3, 5].map((id) => `DATA ${id} "\\u0000" END_STREAM`), "SETTINGS ACK");
    },
  },
  {
    section: "5.2.1",
    name: "more than the stream's window resets the stream, and the connection's credit is kept",
    config: { streamWindowBytes: 10, streamWindowBytesMax: 10 },
    isUncut: true, // what was inside the window is passed on when it comes apart
    hooks: { onData: () => 0 },
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), data(1, "0123456789"))
        .want()
        .send(data(1, "a"))
        .want("RST_STREAM 1 FLOW_CONTROL_ERROR")
        .send(headers(3, REQUEST), data(3, "0123456789a"))
        .want("RST_STREAM 3 FLOW_CONTROL_ERROR"),
  },
  {
    section: "5.2.1",
    name: "padding counts: it can overflow a window on its own",
    config: { streamWindowBytes: 10, streamWindowBytesMax: 10 },
    script: (peer) =>
      peer.send(headers(1, REQUEST), paddedData(1, "", 10)).want("RST_STREAM 1 FLOW_CONTROL_ERROR"),
  },
]);

wireTests([
  {
    section: "6.9.3",
    name: "a window below the RFC's counts only once the peer has acknowledged it",
    isRaw: true,
    isUncut: true, // credit is counted by parts
    config: { streamWindowBytes: 100, streamWindowBytesMax: 100, connectionWindowBytes: INITIAL },
    script: (peer) => {
      // The story: a client that sent before it had seen our SETTINGS was told off for it.
      peer.send(ascii(PREFACE_TEXT), settings(), headers(1, REQUEST), headers(3, REQUEST)).said();
      peer.send(data(1, new Uint8Array(1_000)), data(3, new Uint8Array(30))).want();
      // Its window is 100 - 1,000 now, and all of what it sent was taken.
      peer.send(SETTINGS_ACK).want("WINDOW_UPDATE 1 +1000");
      peer.send(data(3, new Uint8Array(70))).want("WINDOW_UPDATE 3 +100");
      peer.send(data(1, new Uint8Array(101))).want("RST_STREAM 1 FLOW_CONTROL_ERROR");
      peer.send(headers(5, REQUEST), data(5, new Uint8Array(101)));
      peer.want("RST_STREAM 5 FLOW_CONTROL_ERROR");
    },
  },
]);

/** A server whose user takes nothing by itself. */
function lazyServer(config: WireCase["config"] = {}): Peer {
  const peer = new Peer({ config: { ...config }, hooks: { onData: () => 0 } });
  peer.send(headers(1, REQUEST));
  peer.said();
  return peer;
}

const granted = (peer: Peer, streamId: number) => {
  peer.flush();
  return peer.reader.granted.get(streamId) ?? 0;
};

const FIXED = { streamWindowBytes: 1_000, streamWindowBytesMax: 1_000 };

test("RFC 9113 §6.9: a stream's credit comes back only for what its user has passed on", () => {
  const peer = lazyServer(FIXED);
  peer.send(data(1, new Uint8Array(1_000)));
  assert.equal(granted(peer, 1), 0);
  peer.on(1).stream.credit(499);
  assert.equal(granted(peer, 1), 0, "half a window at a time");
  peer.on(1).stream.credit(1);
  assert.equal(granted(peer, 1), 500);
  peer.on(1).stream.credit(500);
  assert.equal(granted(peer, 1), 1_000);
  assert.equal(peer.on(1).stream.heldBytes, 0);
  assert.equal(peer.on(1).stream.recvWindow, 1_000);
});

test("RFC 9113 §6.9: a window grows once, with the first credit of a stream whose data flows", () => {
  const peer = lazyServer({ streamWindowBytes: 1_000, streamWindowBytesMax: 5_000 });
  peer.send(data(1, new Uint8Array(600)));
  peer.on(1).stream.credit(600);
  assert.equal(granted(peer, 1), 600 + 4_000);
  peer.send(data(1, new Uint8Array(5_000)));
  peer.on(1).stream.credit(5_000);
  assert.equal(granted(peer, 1), 600 + 4_000 + 5_000);
  assert.equal(peer.on(1).stream.recvWindow, 5_000);
});

test("RFC 9113 §6.9: padding is granted back at once: it is never passed on", () => {
  const peer = lazyServer(FIXED);
  peer.send(paddedData(1, "", 250), paddedData(1, "a", 250));
  assert.equal(granted(peer, 1), 502);
  assert.equal(peer.on(1).stream.heldBytes, 1);
});

test("RFC 9113 §6.9: no credit is given for a stream whose sender has ended", () => {
  const peer = lazyServer(FIXED);
  peer.send(data(1, new Uint8Array(1_000), 1));
  peer.on(1).stream.credit(1_000);
  assert.equal(granted(peer, 1), 0);
});

test("RFC 9113 §6.9.1: the connection's credit comes back for whatever became of the data", () => {
  // Taken, held, padded; on a reset, a refused, a closed, an ended and a malformed stream. The sum
  // of it all is far above the window, so a single byte that is not returned would show.
  const peer = new Peer({ config: { connectionWindowBytes: 65_535, maxStreams: 3, ...FIXED } });
  let id = 1;
  let sent = 0;
  const payload = (bytes: number) => {
    sent += bytes;
    return new Uint8Array(bytes);
  };
  for (let round = 0; round < 200; round++) {
    peer.send(headers(id, REQUEST), data(id, payload(700)));
    peer.on(id).stream.reset(8);
    peer.send(data(id, payload(900)), rstStream(id, 8));
    id += 2;
    peer.send(headers(id, REQUEST), data(id, payload(500)), rstStream(id, 8));
    peer.send(data(id, payload(300)));
    sent += 101;
    peer.send(headers(id + 2, REQUEST), paddedData(id + 2, "a".repeat(50), 50, 1));
    sent += 10;
    peer.send(data(id + 2, "b".repeat(10))); // after its end: reset by us
    id += 4;
    peer.send(headers(id, [...REQUEST, ["content-length", "5"]]), data(id, payload(200)));
    id += 2;
  }
  assert.equal(peer.user.failure, null);
  const owed = sent - granted(peer, 0);
  assert.ok(owed >= 0 && owed < 65_535 / 2, `${owed} of ${sent} bytes are still owed`);
});

test("RFC 9113 §6.9: what was held by a stream that is gone is held no more", () => {
  const peer = lazyServer();
  peer.send(data(1, new Uint8Array(10_000)));
  const { stream } = peer.on(1);
  assert.equal(stream.heldBytes, 10_000);
  peer.send(rstStream(1, 8));
  assert.equal(stream.heldBytes, 0);
  stream.credit(10_000);
  peer.want();
});

test("RFC 9113 §6.9: a user that resets its stream inside onData leaves nothing held", () => {
  const peer = new Peer({
    hooks: {
      onData: ({ stream }) => {
        stream.reset(8);
        return 0;
      },
    },
  });
  peer.send(headers(1, REQUEST), data(1, "abc"));
  assert.equal(peer.on(1).stream.heldBytes, 0);
  peer.finish();
});

test("RFC 9113 §5.2.2: waiting streams take turns, also over many small updates", () => {
  // The story: each update of the connection's window began with the first stream in line, which
  // took all of it; the others starved for as long as the first one had data.
  const peer = new Peer();
  peer.send(settings([INITIAL_WINDOW_SIZE, 1_000_000]));
  answered(peer, 4);
  peer.write(1, INITIAL);
  for (const id of [1, 3, 5, 7]) peer.write(id, 100_000);
  peer.said();
  const before = peer.reader.dataBytes.get(1)!;
  for (let i = 0; i < 8; i++) peer.send(windowUpdate(0, 10_000));
  peer.said();
  const sent = [1, 3, 5, 7].map((id) => peer.reader.dataBytes.get(id) ?? 0);
  assert.deepEqual([sent[0]! - before, ...sent.slice(1)], [20_000, 20_000, 20_000, 20_000]);
});

test("RFC 9113 §5.2.2: waiting streams take turns while the socket is slow", () => {
  const peer = new Peer();
  peer.send(settings([INITIAL_WINDOW_SIZE, 10_000_000]), windowUpdate(0, 100_000_000));
  answered(peer, 40);
  peer.isStuck = true;
  const ids = Array.from({ length: 40 }, (_, i) => 1 + 2 * i);
  for (const id of ids) peer.write(id, 200_000);
  peer.flush();
  for (let turn = 0; turn < 12; turn++) {
    peer.turn();
    // Those whose data has left have more at once.
    for (const id of ids) if (peer.on(id).stream.queuedBytes < 150_000) peer.write(id, 50_000);
    peer.flush();
  }
  const sent = ids.slice(2).map((id) => peer.reader.dataBytes.get(id) ?? 0);
  const least = Math.min(...sent);
  assert.ok(least > 0, "each has had a turn");
  assert.ok(Math.max(...sent) - least <= 2 * 16_384, `${Math.max(...sent)} and ${least} bytes`);
});

test("RFC 9113 §5.2.2: a stream with a closed window does not hold up the others", () => {
  const peer = new Peer();
  peer.send(settings([INITIAL_WINDOW_SIZE, 0]));
  answered(peer, 3);
  for (const id of [1, 3, 5]) peer.write(id, 10, true);
  peer
    .send(windowUpdate(0, 1_000), windowUpdate(5, 10))
    .want(`DATA 5 ${JSON.stringify("\0".repeat(10))} END_STREAM`);
  peer.send(windowUpdate(1, 10)).want(`DATA 1 ${JSON.stringify("\0".repeat(10))} END_STREAM`);
});

test("RFC 9113 §5.2.2: a stream whose window opened waits for the connection's, and is not lost", () => {
  const peer = new Peer();
  peer.send(settings([INITIAL_WINDOW_SIZE, 100_000]));
  answered(peer, 2);
  peer.write(1, INITIAL);
  peer.write(3, 100_010);
  peer.send(settings([INITIAL_WINDOW_SIZE, 0]), windowUpdate(0, 1)).said();
  peer.send(windowUpdate(3, 100_010)).want('DATA 3 "\\u0000"');
  peer.send(windowUpdate(0, 200_000)).want("DATA 3 <100009 bytes>");
});

test("RFC 9113 §6.9: output that the socket does not take is bounded; the rest stays queued", () => {
  const peer = new Peer();
  peer.send(settings([INITIAL_WINDOW_SIZE, 50_000_000]), windowUpdate(0, 50_000_000));
  answered(peer, 1);
  peer.isStuck = true;
  const bytes = 10_000_000;
  const left = peer.write(1, bytes);
  peer.flush();
  const { output } = peer.connection;
  assert.ok(output.pendingBytes < limits.OUTPUT_BYTES_HIGH + 65_536, `${output.pendingBytes}`);
  assert.equal(left + peer.on(1).stream.queuedBytes, bytes);
  while (peer.on(1).stream.queuedBytes > 0) {
    const before = peer.reader.dataBytes.get(1)!;
    peer.turn();
    assert.ok(output.pendingBytes < limits.OUTPUT_BYTES_HIGH + 65_536, `${output.pendingBytes}`);
    assert.ok(peer.reader.dataBytes.get(1)! > before, "it moves");
  }
  peer.unstick();
  assert.equal(peer.reader.dataBytes.get(1), bytes);
  assert.equal(peer.on(1).writtenBytes, bytes - left);
  assert.equal(output.pendingBytes, 0);
});
