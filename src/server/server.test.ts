/** Tests of the gRPC server, asked by stock grpc-js clients and by raw HTTP/2. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import test, { type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { eventually } from "../../test/support/raw-http2.ts";
import { realClock, silentLogger } from "../base/index.ts";
import { Status } from "../grpc/index.ts";
import { Health } from "./health.ts";
import { UNREAD_ANSWERS_BYTES_MAX } from "./limits.ts";
import type { GrpcMethod, ServerCall, ServerCallEvents } from "./method.ts";
import { GrpcServer, type GrpcServerOptions } from "./server.ts";
import { CallRefusal, unaryMethod } from "./unary.ts";

const raw = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };

/** Two of them are more than a connection may leave unread. */
const LARGE = Buffer.alloc(UNREAD_ANSWERS_BYTES_MAX * 0.6);
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** What a streaming method heard, and its calls. */
class Probe implements GrpcMethod {
  readonly path = "/test.Test/Stream";
  readonly messageBytesMax = 1_000;
  readonly heard: string[] = [];
  readonly calls: ServerCall[] = [];

  open(call: ServerCall): ServerCallEvents {
    this.calls.push(call);
    return {
      onMessage: (message) => this.heard.push(Buffer.from(message).toString()),
      onHalfClosed: () => this.heard.push("half-closed"),
      onDrained: () => this.heard.push("drained"),
      onClosed: () => this.heard.push("closed"),
    };
  }
}

interface Running {
  readonly server: GrpcServer;
  readonly probe: Probe;
  readonly health: Health;
  readonly address: string;
  readonly client: grpc.Client;
}

async function start(t: TestContext, options: Partial<GrpcServerOptions> = {}): Promise<Running> {
  const probe = new Probe();
  const health = new Health(["test.Test"]);
  const upper = unaryMethod("/test.Test/Upper", 100, (request) => {
    if (request.length === 0) throw new CallRefusal(Status.INVALID_ARGUMENT, "say something");
    return Buffer.from(Buffer.from(request).toString().toUpperCase());
  });
  // Whoever asks with something wants the answer a turn later.
  const large = unaryMethod("/test.Test/Large", 100, (request) =>
    request.length === 0 ? LARGE : nextTurn().then(() => LARGE),
  );
  const addresses = [{ host: "127.0.0.1", port: 0 }];
  const server = new GrpcServer(
    { addresses, tls: null, ...options },
    [probe, upper, large, ...health.methods()],
    { clock: realClock(), log: silentLogger },
  );
  const [address] = await server.listen();
  const client = new grpc.Client(address!, grpc.credentials.createInsecure());
  t.after(() => {
    client.close();
    server.close();
  });
  return { server, probe, health, address: address!, client };
}

/** Waits until an assertion holds. */
async function holds(assertion: () => void): Promise<void> {
  let last: unknown = null;
  const look = () => {
    try {
      assertion();
      return true;
    } catch (error) {
      last = error;
      return false;
    }
  };
  await eventually("an assertion", look, 5_000).catch(() => assert.fail(last as Error));
}

type Duplex = grpc.ClientDuplexStream<Buffer, Buffer>;

function stream({ client }: Running, options: grpc.CallOptions = {}): Duplex {
  const call = client.makeBidiStreamRequest(
    "/test.Test/Stream",
    raw.serialize,
    raw.deserialize,
    new grpc.Metadata(),
    options,
  );
  call.on("error", () => {});
  return call;
}

function statusOf(call: Duplex): Promise<grpc.StatusObject> {
  return new Promise((resolve) => call.once("status", resolve));
}

function unary(
  { client }: Running,
  path: string,
  request: Buffer,
): Promise<{ answer: Buffer | undefined; status: grpc.StatusObject }> {
  return new Promise((resolve) => {
    let answer: Buffer | undefined;
    client
      .makeUnaryRequest<Buffer, Buffer>(path, raw.serialize, raw.deserialize, request, (_, got) => {
        answer = got;
      })
      .on("status", (status) => setImmediate(() => resolve({ answer, status })));
  });
}

