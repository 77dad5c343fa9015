/**
 * The engine on real sockets: one write a turn, bounded waiting in both directions, an end in
 * order, and nothing held by those who are idle.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import {
  ascii,
  data,
  goaway,
  headers,
  join,
  PREFACE_TEXT,
  ping,
  REQUEST,
  RESPONSE,
  SETTING,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from "../../test/support/http2-frames.ts";
import {
  type RawPeer,
  RawServer,
  SocketUser,
  TestListener,
  turn,
  until,
} from "../../test/support/http2-sockets.ts";
import { VirtualClock } from "../base/index.ts";
import {
  DEFAULT_CONNECTION_CONFIG,
  headerList,
  limits,
  overloadFigures,
  type Stream,
} from "../http2/index.ts";
import { Connector, DEFAULT_CONNECTOR_OPTIONS, TransportLoop } from "./index.ts";

const HELLO = join(ascii(PREFACE_TEXT), settings(), SETTINGS_ACK);
const WIDE = join(
  ascii(PREFACE_TEXT),
  settings([SETTING.INITIAL_WINDOW_SIZE, 0x7fffffff]),
  SETTINGS_ACK,
  windowUpdate(0, 0x7fff0000),
);
/** The ACK of the PING between the two GOAWAYs. */
const STEP_ACK = ping("666169726c656164", 1);

/** A server with one raw peer that has said hello and opened `streams` streams. */
async function served(
  streams: number,
  hello = HELLO,
): Promise<{ server: TestListener; peer: RawPeer; streams: Stream[] }> {
  const server = await new TestListener().listen();
  const peer = await server.dial();
  const requests = Array.from({ length: streams }, (_, i) => headers(1 + 2 * i, REQUEST, 1));
  peer.send(hello, ...requests);
  await until(() => server.users.length > 0, "accepted");
  const { recorder } = server.users[0]!;
  await until(() => recorder.streams.size === streams, "all requests are there");
  await peer.line("SETTINGS ACK");
  return { server, peer, streams: [...recorder.streams.values()].map(({ stream }) => stream) };
}

/** Counts what reaches the kernel: calls of write and writev. */
function countWrites(socket: Socket): () => number {
  let writes = 0;
  const inner = socket as unknown as Record<"_write" | "_writev", (...args: unknown[]) => void>;
  for (const name of ["_write", "_writev"] as const) {
    const original = inner[name];
    inner[name] = (...args) => {
      writes += 1;
      original.apply(socket, args);
    };
  }
  return () => writes;
}

test("everything that one turn produced for a socket leaves with one write", async () => {
  const { server, peer, streams } = await served(50);
  const writes = countWrites(server.users[0]!.connection!.socket);
  for (const stream of streams) {
    stream.sendHeaders(headerList(RESPONSE), false);
    stream.sendData(Buffer.alloc(1_000), 0, 1_000, false);
    stream.sendTrailers(headerList([["grpc-status", "0"]]));
  }
  await until(() => peer.reader.counts.get(0x1) === 100, "all answers are there");
  assert.equal(writes(), 1, "50 answers in one turn");
  await server.close();
});

test("the answers to everything in one read leave with one write", async () => {
  const { server, peer } = await served(0);
  const writes = countWrites(server.users[0]!.connection!.socket);
  peer.send(...Array.from({ length: 100 }, () => ping()));
  await until(() => peer.reader.counts.get(0x6) === 100, "all answers are there");
  assert.ok(writes() <= 2, `${writes()} writes`);
  await server.close();
});

test("while the peer does not read, output is bounded and the rest waits in the streams", async () => {
  const before = overloadFigures().bufferedBytes;
  const { server, peer, streams } = await served(4, WIDE);
  peer.socket.pause();
  const { http2, socket } = server.users[0]!.connection!;
  const bytes = 8_000_000;
  for (const stream of streams) {
    stream.sendHeaders(headerList(RESPONSE), false);
    stream.sendData(Buffer.alloc(bytes), 0, bytes, true);
  }
  const queued = () => streams.reduce((sum, stream) => sum + stream.queuedBytes, 0);
  const pendingMax = limits.OUTPUT_BYTES_HIGH + 70_000;
  let last = -1;
  for (let quiet = 0; quiet < 20; quiet = queued() === last ? quiet + 1 : 0) {
    last = queued();
    assert.ok(http2.output.pendingBytes <= pendingMax, `${http2.output.pendingBytes} bytes`);
    assert.ok(socket.writableLength <= pendingMax, `${socket.writableLength} bytes in the socket`);
    await turn();
  }
  assert.ok(last > bytes, "most of it waits in the streams");
  peer.socket.resume();
  const all = () => [...peer.reader.dataBytes.values()].reduce((sum, n) => sum + n, 0);
  await until(() => all() === 4 * bytes, "all of it arrives");
  assert.deepEqual([...peer.reader.dataBytes.values()], [bytes, bytes, bytes, bytes]);
  await until(() => http2.output.pendingBytes === 0, "nothing waits any more");
  await server.close();
  assert.equal(overloadFigures().bufferedBytes, before, "every buffer is given back");
});

