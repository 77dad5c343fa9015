/**
 * Each limit of `limits.ts` and the glitch budget: the attack is cut, with a code and a reason that
 * say why, and an honest peer that is merely busy is not.
 *
 * Attacks are named as in the advisories. Time is the script's: nothing here waits.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  ACK,
  ascii,
  data,
  END_HEADERS,
  frame,
  goaway,
  headers,
  join,
  type Pairs,
  PREFACE_TEXT,
  paddedData,
  ping,
  priority,
  REQUEST,
  RESPONSE,
  rstStream,
  SETTING,
  settings,
  windowUpdate,
} from "../../test/support/http2-frames.ts";
import { indexed, literal, plainBlock } from "../../test/support/http2-hpack-model.ts";
import { Peer } from "../../test/support/http2-peer.ts";
import { headerList, limits, overloadFigures } from "./index.ts";
import { noteBuffered } from "./overload.ts";

const REQUEST_BLOCK = plainBlock(REQUEST);
const END = 1;

/** Runs `step` until the connection fails; returns how often, and checks what it said. */
function untilCut(peer: Peer, step: (i: number) => void, code: string, reason: RegExp): number {
  for (let i = 0; i < 20_000; i++) {
    step(i);
    if (peer.user.failure === null) continue;
    const goAway = peer.said().filter((line) => line.startsWith("GOAWAY"));
    assert.equal(goAway.length, 1);
    assert.match(goAway[0]!, new RegExp(`code=${code} "`));
    assert.match(peer.user.failure.reason, reason);
    assert.ok(goAway[0]!.endsWith(`"${peer.user.failure.reason}"`), "the debug data says why");
    peer.finish();
    return i + 1;
  }
  assert.fail("the attack was not cut");
}

/** Runs `step` often; the connection must live, and the peer's script be honest. */
function neverCut(peer: Peer, times: number, step: (i: number) => void): void {
  for (let i = 0; i < times; i++) {
    step(i);
    assert.equal(peer.user.failure, null, `cut in round ${i}: ${peer.user.failure?.reason}`);
  }
  peer.said();
  peer.finish();
}

const answer = (peer: Peer, id: number) => {
  peer.on(id).stream.sendHeaders(headerList(RESPONSE), true);
  peer.user.streams.delete(id);
};

const CALM = "ENHANCE_YOUR_CALM";

