/**
 * TLS of both roles with real sockets on loopback: who is trusted, which name is verified, what a
 * reload changes and what it leaves alone, bad files in words.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { connect, createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import {
  type Authority,
  createAuthority,
  type IssuedPair,
} from "../../../test/support/certificates.ts";
import { RecordingLogger, VirtualClock } from "../../base/index.ts";
import {
  alpnFailureReason,
  ClientTls,
  type ClientTlsFiles,
  ServerTls,
  TLS_POLL_MS,
  TlsFileError,
  tlsFailureReason,
} from "./index.ts";

let authority: Authority;
let stranger: Authority;
let first: IssuedPair;
let second: IssuedPair;
let expired: IssuedPair;
let byStranger: IssuedPair;
let root: string;
let dir: string;
let clock: VirtualClock;
let log: RecordingLogger;
let deps: { clock: VirtualClock; log: RecordingLogger; onReload: (isGood: boolean) => void };
let reloads: boolean[];

before(async () => {
  root = mkdtempSync(join(tmpdir(), "fairlead-tls-"));
  authority = await createAuthority("a test CA");
  stranger = await createAuthority("another test CA");
  const names = ["echo.test", "127.0.0.1"];
  first = await authority.issue({ names, commonName: "first" });
  second = await authority.issue({ names, commonName: "second" });
  byStranger = await stranger.issue({ names, commonName: "stranger" });
  const past = { notBefore: new Date(2020, 0), notAfter: new Date(2021, 0) };
  expired = await authority.issue({ names, commonName: "expired", ...past });
});

beforeEach(() => {
  dir = mkdtempSync(join(root, "case-"));
  // Virtual time moves only the polls; certificates are judged by OpenSSL's own clock.
  clock = new VirtualClock();
  log = new RecordingLogger();
  reloads = [];
  deps = { clock, log, onReload: (isGood) => reloads.push(isGood) };
});

after(() => rmSync(root, { recursive: true }));

function put(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function putPair(pair: IssuedPair): { certFile: string; keyFile: string } {
  return { certFile: put("tls.crt", pair.cert), keyFile: put("tls.key", pair.key) };
}

function loadServer(pair: IssuedPair, clientCa: string | null = null): ServerTls {
  const clientCaFile = clientCa === null ? null : put("client-ca.crt", clientCa);
  return ServerTls.load({ ...putPair(pair), clientCaFile }, deps);
}

function loadClient(files: Partial<ClientTlsFiles> = {}): ClientTls {
  const caFile = put("ca.crt", authority.cert);
  return ClientTls.load(
    { caFile, certFile: null, keyFile: null, serverName: null, ...files },
    deps,
  );
}

/** Runs `body` with a server that echoes, and cuts everything afterwards. */
async function withServer(
  options: TlsOptions,
  body: (port: number, server: Server) => Promise<void>,
): Promise<void> {
  const sockets = new Set<TLSSocket>();
  const server = createServer(options, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await body((server.address() as AddressInfo).port, server);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

/** Connects and echoes one byte, so that also a refusal after the handshake is seen. */
function dial(port: number, client: ClientTls, host = "127.0.0.1"): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...client.connectOptions(host), host: "127.0.0.1", port });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("secureConnect", () => echo(socket).then(() => resolve(socket), reject));
  });
}

async function echo(socket: TLSSocket): Promise<void> {
  socket.write("x");
  await once(socket, "data");
}

async function subjectSeen(port: number, client: ClientTls): Promise<string> {
  const socket = await dial(port, client);
  const subject = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return subject as string;
}

async function dialReason(port: number, client: ClientTls, host?: string): Promise<string> {
  const error = await dial(port, client, host).then(
    (socket) => {
      socket.destroy();
      return new Error("connected");
    },
    (reason: Error) => reason,
  );
  return tlsFailureReason(error, "NAME");
}

function certificateOf(server: ServerTls): string {
  return String(server.options().cert).trim();
}

function close(...all: { close(): void }[]): void {
  for (const one of all) one.close();
  assert.equal(clock.pendingCount, 0, "a closed one leaves no timer");
}

test("both sides agree on h2 and verify the address of the server", async () => {
  const [server, client] = [loadServer(first), loadClient()];
  await withServer(server.options(), async (port) => {
    const socket = await dial(port, client);
    assert.equal(socket.alpnProtocol, "h2");
    assert.equal(alpnFailureReason(socket), null);
    assert.equal(socket.authorized, true);
    socket.destroy();
  });
  close(server, client);
});

