/**
 * What code of users can get wrong in one call: credentials that give anything, serializers, names
 * and deadlines that are none. The call ends with a status; nothing is thrown into the caller, no
 * promise is rejected unseen (the runner fails for it), and the next call works.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import {
  type CallCredentials,
  Client,
  connectivityState,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { fairleadChannel } from "./public.ts";

const PATH = "/test.Echo/Say";
const same = (bytes: Buffer): Buffer => bytes;
const server = new Server();
/** Metadata of the last request, as the server had it. */
let received: Record<string, unknown> = {};
server.register(
  PATH,
  ((call: { request: Buffer; metadata: Metadata }, done: (e: null, reply: Buffer) => void) => {
    received = call.metadata.getMap();
    done(null, call.request);
  }) as never,
  same,
  same,
  "unary",
);
const port = await new Promise<number>((resolve) => {
  const insecure = ServerCredentials.createInsecure();
  server.bindAsync("127.0.0.1:0", insecure, (_error, bound) => resolve(bound));
});
const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
  channelFactoryOverride: fairleadChannel({ allowPlaintextCallCredentials: true }),
});
after(() => {
  client.close();
  server.forceShutdown();
});

interface Ask {
  readonly path?: string;
  readonly metadata?: Metadata;
  readonly options?: object;
  readonly serialize?: (bytes: Buffer) => unknown;
}

/** "OK", or the code and details of the failure. */
function ask({ path = PATH, metadata = new Metadata(), options = {}, serialize = same }: Ask) {
  return new Promise<readonly [code: number, details: string]>((resolve) => {
    const done = (error: ServiceError | null): void =>
      resolve(error === null ? [status.OK, ""] : [error.code, error.details]);
    const bytes = Buffer.from("hi");
    client.makeUnaryRequest(path, serialize as never, same, bytes, metadata, options, done);
  });
}

const SECRET = "s3cret";
const generating = (fn: (done: (error: unknown, given?: unknown) => void) => void) =>
  credentials.createFromMetadataGenerator((_, done) => fn(done as never));
const own = (generateMetadata: () => unknown): CallCredentials =>
  ({ generateMetadata, compose: () => null, _equals: () => false }) as never;

class Unreadable extends Error {
  override get message(): string {
    throw new Error(SECRET);
  }
}

const NO_METADATA = /call credentials gave something that is no Metadata/;
const NO_ERROR = /call credentials failed, and not with an Error/;
const JUNK: readonly (readonly [string, CallCredentials, code: number, details: RegExp])[] = [
  ["nothing", generating((done) => done(null, undefined)), status.INTERNAL, NO_ERROR],
  ["null", generating((done) => done(null, null)), status.INTERNAL, NO_METADATA],
  [
    "a plain object",
    generating((done) => done(null, { authorization: SECRET })),
    status.INTERNAL,
    NO_METADATA,
  ],
  [
    "fields that are none",
    own(async () => ({ toJSON: () => ({ "a\r\nb": [SECRET] }) })),
    status.INTERNAL,
    NO_METADATA,
  ],
  ["no promise", own(() => 5), status.INTERNAL, NO_METADATA],
  ["a rejection of nothing", own(() => Promise.reject(undefined)), status.INTERNAL, NO_ERROR],
  ["a rejection of text", own(() => Promise.reject(SECRET)), status.INTERNAL, NO_ERROR],
  ["an unreadable error", own(() => Promise.reject(new Unreadable())), status.INTERNAL, NO_ERROR],
  [
    "a code that is none",
    generating((done) => done(Object.assign(new Error("no token"), { code: 99 }))),
    status.UNKNOWN,
    /with error: no token$/,
  ],
  [
    "an exception",
    own(() => {
      throw new Error("no token");
    }),
    status.UNKNOWN,
    /with error: no token$/,
  ],
  ["silence", own(() => new Promise(() => {})), status.DEADLINE_EXCEEDED, /call credentials/],
];

