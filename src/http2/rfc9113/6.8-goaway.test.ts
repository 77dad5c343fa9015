/**
 * RFC 9113 §6.8, §8.7: ending a connection without losing a call, from both sides; and which calls
 * provably were not processed, so that they may be sent again elsewhere.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  data,
  goaway,
  headers,
  hex,
  ping,
  REQUEST,
  RESPONSE,
  rstStream,
} from "../../../test/support/http2-frames.ts";
import { Peer, type WireCase, wireTests } from "../../../test/support/http2-peer.ts";
import { headerList } from "../index.ts";

const REQUEST_TEXT = ":method=POST :scheme=http :path=/s/m :authority=a";
/** Payload of the PING between the two steps: "fairlead". */
const STEP = "666169726c656164";
const STEP_ACK = ping(STEP, ACK);
const ALL = 0x7fffffff;

const respond = (peer: Peer, id: number) =>
  peer.on(id).stream.sendHeaders(headerList(RESPONSE), true);

wireTests([
  {
    section: "6.8",
    name: "a server ends in two steps: what is on its way is still taken, then the line is drawn",
    script: (peer) => {
      peer.send(headers(1, REQUEST, 1)).want();
      peer.connection.drain("going away");
      peer.want(`GOAWAY last=${ALL} code=NO_ERROR "going away"`, `PING ${STEP}`);
      assert.ok(peer.connection.isDraining);
      // On its way while our GOAWAY travelled.
      peer.send(headers(3, REQUEST, 1)).want();
      peer.send(STEP_ACK).want("GOAWAY last=3 code=NO_ERROR");
      // Behind the line: ignored, no RST_STREAM, and no event.
      peer.send(headers(5, REQUEST), data(5, "abc", 1), rstStream(5, 8)).want();
      respond(peer, 1);
      peer.want("HEADERS 1 :status=200 END_STREAM");
      assert.equal(peer.user.isDrained, false);
      respond(peer, 3);
      peer.want("HEADERS 3 :status=200 END_STREAM");
      peer.heard(`request 1 ${REQUEST_TEXT} END`, `request 3 ${REQUEST_TEXT} END`, "drained");
    },
  },
  {
    section: "6.8",
    name: "a server without streams is drained with the second step, not before",
    script: (peer) => {
      peer.connection.drain();
      peer.want(`GOAWAY last=${ALL} code=NO_ERROR`, `PING ${STEP}`).heard();
      peer.send(STEP_ACK).want("GOAWAY last=0 code=NO_ERROR").heard("drained");
    },
  },
  {
    section: "6.8",
    name: "the second step comes also when the PING is not answered",
    script: (peer) => {
      peer.send(headers(1, REQUEST, 1)).want();
      peer.connection.drain();
      peer.said();
      peer.advance(2_000).want().advance(1_000).want("GOAWAY last=1 code=NO_ERROR");
      peer.send(STEP_ACK).want();
      respond(peer, 1);
      peer.heard(`request 1 ${REQUEST_TEXT} END`, "pong", "drained");
    },
  },
  {
    section: "6.8",
    name: "another PING's ACK is not the step, and draining twice is draining once",
    script: (peer) => {
      peer.connection.drain();
      peer.connection.drain("again");
      peer.want(`GOAWAY last=${ALL} code=NO_ERROR`, `PING ${STEP}`);
      peer.send(ping("0102030405060708", ACK)).want().heard("pong");
    },
  },
  {
    section: "6.8",
    name: "late streams behind the line do not come back, however many there are",
    script: (peer) => {
      peer.connection.drain();
      peer.send(STEP_ACK).said();
      for (let i = 0; i < 300; i++) peer.send(headers(1 + 2 * i, REQUEST));
      peer.send(data(599, "abc"), data(1, "abc"), headers(1, REQUEST, 1)).want();
      assert.equal(peer.connection.streamCount, 0);
    },
    isUncut: true,
  },
  {
    section: "6.8",
    name: "tables stay in step over streams behind the line",
    script: (peer) => {
      peer.send(headers(1, REQUEST)).said();
      peer.connection.drain();
      peer.send(STEP_ACK).said();
      peer.send(headers(3, [...REQUEST, ["x", "1"]]), headers(1, [["x", "2"]], 1));
      peer.heard(`request 1 ${REQUEST_TEXT}`, "trailers 1 x=2");
    },
  },
  {
    section: "6.8",
    name: "a client that drains opens nothing more and ends with its last stream",
    role: "client",
    script: (peer) => {
      peer.open(true);
      peer.said();
      peer.connection.drain("done");
      peer.want('GOAWAY last=0 code=NO_ERROR "done"');
      assert.equal(peer.connection.canOpen(), false);
      peer.send(headers(1, RESPONSE, 1)).heard("headers 1 :status=200 END", "drained");
    },
  },
  {
    section: "6.8",
    name: "to a client, GOAWAY ends the streams above its last id as unprocessed, and only those",
    role: "client",
    script: (peer) => {
      for (let i = 0; i < 3; i++) peer.open(true);
      peer.said();
      peer
        .send(goaway(3, 0, "bye"))
        .want()
        .heard(
          'goaway NO_ERROR "bye"',
          'reset 5 REFUSED_STREAM by remote unprocessed "the peer sent GOAWAY NO_ERROR"',
        );
      assert.ok(peer.connection.isDraining);
      assert.equal(peer.connection.canOpen(), false);
      peer.send(headers(1, RESPONSE, 1), headers(3, RESPONSE, 1));
      peer.heard("headers 1 :status=200 END", "headers 3 :status=200 END", "drained");
    },
  },
  {
    section: "6.8",
    name: "a second GOAWAY may lower the last id, not raise it",
    role: "client",
    script: (peer) => {
      for (let i = 0; i < 2; i++) peer.open(true);
      peer.said();
      peer
        .send(goaway(ALL, 0), goaway(1, 11))
        .want()
        .heard(
          'goaway NO_ERROR ""',
          'goaway ENHANCE_YOUR_CALM ""',
          'reset 3 REFUSED_STREAM by remote unprocessed "the peer sent GOAWAY ENHANCE_YOUR_CALM"',
        )
        .send(goaway(3, 0))
        .want('GOAWAY last=0 code=PROTOCOL_ERROR "a GOAWAY whose last id grew"');
    },
  },
  {
    section: "6.8",
    name: "GOAWAY on a client without streams drains it at once",
    role: "client",
    script: (peer) => peer.send(goaway(0, 0)).heard('goaway NO_ERROR ""', "drained"),
  },
  {
    section: "6.8",
    name: "a client's GOAWAY leaves its streams at a server alone",
    script: (peer) => {
      peer.send(headers(1, REQUEST, 1), goaway(0, 0)).want();
      respond(peer, 1);
      peer.want("HEADERS 1 :status=200 END_STREAM");
      peer.heard(`request 1 ${REQUEST_TEXT} END`, 'goaway NO_ERROR ""');
    },
  },
  {
    section: "8.7",
    name: "REFUSED_STREAM from a server means: not processed",
    role: "client",
    script: (peer) => {
      peer.open(true);
      peer
        .send(rstStream(1, 7))
        .heard('reset 1 REFUSED_STREAM by remote unprocessed "the peer reset the stream"');
    },
  },
  ...[0, 2, 8, 11].map(
    (code): WireCase => ({
      section: "8.7",
      name: `a reset with code ${code} says nothing of processing`,
      role: "client",
      script: (peer) => {
        peer.open(true);
        peer.send(rstStream(1, code));
        assert.equal(peer.on(1).failure!.isUnprocessed, false);
        assert.equal(peer.on(1).failure!.code, code);
      },
    }),
  ),
  {
    section: "8.7",
    name: "REFUSED_STREAM from a client is no promise of anything",
    script: (peer) => {
      peer.send(headers(1, REQUEST), rstStream(1, 7));
      assert.equal(peer.on(1).failure!.isUnprocessed, false);
    },
  },
  {
    section: "8.1",
    name: "RST_STREAM NO_ERROR behind a complete response is told as such",
    role: "client",
    script: (peer) => {
      peer.open(false);
      peer
        .send(headers(1, RESPONSE, 1), rstStream(1, 0))
        .heard(
          "headers 1 :status=200 END",
          'reset 1 NO_ERROR by remote "the peer reset the stream"',
        );
    },
  },
]);

