/**
 * Listeners: addresses, limits, refusals, and socket files that a crash left over.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { writeCertificates } from "../../test/support/certificates.ts";
import {
  ascii,
  headers,
  PREFACE_TEXT,
  REQUEST,
  settings,
} from "../../test/support/http2-frames.ts";
import { RawPeer, TestListener, until } from "../../test/support/http2-sockets.ts";
import { RecordingLogger, VirtualClock } from "../base/index.ts";
import { ConnectionCount, ListenError, listenAddressText, ServerTls } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "fairlead-listener-"));
after(() => rmSync(folder, { recursive: true }));

/** Resolves with the sentence that listening fails with. */
async function whyNot(address: { host: string; port: number } | { path: string }): Promise<string> {
  const server = new TestListener({ address });
  try {
    await server.listen();
  } catch (error) {
    assert.ok(error instanceof ListenError);
    return error.message;
  }
  await server.close();
  return "";
}

test("the bound address is told, with the port that the system chose", async () => {
  for (const [host, pattern] of [
    ["127.0.0.1", /^127\.0\.0\.1:\d+$/],
    ["::1", /^\[::1\]:\d+$/],
  ] as const) {
    const server = await new TestListener({ address: { host, port: 0 } }).listen();
    assert.match(server.address, pattern);
    const peer = await server.dial();
    peer.send(ascii(PREFACE_TEXT), settings());
    await peer.line("SETTINGS");
    await server.close();
  }
});

test("an address is shown as a user writes it", () => {
  assert.equal(listenAddressText({ host: "127.0.0.1", port: 1 }), "127.0.0.1:1");
  assert.equal(listenAddressText({ host: "::1", port: 1 }), "[::1]:1");
  assert.equal(listenAddressText({ path: "/a" }), "unix:/a");
});

test("an address that cannot be had is said in one sentence", async () => {
  const taken = await new TestListener().listen();
  const port = Number(taken.address.split(":")[1]);
  const inUse = `cannot listen on ${taken.address}: the address is in use`;
  assert.equal(await whyNot({ host: "127.0.0.1", port }), inUse);
  await taken.close();
  const foreign = Object.assign(new Error(), { code: "EADDRNOTAVAIL" });
  assert.equal(
    new ListenError({ host: "192.0.2.1", port: 1 }, foreign).message,
    "cannot listen on 192.0.2.1:1: this machine does not have the address",
  );
  assert.equal(
    await whyNot({ path: join(folder, "no/such/place") }),
    `cannot listen on unix:${folder}/no/such/place: the directory does not exist`,
  );
});

test("connections over the limit are closed at once; those that are open stay", async () => {
  const server = await new TestListener({ maxConnections: 2 }).listen();
  const peers = [await server.dial(), await server.dial()];
  await until(() => server.count.value === 2, "two are counted");
  const third = await server.dial();
  await third.closed();
  assert.equal(third.chunks.length, 0);
  assert.deepEqual(server.refused, ["more than 2 connections"]);
  for (const peer of peers) {
    peer.send(ascii(PREFACE_TEXT), settings(), headers(1, REQUEST, 1));
    await peer.line("SETTINGS ACK");
  }
  assert.equal(server.users.length, 2);
  peers[0]!.socket.destroy();
  await until(() => server.count.value === 1, "one is gone");
  const fourth = await server.dial();
  fourth.send(ascii(PREFACE_TEXT), settings());
  await fourth.line("SETTINGS");
  await server.close();
});

test("the limit holds over all listeners that share a count", async () => {
  const count = new ConnectionCount();
  const servers = [
    await new TestListener({ maxConnections: 1, count }).listen(),
    await new TestListener({ maxConnections: 1, count }).listen(),
  ];
  await servers[0]!.dial();
  await until(() => count.value === 1, "one is counted");
  const second = await servers[1]!.dial();
  await second.closed();
  assert.deepEqual(servers[1]!.refused, ["more than 1 connections"]);
  for (const server of servers) await server.close();
});

/** A certificate for 127.0.0.1, and the CA that clients trust. */
async function withTls(body: (tls: ServerTls, ca: string) => Promise<void>): Promise<void> {
  const { caFile, certFile, keyFile } = await writeCertificates(folder, ["127.0.0.1"]);
  const deps = { clock: new VirtualClock(), log: new RecordingLogger(), onReload: () => {} };
  const tls = ServerTls.load({ certFile, keyFile, clientCaFile: null }, deps);
  await body(tls, readFileSync(caFile, "utf8"));
  tls.close();
}

