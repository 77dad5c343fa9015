/**
 * RFC 9113 §5 but for the states (5.1-states.test.ts): identifiers, concurrency, errors,
 * extensions.
 */
import assert from "node:assert/strict";
import {
  data,
  frame,
  goaway,
  headers,
  ping,
  REQUEST,
  RESPONSE,
  rstStream,
  SETTING,
  settings,
} from "../../../test/support/http2-frames.ts";
import { wireTests } from "../../../test/support/http2-peer.ts";
import { headerList } from "../index.ts";

const REQUEST_TEXT = ":method=POST :scheme=http :path=/s/m :authority=a";
const BAD_REQUEST = REQUEST.filter(([name]) => name !== ":path");

wireTests([
  {
    section: "5.1.1",
    name: "a request on an even stream is PROTOCOL_ERROR",
    script: (peer) =>
      peer
        .send(headers(2, REQUEST))
        .want('GOAWAY last=0 code=PROTOCOL_ERROR "HEADERS on a stream that nobody opened"'),
  },
  {
    section: "5.1.1",
    name: "a stream that is opened closes all idle ones below it",
    script: (peer) =>
      peer
        .send(headers(5, REQUEST), headers(3, REQUEST))
        .want('GOAWAY last=5 code=STREAM_CLOSED "HEADERS on a closed stream"'),
  },
  {
    section: "5.1.1",
    name: "the largest identifier can be used",
    script: (peer) =>
      peer.send(headers(0x7fffffff, REQUEST, 1)).heard(`request 2147483647 ${REQUEST_TEXT} END`),
  },
  {
    section: "5.1.1",
    name: "a client opens odd streams, each above the last",
    role: "client",
    script: (peer) => {
      const ids = [peer.open(true), peer.open(true), peer.open(true)].map(({ id }) => id);
      assert.deepEqual(ids, [1, 3, 5]);
    },
  },
  {
    section: "5.1.2",
    name: "a stream above the limit is refused, and the connection goes on",
    config: { maxStreams: 2 },
    script: (peer) => {
      peer
        .send(headers(1, REQUEST, 1), headers(3, REQUEST, 1), headers(5, REQUEST, 1))
        .want("RST_STREAM 5 REFUSED_STREAM");
      peer.on(1).stream.sendHeaders(headerList(RESPONSE), true);
      peer
        .want("HEADERS 1 :status=200 END_STREAM")
        .send(headers(7, REQUEST, 1))
        .want();
      assert.deepEqual([...peer.user.streams.keys()], [1, 3, 7]);
    },
  },
  {
    section: "5.1.2",
    name: "what follows on a refused stream is ignored",
    config: { maxStreams: 1 },
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), headers(3, REQUEST), data(3, "abc", 1), rstStream(3, 8))
        .want("RST_STREAM 3 REFUSED_STREAM")
        .send(ping())
        .want("PING ACK 0102030405060708"),
  },
  {
    section: "5.1.2",
    name: "a client opens no more streams than the server allows, and hears when it may again",
    role: "client",
    script: (peer) => {
      const { connection, user } = peer;
      peer.send(settings([SETTING.MAX_CONCURRENT_STREAMS, 1])).want("SETTINGS ACK");
      assert.ok(connection.canOpen());
      peer.open(true);
      assert.equal(connection.canOpen(), false);
      assert.equal(connection.maxStreams, 1);
      const before = user.capacityCount;
      peer.send(headers(1, RESPONSE, 1));
      assert.equal(user.capacityCount, before + 1);
      assert.ok(connection.canOpen());
    },
  },
  {
    section: "5.1.2",
    name: "a limit of 0 and one that is raised again are kept",
    role: "client",
    script: (peer) => {
      peer.send(settings([SETTING.MAX_CONCURRENT_STREAMS, 0]));
      assert.equal(peer.connection.canOpen(), false);
      const before = peer.user.capacityCount;
      peer.send(settings([SETTING.MAX_CONCURRENT_STREAMS, 3]));
      assert.ok(peer.user.capacityCount > before);
      assert.ok(peer.connection.canOpen());
    },
  },
  {
    section: "5.1.2",
    name: "open streams stay when the limit falls below their number",
    role: "client",
    script: (peer) => {
      const streams = [peer.open(true), peer.open(true)];
      peer.send(settings([SETTING.MAX_CONCURRENT_STREAMS, 1]));
      assert.deepEqual(
        streams.map(({ stream }) => stream.isClosed),
        [false, false],
      );
      peer.send(headers(1, RESPONSE, 1));
      assert.equal(peer.connection.canOpen(), false);
      peer.send(headers(3, RESPONSE, 1));
      assert.ok(peer.connection.canOpen());
    },
  },
  {
    section: "5.1.2",
    name: "a client assumes 100 streams before the server's SETTINGS, and no limit without one",
    role: "client",
    isRaw: true,
    script: (peer) => {
      assert.equal(peer.connection.maxStreams, 100);
      for (let i = 0; i < 100; i++) peer.open(true);
      assert.equal(peer.connection.canOpen(), false);
      peer.send(settings());
      assert.equal(peer.connection.maxStreams, Number.POSITIVE_INFINITY);
      assert.ok(peer.connection.canOpen());
      peer.said();
    },
  },
  {
    section: "5.4.1",
    name: "after a connection error nothing of the same read is looked at any more",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST, 1), frame(0x6, 0, 0, "00"), headers(3, REQUEST, 1), ping())
        .want('GOAWAY last=1 code=FRAME_SIZE_ERROR "PING of a wrong size"')
        .heard(
          `request 1 ${REQUEST_TEXT} END`,
          'reset 1 FRAME_SIZE_ERROR by library "PING of a wrong size"',
          'failure FRAME_SIZE_ERROR by library "PING of a wrong size"',
        ),
  },
  {
    section: "5.4.1",
    name: "after a GOAWAY that grows nothing of the same read is looked at any more",
    script: (peer) =>
      // The story: this one error was not told to the decoder, so that the next request of the same
      // read was reported on a connection that had failed, and never ended.
      peer
        .send(goaway(1, 0), goaway(3, 0), headers(1, REQUEST, 1), ping())
        .want('GOAWAY last=0 code=PROTOCOL_ERROR "a GOAWAY whose last id grew"')
        .heard(
          'goaway NO_ERROR ""',
          'failure PROTOCOL_ERROR by library "a GOAWAY whose last id grew"',
        ),
  },
  {
    section: "5.4.1",
    name: "a user that ends the connection from an event hears no new stream afterwards",
    script: (peer) => {
      // The story: the rest of the read was still worked on.
      peer.user.hooks = {
        onData: (_stream, count) => {
          peer.connection.fail(11, "enough", "library");
          return count;
        },
      };
      peer
        .send(headers(1, REQUEST), data(1, "a"), headers(3, REQUEST, 1), data(1, "b"), ping())
        .want('GOAWAY last=1 code=ENHANCE_YOUR_CALM "enough"')
        .heard(
          `request 1 ${REQUEST_TEXT}`,
          'data 1 "a"',
          'reset 1 ENHANCE_YOUR_CALM by library "enough"',
          'failure ENHANCE_YOUR_CALM by library "enough"',
        );
    },
  },
  {
    section: "5.4.1",
    name: "a failed connection takes no more bytes, verbs or time",
    script: (peer) => {
      peer.send(headers(1, REQUEST), frame(0x6, 0, 0, "00")).said();
      peer.send(ping(), headers(3, REQUEST)).advance(60_000);
      const { stream } = peer.on(1);
      stream.sendHeaders(headerList(RESPONSE), false);
      stream.sendData(new Uint8Array(5), 0, 5, true);
      stream.reset(8);
      stream.credit(5);
      peer.connection.ping(new Uint8Array(8));
      peer.connection.drain();
      peer.connection.fail(2, "again", "library");
      peer.want();
      assert.ok(peer.connection.isClosed);
    },
  },
  {
    section: "5.4.1",
    name: "a user may end other streams while it hears that the connection ended",
    script: (peer) => {
      // The story: stream 3, reset by its user from the event of stream 1, was reported all the
      // same.
      peer.user.hooks = { onReset: ({ id }) => peer.on(4 - id).stream.reset(8) };
      peer.send(headers(1, REQUEST), headers(3, REQUEST), frame(0x6, 0, 0, "00"));
      const resets = [peer.on(1), peer.on(3)].filter(({ failure }) => failure !== null);
      assert.equal(resets.length, 1);
    },
  },
  {
    section: "5.4.2",
    name: "a stream error leaves the connection and its other streams alone",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), headers(3, BAD_REQUEST, 1), data(1, "abc", 1))
        .want("RST_STREAM 3 PROTOCOL_ERROR")
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "abc" END'),
  },
  {
    section: "5.4.2",
    name: "a RST_STREAM is never answered with one",
    script: (peer) =>
      peer.send(headers(1, REQUEST), rstStream(1, 1), rstStream(1, 1), rstStream(1, 7)).want(),
  },
  {
    section: "5.4.3",
    name: "when the socket goes, each stream is reset once and the connection says nothing",
    script: (peer) => {
      peer.send(headers(1, REQUEST), headers(3, REQUEST));
      peer.user.take();
      peer.connection.onSocketClosed("the peer closed");
      peer.connection.onSocketClosed("again");
      peer
        .heard(
          'reset 1 INTERNAL_ERROR by transport "the peer closed"',
          'reset 3 INTERNAL_ERROR by transport "the peer closed"',
        )
        .want();
      assert.equal(peer.user.failure, null);
    },
  },
  {
    section: "5.5",
    name: "unknown settings and error codes are passed over",
    script: (peer) =>
      peer
        .send(settings([0xff, 1], [0x8, 1]), headers(1, REQUEST), rstStream(1, 0xdeadbeef))
        .want("SETTINGS ACK")
        .heard(
          `request 1 ${REQUEST_TEXT}`,
          'reset 1 0xdeadbeef by remote "the peer reset the stream"',
        ),
  },
  {
    section: "5.5",
    name: "a frame of an unknown type inside a header block is PROTOCOL_ERROR",
    script: (peer) =>
      peer
        .send(frame(0x1, 0, 1, [0x82]), frame(0x2a, 0, 1))
        .want('GOAWAY last=0 code=PROTOCOL_ERROR "a header block is open"'),
  },
]);