/** The streams of a client that were told to be unprocessed when its connection ended. */
function unprocessed(peer: Peer): number[] {
  const list = [...peer.user.streams.values()];
  return list.filter(({ failure }) => failure!.isUnprocessed).map(({ id }) => id);
}

test("RFC 9113 §8.7: a stream whose HEADERS never left was not processed", () => {
  const peer = new Peer({ role: "client" });
  peer.open(true);
  peer.flush();
  peer.open(true);
  peer.open(true);
  peer.connection.onSocketClosed("connection reset by the peer");
  assert.deepEqual(unprocessed(peer), [3, 5]);
  assert.deepEqual(
    [...peer.user.streams.values()].map(({ failure }) => failure!.by),
    ["transport", "transport", "transport"],
  );
});

test("RFC 9113 §8.7: streams that were written when our side fails may have been processed", () => {
  const peer = new Peer({ role: "client" });
  peer.open(true);
  peer.flush();
  peer.open(true);
  peer.send(hex("000000 06 00 00000000 ; PING of a wrong size"));
  assert.deepEqual(unprocessed(peer), [3]);
});

test("RFC 9113 §8.7: what is reported as never written does not leave afterwards", () => {
  const peer = new Peer({ role: "client" });
  peer.open(true);
  peer.said();
  peer.open(true);
  peer.connection.fail(2, "broken", "library");
  peer.want('GOAWAY last=0 code=INTERNAL_ERROR "broken"');
  assert.deepEqual(unprocessed(peer), [3]);
  // Also in the very first turn, where SETTINGS come before everything (§3.4).
  const young = new Peer({ role: "client", isRaw: true });
  young.open(true);
  young.connection.fail(2, "broken", "library");
  const [first, ...rest] = young.said();
  assert.match(first!, /^SETTINGS/);
  assert.deepEqual(rest, ['GOAWAY last=0 code=INTERNAL_ERROR "broken"']);
  assert.deepEqual(unprocessed(young), [1]);
});

