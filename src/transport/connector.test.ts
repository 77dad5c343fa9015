/**
 * Connectors: what is made, what fails, and that exactly one end is told either way.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SETTINGS_ACK, settings } from "../../test/support/http2-frames.ts";
import { RawServer, SocketUser, turn, until } from "../../test/support/http2-sockets.ts";
import { VirtualClock } from "../base/index.ts";
import { limits } from "../http2/index.ts";
import {
  CONNECT_TIMEOUT_MS,
  Connector,
  DEFAULT_CONNECTOR_OPTIONS,
  TransportLoop,
} from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "fairlead-connector-"));
after(() => rmSync(folder, { recursive: true }));

/** A connector on a virtual clock. */
function dialer(): { connector: Connector; clock: VirtualClock } {
  const clock = new VirtualClock();
  clock.advance(1_000);
  const loop = new TransportLoop(clock);
  return { connector: new Connector(DEFAULT_CONNECTOR_OPTIONS, loop), clock };
}

/** Connects to where nobody is; returns the reason. */
async function whyNot(address: string): Promise<string> {
  const { connector, clock } = dialer();
  const user = new SocketUser();
  connector.connect(address, user);
  await until(() => user.closed.length > 0, "it fails");
  assert.equal(user.connection, null);
  assert.equal(user.closed[0]!.by, "transport");
  assert.equal(clock.pendingCount, 0);
  return user.closed[0]!.reason;
}

test("where nobody listens the reason is told in words", async () => {
  const server = await new RawServer().listen();
  await server.close();
  assert.equal(await whyNot(server.address), "connection refused");
  assert.equal(await whyNot("[::1]:1"), "connection refused");
  assert.equal(await whyNot(`unix:${join(folder, "none.sock")}`), "no such socket file");
});

test("TCP and Unix sockets are connected, and the connection counts with the peer's SETTINGS", async () => {
  for (const path of [undefined, join(folder, "server.sock")]) {
    const server = await new RawServer().listen(path);
    const { connector, clock } = dialer();
    const user = new SocketUser();
    connector.connect(server.address, user);
    const peer = await server.accepted();
    await until(() => user.connection !== null, "connected");
    assert.equal(user.isReady, false);
    peer.send(settings(), SETTINGS_ACK);
    await until(() => user.isReady, "ready");
    user.connection!.drain("done");
    await until(() => user.closed.length > 0, "closed");
    assert.equal(clock.pendingCount, 0);
    await server.close();
  }
});

test("the windows and limits of a connection are those of the connector", async () => {
  const server = await new RawServer().listen();
  const { connection: usual } = DEFAULT_CONNECTOR_OPTIONS;
  const connection = {
    ...usual,
    streamWindowBytes: 100_000,
    connectionWindowBytes: 1_000_000,
    headerListBytesMax: 9_000,
  };
  const clock = new VirtualClock();
  const options = { ...DEFAULT_CONNECTOR_OPTIONS, connection };
  const user = new SocketUser();
  new Connector(options, new TransportLoop(clock)).connect(server.address, user);
  const peer = await server.accepted();
  const said = await peer.line("SETTINGS");
  assert.match(said, /\b100000\b/);
  assert.match(said, /\b9000\b/);
  assert.match(await peer.line("WINDOW_UPDATE 0"), /\b934465\b/);
  peer.send(settings(), SETTINGS_ACK);
  await until(() => user.isReady, "ready");
  user.connection!.drain("done");
  await until(() => user.closed.length > 0, "closed");
  await server.close();
});

test("a server that accepts and says nothing is given up", async () => {
  const server = await new RawServer().listen();
  const { connector, clock } = dialer();
  const user = new SocketUser();
  connector.connect(server.address, user);
  await server.accepted();
  await until(() => user.connection !== null, "connected");
  clock.advance(limits.PREFACE_TIMEOUT_MS + 1_000);
  assert.equal(user.closed[0]!.reason, "no preface and SETTINGS in time");
  await server.close();
  await until(() => clock.pendingCount === 0, "no timer is left");
});

test("a server that does not speak HTTP/2 is told off", async () => {
  const server = await new RawServer().listen();
  const { connector } = dialer();
  const user = new SocketUser();
  connector.connect(server.address, user);
  const peer = await server.accepted();
  peer.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await until(() => user.closed.length > 0, "closed");
  assert.equal(user.isReady, false);
  assert.equal(user.closed[0]!.by, "library");
  await server.close();
});

test("an attempt that is cancelled is silent, and leaves nothing", async () => {
  const server = await new RawServer().listen();
  const { connector, clock } = dialer();
  const user = new SocketUser();
  const attempt = connector.connect(server.address, user);
  attempt.cancel();
  attempt.cancel();
  for (let i = 0; i < 10; i++) await turn();
  assert.equal(user.connection, null);
  assert.deepEqual(user.closed, []);
  assert.equal(clock.pendingCount, 0);
  await server.close();
});

test("an attempt that takes too long fails with a reason", async () => {
  const { connector, clock } = dialer();
  const user = new SocketUser();
  // Time passes before the event loop has a chance to connect.
  connector.connect("127.0.0.1:9", user);
  clock.advance(CONNECT_TIMEOUT_MS);
  await until(() => user.closed.length > 0, "it fails");
  assert.equal(user.closed[0]!.reason, "connection timed out");
  assert.equal(user.closed.length, 1);
  assert.equal(clock.pendingCount, 0);
});

test("connections that share a read buffer do not see each other's bytes", async () => {
  const server = await new RawServer().listen();
  const { connector } = dialer();
  const users = Array.from({ length: 20 }, () => new SocketUser());
  for (const user of users) connector.connect(server.address, user);
  await until(() => server.peers.length === users.length, "all are accepted");
  // SETTINGS of each come in two halves, those of all in turn.
  const bytes = settings([3, 7], [4, 70_000]);
  for (const half of [bytes.subarray(0, 11), bytes.subarray(11)]) {
    for (const peer of server.peers) peer.send(half);
    for (let i = 0; i < 5; i++) await turn();
  }
  await until(() => users.every(({ isReady }) => isReady), "all are ready");
  assert.ok(users.every(({ connection }) => connection!.http2.maxStreams === 7));
  for (const user of users) user.connection!.drain("done");
  await until(() => users.every(({ closed }) => closed.length > 0), "all are closed");
  await server.close();
});
