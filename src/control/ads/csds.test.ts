/** ClientStatusDiscoveryService: once and as a stream, of all nodes and of one, and refused. */
import assert from "node:assert/strict";
import { once } from "node:events";
import test, { type TestContext } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type * as grpc from "@grpc/grpc-js";
import { realClock } from "../../base/index.ts";
import { Status } from "../../grpc/index.ts";
import {
  type GrpcMethod,
  type ServerCall,
  type ServerCallEvents,
  UNREAD_ANSWERS_BYTES_MAX,
} from "../../server/index.ts";
import {
  type ClientConfig,
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
  RESOURCE_TYPES,
} from "../../xds/index.ts";
import { ServedAds } from "./ads-suite.ts";
import { csdsMethods } from "./csds.ts";
import {
  CSDS_CONTENT_BYTES_MAX,
  CSDS_ENTRIES_MAX,
  CSDS_UNREAD_BYTES_MAX,
  SHOWN_CHARS_MAX,
} from "./limits.ts";
import type { AdsStream } from "./stream.ts";

type Request = MessageInitShape<typeof ClientStatusRequestSchema>;

const PREFIX = "/envoy.service.status.v3.ClientStatusDiscoveryService/";

function encode(request: Request): Buffer {
  return Buffer.from(
    toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, request)),
  );
}

function decode(bytes: Buffer): readonly ClientConfig[] {
  return fromBinary(ClientStatusResponseSchema, bytes).config;
}

/** The node with that id and no other. */
function named(id: string): Request {
  return { nodeMatchers: [{ nodeId: { matchPattern: { case: "exact", value: id } } }] };
}

function fetchRaw(client: grpc.Client, request: Buffer): Promise<readonly ClientConfig[]> {
  return new Promise((resolve, reject) => {
    const path = `${PREFIX}FetchClientStatus`;
    client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      decode,
      request,
      (error, answer) => (error === null ? resolve(answer!) : reject(error)),
    );
  });
}

/** Two nodes: "a" has acknowledged two resources, "b" has refused one. */
async function serve(t: TestContext): Promise<{ served: ServedAds; client: grpc.Client }> {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  served.source.set("EDS", "x", "x1");
  served.source.set("EDS", "y", "y1");
  const a = served.node(true, { id: "a", userAgentName: "envoy" });
  a.ask({ type: "EDS", names: ["x", "y"] });
  a.ack(await a.next());
  const b = served.node(false, { id: "b" });
  b.ask({ type: "EDS", names: ["x"] });
  const { nonce } = await b.next();
  b.ask({ type: "EDS", names: ["x"], nonce, error: "no such policy" });
  const client = served.client();
  for (let i = 0; i < 1_000; i += 1) {
    const stands = (await fetchRaw(client, encode({}))).flatMap((one) => one.genericXdsConfigs);
    const done = stands.filter(({ configStatus }) => configStatus !== ConfigStatus.STALE);
    if (done.length === 3) return { served, client };
  }
  return assert.fail("not all three were acknowledged or refused");
}

test("a fetch tells how each resource of each node stands, and not what is in it", async (t) => {
  const { client } = await serve(t);
  const [a, b] = await fetchRaw(client, encode({}));
  assert.deepEqual([a!.node!.id, b!.node!.id], ["a", "b"]);
  assert.match(a!.clientScope, /^127\.0\.0\.1:\d+$/);
  const rows = a!.genericXdsConfigs;
  assert.deepEqual(
    rows.map(({ typeUrl, name, versionInfo }) => [typeUrl, name, versionInfo]),
    [
      [RESOURCE_TYPES.EDS, "x", "v-x1"],
      [RESOURCE_TYPES.EDS, "y", "v-y1"],
    ],
  );
  for (const row of rows) {
    assert.equal(row.configStatus, ConfigStatus.SYNCED);
    assert.equal(row.clientStatus, ClientResourceStatus.ACKED);
    assert.equal(row.xdsConfig, undefined);
  }
  const [refused] = b!.genericXdsConfigs;
  assert.equal(refused!.configStatus, ConfigStatus.ERROR);
  assert.equal(refused!.clientStatus, ClientResourceStatus.NACKED);
  assert.equal(refused!.errorState!.details, "no such policy");
});

test("of a node that is named, contents too; of one that is not here, nothing", async (t) => {
  const { client } = await serve(t);
  const found = await fetchRaw(client, encode(named("a")));
  assert.deepEqual(
    found.map(({ node }) => node!.id),
    ["a"],
  );
  const contents = found[0]!.genericXdsConfigs.map(({ xdsConfig }) => xdsConfig!);
  assert.deepEqual(
    contents.map(({ value }) => Buffer.from(value).toString()),
    ["x1", "y1"],
  );
  for (const { typeUrl } of contents) assert.equal(typeUrl, RESOURCE_TYPES.EDS);
  assert.deepEqual(await fetchRaw(client, encode(named("c"))), []);
});