test("a peer that never reads and is then closed leaves nothing behind", async () => {
  const before = overloadFigures().bufferedBytes;
  const { server, peer, streams } = await served(2, WIDE);
  peer.socket.pause();
  for (const stream of streams) {
    stream.sendHeaders(headerList(RESPONSE), false);
    stream.sendData(Buffer.alloc(6_000_000), 0, 6_000_000, true);
  }
  for (let i = 0; i < 10; i++) await turn();
  peer.socket.destroy();
  await until(() => server.users[0]!.closed.length > 0, "the user hears of it");
  assert.equal(overloadFigures().bufferedBytes, before);
  for (const stream of streams) assert.equal(stream.queuedBytes, 0);
  await server.close();
});

test("a user that takes nothing stops its sender, and nobody else", async () => {
  const server = await new TestListener({}, { onData: ({ id }, n) => (id === 1 ? 0 : n) }).listen();
  const peer = await server.dial();
  peer.send(HELLO, headers(1, REQUEST), headers(3, REQUEST));
  const window = DEFAULT_CONNECTION_CONFIG.streamWindowBytes;
  for (let sent = 0; sent < window; sent += 16_384) {
    peer.send(data(1, new Uint8Array(16_384)), data(3, new Uint8Array(16_384)));
  }
  await peer.line("WINDOW_UPDATE 3");
  const { recorder } = server.users[0]!;
  await until(() => recorder.streams.get(1)!.body.length === window, "all of it is there");
  assert.equal(peer.reader.granted.get(1), undefined);
  recorder.streams.get(1)!.stream.credit(window);
  await peer.line("WINDOW_UPDATE 1");
  await server.close();
});

test("an idle connection holds no buffers", async () => {
  const before = overloadFigures().bufferedBytes;
  const { server, streams } = await served(20);
  for (const stream of streams) stream.sendHeaders(headerList(RESPONSE), true);
  const { http2, socket } = server.users[0]!.connection!;
  await until(() => http2.output.bytes === null && socket.writableLength === 0, "it is idle");
  assert.equal(http2.output.pendingBytes, 0);
  assert.equal(overloadFigures().bufferedBytes, before);
  await server.close();
});

test("a drained server lets its calls finish, then closes in order", async () => {
  // The story: an answer that did not fit into the output at once was cut off. What followed was
  // written when the first part had left, and that ended the drain and with it the socket.
  const { server, peer, streams } = await served(1);
  const { connection, closed } = server.users[0]!;
  connection!.drain("bye");
  await peer.line('GOAWAY last=2147483647 code=NO_ERROR "bye"');
  peer.send(STEP_ACK);
  await peer.line("GOAWAY last=1 code=NO_ERROR");
  assert.equal(peer.isEnded, false);
  streams[0]!.sendHeaders(headerList(RESPONSE), false);
  streams[0]!.sendData(Buffer.alloc(300_000), 0, 300_000, true);
  peer.send(windowUpdate(0, 300_000), windowUpdate(1, 300_000));
  await peer.closed();
  assert.equal(peer.reader.dataBytes.get(1), 300_000, "the last byte came before the end");
  await until(() => closed.length > 0, "the user hears of it");
  assert.deepEqual(closed, [{ code: 0, by: "library", reason: "drained" }]);
  await server.close();
});

test("a server that drains before the client spoke says SETTINGS first all the same", async () => {
  // The story: SETTINGS wait for the client's preface, so a GOAWAY came before them (§3.4).
  const server = await new TestListener().listen();
  const peer = await server.dial();
  await until(() => server.users.length > 0, "accepted");
  server.users[0]!.connection!.drain("bye");
  await peer.line("GOAWAY");
  assert.match(peer.reader.lines[0]!, /^SETTINGS /);
  peer.send(HELLO, headers(1, REQUEST, 1));
  const { recorder } = server.users[0]!;
  await until(() => recorder.streams.size === 1, "a call that was on its way is taken");
  assert.equal(peer.reader.lines.filter((line) => /^SETTINGS [^A]/.test(line)).length, 1, "once");
  await server.close();
});

test("closing says why, lets that out, and ends", async () => {
  const { server, peer } = await served(1);
  const { connection, closed } = server.users[0]!;
  connection!.close(11, "enough");
  assert.deepEqual(closed, [{ code: 11, by: "library", reason: "enough" }]);
  await peer.closed();
  assert.equal(peer.reader.lines.at(-1), 'GOAWAY last=1 code=ENHANCE_YOUR_CALM "enough"');
  await server.close();
});