test("a unary method answers, refuses with its status, and is bounded", async (t) => {
  const running = await start(t);
  const good = await unary(running, "/test.Test/Upper", Buffer.from("hello"));
  assert.equal(good.answer?.toString(), "HELLO");
  assert.equal(good.status.code, Status.OK);
  const refused = await unary(running, "/test.Test/Upper", Buffer.alloc(0));
  assert.equal(refused.status.code, Status.INVALID_ARGUMENT);
  assert.equal(refused.status.details, "say something");
  const long = await unary(running, "/test.Test/Upper", Buffer.alloc(101));
  assert.equal(long.status.code, Status.RESOURCE_EXHAUSTED);
  assert.match(long.status.details, /101 bytes: at most 100/);
});

test("a method that nobody serves is UNIMPLEMENTED", async (t) => {
  const running = await start(t);
  const { status } = await unary(running, "/test.Test/Nothing", Buffer.from("x"));
  assert.equal(status.code, Status.UNIMPLEMENTED);
  assert.equal(status.details, "there is no method /test.Test/Nothing here");
});

test("a stream hears messages in order, sends shared parts, and ends with a status", async (t) => {
  const running = await start(t);
  const { probe } = running;
  const call = stream(running);
  const got: string[] = [];
  call.on("data", (message: Buffer) => got.push(message.toString()));
  call.write(Buffer.from("one"));
  call.write(Buffer.from("two"));
  await holds(() => assert.deepEqual(probe.heard, ["one", "two"]));
  const shared = Buffer.from("shared");
  probe.calls[0]!.send([shared, Buffer.from(" 1")]);
  probe.calls[0]!.send([shared, Buffer.from(" 2")]);
  call.end();
  await holds(() => assert.deepEqual(probe.heard.slice(2), ["half-closed"]));
  const ended = statusOf(call);
  probe.calls[0]!.end(Status.ABORTED, "enough");
  const status = await ended;
  assert.deepEqual([status.code, status.details], [Status.ABORTED, "enough"]);
  assert.deepEqual(got, ["shared 1", "shared 2"]);
  assert.deepEqual(probe.heard.slice(3), ["closed"]);
});

test("what a reader does not take stays a reference; it is said when it was taken", async (t) => {
  const running = await start(t);
  const { probe } = running;
  const call = stream(running);
  call.write(Buffer.from("go"));
  await holds(() => assert.equal(probe.calls.length, 1));
  // Nobody reads: the client's window of 64 KiB and more takes a part, the rest waits.
  const part = Buffer.alloc(1_000_000, "x");
  const server = probe.calls[0]!;
  for (let i = 0; i < 8; i += 1) server.send([part]);
  assert.ok(server.queuedBytes > 4_000_000, `${server.queuedBytes} bytes wait`);
  assert.equal(probe.heard.includes("drained"), false);
  let bytes = 0;
  call.on("data", (message: Buffer) => {
    bytes += message.length;
  });
  await holds(() => assert.equal(bytes, 8_000_000));
  await holds(() => assert.ok(probe.heard.includes("drained")));
  assert.equal(server.queuedBytes, 0);
  const ended = statusOf(call);
  server.end(Status.OK);
  assert.equal((await ended).code, Status.OK);
});

test("grpc-timeout ends a call that is not answered", async (t) => {
  const running = await start(t);
  const request = await timed(t, running, "30m");
  const [headers] = (await once(request, "response")) as [Record<string, string>];
  assert.equal(headers["grpc-status"], String(Status.DEADLINE_EXCEEDED));
  await holds(() => assert.deepEqual(running.probe.heard, ["closed"]));
});