test("a stream answers each request with what is true then, and ends with its end", async (t) => {
  const { served, client } = await serve(t);
  const identity = (bytes: Buffer) => bytes;
  const call = client.makeBidiStreamRequest(`${PREFIX}StreamClientStatus`, identity, decode);
  const ended = new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
  const next = () => new Promise<readonly ClientConfig[]>((resolve) => call.once("data", resolve));
  const states = (answer: readonly ClientConfig[]) =>
    answer[0]!.genericXdsConfigs.map(({ name, configStatus }) => [name, configStatus]);
  call.write(encode(named("a")));
  assert.deepEqual(states(await next()), [
    ["x", ConfigStatus.SYNCED],
    ["y", ConfigStatus.SYNCED],
  ]);
  served.source.set("EDS", "x", "x2");
  served.source.publish();
  let again = await ask();
  while (again.flat().includes(ConfigStatus.SYNCED)) again = await ask();
  // It has not acknowledged what it was sent.
  assert.deepEqual(again.find(([name]) => name === "x")![1], ConfigStatus.STALE);
  call.end();
  assert.equal((await ended).code, Status.OK);

  async function ask() {
    call.write(encode(named("a")));
    return states(await next());
  }
});

// An answer may be of 100,000 resources: of a caller that opens calls and reads nothing, one was
// kept for each.
test("who reads no answer gets no more of them, by a stream or by a fetch", async (t) => {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  served.source.set("EDS", "x", "x".repeat(UNREAD_ANSWERS_BYTES_MAX));
  const a = served.node(true, { id: "a" });
  a.ask({ type: "EDS", names: ["x"] });
  await a.next();
  const client = served.client(undefined, { "grpc.use_local_subchannel_pool": 1 });
  const identity = (bytes: Buffer) => bytes;
  const ask = () => {
    const call = client.makeBidiStreamRequest(`${PREFIX}StreamClientStatus`, identity, identity);
    call.write(encode(named("a")));
    return call;
  };
  // Nobody listens to it: a window of it is read, and no more.
  const unread = ask();
  unread.on("error", () => {});
  t.after(() => unread.cancel());
  await once(unread, "metadata");
  const details =
    /^\d+ bytes of answers on this connection are unread, more than 1048576: read them$/;
  const expected = { code: Status.RESOURCE_EXHAUSTED, details };
  const [error] = await once(ask(), "error");
  await assert.rejects(Promise.reject(error), expected);
  await assert.rejects(fetchRaw(client, encode(named("a"))), expected);
  unread.resume();
  await once(unread, "data");
  assert.equal((await fetchRaw(client, encode(named("a")))).length, 1);
});

/** A stream whose node "a" was sent these, all refused with this error. */
function streamOf(sent: ReadonlyMap<string, unknown>, error = ""): AdsStream {
  const subscription = { type: RESOURCE_TYPES.EDS, state: "SYNCED", sent, error };
  const subscriptions = new Map([["EDS", subscription]]);
  const stream = { node: { id: "a" }, call: { remote: "r" }, namespaces: null, subscriptions };
  return stream as unknown as AdsStream;
}

/** A caller that reads nothing until it is told to. */
class Caller {
  readonly answers: ClientConfig[][] = [];
  readonly ends: unknown[][] = [];
  readonly unreadBytes = 0;
  queuedBytes = 0;
  readonly #events: ServerCallEvents;

  constructor(method: GrpcMethod) {
    this.#events = method.open(this as unknown as ServerCall);
  }

  ask(request: Request): this {
    this.#events.onMessage(encode(request));
    return this;
  }

  send([part]: readonly Uint8Array[]): void {
    this.queuedBytes += part!.length;
    this.answers.push([...decode(Buffer.from(part!))]);
  }

  end(...end: unknown[]): void {
    this.ends.push(end);
  }

  read(): void {
    this.queuedBytes = 0;
    this.#events.onDrained();
  }

  leave(): void {
    this.#events.onClosed();
  }
}

/** One resource a node, of a quarter of the room. */
function largeSource(nodes: number): { readonly streams: ReadonlySet<AdsStream> } {
  const content = new Uint8Array(CSDS_CONTENT_BYTES_MAX / 4 - 1_000);
  const any = toBinary(AnySchema, create(AnySchema, { typeUrl: "t", value: content }));
  const sent = new Map([["x", { name: "x", version: "v", any }]]);
  return { streams: new Set(Array.from({ length: nodes }, () => streamOf(sent))) };
}

