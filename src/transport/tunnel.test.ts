/**
 * Tunnels: what is said to an HTTP proxy, what its answers mean, and that the socket behind it is
 * the server's. RFC 9110 §9.3.6.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAuthority } from "../../test/support/certificates.ts";
import { SETTINGS_ACK, settings } from "../../test/support/http2-frames.ts";
import {
  type RawPeer,
  RawServer,
  SocketUser,
  TestListener,
  turn,
  until,
} from "../../test/support/http2-sockets.ts";
import { silentLogger, VirtualClock } from "../base/index.ts";
import {
  ClientTls,
  Connector,
  type ConnectorOptions,
  DEFAULT_CONNECTOR_OPTIONS,
  ServerTls,
  TransportLoop,
  type Tunnel,
} from "./index.ts";
import { TUNNEL_HEAD_BYTES_MAX } from "./tunnel.ts";

const folder = mkdtempSync(join(tmpdir(), "fairlead-tunnel-"));
after(() => rmSync(folder, { recursive: true }));

const TUNNEL: Tunnel = { host: "echo.test", port: 443, authorization: null };

/** Connects through a proxy; the proxy is in the test's hands. */
class Dial {
  readonly clock = new VirtualClock();
  readonly user = new SocketUser();
  readonly proxy = new RawServer(true);

  async start(options: Partial<ConnectorOptions>): Promise<this> {
    await this.proxy.listen();
    this.clock.advance(1_000);
    const all = { ...DEFAULT_CONNECTOR_OPTIONS, tunnel: TUNNEL, ...options };
    new Connector(all, new TransportLoop(this.clock)).connect(this.proxy.address, this.user);
    return this;
  }

  /** The proxy's side of the connection, once it is made. */
  async peer(): Promise<RawPeer> {
    return this.proxy.accepted();
  }

  /** The request, once it is whole. */
  async request(): Promise<string> {
    const peer = await this.peer();
    await until(() => peer.text.includes("\r\n\r\n"), "the request");
    return peer.text;
  }

  /** Leads the proxy's connection to where it should. */
  async lead(address: string): Promise<void> {
    const { socket } = await this.peer();
    const { hostname, port } = new URL(`tcp://${address}`);
    const onward = connect(Number(port), hostname);
    onward.on("error", () => {});
    await new Promise((resolve) => onward.once("connect", resolve));
    socket.removeAllListeners("data");
    socket.write("HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n");
    pipe(socket, onward);
    pipe(onward, socket);
  }

  /** The reason of the failure. */
  async failure(): Promise<string> {
    await until(() => this.user.closed.length > 0, "it fails");
    assert.equal(this.user.connection, null);
    assert.equal(this.user.closed[0].by, "transport");
    assert.equal(this.clock.pendingCount, 0);
    await this.proxy.close();
    return this.user.closed[0].reason;
  }

  async close(): Promise<void> {
    this.user.connection?.drain("done");
    await until(() => this.user.closed.length > 0, "closed");
    await this.proxy.close();
  }
}

function pipe(from: Socket, to: Socket): void {
  from.on("data", (bytes) => to.write(bytes));
  from.on("close", () => to.destroy());
}

/** How a proxy that answers so is told about. */
async function whyNot(answer: string): Promise<string> {
  const dial = await new Dial().start({});
  await dial.request();
  (await dial.peer()).socket.write(answer, "latin1");
  return dial.failure();
}

test("a proxy is asked for the tunnel, and HTTP/2 begins inside of it", async () => {
  const server = await new TestListener().listen();
  const dial = await new Dial().start({});
  const request = await dial.request();
  assert.equal(request, "CONNECT echo.test:443 HTTP/1.1\r\nHost: echo.test:443\r\n\r\n");
  await dial.lead(server.address);
  await until(() => dial.user.isReady, "ready");
  await dial.close();
  await server.close();
});