describe("glitches", () => {
  test("rapid reset (CVE-2023-44487) is cut after the budget", () => {
    const peer = new Peer();
    const count = untilCut(
      peer,
      (i) => peer.send(headers(1 + 2 * i, REQUEST_BLOCK, END), rstStream(1 + 2 * i, 8)),
      CALM,
      /too many glitches, the last: streams reset at once/,
    );
    assert.equal(count, limits.GLITCHES_MAX + 1);
  });

  test("rapid reset in one read is cut as well", () => {
    const peer = new Peer();
    const pairs = Array.from({ length: 1_100 }, (_, i) =>
      join(headers(1 + 2 * i, REQUEST_BLOCK, END), rstStream(1 + 2 * i, 8)),
    );
    untilCut(peer, () => peer.send(...pairs), CALM, /streams reset at once/);
    assert.equal(peer.connection.streamCount, 0);
  });

  test("a peer that resets at the rate of the refill is not cut, one above it is", () => {
    const resetting = (perSecond: number) => (peer: Peer) => (i: number) => {
      peer.nowMs += 1_000 / perSecond;
      peer.send(headers(1 + 2 * i, REQUEST_BLOCK, END), rstStream(1 + 2 * i, 8));
    };
    const slow = new Peer();
    neverCut(slow, 5_000, resetting(limits.GLITCHES_PER_SECOND - 1)(slow));
    const fast = new Peer();
    untilCut(fast, resetting(limits.GLITCHES_PER_SECOND * 3)(fast), CALM, /reset at once/);
  });

  test("a busy honest peer that cancels four calls for each served one is not cut", () => {
    const peer = new Peer();
    neverCut(peer, 10_000, (i) => {
      const id = 1 + 2 * i;
      peer.send(headers(id, REQUEST_BLOCK, END));
      if (i % 5 === 0) answer(peer, id);
      else peer.send(rstStream(id, 8));
      peer.user.streams.delete(id);
    });
  });

  test("served calls earn back only so much: eight cancels for each are too many", () => {
    // The story: a call that was answered and then reset by its caller was counted twice.
    const peer = new Peer();
    untilCut(
      peer,
      (i) => {
        const id = 1 + 2 * i;
        peer.send(headers(id, REQUEST_BLOCK));
        if (i % 9 === 0) peer.on(id).stream.sendHeaders(headerList(RESPONSE), false);
        peer.send(rstStream(id, 8));
        peer.user.streams.delete(id);
      },
      CALM,
      /streams reset at once/,
    );
  });

  test("calls that are cancelled after 100 ms, or after their answer began, cost nothing", () => {
    const peer = new Peer({ config: { maxStreams: 1_000 } });
    neverCut(peer, 3_000, (i) => {
      const id = 1 + 2 * i;
      peer.send(headers(id, REQUEST_BLOCK, END));
      if (i % 2 === 0) peer.on(id).stream.sendHeaders(headerList(RESPONSE), false);
      else peer.nowMs += limits.PREMATURE_RESET_MS;
      peer.send(rstStream(id, 8));
      peer.user.streams.delete(id);
    });
    assert.equal(peer.connection.glitchCount, 0);
  });

  const provocations: readonly [string, (id: number) => Uint8Array, RegExp][] = [
    ["WINDOW_UPDATE of 0", (id) => windowUpdate(id, 0), /WINDOW_UPDATE of 0/],
    [
      "a window that overflows",
      (id) => windowUpdate(id, 0x7fffffff),
      /a stream window above 2\^31-1/,
    ],
    ["PRIORITY on itself", (id) => priority(id, id), /depends on itself/],
    ["PRIORITY of a wrong size", (id) => frame(2, 0, id, "00"), /PRIORITY of a wrong size/],
    ["DATA behind END_STREAM", (id) => data(id, "a"), /DATA after END_STREAM/],
    ["HEADERS behind END_STREAM", (id) => headers(id, REQUEST_BLOCK), /HEADERS after END_STREAM/],
  ];
  for (const [what, provoke, reason] of provocations) {
    test(`MadeYouReset (CVE-2025-8671) by ${what} is cut`, () => {
      const peer = new Peer();
      const count = untilCut(
        peer,
        (i) => peer.send(headers(1 + 2 * i, REQUEST_BLOCK, END), provoke(1 + 2 * i)),
        CALM,
        reason,
      );
      assert.ok(count <= limits.GLITCHES_MAX + 1, `${count}`);
    });
  }

  test("malformed requests are cut", () => {
    const peer = new Peer();
    const block = plainBlock([...REQUEST, ["Upper", "1"]]);
    untilCut(peer, (i) => peer.send(headers(1 + 2 * i, block, END)), CALM, /in upper case/);
  });

  test("DATA on a stream that the peer has closed itself is answered once, then ignored", () => {
    const peer = new Peer();
    peer.send(headers(1, REQUEST_BLOCK), rstStream(1, 8));
    for (let i = 0; i < 100; i++) peer.send(data(1, "a"));
    peer.want("RST_STREAM 1 STREAM_CLOSED");
  });

  const floods: readonly [string, (i: number) => Uint8Array, RegExp, number][] = [
    ["frames of unknown types", (i) => frame(0x0a + (i % 200), 0, i), /unknown types/, 1],
    ["PRIORITY frames", (i) => priority(1 + 2 * (i % 50), 0), /PRIORITY frames/, 1],
    ["empty DATA frames (CVE-2019-9518)", () => data(1, ""), /empty DATA frames/, 1],
    ["empty padded DATA frames", () => paddedData(1, "", 10), /empty DATA frames/, 1],
    ["SETTINGS (CVE-2019-9515)", () => settings(), /SETTINGS frames/, 4],
    ["GOAWAY", () => goaway(0x7fffffff, 0), /GOAWAY frames/, 1],
    ["tiny WINDOW_UPDATEs of a stream", () => windowUpdate(1, 1), /tiny WINDOW_UPDATEs/, 0.2],
    ["tiny WINDOW_UPDATEs", () => windowUpdate(0, 31), /tiny WINDOW_UPDATEs/, 0.2],
  ];
  for (const role of ["server", "client"] as const) {
    for (const [what, bytes, reason, cost] of floods) {
      test(`${role}: a flood of ${what} is cut`, () => {
        const peer = new Peer({ role });
        if (role === "client") peer.open();
        peer.send(headers(1, role === "client" ? RESPONSE : REQUEST_BLOCK));
        const count = untilCut(peer, (i) => peer.send(bytes(i)), CALM, reason);
        const expected = Math.round(limits.GLITCHES_MAX / cost) + 1;
        assert.ok(Math.abs(count - expected) <= 2, `${count} frames, not about ${expected}`);
      });
    }
  }

  test("window updates of 32 bytes and more cost nothing", () => {
    const peer = new Peer();
    peer.send(headers(1, REQUEST_BLOCK));
    neverCut(peer, 3_000, () => peer.send(windowUpdate(0, 32), windowUpdate(1, 32)));
    assert.equal(peer.connection.glitchCount, 0);
  });

  test("an upstream that sends an empty DATA frame with each answer is never cut", () => {
    // The story: only the server role earned for served calls.
    const peer = new Peer({ role: "client" });
    neverCut(peer, 5_000, () => {
      const { id } = peer.open(true);
      peer.send(headers(id, RESPONSE), data(id, ""), data(id, "a", END));
      peer.user.streams.delete(id);
    });
  });

  test("streams above the limit are refused, and a peer that goes on opening them is cut", () => {
    const peer = new Peer({ config: { maxStreams: 1 } });
    peer.send(headers(1, REQUEST_BLOCK));
    const count = untilCut(
      peer,
      (i) => peer.send(headers(3 + 2 * i, REQUEST_BLOCK, END)),
      CALM,
      /streams above the limit/,
    );
    assert.equal(count, limits.GLITCHES_MAX + 1);
  });

  test("what is cut says goodbye once, and every open stream ends", () => {
    const peer = new Peer();
    peer.send(headers(1, REQUEST_BLOCK), headers(3, REQUEST_BLOCK));
    untilCut(peer, () => peer.send(frame(0x20, 0, 0)), CALM, /unknown/);
    assert.equal(peer.on(1).failure!.by, "library");
    assert.equal(peer.on(3).failure!.by, "library");
  });
});

