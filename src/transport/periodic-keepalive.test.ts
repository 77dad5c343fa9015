/**
 * Periodic keepalive by gRFC A8: when a PING goes out, when a peer is given up, and how
 * `too_many_pings` slows it down. Time is virtual; the last tests use real sockets.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  goaway,
  headers,
  ping,
  RESPONSE,
  SETTINGS_ACK,
  settings,
} from "../../test/support/http2-frames.ts";
import { Peer } from "../../test/support/http2-peer.ts";
import { RawServer, SocketUser, turn, until } from "../../test/support/http2-sockets.ts";
import { VirtualClock } from "../base/index.ts";
import { Connector, DEFAULT_CONNECTOR_OPTIONS, TransportLoop } from "./index.ts";
import { KEEPALIVE_TIME_MS_MIN, KeepalivePace } from "./keepalive-pace.ts";
import { PeriodicKeepalive } from "./periodic-keepalive.ts";

const PING = "666c616c69766500";
const PING_LINE = `PING ${PING}`;
const CONFIG = { timeMs: 30_000, timeoutMs: 5_000, permitWithoutCalls: false };

/** A client with a keepalive, ticked once a second. */
class Client {
  readonly peer = new Peer({ role: "client" });
  readonly pace: KeepalivePace;
  readonly keepalive: PeriodicKeepalive;

  constructor(streams: number, config: Partial<typeof CONFIG> = {}) {
    this.pace = new KeepalivePace({ ...CONFIG, ...config });
    this.keepalive = new PeriodicKeepalive(this.peer.connection, this.pace);
    for (let i = 0; i < streams; i++) this.peer.open(true);
    this.peer.said();
    this.recv();
  }

  /** Something came. */
  recv(bytes?: Uint8Array): void {
    this.keepalive.onRecv(this.peer.nowMs);
    if (bytes !== undefined) this.peer.send(bytes);
  }

  /** Seconds pass; returns the PINGs that were sent. */
  pass(ms: number): number {
    let pings = 0;
    for (let left = ms; left > 0; left -= 1_000) {
      this.peer.advance(1_000);
      this.keepalive.onTick(this.peer.nowMs, this.peer.connection.streamCount);
      pings += this.peer.said().filter((line) => line === PING_LINE).length;
    }
    return pings;
  }

  failure(): string {
    return this.peer.user.failure?.reason ?? "";
  }

  answer(): void {
    this.recv(ping(PING, ACK));
    this.keepalive.onPong();
  }
}

test("a PING goes out each time the silence has lasted, for as long as calls are open", () => {
  const client = new Client(1);
  for (let i = 0; i < 20; i++) {
    assert.equal(client.pass(29_000), 0);
    assert.equal(client.pass(1_000), 1);
    client.answer();
  }
});

test("whatever comes puts the next PING off", () => {
  const client = new Client(1);
  client.pass(29_000);
  client.recv(headers(1, RESPONSE));
  assert.equal(client.pass(29_000), 0);
  assert.equal(client.pass(1_000), 1);
});

test("without calls there is none, unless that is permitted", () => {
  assert.equal(new Client(0).pass(600_000), 0);
  const permitted = new Client(0, { permitWithoutCalls: true });
  assert.equal(permitted.pass(30_000), 1);
  permitted.answer();
  assert.equal(permitted.pass(30_000), 1);
});

test("a silence that lasted before the call came counts: it is asked at once", () => {
  const client = new Client(0);
  client.pass(60_000);
  client.peer.open(true);
  client.peer.said();
  assert.equal(client.pass(1_000), 1);
});

/** As with the sparing keepalive: the answer lay in the socket, and timers are looked at first. */
test("time in which this process stood still is not held against the peer", () => {
  const client = new Client(1);
  assert.equal(client.pass(30_000), 1);
  client.peer.advance(60_000);
  client.keepalive.onTick(client.peer.nowMs, 1);
  assert.equal(client.failure(), "");
  client.answer();
  assert.equal(client.pass(30_000), 1, "the next one is asked as ever");
  client.pass(5_000);
  assert.equal(client.failure(), "the peer does not answer (keepalive)");
});