test("RFC 9113 §8.7: what a server's connection loses is never called unprocessed", () => {
  const peer = new Peer();
  peer.send(headers(1, REQUEST));
  peer.connection.onSocketClosed("gone");
  assert.equal(peer.on(1).failure!.isUnprocessed, false);
});

test("RFC 9113 §6.8: nothing can be opened on a connection that drains, failed or was closed", () => {
  for (const end of [
    (peer: Peer) => peer.connection.drain(),
    (peer: Peer) => peer.connection.fail(2, "x", "library"),
    (peer: Peer) => peer.connection.onSocketClosed("x"),
    (peer: Peer) => peer.send(goaway(1, 0)),
  ]) {
    const peer = new Peer({ role: "client" });
    assert.ok(peer.connection.canOpen());
    end(peer);
    assert.equal(peer.connection.canOpen(), false);
    assert.throws(() => peer.open(true), /canOpen/);
  }
});

test("RFC 9113 §6.8: a reset that waits for the rest of a response lets it out first (§8.1)", () => {
  const peer = new Peer();
  peer.send(headers(1, REQUEST), headers(3, REQUEST)).said();
  for (const id of [1, 3]) peer.on(id).stream.sendHeaders(headerList(RESPONSE), false);
  peer.write(1, 65_536, true);
  peer.on(1).stream.resetAfterQueue(0);
  // Nothing waits on this one, so it goes at once.
  peer.on(3).stream.sendTrailers(headerList([["grpc-status", "0"]]));
  peer.on(3).stream.resetAfterQueue(0);
  peer.want(
    "HEADERS 1 :status=200",
    "HEADERS 3 :status=200",
    "DATA 1 <65535 bytes>",
    "HEADERS 3 grpc-status=0 END_STREAM",
    "RST_STREAM 3 NO_ERROR",
  );
  peer.send(hex("000004 08 00 00000000 00000005"), hex("000004 08 00 00000001 00000005"));
  peer.want('DATA 1 "\\u0000" END_STREAM', "RST_STREAM 1 NO_ERROR");
  assert.equal(peer.connection.streamCount, 0);
});

test("RFC 9113 §6.8: a reset waits for queued trailers too, and a peer's reset overtakes both", () => {
  const peer = new Peer();
  peer.send(headers(1, REQUEST), headers(3, REQUEST)).said();
  for (const id of [1, 3]) {
    const { stream } = peer.on(id);
    stream.sendHeaders(headerList(RESPONSE), false);
    peer.write(id, 70_000);
    stream.sendTrailers(headerList([["grpc-status", "0"]]));
    stream.resetAfterQueue(0);
  }
  peer.said();
  peer.send(rstStream(3, 8), hex("000004 08 00 00000000 00010000")).want();
  peer.send(hex("000004 08 00 00000001 00010000"));
  peer.want("DATA 1 <4465 bytes>", "HEADERS 1 grpc-status=0 END_STREAM", "RST_STREAM 1 NO_ERROR");
  peer.finish();
});
