/**
 * Keepalive by its rules: a probe only while calls wait in silence, never one more than a stock
 * grpc-go server forgives, and a peer that does not answer is given up. gRFC A8; time is virtual.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACK, data, headers, ping, RESPONSE } from "../../test/support/http2-frames.ts";
import { Peer } from "../../test/support/http2-peer.ts";
import {
  KEEPALIVE_MIN_TIME_MS,
  KEEPALIVE_PROBES_MAX,
  KEEPALIVE_SILENCE_MS,
  KEEPALIVE_TIMEOUT_MS,
  Keepalive,
} from "./keepalive.ts";

const PROBE = "666c70726f626500";
const PROBE_LINE = `PING ${PROBE}`;

/** A client with a keepalive, ticked once a second. */
class Client {
  readonly peer = new Peer({ role: "client" });
  readonly keepalive = new Keepalive(this.peer.connection);

  constructor(streams: number) {
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
      probes += this.peer.said().filter((line) => line === PROBE_LINE).length;
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

test("a peer that answers is asked again, but never often enough for a strike", () => {
  // grpc-go closes after the third ping that comes without HEADERS or DATA between, unless five
  // minutes lie between them.
  const client = new Client(1);
  for (let i = 0; i < KEEPALIVE_PROBES_MAX; i++) {
    assert.equal(client.pass(KEEPALIVE_SILENCE_MS), 1);
    client.answer();
  }
  for (let hour = 0; hour < 3; hour++) {
    assert.equal(client.pass(KEEPALIVE_MIN_TIME_MS - KEEPALIVE_SILENCE_MS), 0);
    assert.equal(client.pass(KEEPALIVE_SILENCE_MS + 1_000), 1);
    client.answer();
  }
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