describe("answers that are not read (CVE-2019-9512, 9514, 9515)", () => {
  const floods: readonly [string, (i: number) => Uint8Array, RegExp][] = [
    ["PING", () => ping(), /(unread answers to|too many) PING/],
    ["SETTINGS", () => settings(), /SETTINGS/],
    [
      "bad frames",
      (i) => join(headers(1 + 2 * i, REQUEST_BLOCK, END), windowUpdate(1 + 2 * i, 0)),
      /bad frames|WINDOW_UPDATE of 0/,
    ],
  ];
  for (const [what, bytes, reason] of floods) {
    test(`a peer that floods with ${what} and reads nothing is cut, and little waits for it`, () => {
      const peer = new Peer();
      peer.isStuck = true;
      let waitingMax = 0;
      untilCut(
        peer,
        (i) => {
          // It floods no faster than the budgets refill, so that only the waiting answers count.
          peer.nowMs += 200;
          peer.send(bytes(i));
          peer.flush();
          waitingMax = Math.max(waitingMax, peer.connection.output.pendingBytes);
        },
        CALM,
        reason,
      );
      assert.ok(waitingMax < 64 * limits.CONTROL_FRAMES_QUEUED_MAX, `${waitingMax} bytes waited`);
    });
  }

  test("the answers are counted anew when the peer has read them", () => {
    const peer = new Peer();
    neverCut(peer, 20, () => {
      peer.isStuck = true;
      peer.nowMs += 10_000;
      for (let i = 0; i < 900; i++) peer.send(ping());
      peer.unstick();
    });
  });
});

