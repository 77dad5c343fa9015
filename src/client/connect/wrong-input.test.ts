/**
 * Tests of wrong input to our transport and its calls: refused with a sentence, before anything is
 * started, and of exceptions in code of users: each ends its own call and nothing else.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { Echo, type EchoServer, startGrpcJsServer } from "./echo-suite.ts";
import { createFairleadTransport, type FairleadTransportOptions } from "./public.ts";

const PASS_ON: Interceptor = (next) => next;

let server: EchoServer;

before(async () => {
  server = await startGrpcJsServer();
});
after(() => server.close());

function open(options: Partial<FairleadTransportOptions> = {}) {
  const transport = createFairleadTransport({ target: server.address, ...options });
  return { transport, client: createClient(Echo, transport) };
}

async function errorOf(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, "no ConnectError");
  return error;
}

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

const WRONG: readonly (readonly [what: string, options: unknown, message: RegExp])[] = [
  ["no options", undefined, /^createFairleadTransport: options is undefined, must be an object/],
  ["a target alone", "127.0.0.1:1", /^createFairleadTransport: options is "127.0.0.1:1", must be/],
  ["a symbol for a target", { target: Symbol("t") }, /^target is Symbol\(t\), must be a string/],
  ["jsonOptions: 5", { jsonOptions: 5 }, /^jsonOptions is 5, must be an object/],
  ["binaryOptions: null", { binaryOptions: null }, /^binaryOptions is null, must be an object/],
  ["a time-out as text", { defaultTimeoutMs: "5" }, /^defaultTimeoutMs is "5", must be a number/],
  ["a time-out as a bigint", { defaultTimeoutMs: 5n }, /^defaultTimeoutMs is 5n, must be a number/],
  ["a bigint for bytes", { readMaxBytes: 5n }, /^readMaxBytes is 5n, must be a whole number/],
];

for (const [what, options, message] of WRONG) {
  test(`a transport refuses ${what}`, () => {
    const isObject = typeof options === "object";
    const all = isObject ? { target: "127.0.0.1:1", ...options } : options;
    const expected = { name: "RangeError", message };
    assert.throws(() => createFairleadTransport(all as FairleadTransportOptions), expected);
  });
}

const WRONG_CALLS: readonly (readonly [what: string, options: object, message: RegExp])[] = [
  ["timeoutMs: NaN", { timeoutMs: Number.NaN }, /timeoutMs is NaN, must be a number/],
  ["timeoutMs: {}", { timeoutMs: {} }, /timeoutMs is \{\}, must be a number/],
  ["timeoutMs as text", { timeoutMs: "5" }, /timeoutMs is "5", must be a number/],
  ["timeoutMs: 5n", { timeoutMs: 5n }, /timeoutMs is 5n, must be a number/],
  ["signal: {}", { signal: {} }, /signal is \{\}, must be an AbortSignal/],
];

for (const [what, options, message] of WRONG_CALLS) {
  test(`a call refuses ${what}: nothing is started, and the next call is well`, async () => {
    for (const interceptors of [[], [PASS_ON]]) {
      const { transport, client } = open({ interceptors });
      const requests = (async function* () {})();
      for (const call of [
        client.unary({ text: "a" }, options),
        client.upload(requests, options),
        readAll(client.download({ text: "a" }, options)),
      ]) {
        const error = await errorOf(call);
        assert.equal(error.code, Code.InvalidArgument);
        assert.match(error.rawMessage, message);
      }
      assert.equal(transport.view(), null, "nothing was started");
      assert.equal((await client.unary({ text: "next" })).text, "next");
      transport.close();
    }
  });
}

test("a time-out longer than any timer is none that fires at once", async () => {
  for (const timeoutMs of [2 ** 31, 1e15, Number.POSITIVE_INFINITY]) {
    const options = { defaultTimeoutMs: timeoutMs, interceptors: [PASS_ON] };
    const { transport, client } = open(options);
    assert.equal((await client.unary({ text: "a" }, { timeoutMs })).text, "a");
    assert.equal((await readAll(client.download({ text: "a", count: 2 }))).length, 2);
    transport.close();
  }
});

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

for (const [what, thrown] of THROWN) {
  test(`requests that throw ${what} end their call`, { timeout: 20_000 }, async () => {
    const { transport, client } = open();
    const requests = async function* (): AsyncGenerator<{ text: string }> {
      yield { text: "a" };
      throw thrown;
    };
    const error = await errorOf(client.upload(requests()));
    assert.deepEqual([error.code, error.cause], [Code.Internal, thrown]);
    assert.equal(error.rawMessage, "what was thrown has no text");
    assert.equal((await client.unary({ text: "next" })).text, "next");
    transport.close();
  });

  test(`an abort for ${what} ends its call`, { timeout: 20_000 }, async () => {
    const { transport, client } = open();
    const signal = AbortSignal.abort(thrown);
    const error = await errorOf(client.unary({ text: "a" }, { signal }));
    assert.deepEqual([error.code, error.cause], [Code.Canceled, thrown]);
    assert.equal((await client.unary({ text: "next" })).text, "next");
    transport.close();
  });
}

test("requests that are no iterable are refused, a wrong iterator ends its call", async () => {
  const uncaught: unknown[] = [];
  const hear = (error: unknown): void => void uncaught.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", hear);
  const { transport } = open();
  const { upload } = Echo.method;
  const none = undefined;
  for (const requests of [5, null, undefined, {}, []] as never[]) {
    const error = await errorOf(transport.stream(upload, none, none, none, requests));
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(error.rawMessage, "the requests must be an async iterable");
  }
  assert.equal(transport.view(), null, "nothing was started");
  for (const iterator of [() => undefined, () => 5, refuseToSpeak] as never[]) {
    const requests: AsyncIterable<{ text: string }> = { [Symbol.asyncIterator]: iterator };
    const error = await errorOf(transport.stream(upload, none, none, none, requests));
    assert.equal(error.code, Code.Internal);
  }
  await new Promise((resolve) => setImmediate(resolve));
  transport.close();
  process.removeListener("uncaughtException", hear);
  for (const each of others) process.on("uncaughtException", each);
  assert.deepEqual(uncaught, []);
});