test("a peer that does not answer is given up after the time-out, and one that sends is not", () => {
  const client = new Client(1);
  client.pass(30_000 + 4_000);
  assert.equal(client.failure(), "");
  client.recv(headers(1, RESPONSE));
  assert.equal(client.pass(29_000), 0, "it is there, ACK or not");
  assert.equal(client.pass(1_000), 1);
  client.pass(5_000);
  assert.equal(client.failure(), "the peer does not answer (keepalive)");
  assert.equal(client.peer.on(1).failure?.by, "library");
});

test("less than ten seconds are raised to ten", () => {
  const client = new Client(1, { timeMs: 1 });
  assert.equal(client.pass(KEEPALIVE_TIME_MS_MIN - 1_000), 0);
  assert.equal(client.pass(1_000), 1);
});

test("a peer that finds us too eager slows down every connection of the pace", () => {
  const client = new Client(1);
  client.keepalive.onTooManyPings();
  const other = new PeriodicKeepalive(client.peer.connection, client.pace);
  assert.equal(client.pass(59_000), 0);
  assert.equal(client.pass(1_000), 1);
  other.onTooManyPings();
  client.answer();
  assert.equal(client.pass(119_000), 0);
  assert.equal(client.pass(1_000), 1);
});

/** Connects, and waits until the connection is ready; the server answers no PING. */
async function connected(connector: Connector, server: RawServer): Promise<SocketUser> {
  const user = new SocketUser();
  const before = server.peers.length;
  connector.connect(server.address, user);
  await until(() => server.peers.length > before, "accepted");
  server.peers.at(-1)!.send(settings(), SETTINGS_ACK);
  await until(() => user.isReady, "ready");
  return user;
}

test("a server that is gone without a word is noticed within time and time-out", async () => {
  const server = await new RawServer().listen();
  const clock = new VirtualClock();
  clock.advance(1_000);
  const keepalive = { timeMs: 10_000, timeoutMs: 3_000, permitWithoutCalls: true };
  const options = { ...DEFAULT_CONNECTOR_OPTIONS, keepalive };
  const user = await connected(new Connector(options, new TransportLoop(clock)), server);
  for (let s = 0; s < 13; s++) {
    assert.deepEqual(user.closed, []);
    clock.advance(1_000);
    await turn();
  }
  await until(() => user.closed.length > 0, "given up");
  assert.equal(user.closed[0]!.reason, "the peer does not answer (keepalive)");
  await server.close();
  await until(() => clock.pendingCount === 0, "no timer is left");
});

test("too_many_pings slows down the connections that come after, too", async () => {
  const server = await new RawServer().listen();
  const clock = new VirtualClock();
  clock.advance(1_000);
  const keepalive = { timeMs: 10_000, timeoutMs: 20_000, permitWithoutCalls: true };
  const options = { ...DEFAULT_CONNECTOR_OPTIONS, keepalive };
  const connector = new Connector(options, new TransportLoop(clock));
  const first = await connected(connector, server);
  server.peers[0]!.send(goaway(0, 11, "too_many_pings"));
  await until(() => first.closed.length > 0, "closed");
  const second = await connected(connector, server);
  const pings = () => server.peers[1]!.reader.lines.filter((line) => line === PING_LINE).length;
  for (let s = 0; s < 19; s++) {
    clock.advance(1_000);
    await turn();
  }
  assert.equal(pings(), 0, "not after ten seconds");
  clock.advance(1_000);
  await until(() => pings() === 1, "but after twenty");
  second.connection!.drain("done");
  await until(() => second.closed.length > 0, "closed");
  await server.close();
});

// Twenty pods that each cut one connection made of 10 s 121 days.
test("many servers that find one pace too eager double it once", () => {
  const pace = new KeepalivePace({ timeMs: 10_000, timeoutMs: 1_000, permitWithoutCalls: false });
  for (let i = 0; i < 20; i += 1) pace.slowDown(10_000);
  assert.equal(pace.timeMs, 20_000);
  pace.slowDown(20_000);
  assert.equal(pace.timeMs, 40_000);
});