describe("PINGs", () => {
  test("a flood of PINGs is cut although all answers are read", () => {
    const peer = new Peer();
    const count = untilCut(peer, () => peer.send(ping()), CALM, /too many PINGs/);
    assert.equal(count, limits.PINGS_MAX + 1);
  });

  test("PINGs at the rate of the refill are not cut", () => {
    const peer = new Peer();
    neverCut(peer, 5_000, () => {
      peer.nowMs += 1_000 / limits.PINGS_PER_SECOND;
      peer.send(ping());
    });
  });

  test("a PING for each DATA frame (grpc-go measures bandwidth so) is not cut", () => {
    const peer = new Peer();
    peer.send(windowUpdate(0, 1_000_000), headers(1, REQUEST_BLOCK), windowUpdate(1, 1_000_000));
    peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
    neverCut(peer, 5_000, () => {
      peer.write(1, 10);
      peer.flush();
      peer.send(ping());
    });
  });

  test("ACKs of PINGs cost nothing", () => {
    const peer = new Peer();
    neverCut(peer, 5_000, () => peer.send(ping("0102030405060708", ACK)));
  });
});

describe("header blocks", () => {
  const BLOCK = plainBlock(REQUEST);

  test("CONTINUATIONs without end (CVE-2024-27316) are cut by their number", () => {
    const peer = new Peer();
    peer.send(frame(1, 0, 1, BLOCK));
    const count = untilCut(
      peer,
      () => peer.send(frame(9, 0, 1, literal("x", "1"))),
      CALM,
      /too many or too large frames/,
    );
    assert.equal(count, limits.CONTINUATIONS_MAX + 1);
  });

  test("empty CONTINUATIONs (CVE-2026-33871) are cut", () => {
    const peer = new Peer();
    peer.send(frame(1, 0, 1, BLOCK));
    const count = untilCut(peer, () => peer.send(frame(9, 0, 1)), CALM, /too many or too large/);
    assert.equal(count, limits.CONTINUATIONS_MAX + 1);
  });

  test("empty CONTINUATIONs cost glitches too, block after block", () => {
    const peer = new Peer();
    untilCut(
      peer,
      (i) =>
        peer.send(
          frame(1, END, 1 + 2 * i, BLOCK),
          ...new Array(20).fill(frame(9, 0, 1 + 2 * i)),
          frame(9, END_HEADERS, 1 + 2 * i),
        ),
      CALM,
      /empty CONTINUATION/,
    );
  });

  test("a block is cut by its bytes before it is complete", () => {
    const peer = new Peer();
    const part = new Uint8Array(16_384);
    peer.send(frame(1, 0, 1, part));
    const count = untilCut(peer, () => peer.send(frame(9, 0, 1, part)), CALM, /too large frames/);
    assert.equal(count, limits.HEADER_BLOCK_BYTES_MAX / 16_384);
  });

  test("a block of 128 KiB in 32 CONTINUATIONs is taken", () => {
    const peer = new Peer({ config: { headerListBytesMax: 1_000_000 } });
    const value = "v".repeat(limits.HEADER_BLOCK_BYTES_MAX - BLOCK.length - 7);
    const block = join(BLOCK, literal("x", value));
    assert.equal(block.length, limits.HEADER_BLOCK_BYTES_MAX);
    const frames = [frame(1, END, 1, block.slice(0, 16_000))];
    const step = Math.ceil((block.length - 16_000) / limits.CONTINUATIONS_MAX);
    for (let at = 16_000; at < block.length; at += step) {
      const isLast = at + step >= block.length;
      frames.push(frame(9, isLast ? END_HEADERS : 0, 1, block.slice(at, at + step)));
    }
    assert.equal(frames.length, 1 + limits.CONTINUATIONS_MAX);
    peer.send(...frames).want();
    assert.equal(peer.on(1).lists[0]!.get("x"), value);
  });

  /** The list of stream `id` was too large, so its user saw only a part of it. */
  function wantTooLarge(peer: Peer, id: number): void {
    const list = peer.on(id).lists[0]!;
    assert.ok(list.isTooLarge);
    assert.ok(list.sizeBytes <= limits.HEADER_LIST_BYTES_MAX);
    assert.ok(list.fields.length <= limits.HEADER_FIELDS_MAX);
  }

  test("a header bomb (CVE-2026-49975): one 4 kB field referred to 32,000 times", () => {
    const peer = new Peer();
    const bomb = join(
      REQUEST_BLOCK,
      literal("x", "v".repeat(4_000), { indexing: "with" }),
      new Uint8Array(12_000).fill(0x80 | 62),
    );
    const parts = [frame(1, END, 1, bomb.slice(0, 16_384))];
    parts.push(frame(9, END_HEADERS, 1, new Uint8Array(16_384).fill(0x80 | 62)));
    peer.send(...parts).want();
    wantTooLarge(peer, 1);
  });

  test("a header bomb: 100,000 tiny fields", () => {
    const peer = new Peer();
    const all = join(REQUEST_BLOCK, new Uint8Array(100_000).fill(0x80 | 15));
    const parts = [frame(1, END, 1, all.slice(0, 16_384))];
    for (let at = 16_384; at < all.length; at += 16_384) {
      const isLast = at + 16_384 >= all.length;
      parts.push(frame(9, isLast ? END_HEADERS : 0, 1, all.slice(at, at + 16_384)));
    }
    peer.send(...parts).want();
    wantTooLarge(peer, 1);
  });

  test("the limits are exact, in bytes and in fields", () => {
    const peer = new Peer({ config: { headerListBytesMax: 300, headerFieldsMax: 6 } });
    const size = (pairs: Pairs) => pairs.reduce((sum, [n, v]) => sum + n.length + v.length + 32, 0);
    const fill = (bytes: number): Pairs => {
      const rest = bytes - size(REQUEST) - 33;
      return [...REQUEST, ["x", "v".repeat(rest)]];
    };
    const six: Pairs = [...REQUEST, ["a", ""], ["b", ""]];
    const seven: Pairs = [...six, ["c", ""]];
    const lists: Pairs[] = [fill(300), fill(301), six, seven];
    for (const [i, pairs] of lists.entries()) peer.send(headers(1 + 2 * i, pairs, END));
    assert.deepEqual(
      [1, 3, 5, 7].map((id) => peer.on(id).lists[0]!.isTooLarge),
      [false, true, false, true],
    );
  });

  test("the table stays in step over a list that is too large", () => {
    const peer = new Peer({ config: { headerFieldsMax: 5 } });
    const block = join(
      REQUEST_BLOCK,
      literal("a", "1", { indexing: "with" }),
      literal("b", "2", { indexing: "with" }),
    );
    peer.send(headers(1, block, END), headers(3, join(REQUEST_BLOCK, indexed(62)), END));
    assert.ok(peer.on(1).lists[0]!.isTooLarge);
    assert.equal(peer.on(3).lists[0]!.get("b"), "2");
  });

  test("a peer that sends lists that are too large again and again is cut", () => {
    const peer = new Peer({ config: { headerFieldsMax: 5 } });
    const block = plainBlock([...REQUEST, ["a", ""], ["b", ""]]);
    const count = untilCut(
      peer,
      (i) => peer.send(headers(1 + 2 * i, block, END)),
      CALM,
      /header lists that are too large/,
    );
    assert.equal(count, limits.GLITCHES_MAX / 10 + 1);
  });

  test("response headers and trailers that are too large fail the call alone", () => {
    const peer = new Peer({ role: "client", config: { headerFieldsMax: 2 } });
    const large: Pairs = [
      ["a", ""],
      ["b", ""],
      ["c", ""],
    ];
    for (let i = 0; i < 3; i++) peer.open(true);
    peer.said();
    peer.send(
      headers(1, [...RESPONSE, ...large], END),
      headers(3, RESPONSE),
      headers(3, large, END),
    );
    peer.want("RST_STREAM 1 PROTOCOL_ERROR", "RST_STREAM 3 PROTOCOL_ERROR");
    assert.equal(peer.on(1).failure!.reason, "response headers that are too large");
    assert.equal(peer.on(3).failure!.reason, "trailers that are too large");
    peer.send(headers(5, RESPONSE, END)).want();
  });

  test("a header block that is not completed in time ends the connection", () => {
    const peer = new Peer();
    peer
      .send(frame(1, 0, 1, BLOCK))
      .advance(limits.HEADER_BLOCK_TIMEOUT_MS)
      .want();
    peer.send(frame(9, 0, 1, literal("x", "1"))); // a trickle does not help
    peer.advance(1_000);
    peer.want(`GOAWAY last=0 code=${CALM} "a header block was not completed in time"`);
  });

  test("informational responses without end are cut per call", () => {
    const peer = new Peer({ role: "client" });
    peer.open(true);
    peer.said();
    const early = headers(1, [[":status", "103"]]);
    peer.send(...new Array(limits.INFORMATIONAL_MAX).fill(early)).want();
    peer.send(early).want("RST_STREAM 1 PROTOCOL_ERROR");
    assert.equal(peer.on(1).failure!.reason, "too many informational responses");
  });
});

