/**
 * Keepalive by its rules: a probe only while calls wait in silence, never one more than a stock
 * grpc-go server forgives, and a peer that does not answer is given up. gRFC A8; time is virtual.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACK,
  data,
  headers,
  ping,
  RESPONSE,
  SETTINGS_ACK,
} from "../../test/support/http2-frames.ts";
import { Peer } from "../../test/support/http2-peer.ts";
import { KEEPALIVE_PROBES_MAX, Keepalive } from "./keepalive.ts";
import { KEEPALIVE_SILENCE_MS, KEEPALIVE_TIMEOUT_MS, sparingPace } from "./keepalive-pace.ts";

const PROBE = "666c70726f626500";
const PROBE_LINE = `PING ${PROBE}`;
const SETTINGS_LINE = "SETTINGS";

/** A client with a keepalive, ticked once a second. */
class Client {
  readonly peer = new Peer({ role: "client" });
  readonly keepalive: Keepalive;
  /** SETTINGS that were sent in all. */
  settings = 0;
  /** Whether the peer acknowledges them. */
  acknowledges = true;

  constructor(streams: number, pace = sparingPace()) {
    this.keepalive = new Keepalive(this.peer.connection, pace);
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
    let probes = 0;
    for (let left = ms; left > 0; left -= 1_000) {
      this.peer.advance(1_000);
      this.keepalive.onTick(this.peer.nowMs, this.peer.connection.streamCount);
      const said = this.peer.said();
      probes += said.filter((line) => line === PROBE_LINE).length;
      if (!said.includes(SETTINGS_LINE)) continue;
      this.settings += 1;
      if (this.acknowledges) this.recv(SETTINGS_ACK);
    }
    return probes;
  }

  failure(): string {
    return this.peer.user.failure?.reason ?? "";
  }

  answer(): void {
    this.recv(ping(PROBE, ACK));
    this.keepalive.onPong();
  }
}

test("without calls there is no probe, however long the silence", () => {
  assert.equal(new Client(0).pass(3_600_000), 0);
});

test("while something comes there is no probe, however long the call", () => {
  const client = new Client(1);
  client.recv(headers(1, RESPONSE));
  for (let i = 0; i < 100; i++) {
    assert.equal(client.pass(KEEPALIVE_SILENCE_MS - 1_000), 0);
    client.recv(data(1, "a"));
  }
});

test("a probe goes out after the silence, one at a time", () => {
  const client = new Client(1);
  assert.equal(client.pass(KEEPALIVE_SILENCE_MS - 1_000), 0);
  assert.equal(client.pass(1_000), 1);
  assert.equal(client.pass(KEEPALIVE_TIMEOUT_MS - 1_000), 0);
});

test("a peer that does not answer is given up after the time-out, with a reason", () => {
  const client = new Client(1);
  client.pass(KEEPALIVE_SILENCE_MS + KEEPALIVE_TIMEOUT_MS - 1_000);
  assert.equal(client.failure(), "");
  client.pass(1_000);
  assert.equal(client.failure(), "the peer does not answer (keepalive)");
  assert.equal(client.peer.on(1).failure?.by, "library");
});

test("a peer that answers is never sent a third PING: SETTINGS ask from then on", () => {
  // grpc-go closes after the third ping that comes without HEADERS or DATA between, unless five
  // minutes lie between them. It counts no SETTINGS.
  const client = new Client(1);
  for (let i = 0; i < KEEPALIVE_PROBES_MAX; i++) {
    assert.equal(client.pass(KEEPALIVE_SILENCE_MS), 1);
    client.answer();
  }
  assert.equal(client.settings, 0);
  assert.equal(client.pass(3_600_000), 0);
  assert.equal(client.settings, 3_600_000 / KEEPALIVE_SILENCE_MS);
  assert.equal(client.failure(), "");
});

/**
 * A stream that had nothing to say used up both PINGs; then the node died. A call that was made
 * afterwards waited until a third PING was allowed, for minutes.
 */
test("a peer that dies after both PINGs is found out as soon as another", () => {
  const client = new Client(1);
  for (let i = 0; i < KEEPALIVE_PROBES_MAX; i++) {
    client.pass(KEEPALIVE_SILENCE_MS);
    client.answer();
  }
  client.acknowledges = false;
  client.peer.open(true);
  client.pass(KEEPALIVE_SILENCE_MS + KEEPALIVE_TIMEOUT_MS - 1_000);
  assert.equal(client.failure(), "");
  client.pass(1_000);
  assert.equal(client.failure(), "the peer does not answer (keepalive)");
});

/**
 * A process that was stopped with a probe on its way found the time-out over when it went on, and
 * gave up a peer whose answer lay in the socket: timers are looked at before sockets.
 */
test("time in which this process stood still is not held against the peer", () => {
  const client = new Client(1);
  assert.equal(client.pass(KEEPALIVE_SILENCE_MS), 1);
  client.peer.advance(60_000);
  client.keepalive.onTick(client.peer.nowMs, 1);
  assert.equal(client.failure(), "");
  client.answer();
  assert.equal(client.pass(KEEPALIVE_SILENCE_MS), 1, "the next one is asked as ever");
  client.pass(KEEPALIVE_TIMEOUT_MS);
  assert.equal(client.failure(), "the peer does not answer (keepalive)");
});

test("progress of a call allows the full number of probes anew", () => {
  const client = new Client(1);
  client.recv(headers(1, RESPONSE));
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < KEEPALIVE_PROBES_MAX; i++) {
      assert.equal(client.pass(KEEPALIVE_SILENCE_MS), 1);
      client.answer();
    }
    assert.equal(client.pass(KEEPALIVE_SILENCE_MS), 0);
    client.recv(data(1, "a"));
  }
});

test("a peer that finds us too eager is asked half as often", () => {
  const client = new Client(1);
  client.keepalive.onTooManyPings();
  assert.equal(client.pass(2 * KEEPALIVE_SILENCE_MS - 1_000), 0);
  assert.equal(client.pass(1_000), 1);
});

/** It says so with the GOAWAY that ends a connection: what only that one knew was forgotten. */
test("a connection that comes after too_many_pings asks half as often too", () => {
  const pace = sparingPace();
  new Client(1, pace).keepalive.onTooManyPings();
  const next = new Client(1, pace);
  assert.equal(next.pass(2 * KEEPALIVE_SILENCE_MS - 1_000), 0);
  assert.equal(next.pass(1_000), 1);
});
