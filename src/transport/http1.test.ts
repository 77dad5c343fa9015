/**
 * HTTP/1 on an HTTP/2 port: one clear answer, however the request comes apart, and nothing for
 * those who speak something else.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ascii, PREFACE_TEXT } from "../../test/support/http2-frames.ts";
import { type RawPeer, TestListener, turn, until } from "../../test/support/http2-sockets.ts";
import { Http1Detector } from "./http1.ts";

const REQUESTS = [
  "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
  "POST /s/m HTTP/1.0\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\n\r\n",
  "GET http://a/ HTTP/1.1\r\n\r\n",
  "GET https://a/ HTTP/1.1\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\n\r\n",
  "CONNECT [::1]:1 HTTP/1.1\r\n\r\n",
  "PATCH /x HTTP/1.1\r\n\r\n",
  "PROPFIND / HTTP/1.1\r\n\r\n",
  "PRI /x HTTP/1.1\r\n\r\n".replace("PRI", "PRIX"),
];

const OTHERS = [
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client hello",
  "get / HTTP/1.1\r\n\r\n",
  "SSH-2.0-OpenSSH_9.2\r\n",
  "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
  "\0\0\0\x04\0\0\0\0\0",
  "GET",
];

/** What the detector says of `text` in pieces of `size` bytes. */
function detect(text: string, size: number): { answer: string; detector: Http1Detector } {
  const detector = new Http1Detector();
  for (let at = 0; at < text.length && !detector.isDecided; at += size) {
    const piece = ascii(text.slice(at, at + size));
    const answer = detector.push(piece, piece.length);
    if (answer !== null) return { answer: answer.toString("latin1"), detector };
  }
  return { answer: "", detector };
}

for (const request of REQUESTS) {
  test(`${JSON.stringify(request.slice(0, 24))} is answered, whole and in pieces`, () => {
    for (let size = 1; size <= request.length; size++) {
      assert.match(detect(request, size).answer, /^HTTP\/1\.1 505 /, `pieces of ${size}`);
    }
  });
}

for (const text of OTHERS) {
  test(`${JSON.stringify(text.slice(0, 24))} is not answered as HTTP/1`, () => {
    for (let size = 1; size <= text.length; size++) assert.equal(detect(text, size).answer, "");
  });
}

test("the preface is told for what it is, whole and in pieces, and is never held back", () => {
  for (let size = 1; size <= PREFACE_TEXT.length; size++) {
    const { answer, detector } = detect(`${PREFACE_TEXT}\0\0\0`, size);
    assert.deepEqual([answer, detector.isDecided, detector.isHeld], ["", true, false]);
  }
});

async function answered(peer: RawPeer): Promise<void> {
  await peer.closed();
  assert.match(peer.text, /^HTTP\/1\.1 505 HTTP Version Not Supported\r\n/);
  const [head, body] = peer.text.split("\r\n\r\n");
  assert.equal(/content-length: (\d+)/.exec(head!)?.[1], `${body!.length}`);
  assert.match(body!, /HTTP\/2/);
}

test("a request over a socket gets the answer and nothing else, and the connection closes", async () => {
  const server = await new TestListener().listen();
  const peer = (await server.dial()).speaksHttp1().send(ascii(REQUESTS[0]!));
  await answered(peer);
  await until(() => server.users[0]!.closed.length > 0, "the user hears of it");
  assert.deepEqual(server.users[0]!.closed, [
    { code: 13, by: "remote", reason: "the peer speaks HTTP/1" },
  ]);
  await server.close();
});

test("a request that is typed byte by byte gets the same answer", async () => {
  const server = await new TestListener().listen();
  const peer = (await server.dial()).speaksHttp1();
  for (const byte of ascii("POST / HTTP/1.1\r\n\r\n")) {
    peer.send(Uint8Array.of(byte));
    await turn();
  }
  await answered(peer);
  await server.close();
});

test("bytes that are neither HTTP/1 nor a preface get SETTINGS, a GOAWAY and the end", async () => {
  // Also those that began like a request: the engine never saw what was held back.
  const other = "not the HTTP/2 client preface";
  for (const [reason, ...pieces] of [
    ["the client speaks TLS (ClientHello) on a port without", "\x16\x03\x01\x02\x00"],
    [other, "SS", "H-2.0-x\r\n"],
    [other, "GE", "T\0"],
    [other, "P", "RI *\0"],
  ] as [string, ...string[]][]) {
    const server = await new TestListener().listen();
    const peer = await server.dial();
    for (const piece of pieces) {
      peer.send(ascii(piece));
      for (let i = 0; i < 5; i++) await turn();
    }
    await peer.closed();
    const [first, , last] = peer.reader.lines;
    assert.match(first!, /^SETTINGS /);
    assert.ok(last!.startsWith(`GOAWAY last=0 code=PROTOCOL_ERROR "${reason}"`), last);
    await server.close();
  }
});
