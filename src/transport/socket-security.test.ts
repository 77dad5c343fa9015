/** Tests of sockets that a user makes secure in a way of their own: what comes of each outcome. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { SETTINGS_ACK, settings } from "../../test/support/http2-frames.ts";
import { RawServer, SocketUser, turn, until } from "../../test/support/http2-sockets.ts";
import { VirtualClock } from "../base/index.ts";
import {
  CONNECT_TIMEOUT_MS,
  type ConnectAttempt,
  Connector,
  DEFAULT_CONNECTOR_OPTIONS,
  TransportLoop,
} from "./index.ts";

type Secure = (socket: Socket, host: string) => Promise<Socket>;

/** A server, and an attempt to connect to it with this security. */
class Dial {
  readonly clock = new VirtualClock();
  readonly user = new SocketUser();
  readonly server = new RawServer();
  attempt: ConnectAttempt | null = null;

  async start(connect: Secure): Promise<this> {
    await this.server.listen();
    const options = { ...DEFAULT_CONNECTOR_OPTIONS, secure: { connect } };
    const connector = new Connector(options, new TransportLoop(this.clock));
    this.attempt = connector.connect(this.server.address, this.user);
    await this.server.accepted();
    return this;
  }

  async failure(): Promise<string> {
    await until(() => this.user.closed.length > 0, "it fails");
    assert.equal(this.user.connection, null);
    assert.equal(this.clock.pendingCount, 0);
    await this.server.peers[0]!.closed();
    await this.server.close();
    return this.user.closed[0]!.reason;
  }
}

test("what it makes of the socket is used, and it is told the host", async () => {
  const hosts: string[] = [];
  const dial = await new Dial().start(async (socket, host) => {
    hosts.push(host);
    await new Promise((resolve) => socket.once("data", resolve)); // a handshake of one word
    return socket;
  });
  dial.server.peers[0]!.send(Buffer.from("go"));
  await until(() => dial.user.connection !== null, "connected");
  dial.server.peers[0]!.send(settings(), SETTINGS_ACK);
  await until(() => dial.user.isReady, "ready");
  assert.deepEqual(hosts, ["127.0.0.1"]);
  dial.user.connection!.drain("done");
  await until(() => dial.user.closed.length > 0, "closed");
  await dial.server.close();
});

test("why it rejects is the reason, of TLS and of the system in words", async () => {
  const rejecting = (error: unknown) => () => Promise.reject(error);
  for (const [error, reason] of [
    [new Error("no ticket"), "no ticket"],
    ["no error at all", "no error at all"],
    [Object.assign(new Error("x"), { code: "ECONNRESET" }), "connection reset by the peer"],
    [
      Object.assign(new Error("x"), { code: "CERT_HAS_EXPIRED" }),
      "the server's certificate has expired",
    ],
  ] as const) {
    const dial = await new Dial().start(rejecting(error));
    assert.equal(await dial.failure(), reason);
  }
});

test("one that throws is as one that rejects", async () => {
  const dial = await new Dial().start(() => {
    throw new Error("no secure context");
  });
  assert.equal(await dial.failure(), "no secure context");
});

test("one that never ends is given up with the socket, or when the time is over", async () => {
  const closed = await new Dial().start(() => new Promise(() => {}));
  closed.server.peers[0]!.socket.destroy();
  assert.equal(await closed.failure(), "the peer closed before the connection was made");
  const silent = await new Dial().start(() => new Promise(() => {}));
  silent.clock.advance(CONNECT_TIMEOUT_MS);
  assert.equal(await silent.failure(), "connection timed out");
});

test("what comes of it after the attempt was cancelled is closed, in silence", async () => {
  let end = (): void => {};
  const dial = await new Dial().start(
    (socket) => new Promise((resolve) => (end = () => resolve(socket))),
  );
  await turn();
  dial.attempt!.cancel();
  end();
  await dial.server.peers[0]!.closed();
  await turn();
  assert.deepEqual([dial.user.connection, dial.user.closed], [null, []]);
  assert.equal(dial.clock.pendingCount, 0);
  await dial.server.close();
});
