/**
 * The idle time-out of client connections (hardening: stalled peers hold nothing for ever).
 */
import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import { VirtualClock } from "../base/index.ts";
import { DEFAULT_CONNECTION_CONFIG, headerList, NO_EVENTS, type Stream } from "../http2/index.ts";
import { ConnectionCount, Listener, type SocketConnection, TransportLoop } from "./index.ts";

test("a client connection without a stream is drained after the idle time-out", async () => {
  const clock = new VirtualClock();
  const loop = new TransportLoop(clock);
  const streams: Stream[] = [];
  const accepted: SocketConnection[] = [];
  const user = {
    onAccepted: (connection: SocketConnection) => accepted.push(connection),
    onReady() {},
    onCapacity() {},
    onGoAway() {},
    onClosed() {},
    onStream(stream: Stream) {
      streams.push(stream);
      return NO_EVENTS;
    },
  };
  const listener = new Listener(
    {
      address: { host: "127.0.0.1", port: 0 },
      tls: null,
      config: DEFAULT_CONNECTION_CONFIG,
      maxConnections: 10,
      idleTimeoutMs: 60_000,
      count: new ConnectionCount(),
    },
    { onConnection: () => user, onRefused() {} },
    loop,
  );
  const address = await listener.listen();
  const client = connectHttp2(`http://${address}`);
  const closed = new Promise<void>((resolve) => client.once("close", resolve));
  const goneAway = new Promise<void>((resolve) => client.once("goaway", () => resolve()));
  const request = client.request({ ":path": "/a" });
  await new Promise<void>((resolve) => {
    const look = () => (streams.length > 0 ? resolve() : setImmediate(look));
    look();
  });
  // A PING behind the ACK of our SETTINGS: without the ACK the connection would be cut.
  await new Promise<void>((resolve) => client.ping(() => resolve()));
  clock.advance(120_000);
  assert.equal(accepted[0]!.http2.isDraining, false, "a call is open: that is not idle");
  streams[0]!.sendHeaders(headerList([[":status", "200"]]), true);
  request.resume();
  await new Promise<void>((resolve) => request.once("close", resolve));
  clock.advance(59_000);
  assert.equal(accepted[0]!.http2.isDraining, false);
  clock.advance(3_000);
  assert.equal(accepted[0]!.http2.isDraining, true);
  await Promise.all([goneAway, closed]);
  listener.stop();
  clock.advance(1_000);
  assert.equal(clock.pendingCount, 0);
});