test("a failed connection whose peer does not read is closed after two seconds", async () => {
  const { server, peer, streams } = await served(1, WIDE);
  peer.socket.pause();
  streams[0]!.sendHeaders(headerList(RESPONSE), false);
  streams[0]!.sendData(Buffer.alloc(9_000_000), 0, 9_000_000, true);
  for (let i = 0; i < 20; i++) await turn();
  const { connection } = server.users[0]!;
  connection!.close(2, "broken");
  for (let i = 0; i < 5; i++) await turn();
  server.clock.advance(2_000);
  assert.equal(connection!.socket.destroyed, false);
  server.clock.advance(2_000);
  assert.equal(connection!.socket.destroyed, true);
  await server.close();
});

test("the last answers of a drained server have longer to leave than those of a failed one", async () => {
  const { server, peer, streams } = await served(1, WIDE);
  peer.socket.pause();
  const { connection } = server.users[0]!;
  streams[0]!.sendHeaders(headerList(RESPONSE), false);
  const bytes = 200_000;
  streams[0]!.sendData(Buffer.alloc(bytes), 0, bytes, true);
  connection!.drain("bye");
  peer.send(STEP_ACK);
  await until(() => connection!.http2.isClosed, "drained");
  server.clock.advance(10_000);
  assert.equal(connection!.socket.destroyed, false);
  peer.socket.resume();
  await peer.closed();
  assert.equal(peer.reader.dataBytes.get(1), bytes);
  await server.close();
});

test("a peer that closes or breaks off is told to the user once, and every stream ends", async () => {
  for (const [end, reason] of [
    [(peer: RawPeer) => peer.socket.end(), "the peer closed"],
    [(peer: RawPeer) => peer.socket.resetAndDestroy(), "connection reset by the peer"],
  ] as const) {
    const { server, peer, streams } = await served(3);
    end(peer);
    const { closed, recorder } = server.users[0]!;
    await until(() => closed.length > 0, "the user hears of it");
    assert.equal(closed[0]!.reason, reason);
    for (const { failure } of recorder.streams.values()) assert.equal(failure!.reason, reason);
    assert.ok(streams.every((stream) => stream.isClosed));
    await server.close();
  }
});

test("a peer's frame error ends the connection with GOAWAY, on the wire and for the user", async () => {
  const { server, peer } = await served(1);
  peer.send(data(0, "x"));
  await peer.closed();
  assert.equal(peer.reader.lines.at(-1), 'GOAWAY last=1 code=PROTOCOL_ERROR "DATA on stream 0"');
  assert.deepEqual(server.users[0]!.closed, [
    { code: 1, by: "library", reason: "DATA on stream 0" },
  ]);
  await server.close();
});

/** A client connection to a raw server. */
async function client(): Promise<{
  server: RawServer;
  peer: RawPeer;
  user: SocketUser;
  clock: VirtualClock;
}> {
  const server = await new RawServer().listen();
  const clock = new VirtualClock();
  const user = new SocketUser();
  const connector = new Connector(DEFAULT_CONNECTOR_OPTIONS, new TransportLoop(clock));
  connector.connect(server.address, user);
  const peer = await server.accepted();
  await peer.line("SETTINGS");
  return { server, peer, user, clock };
}

test("a client is ready with the server's SETTINGS, reads what comes in pieces, and closes", async () => {
  const { server, peer, user, clock } = await client();
  assert.equal(user.isReady, false);
  peer.send(settings(), SETTINGS_ACK);
  await until(() => user.isReady, "ready");
  const { http2 } = user.connection!;
  const recorded = user.recorder.opened({ id: 1 } as never);
  recorded.stream = http2.open(headerList(REQUEST), true, recorded, clock.nowMs());
  await peer.line("HEADERS 1");
  for (const byte of join(headers(1, RESPONSE), data(1, "hello", 1))) {
    peer.send(Uint8Array.of(byte));
    if (byte === 0x68) await turn();
  }
  await until(() => recorded.isEnded, "the answer is there");
  assert.equal(recorded.body.toString(), "hello");
  user.connection!.drain("done");
  await peer.closed();
  assert.equal(peer.reader.lines.at(-1), 'GOAWAY last=0 code=NO_ERROR "done"');
  await until(() => user.closed.length > 0, "the user hears of it");
  assert.equal(clock.pendingCount, 0);
  await server.close();
});

test("a server's last words are passed on in print", async () => {
  const { server, peer, user } = await client();
  peer.send(settings(), SETTINGS_ACK, goaway(0, 0, `a\nb\u001b[31m${"x".repeat(300)}`));
  await until(() => user.goAways.length > 0, "the user hears of it");
  const [said] = user.goAways;
  assert.match(said!, /^the peer sent GOAWAY NO_ERROR \(a\?b\?\[31mx+\.\.\.\)$/);
  assert.ok(said!.length < 150);
  await until(() => user.closed.length > 0, "without streams that is the end");
  await server.close();
});

test("a client whose server closes hears of it, with nothing read in between", async () => {
  const { server, peer, user } = await client();
  peer.socket.end();
  await until(() => user.closed.length > 0, "the user hears of it");
  assert.match(user.closed[0]!.reason, /^the peer closed before it spoke HTTP\/2/);
  await server.close();
});
