/**
 * Tests of exceptions in code of users: each ends its call with a sentence, whatever was thrown,
 * and neither the connection nor another call feels it.
 */
import assert from "node:assert/strict";
import test from "node:test";
import * as grpc from "@grpc/grpc-js";
import { type Channel, type ChannelOptions, createChannel, GrpcError } from "./public.ts";

const same = (bytes: Buffer): Buffer => bytes;
const shape = { requestSerialize: same, requestDeserialize: same };
const answer = { responseSerialize: same, responseDeserialize: same };
const ECHO: grpc.ServiceDefinition = {
  Say: { path: "/t.Echo/Say", requestStream: false, responseStream: false, ...shape, ...answer },
  Chat: { path: "/t.Echo/Chat", requestStream: true, responseStream: true, ...shape, ...answer },
};

function method(name: string) {
  const encode = (message: string): Uint8Array => Buffer.from(message);
  return { path: `/t.Echo/${name}`, encode, decode: (bytes: Buffer): string => bytes.toString() };
}

const SAY = method("Say");
const CHAT = method("Chat");

async function withChannel(
  options: ChannelOptions,
  body: (channel: Channel) => Promise<void>,
): Promise<void> {
  const server = new grpc.Server();
  server.addService(ECHO, {
    Say(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      call.sendMetadata(new grpc.Metadata());
      done(null, call.request);
    },
    Chat(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
      call.on("data", (part: Buffer) => call.write(part));
      call.on("end", () => call.end());
      call.on("error", () => {});
    },
  });
  const port = await new Promise<number>((done, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? done(bound) : failed(error),
    );
  });
  try {
    await using channel = createChannel(`127.0.0.1:${port}`, options);
    await body(channel);
  } finally {
    server.forceShutdown();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<GrpcError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GrpcError, "no GrpcError");
  return error;
}

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

function refuseToSpeak(): never {
  throw new Error("again");
}

const THROWN: readonly (readonly [what: string, thrown: unknown])[] = [
  ["an object without a prototype", Object.create(null)],
  ["an object with a throwing toString", { toString: refuseToSpeak }],
  [
    "an Error with a throwing message",
    Object.defineProperty(new Error(), "message", { get: refuseToSpeak }),
  ],
];
const NAMELESS = /: what was thrown has no text$/;

for (const [what, thrown] of THROWN) {
  const raise = (): never => {
    throw thrown;
  };
  const check = (error: GrpcError, codeName: string): void => {
    assert.equal(error.codeName, codeName);
    assert.match(error.details, NAMELESS);
    assert.equal(error.cause, thrown);
  };

  test(`decode throws ${what}: that call fails, of one and of a stream`, {
    timeout: 20_000,
  }, async () => {
    await withChannel({}, async (channel) => {
      check(await failureOf(channel.unary({ ...SAY, decode: raise }, "x")), "INTERNAL");
      const stream = channel.bidi({ ...CHAT, decode: raise }, ["x", "y"]);
      check(await failureOf(readAll(stream)), "INTERNAL");
      assert.equal(await channel.unary(SAY, "after"), "after");
    });
  });

  test(`encode throws ${what}: that call fails`, { timeout: 20_000 }, async () => {
    await withChannel({}, async (channel) => {
      check(await failureOf(channel.unary({ ...SAY, encode: raise }, "x")), "INTERNAL");
      check(await failureOf(readAll(channel.bidi({ ...CHAT, encode: raise }, ["x"]))), "INTERNAL");
      const duplex = channel.duplex({ ...CHAT, encode: raise });
      assert.equal(await duplex.write("x"), false);
      check(await failureOf(duplex.next()), "INTERNAL");
      assert.equal(await channel.unary(SAY, "after"), "after");
    });
  });

  test(`a source of requests throws ${what}: that call fails`, { timeout: 20_000 }, async () => {
    await withChannel({}, async (channel) => {
      const source = async function* (): AsyncGenerator<string> {
        yield "x";
        raise();
      };
      check(await failureOf(readAll(channel.bidi(CHAT, source()))), "CANCELLED");
      check(await failureOf(channel.clientStream(CHAT, source())), "CANCELLED");
      assert.equal(await channel.unary(SAY, "after"), "after");
    });
  });

  test(`callMetadata throws ${what}: that call fails`, { timeout: 20_000 }, async () => {
    for (const callMetadata of [raise, async () => raise()]) {
      await withChannel({ callMetadata, allowPlaintextCallMetadata: true }, async (channel) => {
        check(await failureOf(channel.unary(SAY, "x")), "UNAUTHENTICATED");
        check(await failureOf(readAll(channel.bidi(CHAT, ["x"]))), "UNAUTHENTICATED");
      });
    }
  });
}

test("what onHeaders and onTrailers throw is the process's; the calls go on", async () => {
  const uncaught: string[] = [];
  const hear = (error: Error): void => void uncaught.push(error.message);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", hear);
  try {
    await withChannel({}, async (channel) => {
      const raise = (what: string) => () => {
        throw new Error(what);
      };
      const options = { onHeaders: raise("headers"), onTrailers: raise("trailers") };
      const calls = ["a", "b"].map((text) => channel.unary(SAY, text, options));
      assert.deepEqual(await Promise.all(calls), ["a", "b"]);
      assert.deepEqual(await readAll(channel.bidi(CHAT, ["x"], options)), ["x"]);
      assert.equal(await channel.unary(SAY, "after"), "after");
    });
  } finally {
    process.removeListener("uncaughtException", hear);
    for (const each of others) process.on("uncaughtException", each);
  }
  const all = ["headers", "headers", "headers", "trailers", "trailers", "trailers"];
  assert.deepEqual(uncaught.sort(), all);
});

test("a write after end resolves to false, also while call metadata is waited for", async () => {
  const late = Promise.withResolvers<Record<string, string>>();
  for (const options of [
    {},
    { callMetadata: () => late.promise, allowPlaintextCallMetadata: true },
  ]) {
    await withChannel(options, async (channel) => {
      const duplex = channel.duplex(CHAT);
      const first = duplex.write("one");
      duplex.end();
      const second = duplex.write("two");
      late.resolve({});
      assert.deepEqual(await Promise.all([first, second]), [true, false]);
      assert.deepEqual(await readAll(duplex), ["one"]);
    });
  }
});