// Any number of nodes may have one id: an answer about it was as large as all they had been sent.
test("contents have CSDS_CONTENT_BYTES_MAX bytes together; what is beyond is named without", () => {
  const [fetch] = csdsMethods(largeSource(6), realClock());
  const answerTo = (request: Request) => new Caller(fetch!).ask(request).answers[0]!;
  const contentsOf = (request: Request) =>
    answerTo(request).map(({ genericXdsConfigs: [row] }) => [row!.name, row!.xdsConfig != null]);
  const told = [
    ["x", true],
    ["x", true],
    ["x", true],
    ["x", true],
    ["x", false],
    ["x", false],
  ];
  assert.deepEqual(contentsOf(named("a")), told);
  const without = contentsOf({ ...named("a"), excludeResourceContents: true });
  assert.ok(without.every(([, hasContents]) => !hasContents));
});

test("a node's words of an error, once for each resource, take of the same room", () => {
  const sent = new Map(
    Array.from({ length: 50_000 }, (_, i) => [`n${i}`, { name: `n${i}`, version: "v" }]),
  );
  const streams = new Set([streamOf(sent, "e".repeat(SHOWN_CHARS_MAX))]);
  const [fetch] = csdsMethods({ streams }, realClock());
  const rows = new Caller(fetch!).ask({}).answers[0]![0]!.genericXdsConfigs;
  assert.equal(rows.length, 50_000);
  const detailed = rows.filter(({ errorState }) => errorState!.details !== "");
  assert.equal(detailed.length, CSDS_CONTENT_BYTES_MAX / SHOWN_CHARS_MAX);
});

test("what all callers leave unread is bounded, until they read or go", () => {
  const [fetch, stream] = csdsMethods(largeSource(4), realClock());
  const askers = [fetch!, stream!, fetch!, stream!, fetch!].map((one) => new Caller(one));
  const full = Math.ceil(CSDS_UNREAD_BYTES_MAX / CSDS_CONTENT_BYTES_MAX) + 1;
  assert.equal(full, askers.length);
  for (const asker of askers) assert.equal(asker.ask(named("a")).answers.length, 1);
  const late = (): unknown => new Caller(fetch!).ask({ ...named("a") }).ends[0]?.[0];
  const { ends } = new Caller(stream!).ask(named("a"));
  assert.equal(ends[0]![0], Status.RESOURCE_EXHAUSTED);
  assert.match(`${ends[0]![1]}`, /^\d+ bytes of answers to all callers are unread, more than 6710/);
  askers[0]!.leave();
  assert.equal(late(), Status.OK);
  assert.equal(late(), Status.RESOURCE_EXHAUSTED);
  askers[1]!.read();
  assert.equal(late(), Status.OK);
});

const REFUSED = [
  { name: "bytes that are no request", bytes: Buffer.of(0xff), details: /not a ClientStatusReq/ },
  {
    name: "a matcher that is not supported",
    bytes: encode({ nodeMatchers: [{ nodeId: { matchPattern: { case: "prefix", value: "a" } } }] }),
    details: /only node_id with an exact match/,
  },
];

for (const { name, bytes, details } of REFUSED) {
  test(`${name}: refused, by a fetch and by a stream`, async (t) => {
    const { client } = await serve(t);
    const expected = { code: Status.INVALID_ARGUMENT, details };
    await assert.rejects(fetchRaw(client, bytes), expected);
    const identity = (one: Buffer) => one;
    const call = client.makeBidiStreamRequest(`${PREFIX}StreamClientStatus`, identity, decode);
    call.write(bytes);
    const error = await new Promise<unknown>((resolve) => call.once("error", resolve));
    await assert.rejects(Promise.reject(error), expected);
  });
}

test(`more than ${CSDS_ENTRIES_MAX} resources: the caller is told to name nodes`, () => {
  const sent = new Map(Array.from({ length: CSDS_ENTRIES_MAX + 1 }, (_, i) => [`n${i}`, null]));
  const [fetch] = csdsMethods({ streams: new Set([streamOf(sent)]) }, realClock());
  const reason = `${CSDS_ENTRIES_MAX + 1} resources, more than ${CSDS_ENTRIES_MAX}`;
  const advice = "name nodes by node_matchers (node_id, exact)";
  const { ends } = new Caller(fetch!).ask({});
  assert.deepEqual(ends, [[Status.RESOURCE_EXHAUSTED, `${reason}: ${advice}`]]);
});
