/**
 * Captured connections on real sockets, with a lookup that a test answers in netfilter's place:
 * what passes through, what is HTTP/2, and what is refused.
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, test } from "node:test";
import { until } from "../../../test/support/http2-sockets.ts";
import { RecordingLogger, VirtualClock } from "../../base/index.ts";
import type { ListenerSpec } from "../../mesh/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { Admission } from "./admission.ts";
import { Capture, type Direction } from "./capture.ts";
import { destinationsOf } from "./destinations.ts";
import { DECISIONS_KEPT_MAX } from "./figures.ts";
import { CaptureListeners } from "./listeners.ts";
import { PASSTHROUGH_CONNECT_TIMEOUT_MS } from "./passthrough.ts";
import { FIRST_BYTES_TIMEOUT_MS } from "./sniffer.ts";
import type { Destination } from "./sockaddr.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Sockets of a test, all of them closed at its end. */
async function server(onSocket: (socket: Socket) => void): Promise<Destination> {
  const sockets = new Set<Socket>();
  const listening: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  }).listen(0, "127.0.0.1");
  await once(listening, "listening");
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    listening.close();
  });
  return { ip: "127.0.0.1", port: (listening.address() as AddressInfo).port };
}

interface Rig {
  readonly clock: VirtualClock;
  readonly capture: Capture;
  readonly log: RecordingLogger;
  /** What was handed on as HTTP/2. */
  readonly accepted: { socket: Socket; first: string; listener: string }[];
  dial(): Socket;
  /** Where it listens. */
  readonly port: number;
  /** Where the next connections were to go. */
  destination: Destination | null;
  isFull: boolean;
  /** What counts beside its client for the limit. */
  readonly held: Socket[];
}

function spec(name: string, { ip, port }: Destination): ListenerSpec {
  return { name, address: { host: ip, port }, chains: [] };
}

async function rig(known: Destination | null, direction: Direction = "outbound"): Promise<Rig> {
  const clock = new VirtualClock();
  const log = new RecordingLogger();
  const sockets = new Set<Socket>();
  const accepted: Rig["accepted"] = [];
  const made: Omit<Rig, "capture" | "dial" | "port"> = {
    ...{ clock, log, accepted, destination: known, isFull: false, held: [] },
  };
  const destinations = { prepare: () => {}, of: () => state.destination };
  const capture = new Capture({
    ...{ clock, log, registry: new Registry(), destinations },
    ownPorts: () => listeners.ports,
    calls: {
      tryAdmit: (socket) => {
        const place = new Admission(state.isFull ? 0 : 1).tryAdmit(socket);
        return place && { hold: (upstream) => void state.held.push(upstream) };
      },
      accept: (socket, first, listener) => {
        accepted.push({ socket, first: first.toString("latin1"), listener: listener.name });
      },
    },
  });
  const listeners = new CaptureListeners(
    [{ direction, hosts: ["127.0.0.1", "::1"], port: 0 }],
    destinations,
    (socket, to) => {
      sockets.add(socket);
      capture.onSocket(socket, to);
    },
  );
  const [address] = await listeners.listen();
  const port = Number(address!.split(":")[1]);
  const dial = (): Socket => {
    const socket = connect({
      ...{ host: "127.0.0.1", port, allowHalfOpen: true },
    });
    sockets.add(socket.on("error", () => {}));
    return socket;
  };
  ends.push(() => {
    capture.close();
    listeners.stop();
    for (const socket of sockets) socket.destroy();
  });
  if (known !== null) capture.setTable(destinationsOf(configOf([spec("prod/echo", known)])));
  const state: Rig = Object.assign(made, { capture, dial, port });
  return state;
}

function configOf(listeners: readonly ListenerSpec[]) {
  return { listeners, clusters: new Map() };
}

function outcome({ capture }: Rig): string {
  const [decision] = capture.view().decisions;
  return decision === undefined ? "none" : `${decision.outcome}: ${decision.reason}`;
}

/** Resolves when a socket is closed, be it by an error or by the end of both sides. */
async function closed(socket: Socket): Promise<void> {
  socket.resume().on("end", () => socket.end());
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}

