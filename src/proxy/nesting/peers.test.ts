/**
 * What replicas tell each other, over real sockets on loopback: figures and nothing else, limits,
 * TLS, and peers that lie, hang or are not there. Virtual time.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { createAuthority } from "../../../test/support/certificates.ts";
import { ManualResolver, settle } from "../../../test/support/cluster.ts";
import { eventually } from "../../../test/support/raw-http2.ts";
import { RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import { newEndpoint, newEndpointSet } from "../../discovery/index.ts";
import { Registry } from "../../telemetry/index.ts";
import {
  AGE_TOLD_MS_MAX,
  CALLS_PER_SECOND_TOLD_MAX,
  CONNECTIONS_TOLD_MAX,
  parsePeerAnswer,
} from "./figures.ts";
import { PEERS_MAX, PeerExchange } from "./peer-exchange.ts";
import { PEER_ANSWER_BYTES_MAX, POLL_MS, POLL_TIMEOUT_MS } from "./peer-poll.ts";
import {
  PEER_CONNECTIONS_MAX,
  PEER_HEADER_BYTES_MAX,
  PEER_PATH,
  PEER_REQUEST_TIMEOUT_MS,
  PeerServer,
} from "./peer-server.ts";
import { PeerTls } from "./peer-tls.ts";
import { FIGURES_AGE_MS_MAX } from "./shed-planner.ts";

const ANSWER = {
  instance: "0123456789abcdef",
  connections: 3,
  callsPerSecond: 12.5,
  draining: false,
  ageMs: 100,
};

let clock: VirtualClock;
let log: RecordingLogger;
let registry: Registry;
let resolver: ManualResolver;
let cleanups: (() => void)[];

beforeEach(() => {
  clock = new VirtualClock();
  log = new RecordingLogger();
  registry = new Registry();
  resolver = new ManualResolver();
  cleanups = [];
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) cleanup();
  await settle();
  assert.equal(clock.pendingCount, 0, "no timer is left");
});

async function peerServer(answer = ANSWER, tls: PeerTls | null = null): Promise<string> {
  const server = new PeerServer(() => answer, tls, log);
  cleanups.push(() => server.close());
  return server.listen({ host: "127.0.0.1", port: 0 });
}

function exchange(tls: PeerTls | null = null): PeerExchange {
  const made = new PeerExchange("ffffffffffffffff", {
    ...{ clock, log, registry, tls, resolver },
    rng: seededRng(1),
  });
  made.start();
  cleanups.push(() => made.close());
  return made;
}

function resolve(...addresses: string[]): void {
  const endpoints = addresses.map((address) => newEndpoint(address, "static"));
  resolver.listener!.onEndpoints(newEndpointSet(endpoints));
}

function ask(address: string, method: string, path: string, headers = {}): Promise<string> {
  const [host, port] = address.split(":");
  return new Promise((done, reject) => {
    const options = { host, port, method, path, headers, agent: false };
    const request = httpRequest(options, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => done(`${response.statusCode} ${body}`.trim()));
    });
    request.on("error", reject);
    request.end();
  });
}

describe("the peer port", () => {
  test("answers GET of the figures and nothing else", async () => {
    const address = await peerServer();
    const [, body] = /^200 (.*)$/.exec(await ask(address, "GET", PEER_PATH))!;
    assert.deepEqual(JSON.parse(body!), ANSWER);
    assert.deepEqual(parsePeerAnswer(body!), ANSWER);
    for (const method of ["POST", "HEAD", "DELETE", "PUT"]) {
      assert.equal(await ask(address, method, PEER_PATH), "405");
    }
    for (const path of ["/", "/metrics", "/quitquitquit", `${PEER_PATH}?x`, `${PEER_PATH}/`]) {
      assert.equal(await ask(address, "GET", path), "404");
    }
    assert.equal(await ask(address, "POST", "/quitquitquit"), "404");
  });

  test("a head that is too large and a body end the connection", async () => {
    const address = await peerServer();
    const large = { "x-large": "x".repeat(PEER_HEADER_BYTES_MAX) };
    assert.equal(await ask(address, "GET", PEER_PATH, large), "431");
    const socket = await dial(address);
    socket.write(`POST ${PEER_PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\nxx`);
    const [first] = await once(socket, "data");
    assert.match(String(first), /^HTTP\/1\.1 405 /);
    if (!socket.destroyed) await once(socket, "close");
  });

  test("no more connections than the limit are held", async () => {
    const address = await peerServer();
    const sockets: Socket[] = [];
    for (let i = 0; i < PEER_CONNECTIONS_MAX; i += 1) sockets.push(await dial(address));
    const over = await dial(address);
    over.resume();
    if (!over.destroyed) await once(over, "close");
    assert.ok(sockets.every((socket) => !socket.destroyed));
    for (const socket of sockets) socket.destroy();
    await eventually("there is room again", async () => {
      return (await ask(address, "GET", PEER_PATH).catch(() => "")).startsWith("200");
    });
  });

  test("a connection that says nothing is closed after a time", async () => {
    // By the timers of node:http, which are real.
    const address = await peerServer();
    const socket = await dial(address);
    socket.resume();
    const startMs = performance.now();
    await once(socket, "close");
    assert.ok(performance.now() - startMs >= PEER_REQUEST_TIMEOUT_MS / 2);
  });
});

async function dial(address: string): Promise<Socket> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

const LIES: [what: string, text: string][] = [
  ["no JSON", "{"],
  ["no object", "null"],
  ["NaN", `{"instance":"0123456789abcdef","connections":3,"callsPerSecond":NaN}`],
  ...(
    [
      ["a string for a figure", { callsPerSecond: "5" }],
      ["null for a figure", { callsPerSecond: null }],
      ["a negative figure", { callsPerSecond: -1 }],
      ["negative connections", { connections: -1 }],
      ["half a connection", { connections: 0.5 }],
      ["too many connections", { connections: CONNECTIONS_TOLD_MAX + 1 }],
      ["too many calls", { callsPerSecond: CALLS_PER_SECOND_TOLD_MAX * 1.1 }],
      ["an overflow", { callsPerSecond: "1e999" }],
      ["a figure of the future", { ageMs: -1 }],
      ["a figure of another age", { ageMs: AGE_TOLD_MS_MAX + 1 }],
      ["no name", { instance: "" }],
      ["markup for a name", { instance: "<b>0123456789</b>" }],
      ["a word for a truth value", { draining: "no" }],
    ] as const
  ).map(([what, over]): [string, string] => [
    what,
    JSON.stringify({ ...ANSWER, ...over }).replace('"1e999"', "1e999"),
  ]),
];

for (const [what, text] of LIES) {
  test(`figures with ${what} are none`, () => assert.equal(parsePeerAnswer(text), null));
}

test("peers that answer count, ourselves and those that drain do not", async () => {
  const good = await peerServer();
  const twin = await peerServer();
  const self = await peerServer({ ...ANSWER, instance: "ffffffffffffffff" });
  const leaving = await peerServer({ ...ANSWER, instance: "aaaaaaaaaaaaaaaa", draining: true });
  const peers = exchange();
  resolve(good, twin, self, leaving);
  await eventually("all have answered", () => peers.count("UNKNOWN") === 0);
  const loads = peers.loads();
  assert.equal(loads.missing, 0);
  // Two addresses of one replica are one replica.
  assert.deepEqual(loads.peers, [{ connections: 3, callsPerSecond: 12.5, ageMs: 100 }]);
  const states = peers.views().map(({ address, state }) => `${address} ${state}`);
  const wanted = [`${good} ANSWERING`, `${twin} ANSWERING`, `${self} SELF`, `${leaving} DRAINING`];
  assert.deepEqual(states, wanted.sort());
  resolve(self);
  assert.deepEqual(peers.loads(), { peers: [], missing: 0 });
});

async function odd(serve: RequestListener): Promise<{ address: string; server: Server }> {
  const server = createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function failed(reason: string): number {
  const family = registry.snapshot().families.find(({ name }) => /polls_failed/.test(name));
  return family!.series.find(({ labels }) => labels.reason === reason)!.value;
}

test("a peer that goes on lying is silent, and so is one that sends without end", async () => {
  const liar = await odd((_, response) => response.end('{"callsPerSecond":-5}'));
  const flood = await odd((_, response) => {
    response.write("x".repeat(PEER_ANSWER_BYTES_MAX + 1));
  });
  const peers = exchange();
  resolve(liar.address, flood.address);
  await eventually("both are known to be", () => failed("malformed") === 2);
  assert.equal(peers.loads().missing, 2);
  const reasons = peers.views().map(({ reason }) => reason);
  assert.ok(reasons.includes("its answer is too long"));
  assert.ok(reasons.some((reason) => reason.startsWith("not the figures of a replica")));
});

test("a peer that hangs is silent after the time-out and asked again, others go on", async () => {
  let asked = 0;
  const hanging = await odd((_, response) => {
    asked += 1;
    response.write("{"); // And then nothing: no time-out of a socket would see it with a trickle.
  });
  const good = await peerServer();
  const peers = exchange();
  resolve(hanging.address, good);
  await eventually("asked", () => asked === 1 && peers.count("ANSWERING") === 1);
  clock.advance(POLL_TIMEOUT_MS);
  assert.equal(failed("unreachable"), 1);
  const view = peers.views().find(({ address }) => address === hanging.address);
  assert.equal(view?.reason, `no answer within ${POLL_TIMEOUT_MS} ms`);
  for (let ms = 0; ms < 2 * POLL_MS && asked < 2; ms += 100) {
    clock.advance(100);
    await settle();
  }
  await eventually("asked again", () => asked === 2);
});

test("a peer that dies counts until its figures are old; its end is told once", async () => {
  const { address, server } = await odd((_, response) => response.end(JSON.stringify(ANSWER)));
  const peers = exchange();
  resolve(address);
  await eventually("answers", () => peers.count("ANSWERING") === 1);
  server.close();
  server.closeAllConnections();
  for (let ms = 0; ms <= FIGURES_AGE_MS_MAX; ms += 500) {
    clock.advance(500);
    await settle();
  }
  await eventually("silent", () => peers.count("SILENT") === 1);
  assert.deepEqual(peers.loads(), { peers: [], missing: 1 });
  const told = log.entries.filter(({ msg }) => msg === "peer is silent");
  assert.ok(told.length <= 2, "once a reason");
});

test("of a target with too many addresses only so many are asked, and that is told", async () => {
  const socketless = createTcpServer();
  socketless.listen(0, "127.0.0.1");
  await once(socketless, "listening");
  const { port } = socketless.address() as AddressInfo;
  socketless.close();
  const peers = exchange();
  const list = Array.from(
    { length: PEERS_MAX + 5 },
    (_, i) => `127.0.${1 + (i >> 8)}.${i & 255}:${port}`,
  );
  resolve(...list);
  assert.equal(peers.views().length, PEERS_MAX);
  assert.ok(log.lines.includes("warn: too many peers"));
});

describe("mTLS", () => {
  async function tlsFiles(dir: string): Promise<{ good: PeerTls; wrong: PeerTls; other: PeerTls }> {
    const authority = await createAuthority("peers");
    const stranger = await createAuthority("stranger");
    const make = async (name: string, by: typeof authority, ca: string, names: string[]) => {
      const pair = await by.issue({ names });
      const put = (kind: string, text: string): string => {
        const path = join(dir, `${name}.${kind}`);
        writeFileSync(path, text);
        return path;
      };
      const files = {
        certFile: put("crt", pair.cert),
        keyFile: put("key", pair.key),
        caFile: put("ca", ca),
        serverName: "fairlead.infra.svc",
      };
      const tls = new PeerTls(files, { clock, log });
      cleanups.push(() => tls.close());
      return tls;
    };
    const names = ["fairlead.infra.svc"];
    return {
      good: await make("good", authority, authority.cert, names),
      wrong: await make("wrong", stranger, authority.cert, names),
      other: await make("other", authority, authority.cert, ["somebody.else.svc"]),
    };
  }

  test("who has a certificate of the CA is answered, others are not", async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "fairlead-peers-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const { good, wrong, other } = await tlsFiles(dir);
    const address = await peerServer(ANSWER, good);
    const unnamed = await peerServer(ANSWER, other);
    const ours = exchange(good);
    resolve(address, unnamed);
    await eventually(
      "both are settled",
      () => ours.count("ANSWERING") === 1 && failed("unreachable") === 1,
    );
    const named = ours.views().find((view) => view.address === unnamed);
    assert.match(named!.reason, /certificate is for another name/);
    registry = new Registry();
    resolver = new ManualResolver();
    const theirs = exchange(wrong);
    resolve(address);
    await eventually("refused", () => failed("unreachable") === 1);
    assert.equal(theirs.count("ANSWERING"), 0);
    registry = new Registry();
    resolver = new ManualResolver();
    exchange(null);
    resolve(address);
    await eventually("plaintext is refused", () => failed("unreachable") === 1);
  });
});
