/**
 * Handshakes that fail at a listener, with stock TLS clients: who it was, and why, in words; and
 * TLS where none is expected, in both directions.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer as createPlain, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect as connectTls, createServer, type Server } from "node:tls";
import {
  type Authority,
  createAuthority,
  type IssuedPair,
} from "../../../test/support/certificates.ts";
import { ascii, PREFACE_TEXT } from "../../../test/support/http2-frames.ts";
import { RawServer, SocketUser, TestListener, until } from "../../../test/support/http2-sockets.ts";
import { RecordingLogger, VirtualClock } from "../../base/index.ts";
import {
  ClientTls,
  Connector,
  DEFAULT_CONNECTOR_OPTIONS,
  ServerTls,
  TransportLoop,
} from "../index.ts";

let dir: string;
let authority: Authority;
let own: IssuedPair;
let client: IssuedPair;
let foreign: IssuedPair;
let expired: IssuedPair;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "fairlead-handshake-"));
  authority = await createAuthority("a test CA");
  own = await authority.issue({ names: ["127.0.0.1", "orders.test"] });
  client = await authority.issue({ names: ["client"] });
  foreign = await (await createAuthority("a stranger")).issue({ names: ["client"] });
  const past = { notBefore: new Date(2020, 0), notAfter: new Date(2021, 0) };
  expired = await authority.issue({ names: ["client"], ...past });
});

after(() => rmSync(dir, { recursive: true }));

function put(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const deps = { clock: new VirtualClock(), log: new RecordingLogger(), onReload: () => {} };

/** What a listener says of one client, which `dial` connects to its port. */
async function refusalOf(isMutual: boolean, dial: (port: number) => Socket): Promise<string> {
  const files = { certFile: put("tls.crt", own.cert), keyFile: put("tls.key", own.key) };
  const clientCaFile = isMutual ? put("ca.crt", authority.cert) : null;
  const tls = ServerTls.load({ ...files, clientCaFile }, deps);
  const listener = await new TestListener({ tls }).listen();
  const socket = dial(Number(listener.address.split(":")[1]));
  socket.on("error", () => {});
  await once(socket, "connect");
  const from = `tls 127.0.0.1:${socket.localPort}`;
  await until(() => listener.refused.length > 0, "a refusal");
  assert.deepEqual(listener.refusedWhom, [from], "the peer's address");
  socket.destroy();
  await listener.close();
  tls.close();
  return listener.refused[0]!;
}

const withTls = (options: ConnectionOptions) => (port: number) =>
  connectTls({ port, host: "127.0.0.1", ALPNProtocols: ["h2"], ...options });

const sending = (text: string) => (port: number) => {
  const socket = connect(port, "127.0.0.1");
  socket.write(text);
  return socket;
};