for (const { name, isEnded } of [
  { name: "that is not read", isEnded: false },
  // The deadline was dropped with the status: what nobody read stayed as long as its connection.
  { name: "whose status waits behind what is not read", isEnded: true },
]) {
  test(`grpc-timeout ends a call ${name}`, async (t) => {
    const running = await start(t);
    const { probe } = running;
    const request = await timed(t, running, "100m");
    request.on("error", () => {});
    await holds(() => assert.equal(probe.calls.length, 1));
    const call = probe.calls[0]!;
    call.send([Buffer.alloc(8_000_000)]);
    if (isEnded) call.end(Status.OK);
    assert.deepEqual(probe.heard, []);
    await once(request, "close");
    assert.equal(request.rstCode, constants.NGHTTP2_CANCEL);
    assert.deepEqual(probe.heard, ["closed"]);
    assert.equal(call.queuedBytes, 0);
  });
}

/** A call of the stream that gives no window for what it is sent. */
async function timed(t: TestContext, { address }: Running, timeout: string) {
  const session = connectHttp2(`http://${address}`, { settings: { initialWindowSize: 0 } });
  t.after(() => session.destroy());
  await once(session, "remoteSettings");
  const headers = { ":path": "/test.Test/Stream", "content-type": "application/grpc" };
  return session.request({ ":method": "POST", ...headers, "grpc-timeout": timeout });
}

for (const { name, request } of [
  { name: "made at once", request: [0, 0, 0, 0, 0] },
  { name: "made later, when all have asked", request: [0, 0, 0, 0, 1, 1] },
]) {
  // 20 calls with a window of nothing made the server keep 20 answers, of any size.
  test(`answers that nobody reads are bounded on a connection: ${name}`, async (t) => {
    const { address } = await start(t);
    const session = connectHttp2(`http://${address}`, { settings: { initialWindowSize: 0 } });
    t.after(() => session.destroy());
    await once(session, "remoteSettings");
    const ask = () => {
      const headers = { ":path": "/test.Test/Large", "content-type": "application/grpc" };
      const asked = session.request({ ":method": "POST", ...headers });
      asked.end(Buffer.from(request));
      return once(asked, "response") as Promise<[Record<string, string>]>;
    };
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    const [first, second, ...others] = answers.map(([headers]) => headers);
    assert.deepEqual([first!["grpc-status"], second!["grpc-status"]], [undefined, undefined]);
    for (const headers of others) {
      assert.equal(headers["grpc-status"], String(Status.RESOURCE_EXHAUSTED));
      assert.match(headers["grpc-message"]!, /^\d+ bytes of answers on this connection are unread/);
    }
    // It is the window of one connection: another is answered.
    const other = connectHttp2(`http://${address}`);
    t.after(() => other.destroy());
    const asked = other.request({
      ...{ ":method": "POST", ":path": "/test.Test/Large" },
      "content-type": "application/grpc",
    });
    asked.end(Buffer.from(request));
    const trailers = once(asked, "trailers") as Promise<[Record<string, string>]>;
    asked.resume();
    assert.equal((await trailers)[0]["grpc-status"], String(Status.OK));
  });
}

test("a client that cancels is heard of once", async (t) => {
  const running = await start(t);
  const call = stream(running);
  call.write(Buffer.from("x"));
  await holds(() => assert.equal(running.probe.heard.length, 1));
  call.cancel();
  const { heard } = running.probe;
  await holds(() => assert.equal(heard.at(-1), "closed"));
  const count = heard.length;
  running.probe.calls[0]!.send([Buffer.from("late")]);
  running.probe.calls[0]!.end(Status.OK);
  assert.equal(heard.length, count);
});

const STRANGE_REQUESTS = [
  { name: "a GET", headers: { ":method": "GET" }, status: "405" },
  { name: "JSON", headers: { "content-type": "application/json" }, status: "415" },
  { name: "no content type", headers: { "content-type": "" }, status: "415" },
];

for (const { name, headers, status } of STRANGE_REQUESTS) {
  test(`${name} is answered with HTTP ${status}`, async (t) => {
    const { address } = await start(t);
    const session = connectHttp2(`http://${address}`);
    t.after(() => session.destroy());
    const request = session.request({
      ":method": "POST",
      ":path": "/test.Test/Stream",
      "content-type": "application/grpc",
      ...headers,
    });
    const [answer] = (await once(request, "response")) as [Record<string, string>];
    assert.equal(String(answer[":status"]), status);
  });
}

