/**
 * Every byte in its place, over TCP, TLS and Unix sockets, with readers that stop and go on: chunks
 * are used again as soon as the kernel has them, so one that is given back too early shows here.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createAuthority } from "../../test/support/certificates.ts";
import { REQUEST, RESPONSE } from "../../test/support/http2-frames.ts";
import type { RecordedStream } from "../../test/support/http2-recorder.ts";
import { SocketUser, TestListener, turn, until } from "../../test/support/http2-sockets.ts";
import { seededRng, silentLogger, VirtualClock } from "../base/index.ts";
import { headerList, overloadFigures } from "../http2/index.ts";
import {
  ClientTls,
  Connector,
  DEFAULT_CONNECTOR_OPTIONS,
  ServerTls,
  TransportLoop,
} from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "fairlead-integrity-"));
const put = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
let serverTls: ServerTls;
let clientTls: ClientTls;

before(async () => {
  const authority = await createAuthority("a test CA");
  const pair = await authority.issue({ names: ["127.0.0.1"] });
  const deps = { clock: new VirtualClock(), log: silentLogger, onReload() {} };
  const certFile = put("tls.crt", pair.cert);
  const keyFile = put("tls.key", pair.key);
  serverTls = ServerTls.load({ certFile, keyFile, clientCaFile: null }, deps);
  const caFile = put("ca.crt", authority.cert);
  const files = { caFile, certFile: null, keyFile: null, serverName: null };
  clientTls = ClientTls.load(files, deps);
});

after(() => {
  serverTls.close();
  clientTls.close();
  rmSync(folder, { recursive: true });
});

const STREAMS = 6;
const BYTES = 2_000_000;
const byteAt = (id: number, offset: number) => (id * 37 + offset * 11 + (offset >> 9)) & 255;

/** Sends the whole body of a stream in parts of random sizes, as fast as credit allows. */
async function sendBody({ stream, id }: RecordedStream, seed: number): Promise<void> {
  const rng = seededRng(seed);
  for (let sent = 0; sent < BYTES; ) {
    const count = Math.min(BYTES - sent, 1 + rng.int(60_000));
    const part = Buffer.alloc(count);
    for (let i = 0; i < count; i++) part[i] = byteAt(id, sent + i);
    sent += count;
    stream.sendData(part, 0, count, sent === BYTES);
    part.fill(0xee);
    while (stream.queuedBytes > 100_000) await turn();
    if (rng.int(3) === 0) await turn();
  }
}

/** A reader that stops and goes on. */
function stutter(socket: Socket, seed: number, isOver: () => boolean): Promise<void> {
  const rng = seededRng(seed);
  const step = async () => {
    while (!isOver()) {
      socket.pause();
      for (let i = rng.int(5); i > 0; i--) await turn();
      socket.resume();
      for (let i = 1 + rng.int(5); i > 0; i--) await turn();
    }
    socket.resume();
  };
  return step();
}

async function bothWays(kind: "tcp" | "tls" | "unix"): Promise<void> {
  const before = overloadFigures().bufferedBytes;
  const tls = kind === "tls";
  const path = join(folder, "integrity.sock");
  const address = kind === "unix" ? { path } : { host: "127.0.0.1", port: 0 };
  const server = await new TestListener({ address, tls: tls ? serverTls : null }).listen();
  const clock = new VirtualClock();
  const loop = new TransportLoop(clock);
  const connector = new Connector(
    { ...DEFAULT_CONNECTOR_OPTIONS, secure: tls ? clientTls : null },
    loop,
  );
  const user = new SocketUser();
  connector.connect(server.address, user);
  await until(() => user.isReady, "ready");
  const ends: RecordedStream[] = [];
  for (let i = 0; i < STREAMS; i++) {
    const recorded = user.recorder.opened({ id: -1 - i } as never);
    recorded.stream = user.connection!.http2.open(headerList(REQUEST), false, recorded, 0);
    ends.push(recorded);
  }
  const served = server.users[0]!.recorder.streams;
  await until(() => served.size === STREAMS, "all calls are there");
  for (const { stream } of served.values()) stream.sendHeaders(headerList(RESPONSE), false);
  const all = [...ends, ...served.values()];
  const isOver = () => all.every(({ isEnded }) => isEnded);
  // Ids as the wire has them: both ends of a stream use one pattern.
  const senders = all.map((end) => Object.assign(end, { id: end.stream.id }));
  const sending = senders.map((end, i) => sendBody(end, i));
  const stutters = [user, server.users[0]!].map(({ connection }, i) =>
    stutter(connection!.socket, 100 + i, isOver),
  );
  await Promise.all([...sending, ...stutters, until(isOver, "all bodies are there")]);
  for (const end of all) {
    const { body } = end;
    assert.equal(body.length, BYTES);
    for (let i = 0; i < BYTES; i++) if (body[i] !== byteAt(end.id, i)) assert.fail(`byte ${i}`);
  }
  user.connection!.socket.destroy();
  await until(() => user.closed.length > 0, "closed");
  await server.close();
  assert.equal(overloadFigures().bufferedBytes, before, "every buffer is given back");
}

for (const kind of ["tcp", "tls", "unix"] as const) {
  test(`${kind}: bodies arrive whole, both ways at once, with readers that stop and go on`, () =>
    bothWays(kind));
}