for (const [what, given, code, details] of JUNK) {
  test(`call credentials that give ${what} end the call`, { timeout: 10_000 }, async () => {
    const deadline = Date.now() + (what === "silence" ? 50 : 5_000);
    const seen = await ask({ options: { credentials: given, deadline } });
    assert.equal(seen[0], code, seen[1]);
    assert.match(seen[1], details);
    assert.ok(!seen[1].includes(SECRET));
    assert.deepEqual(await ask({}), [status.OK, ""]);
  });
}

test("call credentials add their metadata, binary included", async () => {
  const given = new Metadata();
  given.set("authorization", "Bearer a");
  given.set("key-bin", Buffer.from([0, 255]));
  const options = { credentials: generating((done) => done(null, given)) };
  assert.deepEqual(await ask({ options }), [status.OK, ""]);
  assert.equal(received.authorization, "Bearer a");
  assert.deepEqual(received["key-bin"], Buffer.from([0, 255]));
});

test("a deadline that is no time ends the call at once", { timeout: 10_000 }, async () => {
  const expected = [status.DEADLINE_EXCEEDED, "the deadline is not a time"];
  for (const deadline of [Number.NaN, new Date("x")]) {
    assert.deepEqual(await ask({ options: { deadline } }), expected);
    const waiting = { deadline, credentials: own(() => new Promise(() => {})) };
    assert.deepEqual(await ask({ options: waiting }), expected);
  }
  assert.deepEqual(await ask({}), [status.OK, ""]);
  assert.equal((await ask({ options: { deadline: -Infinity } }))[0], status.DEADLINE_EXCEEDED);
  assert.deepEqual(await ask({ options: { deadline: Infinity } }), [status.OK, ""]);
});

test("a watcher whose deadline is no time hears so at once", { timeout: 10_000 }, async () => {
  await ask({});
  const channel = client.getChannel();
  for (const deadline of [Number.NaN, new Date(Number.NaN)]) {
    const told = await new Promise<Error | undefined>((resolve) => {
      channel.watchConnectivityState(connectivityState.READY, deadline, resolve);
    });
    assert.match(String(told), /Deadline passed/);
  }
});

test("a serializer that gives no bytes ends the call, nothing is thrown", async () => {
  for (const [given, type] of [
    ["text", "string"],
    [null, "null"],
    [undefined, "undefined"],
    [5, "number"],
    [{}, "object"],
  ] as const) {
    const details = `the serializer of the request gave ${type}, must give a Buffer`;
    const refused = [status.INTERNAL, details];
    assert.deepEqual(await ask({ serialize: () => given }), refused);
    // Also while credentials are made, when messages wait.
    const slow = { credentials: own(async () => new Metadata()) };
    assert.deepEqual(await ask({ serialize: () => given, options: slow }), refused);
  }
  const stream = client.makeClientStreamRequest(PATH, (() => 5) as never, same, () => {});
  await new Promise<void>((resolve) => {
    stream.write(Buffer.from("x"), () => resolve());
  });
  assert.deepEqual(await ask({}), [status.OK, ""]);
});

test("a method path or a host that no header can carry ends the call", async () => {
  for (const path of ["", "t.Echo/Say", "/t.Echo/\u0000", "/a b", "/a\r\nx: y", "/\u00e4"]) {
    const [code, details] = await ask({ path });
    assert.equal(code, status.INTERNAL);
    assert.match(details, /^the method path ".*" must begin with "\/" and be of visible ASCII$/);
  }
  for (const host of ["", "a b", "a\r\nx: y", "a\0", "\u00e4.test", 5]) {
    const [code, details] = await ask({ options: { host } });
    assert.equal(code, status.INTERNAL);
    assert.match(details, /^the host .* must be a name of visible ASCII, not empty$/);
  }
  assert.deepEqual(await ask({ options: { host: "b.test:1" } }), [status.OK, ""]);
});

test("the metadata key __proto__ is dropped, and brings no other", async () => {
  const metadata = new Metadata();
  metadata.set("__proto__", "abc");
  metadata.set("own", "1");
  assert.deepEqual(await ask({ metadata }), [status.OK, ""]);
  assert.equal(received.own, "1");
  assert.deepEqual(
    Object.keys(received).filter((key) => /^\d+$/.test(key)),
    [],
  );
});