const BAD_BYTES = [
  { name: "a flag that is none", bytes: [7, 0, 0, 0, 0], status: Status.INTERNAL },
  { name: "a compressed message", bytes: [1, 0, 0, 0, 0], status: Status.UNIMPLEMENTED },
  { name: "half a message", bytes: [0, 0, 0, 0, 9, 1], status: Status.INTERNAL },
  { name: "a message too long", bytes: [0, 1, 0, 0, 0], status: Status.RESOURCE_EXHAUSTED },
];

for (const { name, bytes, status } of BAD_BYTES) {
  test(`${name} ends its call only`, async (t) => {
    const running = await start(t);
    const session = connectHttp2(`http://${running.address}`);
    t.after(() => session.destroy());
    const open = () =>
      session.request({
        ":method": "POST",
        ":path": "/test.Test/Stream",
        "content-type": "application/grpc",
      });
    const other = open();
    const bad = open();
    bad.end(Buffer.from(bytes));
    const [answer] = (await once(bad, "response")) as [Record<string, string>];
    assert.equal(answer["grpc-status"], String(status));
    other.end(Buffer.from([0, 0, 0, 0, 2, 0x6f, 0x6b]));
    await holds(() => assert.ok(running.probe.heard.includes("ok")));
  });
}

test("calls beyond a connection's limit are refused, and connections beyond theirs", async (t) => {
  const running = await start(t, { maxCallsPerConnection: 2, maxConnections: 1 });
  const session = connectHttp2(`http://${running.address}`);
  t.after(() => session.destroy());
  session.on("error", () => {});
  const [settings] = (await once(session, "remoteSettings")) as [Record<string, number>];
  assert.equal(settings?.maxConcurrentStreams, 2);
  const second = connectHttp2(`http://${running.address}`);
  second.on("error", () => {});
  await once(second, "close");
  assert.equal(running.server.figures().refused, 1);
});

test("health: Check and Watch follow what is said", async (t) => {
  const running = await start(t);
  const { health, client } = running;
  const request = (name: string) => Buffer.from([0x0a, name.length, ...Buffer.from(name)]);
  const check = (name: string) => unary(running, "/grpc.health.v1.Health/Check", request(name));
  assert.deepEqual([...(await check("test.Test")).answer!], [8, 1]);
  assert.deepEqual([...(await check("")).answer!], [8, 1]);
  assert.equal((await check("nobody")).status.code, Status.NOT_FOUND);
  const seen: number[] = [];
  const watch = client.makeServerStreamRequest<Buffer, Buffer>(
    "/grpc.health.v1.Health/Watch",
    raw.serialize,
    raw.deserialize,
    request("test.Test"),
  );
  watch.on("data", (message: Buffer) => seen.push(message[1]!));
  watch.on("error", () => {});
  await holds(() => assert.deepEqual(seen, [1]));
  health.setServing(false);
  health.setServing(false);
  await holds(() => assert.deepEqual(seen, [1, 2]));
  watch.cancel();
});

test("a drain lets calls finish, refuses new connections, and cuts what is left", async (t) => {
  const running = await start(t);
  const { server, probe } = running;
  const [ending, staying] = [stream(running), stream(running)];
  ending.write(Buffer.from("a"));
  staying.write(Buffer.from("b"));
  await holds(() => assert.equal(probe.calls.length, 2));
  const statuses = [statusOf(ending), statusOf(staying)];
  ending.resume();
  staying.resume();
  const drained = server.drain(300);
  probe.calls[0]!.end(Status.OK);
  assert.equal((await statuses[0]!).code, Status.OK);
  const late = connectHttp2(`http://${running.address}`);
  await new Promise((resolve) => late.on("error", resolve));
  const cut = await statuses[1]!;
  assert.deepEqual([cut.code, cut.details], [Status.UNAVAILABLE, "fairlead is shutting down"]);
  await drained;
  await holds(() => assert.equal(server.figures().connections, 0));
});