test("HTTP/1.1 is accepted by ALPN so that it can be answered, and older TLS is not", async () => {
  const [server, client] = [loadServer(first), loadClient()];
  await withServer(server.options(), async (port) => {
    const options = { ...client.connectOptions("127.0.0.1"), port, host: "127.0.0.1" };
    const http1 = connect({ ...options, ALPNProtocols: ["http/1.1"] });
    await once(http1, "secureConnect");
    assert.equal(http1.alpnProtocol, "http/1.1");
    http1.destroy();
    const old = connect({
      port,
      host: "127.0.0.1",
      ca: authority.cert,
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const [error] = await once(old, "error").catch((reason) => [reason]);
    assert.match(tlsFailureReason(error, "NAME"), /no TLS version that HTTP\/2 allows/);
  });
  close(server, client);
});

test("the given server name is sent as SNI and verified instead of the address", async () => {
  const server = loadServer(first);
  const good = loadClient({ serverName: "echo.test" });
  const bad = loadClient({ serverName: "other.test" });
  await withServer(server.options(), async (port, listener) => {
    const names: (string | false | null)[] = [];
    listener.on("secureConnection", (socket) => names.push(socket.servername));
    (await dial(port, good, "10.0.0.7")).destroy();
    assert.deepEqual(names, ["echo.test"]);
    assert.match(await dialReason(port, bad), /certificate is for another name: .*other\.test/);
    const byAddress = loadClient();
    assert.match(await dialReason(port, byAddress, "10.0.0.7"), /another name: .*10\.0\.0\.7/);
    byAddress.close();
  });
  close(server, good, bad);
});

test("a certificate of an unknown CA, and an expired one, are refused with a reason", async () => {
  const unknown = ServerTls.load({ ...putPair(byStranger), clientCaFile: null }, deps);
  const client = loadClient();
  await withServer(unknown.options(), async (port) => {
    assert.match(await dialReason(port, client), /not signed by a trusted CA/);
  });
  const old = loadServer(expired);
  assert.ok(log.lines.includes("warn: certificate has expired"));
  await withServer(old.options(), async (port) => {
    assert.equal(await dialReason(port, client), "the server's certificate has expired");
  });
  close(unknown, old, client);
});

test("with a client CA only clients with a certificate of it get through", async () => {
  const server = loadServer(first, authority.cert);
  const shown = (pair: IssuedPair, name: string): ClientTls =>
    loadClient({ certFile: put(`${name}.crt`, pair.cert), keyFile: put(`${name}.key`, pair.key) });
  const [good, none, wrong] = [shown(second, "good"), loadClient(), shown(byStranger, "wrong")];
  await withServer(server.options(), async (port, listener) => {
    const seen: boolean[] = [];
    listener.on("secureConnection", (socket) => seen.push(socket.authorized));
    (await dial(port, good)).destroy();
    assert.deepEqual(seen, [true]);
    assert.equal(await dialReason(port, none), "the server asks for a client certificate");
    // Node ends the connection without an alert, so that the client learns no reason.
    assert.equal(await dialReason(port, wrong), "closed");
    assert.deepEqual(seen, [true]);
  });
  close(server, good, none, wrong);
});

test("a server without h2 is told apart, with ALPN and without", async () => {
  const client = loadClient();
  const plain = { cert: first.cert, key: first.key };
  await withServer({ ...plain, ALPNProtocols: ["http/1.1"] }, async (port) => {
    assert.match(await dialReason(port, client), /does not offer HTTP\/2 \(ALPN h2\)/);
  });
  await withServer(plain, async (port) => {
    const socket = await dial(port, client);
    assert.match(alpnFailureReason(socket) ?? "", /does not offer HTTP\/2 \(ALPN h2\)/);
    socket.destroy();
  });
  close(client);
});

test("a port without TLS behind it is named as such", async () => {
  const { createServer: createPlain } = await import("node:net");
  const client = loadClient();
  const plain = createPlain((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  plain.listen(0, "127.0.0.1");
  await once(plain, "listening");
  const { port } = plain.address() as AddressInfo;
  assert.equal(await dialReason(port, client), "the server does not speak TLS on this port");
  plain.close();
  await once(plain, "close");
  close(client);
});

test("changed files serve new handshakes, and connections that stand go on", async () => {
  const [server, client] = [loadServer(first), loadClient()];
  await withServer(server.options(), async (port, listener) => {
    server.attach(listener);
    const standing = await dial(port, client);
    putPair(second);
    assert.equal(await subjectSeen(port, client), "first");
    clock.advance(TLS_POLL_MS);
    assert.equal(await subjectSeen(port, client), "second");
    await echo(standing);
    assert.equal(standing.getPeerCertificate().subject.CN, "first");
    standing.destroy();
  });
  assert.deepEqual(reloads, [true]);
  close(server, client);
});

test("a swapped symbolic link is a change, as Kubernetes does it", async () => {
  for (const [name, pair] of Object.entries({ one: first, two: second })) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, "tls.crt"), pair.cert);
    writeFileSync(join(dir, name, "tls.key"), pair.key);
  }
  symlinkSync("one", join(dir, "..data"));
  symlinkSync("..data/tls.crt", join(dir, "tls.crt"));
  symlinkSync("..data/tls.key", join(dir, "tls.key"));
  const files = { certFile: join(dir, "tls.crt"), keyFile: join(dir, "tls.key") };
  const server = ServerTls.load({ ...files, clientCaFile: null }, deps);
  symlinkSync("two", join(dir, "..data_tmp"));
  renameSync(join(dir, "..data_tmp"), join(dir, "..data"));
  clock.advance(TLS_POLL_MS);
  assert.equal(certificateOf(server), second.cert.trim());
  assert.deepEqual(reloads, [true]);
  close(server);
});

test("a half-written pair keeps the last good one, is told once, and mends itself", () => {
  const server = loadServer(first);
  put("tls.crt", second.cert); // its key is not there yet
  clock.advance(TLS_POLL_MS * 5);
  assert.equal(certificateOf(server), first.cert.trim());
  assert.deepEqual(reloads, [false]);
  const warning = log.entries.find((entry) => entry.msg.includes("cannot be used"));
  assert.match(String(warning?.fields.reason), /^key file .*tls\.key does not belong to cert/);
  put("tls.crt", second.cert.slice(0, 200)); // cut in the middle: another failure, told again
  clock.advance(TLS_POLL_MS * 5);
  assert.deepEqual(reloads, [false, false]);
  putPair(second);
  clock.advance(TLS_POLL_MS);
  assert.equal(certificateOf(server), second.cert.trim());
  assert.deepEqual(reloads, [false, false, true]);
  close(server);
});

test("files that vanish, and files that are touched only, change nothing", () => {
  const server = loadServer(first);
  putPair(first);
  clock.advance(TLS_POLL_MS);
  assert.deepEqual(reloads, []);
  rmSync(join(dir, "tls.key"));
  clock.advance(TLS_POLL_MS * 3);
  assert.equal(server.options().key, first.key);
  assert.deepEqual(reloads, [false]);
  close(server);
});

test("a renewed CA is used by the client's next connection", async () => {
  const server = ServerTls.load({ ...putPair(byStranger), clientCaFile: null }, deps);
  const client = loadClient();
  await withServer(server.options(), async (port) => {
    assert.match(await dialReason(port, client), /not signed by a trusted CA/);
    put("ca.crt", authority.cert + stranger.cert);
    clock.advance(TLS_POLL_MS);
    assert.equal(await subjectSeen(port, client), "stranger");
  });
  close(server, client);
});

test("all certificates of a bundle count, also when joined without a line break", async () => {
  const glued = stranger.cert.trim() + authority.cert.trim();
  const server = loadServer(first, glued);
  assert.equal((server.options().ca as string[]).length, 2);
  const shown = { certFile: put("own.crt", second.cert), keyFile: put("own.key", second.key) };
  const client = loadClient({ caFile: put("glued.crt", glued), ...shown });
  await withServer(server.options(), async (port) => {
    assert.equal(await subjectSeen(port, client), "first");
  });
  close(server, client);
});

const BAD_FILES: {
  name: string;
  cert?: () => string;
  key?: () => string;
  ca?: () => string;
  kind: string;
  message: RegExp;
}[] = [
  {
    name: "a missing certificate",
    cert: () => join(dir, "nowhere.crt"),
    kind: "certificate",
    message: /^certificate file \S+nowhere\.crt cannot be read: no such file$/,
  },
  {
    name: "a directory as key",
    key: () => dir,
    kind: "key",
    message: /^key file \S+ is not a regular file$/,
  },
  {
    name: "an empty CA file",
    ca: () => put("empty.crt", "\n"),
    kind: "CA",
    message: /^CA file \S+empty\.crt is empty$/,
  },
  {
    name: "a key where the certificate should be",
    cert: () => put("swapped.crt", first.key),
    kind: "certificate",
    message: /holds no PEM certificate/,
  },
  {
    name: "a certificate where the key should be",
    key: () => put("swapped.key", first.cert),
    kind: "key",
    message: /holds no PEM private key/,
  },
  {
    name: "a damaged certificate",
    cert: () => put("damaged.crt", first.cert.replace(/\n.{40}/, "\n")),
    kind: "certificate",
    message: /is damaged: its certificate 1 cannot be parsed$/,
  },
  {
    name: "an encrypted key",
    key: () => put("locked.key", first.key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE")),
    kind: "key",
    message: /is encrypted; a key without passphrase is needed$/,
  },
  {
    name: "a key of another certificate",
    key: () => put("other.key", second.key),
    kind: "key",
    message: /^key file \S+ does not belong to certificate file \S+$/,
  },
];

for (const bad of BAD_FILES) {
  test(`${bad.name} is refused at start in one sentence`, () => {
    const pair = putPair(first);
    const certFile = bad.cert?.() ?? pair.certFile;
    const keyFile = bad.key?.() ?? pair.keyFile;
    const load = (): ServerTls =>
      ServerTls.load({ certFile, keyFile, clientCaFile: bad.ca?.() ?? null }, deps);
    assert.throws(load, (error: unknown) => {
      assert.ok(error instanceof TlsFileError);
      assert.match(error.message, bad.message);
      assert.deepEqual([error.kind, error.side], [bad.kind, "server"]);
      return true;
    });
    assert.equal(clock.pendingCount, 0, "nothing half-started");
  });
}

test("a client's bad files are refused at start as the client's", () => {
  const files = { caFile: null, serverName: null, ...putPair(first) };
  const load = (): ClientTls => ClientTls.load({ ...files, keyFile: join(dir, "no.key") }, deps);
  assert.throws(load, { side: "client", kind: "key", code: "FAIRLEAD_TLS_FILE" });
});