async function read(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

test("an unknown destination whose server speaks first is passed through at once", async () => {
  const mysql = await server((socket) => socket.end("5.7.0 greets\n"));
  const made = await rig(null);
  made.destination = mysql;
  const socket = made.dial();
  // The clock stands still: nothing was waited for.
  assert.equal(await read(socket), "5.7.0 greets\n");
  socket.end();
  assert.equal(outcome(made), "passthrough: no gRPC port of a Service that is known");
  assert.equal(made.clock.pendingCount, 0, "the connect timer is gone");
});

test("a known destination whose client speaks HTTP/2 is handed on with what it said", async () => {
  const made = await rig({ ip: "10.96.0.7", port: 50051 });
  const socket = made.dial();
  await once(socket, "connect");
  // In pieces: no piece alone says what it is.
  for (const piece of [PREFACE.slice(0, 3), PREFACE.slice(3, 20), `${PREFACE.slice(20)}rest`]) {
    const before = made.clock.pendingCount;
    socket.write(piece);
    await until(() => made.accepted.length > 0 || made.clock.pendingCount >= before, "it is read");
  }
  await until(() => made.accepted.length === 1, "it is handed on");
  const { first, listener } = made.accepted[0]!;
  assert.ok(`${PREFACE}rest`.startsWith(first) && first.length >= PREFACE.length, first);
  assert.equal(listener, "prod/echo");
  assert.equal(made.clock.pendingCount, 0);
  assert.match(outcome(made), /^http2: /);
});

for (const [name, words] of [
  ["a TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["an HTTP/1.1 request", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"],
  ["one byte that is not the preface's", "p"],
] as const) {
  test(`${name} to a known destination passes through, byte for byte`, async () => {
    const echo = await server((socket) => socket.pipe(socket));
    const made = await rig(echo);
    const socket = made.dial();
    socket.end(Buffer.from(words, "latin1"));
    assert.equal(await read(socket), words);
    assert.match(outcome(made), /^passthrough: .*something else$/);
    assert.equal(made.accepted.length, 0);
  });
}

test("a silent client of a known destination passes through after a short time", async () => {
  const greeter = await server((socket) => socket.end("hello"));
  const made = await rig(greeter);
  const socket = made.dial();
  await until(() => made.clock.pendingCount === 1, "it is waited for");
  made.clock.advance(FIRST_BYTES_TIMEOUT_MS - 1);
  assert.equal(outcome(made), "none");
  made.clock.advance(1);
  assert.equal(await read(socket), "hello");
  assert.match(outcome(made), /said nothing$/);
  socket.end();
});

test("a client that ends without a word has its end passed on", async () => {
  const greeter = await server((socket) => {
    socket.resume().on("end", () => socket.end("and yet"));
  });
  const made = await rig(greeter);
  const socket = made.dial();
  socket.end();
  assert.equal(await read(socket), "and yet");
  assert.match(outcome(made), /ended without a word$/);
});

test("each direction ends on its own: a half-closed connection brings its answer", async () => {
  const counter = await server((socket) => {
    let bytes = 0;
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("end", () => socket.end(`${bytes} bytes`));
  });
  const made = await rig(null);
  made.destination = counter;
  const socket = made.dial();
  socket.end(Buffer.alloc(100_000));
  assert.equal(await read(socket), "100000 bytes");
  await until(() => made.capture.view().passthroughConnections === 0, "both sides are closed");
});

test("large transfers arrive whole both ways, to a slow reader too", async () => {
  const bytes = randomBytes(16 * 1024 * 1024);
  const hash = (of: Buffer | string) =>
    createHash("sha256")
      .update(of as Buffer)
      .digest("hex");
  let received = 0;
  const upstream = await server((socket) => {
    socket.on("data", (chunk) => (received += chunk.length));
    socket.end(bytes);
  });
  const made = await rig(null);
  made.destination = upstream;
  const socket = made.dial();
  socket.pause();
  socket.end(bytes);
  await until(() => received === bytes.length, "all that the client sent has come");
  // Nobody reads: what is under way is bounded by the buffers of three sockets.
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(socket, "end");
  assert.equal(hash(Buffer.concat(chunks)), hash(bytes));
});

test("a reset on one side is a reset on the other", async () => {
  const made = await rig(null);
  const sockets: Socket[] = [];
  made.destination = await server((socket) => sockets.push(socket));
  const socket = made.dial();
  await until(() => sockets.length === 1, "it passes through");
  const failed = closed(socket);
  let code = "";
  socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? ""));
  sockets[0]!.resetAndDestroy();
  await failed;
  assert.equal(code, "ECONNRESET");
  await until(() => made.capture.view().passthroughConnections === 0, "nothing is left");
});