test("credentials and IPv6 addresses are said as the RFCs have them", async () => {
  const tunnel = { host: "2001:db8::1", port: 50051, authorization: "Basic dTpw" };
  const dial = await new Dial().start({ tunnel });
  assert.equal(
    await dial.request(),
    "CONNECT [2001:db8::1]:50051 HTTP/1.1\r\nHost: [2001:db8::1]:50051\r\n" +
      "Proxy-Authorization: Basic dTpw\r\n\r\n",
  );
  (await dial.peer()).socket.write("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  const reason = await dial.failure();
  assert.equal(
    reason,
    "no tunnel to [2001:db8::1]:50051: the proxy answers 407 Proxy Authentication Required",
  );
});

test("TLS is made inside of the tunnel, with the name of its end", async () => {
  const authority = await createAuthority("a test CA");
  const pair = await authority.issue({ names: ["echo.test"] });
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const deps = { clock: new VirtualClock(), log: silentLogger, onReload() {} };
  const certFile = put("tls.crt", pair.cert);
  const keyFile = put("tls.key", pair.key);
  const tls = ServerTls.load({ certFile, keyFile, clientCaFile: null }, deps);
  const caFile = put("ca.crt", authority.cert);
  const names = { caFile, certFile: null, keyFile: null, serverName: null };
  const secure = ClientTls.load(names, deps);
  const server = await new TestListener({ tls }).listen();
  const dial = await new Dial().start({ secure });
  await dial.request();
  await dial.lead(server.address);
  await until(() => dial.user.isReady, "ready");
  await dial.close();
  await server.close();
  const wrong = await new Dial().start({ secure, tunnel: { ...TUNNEL, host: "other.test" } });
  const listener = await new TestListener({ tls }).listen();
  await wrong.request();
  await wrong.lead(listener.address);
  assert.match(await wrong.failure(), /^the server's certificate is for another name/);
  await until(() => listener.count.value === 0, "the handshake has ended there too");
  await listener.close();
  tls.close();
  secure.close();
});

test("an answer in pieces, after interim ones, and a server that speaks at once", async () => {
  const dial = await new Dial().start({});
  await dial.request();
  const { socket } = await dial.peer();
  const head = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.0 200\r\n\r\n";
  for (const byte of Buffer.from(head.slice(0, -1))) {
    socket.write(Uint8Array.of(byte));
    if (byte === 0x0a) await turn();
  }
  await turn();
  assert.equal(dial.user.connection, null);
  socket.write(Buffer.concat([Buffer.from("\n"), settings([3, 7]), SETTINGS_ACK]));
  await until(() => dial.user.isReady, "ready");
  assert.equal(dial.user.connection!.http2.maxStreams, 7);
  await dial.close();
});

test("an answer that is no tunnel is told in the proxy's words, as far as they are fit", async () => {
  const refused = await whyNot(
    "HTTP/1.1 403 For\x1b[31mbidden\r\nContent-Length: 9\r\n\r\ngo away!\n",
  );
  assert.equal(refused, "no tunnel to echo.test:443: the proxy answers 403 For?[31mbidden");
  const long = await whyNot(`HTTP/1.1 502 ${"x".repeat(5_000)}\r\n\r\n`);
  assert.equal(long, `no tunnel to echo.test:443: the proxy answers 502 ${"x".repeat(100)}...`);
  assert.equal(
    await whyNot("HTTP/1.1 302\r\nLocation: /\r\n\r\n"),
    "no tunnel to echo.test:443: the proxy answers 302",
  );
});

test("what is no answer of a proxy fails at once, and what has no end fails in bounds", async () => {
  const noProxy = "no tunnel to echo.test:443: the proxy does not answer as an HTTP/1.1 proxy";
  assert.equal(await whyNot("SSH-2.0-OpenSSH\r\n"), noProxy);
  assert.equal(await whyNot("HTTP/1.1 2000 OK\r\n\r\n"), noProxy);
  assert.equal(await whyNot("HTTP/1.1\r\n\r\n"), noProxy);
  const long = `no tunnel to echo.test:443: the proxy answers with a head of more than ${TUNNEL_HEAD_BYTES_MAX} bytes`;
  const fill = "x".repeat(TUNNEL_HEAD_BYTES_MAX);
  assert.equal(await whyNot(`HTTP/1.1 200 OK\r\nX: ${fill}`), long);
  assert.equal(await whyNot(`HTTP/1.1 200 OK\r\nX: ${fill}\r\n\r\n`), long);
  const hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
  assert.equal(await whyNot(hints.repeat(TUNNEL_HEAD_BYTES_MAX / hints.length + 1)), long);
});

test("a proxy that closes, or says nothing, is given up", async () => {
  const closing = await new Dial().start({});
  await closing.request();
  (await closing.peer()).socket.end("HTTP/1.1 200");
  assert.equal(await closing.failure(), "the peer closed before the connection was made");
  const silent = await new Dial().start({});
  await silent.request();
  silent.clock.advance(20_000);
  assert.equal(await silent.failure(), "connection timed out");
});

test("a proxy that echoes our credential does not have it shown", async () => {
  const plain = "user:p\u00e4ss+1";
  const token = Buffer.from(plain, "latin1").toString("base64");
  assert.match(token, /=$/);
  const tunnel = { ...TUNNEL, authorization: `Basic ${token}` };
  for (const [said, shown] of [
    [`bad Proxy-Authorization: Basic ${token}`, "bad Proxy-Authorization: Basic ***"],
    [`bad basic ${token.slice(0, 9)}`, "bad Basic ***"],
    [`token ${token} of no use`, "token *** of no use"],
    [`token ${token.replaceAll("=", "")} of no use`, "token *** of no use"],
    [`no ${plain} here`, "no *** here"],
    ["user with p\u00e4ss+1 is unknown", "user with *** is unknown"],
    // What is cut is cut afterwards.
    [`${"x".repeat(95)} ${plain}`, `${"x".repeat(95)} ***`],
  ] as const) {
    const dial = await new Dial().start({ tunnel });
    await dial.request();
    (await dial.peer()).socket.write(`HTTP/1.1 502 ${said}\r\n\r\n`, "latin1");
    const reason = await dial.failure();
    assert.equal(reason, `no tunnel to echo.test:443: the proxy answers 502 ${shown}`);
  }
});

test("what would break the lines of the request is refused when the connector is made", () => {
  const loop = new TransportLoop(new VirtualClock());
  for (const broken of [{ host: "a\r\nX: b" }, { authorization: "Basic x\r\nX: b" }]) {
    const options = { ...DEFAULT_CONNECTOR_OPTIONS, tunnel: { ...TUNNEL, ...broken } };
    assert.throws(() => new Connector(options, loop), /one line/);
  }
});