test("handshakes in progress count, over all listeners that share a count", async () => {
  await withTls(async (tls, ca) => {
    const count = new ConnectionCount();
    const servers = [
      await new TestListener({ maxConnections: 2, count, tls }).listen(),
      await new TestListener({ maxConnections: 2, count, tls }).listen(),
    ];
    const silent = [await servers[0]!.dial(), await servers[1]!.dial()];
    await until(() => count.value === 2, "two that have not begun TLS are counted");
    for (const server of servers) {
      const late = await server.dial();
      await late.closed();
      assert.deepEqual(server.refused, ["more than 2 connections"]);
    }
    silent[0]!.send(ascii("this is no ClientHello, and long enough to be seen as none"));
    await silent[0]!.closed();
    await until(() => count.value === 1, "a handshake that failed is not counted any more");
    const port = Number(servers[1]!.address.split(":")[1]);
    const client = connectTls({ host: "127.0.0.1", port, ca, ALPNProtocols: ["h2"] });
    await once(client, "secureConnect");
    await until(() => servers[1]!.users.length === 1, "one that succeeds is a connection");
    assert.equal(count.value, 2, "and is counted once");
    client.destroy();
    silent[1]!.socket.destroy();
    await until(() => count.value === 0, "all are gone");
    for (const server of servers) await server.close();
  });
});

test("a handshake that ends after its listener was stopped is drained", async () => {
  await withTls(async (tls, ca) => {
    const server = await new TestListener({ tls }).listen();
    const port = Number(server.address.split(":")[1]);
    const socket = (await server.dial()).socket;
    await until(() => server.count.value === 1, "accepted");
    server.listener.stop();
    socket.removeAllListeners("data");
    const client = connectTls({ socket, host: "127.0.0.1", port, ca, ALPNProtocols: ["h2"] });
    await new RawPeer(client, false).line("GOAWAY");
    assert.equal(server.users.length, 1);
    await server.close();
  });
});

test("a stopped listener accepts nothing new, and its connections go on", async () => {
  const server = await new TestListener().listen();
  const peer = await server.dial();
  await until(() => server.users.length === 1, "accepted");
  server.listener.stop();
  const late = await server.dial();
  await late.closed();
  peer.send(ascii(PREFACE_TEXT), settings(), headers(1, REQUEST, 1));
  await until(() => server.users[0]!.recorder.streams.size === 1, "the call is there");
  assert.equal(server.users.length, 1);
  await server.close();
});

test("a Unix socket is listened on, and its file goes with the listener", async () => {
  const path = join(folder, "listen.sock");
  const server = await new TestListener({ address: { path } }).listen();
  assert.equal(server.address, `unix:${path}`);
  const peer = await server.dial();
  peer.send(ascii(PREFACE_TEXT), settings(), headers(1, REQUEST, 1));
  await until(() => server.users[0]?.recorder.streams.size === 1, "the call is there");
  await server.close();
  assert.equal(existsSync(path), false);
});

test("a socket file that nobody listens on is left over from a crash, and is replaced", async () => {
  const path = join(folder, "stale.sock");
  await leaveStale(path);
  assert.ok(existsSync(path));
  assert.equal(await whyNot({ path }), "");
});

/** A socket file whose server was killed: Node removes the file of one that merely closes. */
async function leaveStale(path: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const code = `require("net").createServer().listen(${JSON.stringify(path)},()=>console.log(1))`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

test("a socket file that somebody listens on is in use, and is left alone", async () => {
  const path = join(folder, "used.sock");
  const other = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => other.listen(path, resolve));
  assert.match(await whyNot({ path }), /the address is in use/);
  assert.ok(existsSync(path));
  await new Promise((resolve) => other.close(resolve));
});

test("a file that is no socket is somebody's, and is left alone", async () => {
  const path = join(folder, "precious.txt");
  writeFileSync(path, "precious");
  assert.match(await whyNot({ path }), /the address is in use/);
  assert.ok(existsSync(path));
});

test("a stale socket file stays when that is asked for", async () => {
  const path = join(folder, "kept.sock");
  await leaveStale(path);
  const server = new TestListener({ address: { path }, removesStaleSocket: false });
  await assert.rejects(server.listen(), ListenError);
  assert.ok(existsSync(path));
});