test("a destination that refuses resets the client; one that accepts has all time", async () => {
  const made = await rig(null);
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  made.destination = { ip: "127.0.0.1", port: (gone.address() as AddressInfo).port };
  gone.close();
  await once(gone, "close");
  await closed(made.dial());
  assert.equal(made.clock.pendingCount, 0);
  made.destination = await server((socket) => socket.pause());
  const socket = made.dial();
  await until(() => made.capture.view().passthroughConnections === 1, "it passes through");
  await until(() => made.clock.pendingCount === 0, "it is connected: nothing is timed any more");
  made.clock.advance(PASSTHROUGH_CONNECT_TIMEOUT_MS * 2);
  assert.equal(socket.destroyed, false);
});

test("a connection to our own port, and one that nobody captured, is refused", async () => {
  const made = await rig(null);
  made.destination = null;
  await closed(made.dial());
  made.destination = { ip: "127.0.0.1", port: made.port };
  await closed(made.dial());
  assert.match(outcome(made), /^refused: it was made to our own port/);
  assert.deepEqual(
    made.log.entries.map(({ msg, fields }) => `${msg} ${fields.reason}`),
    ["captured connection refused not_captured"],
    "one line a second",
  );
});

test("a connection of ours that comes back is found, and everything on its way ends", async () => {
  // What passes through goes to a port that is captured again: rules that do not exempt us.
  const first = await rig(null);
  const second = createServer({ allowHalfOpen: true }, (socket) => {
    first.destination = { ip: "10.0.0.1", port: 1 };
    first.capture.onSocket(socket, "outbound");
  }).listen(0, "127.0.0.1");
  await once(second, "listening");
  ends.push(() => void second.close());
  first.destination = { ip: "127.0.0.1", port: (second.address() as AddressInfo).port };
  await closed(first.dial());
  const isTold = () => first.log.entries.some(({ fields }) => fields.reason === "loop");
  await until(isTold, "the loop is told");
  await until(() => first.capture.view().passthroughConnections === 0, "nothing goes around");
});

test("what is over the limit is closed, and counted", async () => {
  const made = await rig(null);
  made.isFull = true;
  await closed(made.dial());
  assert.equal(made.capture.view().decisions.length, 0);
});

test("what passes through counts for the limit with both of its sockets", async () => {
  const made = await rig(null);
  const sockets: Socket[] = [];
  made.destination = await server((socket) => sockets.push(socket));
  made.dial();
  await until(() => sockets.length === 1, "it passes through");
  assert.deepEqual(
    made.held.map(({ localPort }) => localPort),
    [sockets[0]!.remotePort],
  );
});

test("a connection to this pod passes through whatever it speaks", async () => {
  const echo = await server((socket) => socket.pipe(socket));
  const made = await rig(echo, "inbound");
  const socket = made.dial();
  socket.end(PREFACE);
  assert.equal(await read(socket), PREFACE);
  assert.equal(outcome(made), "passthrough: a connection to this pod");
});

test("the table that is in force counts, also for a connection that waits", async () => {
  const known = { ip: "10.96.0.7", port: 50051 };
  const made = await rig(known);
  const socket = made.dial();
  await until(() => made.clock.pendingCount === 1, "it is waited for");
  made.capture.setTable(destinationsOf(configOf([spec("prod/other", known)])));
  socket.write(PREFACE);
  await until(() => made.accepted.length === 1, "it is handed on");
  assert.equal(made.accepted[0]!.listener, "prod/other");
});

test("decisions are kept for so many destinations, the latest", async () => {
  const made = await rig(null);
  for (let i = 0; i <= DECISIONS_KEPT_MAX; i += 1) {
    made.destination = { ip: `127.0.${i >> 8}.${i & 255}`, port: 1 };
    await closed(made.dial());
  }
  const { decisions } = made.capture.view();
  assert.equal(decisions.length, DECISIONS_KEPT_MAX);
  assert.equal(decisions[0]!.destination, `127.0.${DECISIONS_KEPT_MAX >> 8}.0:1`);
});