describe("deadlines", () => {
  test("a frame that trickles in, other than plain DATA, ends the connection", () => {
    // The story: the deadline of header blocks began when a HEADERS frame was complete, so one that
    // came byte by byte had no deadline at all.
    const peer = new Peer();
    const bytes = headers(1, [...REQUEST, ["x", "v".repeat(1_000)]], END);
    let at = 0;
    for (let s = 0; s <= limits.HEADER_BLOCK_TIMEOUT_MS / 1_000; s++) {
      peer.send(bytes.slice(at, at + 20)).advance(1_000);
      at += 20;
    }
    peer.advance(1_000);
    peer.want(`GOAWAY last=0 code=${CALM} "a frame was not completed in time"`);
  });

  test("frames that come in pieces, each in time, end nothing", () => {
    const peer = new Peer();
    for (let i = 0; i < 20; i++) {
      const bytes = headers(1 + 2 * i, REQUEST, END);
      peer.send(bytes.slice(0, 20)).advance(5_000).send(bytes.slice(20)).advance(1_000);
      answer(peer, 1 + 2 * i);
    }
    assert.equal(peer.user.failure, null);
  });

  test("DATA may trickle: a stream is as slow as its caller", () => {
    const peer = new Peer();
    peer.send(headers(1, REQUEST), data(1, new Uint8Array(1_000)).slice(0, 9));
    for (let i = 0; i < 100; i++) peer.send(new Uint8Array(10)).advance(10_000);
    assert.equal(peer.user.failure, null);
    assert.equal(peer.on(1).body.length, 1_000);
  });

  test("a preface that does not come ends the connection", () => {
    for (const bytes of ["", PREFACE_TEXT.slice(0, 20), PREFACE_TEXT]) {
      const peer = new Peer({ isRaw: true });
      peer.said();
      if (bytes !== "") peer.send(ascii(bytes));
      peer.advance(limits.PREFACE_TIMEOUT_MS).want().advance(1_000);
      peer.want('GOAWAY last=0 code=PROTOCOL_ERROR "no preface and SETTINGS in time"');
    }
  });

  test("a server that never sends its SETTINGS is given up", () => {
    const peer = new Peer({ role: "client", isRaw: true });
    peer.open(true);
    peer.said();
    peer.advance(limits.PREFACE_TIMEOUT_MS + 1_000);
    peer.want('GOAWAY last=0 code=PROTOCOL_ERROR "no preface and SETTINGS in time"');
    assert.equal(peer.on(1).failure!.by, "library");
  });

  /** A stream with data that cannot leave: the peer's window is 0. */
  function stalled(): Peer {
    const peer = new Peer();
    peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 0]), headers(1, REQUEST_BLOCK, END));
    peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
    peer.write(1, 100_000, true);
    peer.said();
    return peer;
  }

  test("a stream whose data is not taken is reset after the stall time-out", () => {
    const peer = stalled();
    peer
      .advance(limits.STALL_TIMEOUT_MS - 1_000)
      .want()
      .advance(1_000)
      .want("RST_STREAM 1 CANCEL");
    assert.equal(peer.on(1).failure!.reason, "the peer took no data for too long");
    assert.equal(peer.on(1).stream.queuedBytes, 0);
  });

  test("a trickle of window updates does not refresh the stall time-out (CVE-2026-49975)", () => {
    const peer = stalled();
    for (let s = 0; s < limits.STALL_TIMEOUT_MS / 1_000; s += 10) {
      peer.send(windowUpdate(1, 33)).advance(10_000);
    }
    assert.ok(peer.on(1).failure !== null);
  });

  test("progress of a kilobyte in that time does refresh it", () => {
    const peer = stalled();
    for (let round = 0; round < 5; round++) {
      peer.send(windowUpdate(1, limits.STALL_PROGRESS_BYTES));
      peer.advance(limits.STALL_TIMEOUT_MS);
      assert.equal(peer.on(1).failure, null);
    }
  });

  test("the stall time-out begins when data begins to wait, not when something last came", () => {
    // The story: the engine's time stood still while nothing was received, so data that began to
    // wait after ten quiet minutes was given up at once.
    const peer = new Peer();
    peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 10]), headers(1, REQUEST_BLOCK, END));
    peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
    peer.advance(600_000);
    peer.write(1, 100);
    peer.advance(10_000);
    assert.equal(peer.on(1).failure, null);
  });

  test("a stream that waits for the connection or for the socket stalls as well", () => {
    const peer = new Peer();
    peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 1_000_000]), headers(1, REQUEST_BLOCK, END));
    peer.on(1).stream.sendHeaders(headerList(RESPONSE), false);
    peer.write(1, 100_000);
    peer.advance(limits.STALL_TIMEOUT_MS + 1_000);
    assert.ok(peer.on(1).failure !== null);
  });
});