const REFUSED: [string, boolean, () => (port: number) => Socket, RegExp][] = [
  [
    "that does not trust our CA",
    false,
    () => withTls({}),
    /^the client closed during the TLS handshake: it may not trust our certificate$/,
  ],
  [
    "whose certificate is of another CA",
    true,
    () => withTls({ ca: authority.cert, ...foreign }),
    /^the client's certificate is not signed by the CA for clients$/,
  ],
  [
    "whose certificate has expired",
    true,
    () => withTls({ ca: authority.cert, ...expired }),
    /^the client's certificate has expired$/,
  ],
  [
    "without a certificate",
    true,
    () => withTls({ ca: authority.cert }),
    /^the client showed no certificate, and one is asked for$/,
  ],
  [
    "that speaks HTTP/2 without TLS",
    false,
    () => sending(PREFACE_TEXT),
    /^the client does not speak TLS on this TLS port$/,
  ],
  [
    "that speaks HTTP/1 without TLS",
    false,
    () => sending("GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    /^the client does not speak TLS on this TLS port: it sent a plain HTTP\/1 request$/,
  ],
  [
    "with an older TLS",
    false,
    () => withTls({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
    /^the client speaks no TLS version that HTTP\/2 allows/,
  ],
  [
    "with no cipher suite that HTTP/2 allows",
    false,
    () => withTls({ maxVersion: "TLSv1.2", ciphers: "AES128-SHA" }),
    /^the client offers no cipher suite that HTTP\/2 allows$/,
  ],
  [
    "that offers other protocols",
    false,
    () => withTls({ ALPNProtocols: ["foo"] }),
    /^the client offers other protocols than HTTP\/2/,
  ],
  [
    "that is gone before it says anything",
    false,
    () => (port) => connect(port, "127.0.0.1").end(),
    /^the client closed before its TLS handshake$/,
  ],
];

for (const [name, isMutual, dial, reason] of REFUSED) {
  test(`a client ${name} is told of with its address, and why`, async () => {
    assert.match(await refusalOf(isMutual, dial()), reason);
  });
}

/** A ClientHello of TLS 1.2, as a stock client sends it. */
async function clientHello(): Promise<Buffer> {
  const server = createPlain().listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = withTls({ maxVersion: "TLSv1.2" })((server.address() as { port: number }).port);
  socket.on("error", () => {});
  const [peer] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(peer, "data")) as [Buffer];
  socket.destroy();
  server.close();
  return hello;
}

for (const [alert, code, reason] of [
  ["unknown_ca", 48, "the client rejected our certificate: it does not trust the CA"],
  ["bad_certificate", 42, "the client rejected our certificate"],
  ["certificate_expired", 45, "the client rejected our certificate: it has expired"],
  ["decode_error", 50, "the TLS handshake failed: tlsv1 alert decode error"],
] as const) {
  test(`a client's alert ${alert} is put in words`, async () => {
    const hello = await clientHello();
    const told = await refusalOf(false, (port) => {
      const socket = connect(port, "127.0.0.1");
      socket.write(hello);
      socket.once("data", () => socket.write(Buffer.from([21, 3, 3, 0, 2, 2, code])));
      return socket;
    });
    assert.equal(told, reason);
  });
}

test("a client that speaks TLS on a port without is told of as such", async () => {
  const listener = await new TestListener().listen();
  const socket = withTls({})(Number(listener.address.split(":")[1]));
  socket.on("error", () => {});
  await until(() => listener.users[0]?.closed.length === 1, "it is cut");
  const [failure] = listener.users[0]!.closed;
  assert.deepEqual(
    [failure!.by, failure!.reason],
    ["library", "the client speaks TLS (ClientHello) on a port without"],
  );
  socket.destroy();
  await listener.close();
});

/** Why a connection to `address` fails. */
async function failureOf(
  address: string,
  tls: ClientTls | null,
  hints = DEFAULT_CONNECTOR_OPTIONS.hints,
): Promise<string> {
  const loop = new TransportLoop(new VirtualClock());
  const user = new SocketUser();
  const options = { ...DEFAULT_CONNECTOR_OPTIONS, secure: tls, hints };
  new Connector(options, loop).connect(address, user);
  await until(() => user.closed.length > 0, "it fails");
  return user.closed[0]!.reason;
}

async function withTlsServer(
  isMutual: boolean,
  body: (address: string) => Promise<void>,
): Promise<void> {
  const trust = { ca: authority.cert, requestCert: isMutual, rejectUnauthorized: isMutual };
  const server: Server = createServer({ ...own, ...trust, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await body(`127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    server.close();
  }
}

test("a server that answers in TLS is told of as such", async () => {
  const server = await new RawServer().listen();
  const failure = failureOf(server.address, null);
  (await server.accepted()).send(Buffer.from([21, 3, 1, 0, 2, 2, 70]));
  assert.equal(await failure, "the server speaks TLS on this port: use --to-tls");
  await server.close();
});

test("a server that answers in HTTP/1 is told of as such", async () => {
  for (const answer of ["HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.0 400 ", "HTTP/1."]) {
    const server = await new RawServer().listen();
    const failure = failureOf(server.address, null);
    (await server.accepted()).send(Buffer.from(answer));
    assert.equal(await failure, "the server speaks HTTP/1 on this port, not HTTP/2");
    await server.close();
  }
});

test("what to do is told in the reader's own words", async () => {
  const hints = { tls: "credentials", authority: "the channel's name" };
  const server = await new RawServer().listen();
  const answered = failureOf(server.address, null, hints);
  (await server.accepted()).send(Buffer.from([21, 3, 1, 0, 2, 2, 70]));
  assert.equal(await answered, "the server speaks TLS on this port: use credentials");
  await server.close();
  const mute = await new RawServer().listen();
  const ended = failureOf(mute.address, null, hints);
  (await mute.accepted()).socket.end();
  assert.match(await ended, /; does it want TLS \(credentials\)\?$/);
  await mute.close();
  await withTlsServer(false, async (address) => {
    const tls = loadClient(null, "nobody.test");
    assert.match(
      await failureOf(address, tls, hints),
      /; the channel's name says which name is expected$/,
    );
    tls.close();
  });
});

test("a server that closes without a word may want TLS", async () => {
  const server = await new RawServer().listen();
  const failure = failureOf(server.address, null);
  (await server.accepted()).socket.end();
  const hint = "the peer closed before it spoke HTTP/2; does it want TLS (--to-tls)?";
  assert.equal(await failure, hint);
  await server.close();
});

function loadClient(pair: IssuedPair | null, serverName: string | null): ClientTls {
  const files = {
    caFile: put("to-ca.crt", authority.cert),
    certFile: pair && put("to.crt", pair.cert),
    keyFile: pair && put("to.key", pair.key),
    serverName,
  };
  return ClientTls.load(files, deps);
}

test("a server that refuses us after the handshake (TLS 1.3) says why", async () => {
  await withTlsServer(true, async (address) => {
    const [none, good] = [loadClient(null, null), loadClient(client, null)];
    assert.equal(await failureOf(address, none), "the server asks for a client certificate");
    const wrong = loadClient(foreign, null);
    const reason = "the peer closed before it spoke HTTP/2";
    assert.equal(await failureOf(address, wrong), reason, "Node sends no alert");
    for (const each of [none, good, wrong]) each.close();
  });
});

test("a server whose TLS knows no ALPN is told of as such", async () => {
  const server = createServer(own, (socket) => socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const tls = loadClient(null, null);
  const reason = "the server does not offer HTTP/2 (ALPN h2) over TLS";
  assert.equal(await failureOf(address, tls), reason);
  tls.close();
  server.close();
});

test("a certificate for another name is told with the names that it has", async () => {
  const named = await authority.issue({ names: ["orders.test", "other.test"] });
  const server = createServer({ ...named, ALPNProtocols: ["h2"] }, (socket) => socket.destroy());
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const tls = loadClient(null, null);
  assert.equal(
    await failureOf(address, tls),
    "the server's certificate is for another name: it is not for 127.0.0.1 but for " +
      "DNS:orders.test, DNS:other.test; --to-authority NAME says which name is expected",
  );
  tls.close();
  server.close();
});

test("what a certificate's names may add to a reason is bounded", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `n${i}.orders.test`);
  const many = await authority.issue({ names });
  const server = createServer({ ...many, ALPNProtocols: ["h2"] }, (socket) => socket.destroy());
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const tls = loadClient(null, null);
  assert.ok((await failureOf(address, tls)).length < 400);
  tls.close();
  server.close();
});

test("the client's preface is no TLS, however it is cut", async () => {
  const listener = await new TestListener().listen();
  const peer = await listener.dial();
  peer.send(ascii(PREFACE_TEXT.slice(0, 1)));
  peer.send(ascii(PREFACE_TEXT.slice(1)), Buffer.from("000000040000000000", "hex"));
  await peer.line("SETTINGS");
  await listener.close();
});
