/**
 * RFC 9113 §4: the format and size of frames, and header compression as a connection's concern.
 */
import assert from "node:assert/strict";
import {
  data,
  frame,
  headers,
  hex,
  join,
  paddedData,
  REQUEST,
  splitHeaders,
  windowUpdate,
} from "../../../test/support/http2-frames.ts";
import { plainBlock } from "../../../test/support/http2-hpack-model.ts";
import { type Peer, wireTests } from "../../../test/support/http2-peer.ts";
import { headerList } from "../index.ts";

const REQUEST_TEXT = ":method=POST :scheme=http :path=/s/m :authority=a";
const TOO_LARGE = 'code=FRAME_SIZE_ERROR "a frame above SETTINGS_MAX_FRAME_SIZE"';
const BLOCK = plainBlock(REQUEST);
const BAD_BLOCK = 'code=COMPRESSION_ERROR "a header block that cannot be decoded"';

wireTests([
  {
    section: "4.1",
    name: "frames of unknown types are ignored, on any stream and of any size",
    script: (peer) =>
      peer
        .send(
          frame(0x0a, 0xff, 0, new Uint8Array(16_384)),
          frame(0x20, 0, 77, [1, 2, 3]),
          frame(0xff, 0, 1),
        )
        .want()
        .send(headers(1, REQUEST, 1))
        .heard(`request 1 ${REQUEST_TEXT} END`),
  },
  {
    section: "4.1",
    name: "unknown flags are ignored",
    script: (peer) =>
      peer
        .send(frame(0x1, 0xd6 & ~0x28, 1, BLOCK), frame(0x0, 0xf7, 1, "616263"))
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "abc" END'),
  },
  {
    section: "4.1",
    name: "the reserved bit of the stream identifier is ignored",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST))
        .send(hex("000003 00 01 80000001 616263 ; DATA, END_STREAM, stream 1 with R set"))
        .heard(`request 1 ${REQUEST_TEXT}`, 'data 1 "abc" END'),
  },
  {
    section: "4.1",
    name: "the reserved bit of a WINDOW_UPDATE is ignored",
    script: (peer) =>
      peer.send(hex("000004 08 00 00000000 80000001 ; WINDOW_UPDATE +1, R set")).want(),
  },
  {
    section: "4.1",
    name: "the reserved bit of a GOAWAY's last stream is ignored",
    script: (peer) =>
      peer
        .send(hex("000008 07 00 00000000 80000000 00000000 ; GOAWAY last=0, R set"))
        .want()
        .heard('goaway NO_ERROR ""'),
  },
  {
    section: "4.2",
    name: "a frame of 16,384 bytes is taken, in each of its kinds",
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), data(1, new Uint8Array(16_384)), paddedData(1, "a", 255))
        .heard(`request 1 ${REQUEST_TEXT}`, "data 1 <16385 bytes>"),
  },
  ...[0x0, 0x1, 0x4, 0x9, 0x2a].map((type) => ({
    section: "4.2",
    name: `a frame of type ${type} above our limit is FRAME_SIZE_ERROR once its head is there`,
    script: (peer: Peer) =>
      peer
        .send(frame(type, 0, type === 0x4 ? 0 : 1, [], 16_385))
        .want(`GOAWAY last=0 ${TOO_LARGE}`),
  })),
  {
    section: "4.2",
    name: "no frame of ours is larger than the peer allows",
    script: (peer) => {
      peer.send(windowUpdate(0, 1_000_000), headers(1, REQUEST, 1), windowUpdate(1, 1_000_000));
      const { stream } = peer.on(1);
      stream.sendHeaders(
        headerList([
          [":status", "200"],
          ["x", "y".repeat(40_000)],
        ]),
        false,
      );
      peer.write(1, 50_000, true);
      peer.flush();
      peer.said();
      assert.equal(peer.reader.payloadBytesMax, 16_384);
      assert.equal(peer.reader.dataBytes.get(1), 50_000);
    },
  },
  {
    section: "4.3",
    name: "a block may be cut anywhere, also into empty parts and inside a string",
    script: (peer) =>
      peer
        .send(splitHeaders(1, [[], BLOCK.slice(0, 9), [], BLOCK.slice(9, 10), BLOCK.slice(10), []]))
        .want()
        .heard(`request 1 ${REQUEST_TEXT}`),
  },
  ...[
    { what: "an index of 0", block: "80" },
    { what: "an index beyond both tables", block: "be" },
    { what: "a string longer than its block", block: "00 05 61" },
    { what: "a block that ends inside a field", block: "40" },
    { what: "an integer without end", block: "ff ff ff ff ff ff ff ff 0f" },
    { what: "a size update above our setting", block: "3f e2 1f" },
    { what: "a size update behind a field", block: "82 20" },
    { what: "EOS in a Huffman string", block: "00 84 ff ff ff ff 00" },
  ].flatMap(({ what, block }) => [
    {
      section: "4.3",
      name: `${what} is COMPRESSION_ERROR of the connection`,
      script: (peer: Peer) => peer.send(headers(1, hex(block))).want(`GOAWAY last=0 ${BAD_BLOCK}`),
    },
    {
      section: "4.3",
      name: `${what} is COMPRESSION_ERROR also in a block over two frames`,
      script: (peer: Peer) =>
        peer
          .send(splitHeaders(1, [hex(block).slice(0, 1), hex(block).slice(1)]))
          .want(`GOAWAY last=0 ${BAD_BLOCK}`),
    },
  ]),
  {
    section: "4.3",
    name: "the block of a refused or reset stream is decoded all the same: tables stay in step",
    config: { maxStreams: 1 },
    script: (peer) => {
      // x: 1 goes into the table with a stream that is refused, and is referred to afterwards.
      const insert = join(BLOCK, "40 01 78 01 31 ; x: 1, with indexing");
      peer.send(headers(1, REQUEST, 1), headers(3, insert, 1)).want("RST_STREAM 3 REFUSED_STREAM");
      peer.on(1).stream.reset(8);
      peer
        .send(headers(5, join(BLOCK, "be"), 1))
        .want("RST_STREAM 1 CANCEL")
        .heard(`request 1 ${REQUEST_TEXT} END`, `request 5 ${REQUEST_TEXT} x=1 END`);
    },
  },
]);