describe("the whole process", () => {
  /** Runs `step` while other connections buffer `bytes`. */
  function whileBuffered(bytes: number, step: () => void): void {
    noteBuffered(bytes);
    try {
      step();
    } finally {
      noteBuffered(-bytes);
    }
  }

  test("above its limit new streams are refused, for no fault of the peer; open ones go on", () => {
    const peer = new Peer();
    peer.send(headers(1, REQUEST));
    const before = overloadFigures().refused;
    whileBuffered(limits.BUFFERED_BYTES_MAX, () => {
      for (let i = 0; i < 5_000; i++) peer.send(headers(3 + 2 * i, REQUEST_BLOCK, END));
      peer.send(data(1, "abc", END));
    });
    const refused = peer.said().filter((line) => line.endsWith("REFUSED_STREAM"));
    assert.equal(refused.length, 5_000);
    assert.equal(overloadFigures().refused, before + 5_000);
    assert.equal(peer.connection.glitchCount, 0);
    assert.ok(peer.on(1).isEnded);
    peer.send(headers(20_001, REQUEST_BLOCK, END)).want();
  });

  test("above its limit windows do not grow", () => {
    const peer = new Peer({ config: { streamWindowBytes: 1_000, streamWindowBytesMax: 9_000 } });
    peer.send(headers(1, REQUEST));
    whileBuffered(limits.BUFFERED_BYTES_MAX + 1, () => {
      peer.send(data(1, new Uint8Array(1_000))).want("WINDOW_UPDATE 1 +1000");
    });
    peer.send(headers(3, REQUEST), data(3, new Uint8Array(1_000))).want("WINDOW_UPDATE 3 +9000");
  });

  test("at twice its limit each connection gives up what it holds beyond 1 MiB", () => {
    const peer = new Peer({
      config: { streamWindowBytes: 2_000_000, streamWindowBytesMax: 2_000_000 },
      hooks: { onData: () => 0 },
    });
    peer.send(headers(1, REQUEST), headers(3, REQUEST), data(3, new Uint8Array(10_000)));
    for (let i = 0; i < 70; i++) peer.send(data(1, new Uint8Array(16_000)));
    assert.ok(peer.on(1).stream.heldBytes > limits.HELD_BYTES_OVERFLOW_MAX);
    peer.advance(1_000);
    assert.equal(peer.on(1).failure, null);
    whileBuffered(2 * limits.BUFFERED_BYTES_MAX + 1, () => peer.advance(1_000));
    assert.equal(peer.on(1).failure!.reason, "its data is not taken, and too much is held");
    assert.equal(peer.on(3).failure, null);
  });

  test("what is queued and written is counted, and free again when it has left or is dropped", () => {
    const before = overloadFigures().bufferedBytes;
    const peer = new Peer();
    peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 0]), headers(1, REQUEST_BLOCK, END));
    peer.send(headers(3, REQUEST_BLOCK, END));
    for (const id of [1, 3]) peer.on(id).stream.sendHeaders(headerList(RESPONSE), false);
    for (const id of [1, 3]) peer.write(id, 50_000, true);
    peer.flush();
    assert.equal(overloadFigures().bufferedBytes, before + 100_000);
    peer.send(windowUpdate(1, 20_000));
    assert.equal(overloadFigures().bufferedBytes, before + 80_000);
    peer.send(rstStream(3, 8));
    assert.equal(overloadFigures().bufferedBytes, before + 30_000);
    peer.finish();
    assert.equal(overloadFigures().bufferedBytes, before);
  });
});

describe("memory", () => {
  /** A server whose user never takes anything, and a peer that fills every window it is given. */
  function hoarder(streams: number): { peer: Peer; fill: (id: number) => void } {
    const config = { streamWindowBytes: 1_048_576, streamWindowBytesMax: 1_048_576 };
    const peer = new Peer({ config, hooks: { onData: () => 0 } });
    const part = data(1, new Uint8Array(16_384));
    const fill = (id: number) => {
      part[8] = id;
      part[7] = id >> 8;
      for (let i = 0; i < 64; i++) peer.send(part);
    };
    for (let i = 0; i < streams; i++) peer.send(headers(1 + 2 * i, REQUEST_BLOCK));
    return { peer, fill };
  }

  test("what users hold is bounded: those that hold most are given up, the others go on", () => {
    const { peer, fill } = hoarder(70);
    let held = 0;
    for (let i = 0; i < 65; i++) fill(1 + 2 * i);
    const streams = [...peer.user.streams.values()];
    for (const { stream } of streams) held += stream.heldBytes;
    assert.ok(held > limits.HELD_BYTES_MAX);
    peer.advance(1_000);
    const given = streams.filter(({ failure }) => failure !== null);
    assert.ok(given.length >= 32, `${given.length} streams were given up`);
    for (const { failure } of given) {
      assert.equal(failure!.reason, "its data is not taken, and too much is held");
    }
    assert.equal(peer.on(139).failure, null, "a stream that holds nothing is left alone");
    held = 0;
    for (const { stream } of streams) held += stream.heldBytes;
    assert.ok(held * 2 <= limits.HELD_BYTES_MAX, `${held} bytes are held`);
    assert.equal(peer.user.failure, null);
  });

  test("above it the connection gets no more credit, and overrunning its window is an error", () => {
    const { peer, fill } = hoarder(100);
    for (let i = 0; i < 65; i++) fill(1 + 2 * i);
    peer.said();
    const granted = peer.reader.granted.get(0)!;
    for (let i = 65; i < 71; i++) fill(1 + 2 * i);
    peer.flush();
    assert.equal(peer.reader.granted.get(0), granted, "no credit while so much is held");
    assert.equal(peer.user.failure, null);
    for (let i = 71; i < 73; i++) fill(1 + 2 * i);
    peer.want('GOAWAY last=199 code=FLOW_CONTROL_ERROR "more than the connection\'s window"');
    peer.finish();
  });

  test("the connection's credit comes back when what was held is passed on", () => {
    const { peer, fill } = hoarder(70);
    for (let i = 0; i < 65; i++) fill(1 + 2 * i);
    peer.said();
    const granted = peer.reader.granted.get(0)!;
    for (const { stream } of peer.user.streams.values()) stream.credit(stream.heldBytes);
    peer.said();
    assert.ok(peer.reader.granted.get(0)! > granted || granted >= 65 * 1_048_576 - 4_194_304);
    for (let i = 65; i < 70; i++) fill(1 + 2 * i);
    assert.equal(peer.user.failure, null);
  });
});
