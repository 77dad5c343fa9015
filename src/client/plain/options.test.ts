/** Tests of what users say: options of channels and calls, metadata, methods; and of the types. */
import assert from "node:assert/strict";
import test from "node:test";
import { realClock } from "../../base/index.ts";
import { CHANNEL_OPTION_NAMES } from "../core/index.ts";
import {
  type Channel,
  type ChannelOptions,
  createChannel,
  type Method,
  type ResponseStream,
} from "./public.ts";

const TARGET = "127.0.0.1:1";

const WRONG: readonly (readonly [options: object, message: RegExp])[] = [
  [{ polici: "random" }, /createChannel: unknown option polici: allowed are kubernetes, policy/],
  [{ policy: "best" }, /unknown policy "best": known are/],
  [{ policy: "random", serviceConfig: { loadBalancingConfig: [] } }, /policy and .* exclude/],
  [{ serviceConfig: { methodConfig: [{}] } }, /methodConfig\[0\]\.name must be a list/],
  [{ maxConnectionsPerEndpoint: 0 }, /maxConnectionsPerEndpoint is 0, must be .* 1 or more/],
  [{ keepalive: { timeMs: 9_999 } }, /keepalive.timeMs is 9999, must be .* 10000 or more/],
  [{ keepalive: { time: 1 } }, /keepalive: unknown option time: allowed are timeMs/],
  [{ backoff: { initialMs: -1 } }, /backoff.initialMs is -1/],
  [{ sendBytesMax: 1.5 }, /sendBytesMax is 1.5, must be .* or Infinity/],
  [{ receiveBytesMax: "4MB" }, /receiveBytesMax is "4MB"/],
  [{ compression: "br" }, /compression is "br", must be "identity", "gzip" or "deflate"/],
  [{ idleTimeoutMs: 10 }, /idleTimeoutMs is 10, must be .* 1000 or more/],
  [{ shared: 1 }, /shared is 1, must be true or false/],
  [{ warmUp: { share: 0 } }, /warmUp.share is 0, must be above 0 and at most 1/],
  [{ authority: "" }, /authority is "", must be a string that is not empty/],
  [{ callMetadata: async () => ({}) }, /callMetadata needs tls, or allowPlaintextCallMetadata/],
  [{ tls: "yes" }, /tls must be true, false or an object/],
  [{ tls: { caCert: "" } }, /tls: unknown option caCert: allowed are ca,/],
  [{ tls: { ca: "no PEM" } }, /tls\.ca holds no PEM certificate/],
  [{ tls: { cert: "-----BEGIN CERTIFICATE-----" } }, /cert and key go together/],
  [
    { tls: { ca: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" } },
    /tls\.ca is damaged/,
  ],
  [{ tls: { ca: "x", caFile: "y" } }, /texts .* and files .* exclude each other/],
  [{ tls: { serverName: 5 } }, /tls\.serverName is 5, must be a string that is not empty/],
  [{ tls: { caFile: 5 } }, /tls\.caFile is 5, must be a string that is not empty/],
  [{ authority: "a\r\nb: c" }, /authority is "a\\r\\nb: c", must be printable ASCII/],
  [{ userAgent: "a\r\nb: c" }, /userAgent holds characters that are not printable ASCII/],
  [{ keepalive: {} }, /keepalive.timeMs is null, must be a whole number, 10000 or more/],
  [{ keepalive: [] }, /keepalive is \[\], must be an object/],
  [{ backoff: null }, /backoff is null, must be an object/],
  [{ serviceConfig: [] }, /serviceConfig is \[\], must be an object/],
  [{ kubernetes: 5 }, /kubernetes is 5, must be an object/],
  [{ kubernetes: "x" }, /kubernetes is "x", must be an object/],
  [{ kubernetes: null }, /kubernetes is null, must be an object/],
  [{ kubernetes: { a: 1 } }, /kubernetes: unknown option a: allowed are kubeconfig/],
  [{ log: {} }, /log must have the functions trace, debug, info, warn, error, child/],
  [{ log: null }, /log is null, must be an object/],
  [{ tls: { caFile: "/nowhere/ca.pem" } }, /\/nowhere\/ca.pem.*no such file/],
];

for (const [options, message] of WRONG) {
  test(`a channel refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => createChannel(TARGET, options as ChannelOptions), message);
  });
}

const UNSPEAKABLE: readonly (readonly [what: string, value: unknown, shown: RegExp])[] = [
  ["a bigint", 5n, /5n/],
  ["a symbol", Symbol("s"), /Symbol\(s\)/],
  ["a function", () => {}, /a function/],
  ["what holds a bigint", { a: 5n }, /an object/],
  ["what throws when it is read", { toJSON: () => assert.fail("read") }, /an object/],
  ["what has no text", Object.create(null), /\{\}/],
];
const NUMBERS = [
  "maxConnectionsPerEndpoint",
  "idleTimeoutMs",
  "sendBytesMax",
  "shared",
  "userAgent",
];
const OBJECTS = [
  ...["kubernetes", "serviceConfig", "tls"],
  ...["keepalive", "backoff", "warmUp", "retries"],
];

for (const [what, value, shown] of UNSPEAKABLE) {
  test(`${what} as an option: a sentence about it`, async () => {
    for (const name of NUMBERS) {
      const check = {
        name: "RangeError",
        message: new RegExp(`^${name} is ${shown.source}, must`),
      };
      assert.throws(() => createChannel(TARGET, { [name]: value }), check);
    }
    for (const name of CHANNEL_OPTION_NAMES) {
      // An object without a word in it is a whole one of these.
      if (typeof value === "object" && OBJECTS.includes(name)) continue;
      assert.throws(() => createChannel(TARGET, { [name]: value }), { name: "RangeError" }, name);
    }
    assert.throws(() => createChannel(TARGET, { warmUp: { share: value as number } }), RangeError);
    using channel = createChannel(TARGET);
    await assert.rejects(channel.unary(GET, { id: 1 }, { timeoutMs: value as number }), RangeError);
    await assert.rejects(channel.waitForReady(value as number), RangeError);
  });
}

test("an option that leads back to itself is refused", () => {
  const ring: { ring?: unknown } = {};
  ring.ring = ring;
  assert.throws(
    () => createChannel(TARGET, { authority: ring as never }),
    /authority is an object,/,
  );
});

const CALL_OPTION_NAMES = [
  ...(["timeoutMs", "deadline", "signal", "metadata", "waitForReady"] as const),
  ...(["compression", "host", "onHeaders", "onTrailers"] as const),
];

test("an option whose getter throws: the exception is the caller's, and nothing began", async () => {
  const channel = createChannel(TARGET);
  const oops = new Error("oops");
  for (const name of CALL_OPTION_NAMES) {
    const options = {
      get [name](): never {
        throw oops;
      },
    };
    await assert.rejects(channel.unary(GET, { id: 1 }, options), oops);
    await assert.rejects(channel.clientStream(GET, [], options), oops);
    assert.throws(() => channel.serverStream(GET, { id: 1 }, options), oops);
    assert.throws(() => channel.bidi(GET, [], options), oops);
    assert.throws(() => channel.duplex(GET, options), oops);
  }
  assert.equal(channel.connectivity, "IDLE");
  await channel[Symbol.asyncDispose]();
});

test("the options of a call are read once", async () => {
  using channel = createChannel(TARGET);
  const reads = new Map<string, number>();
  const given = { timeoutMs: 0, onTrailers: () => {}, signal: new AbortController().signal };
  const options = new Proxy(given, {
    get: (target, name) => {
      reads.set(String(name), (reads.get(String(name)) ?? 0) + 1);
      return Reflect.get(target, name);
    },
  });
  await assert.rejects(channel.unary(GET, { id: 1 }, options), /DEADLINE_EXCEEDED/);
  assert.deepEqual([...reads].sort(), CALL_OPTION_NAMES.map((name) => [name, 1]).sort());
});

test("requests that are none, and calls that cannot begin, hold up no end of the channel", async () => {
  const channel = createChannel(TARGET);
  const throwing = {
    [Symbol.asyncIterator]() {
      throw new Error("no iterator");
    },
  };
  for (const requests of [undefined, null, 5, {}, throwing] as never[]) {
    await assert.rejects(channel.clientStream(GET, requests), /iterable|no iterator/);
    assert.throws(() => channel.bidi(GET, requests), /iterable|no iterator/);
  }
  const { signal } = new AbortController();
  signal.addEventListener = () => {
    throw new Error("no listeners");
  };
  await assert.rejects(channel.unary(GET, { id: 1 }, { signal }), /no listeners/);
  const encode = (): never => {
    throw new Error("no bytes");
  };
  await assert.rejects(channel.unary({ ...GET, encode }, { id: 1 }), /no bytes/);
  await assert.rejects(channel.unary(GET, { id: 1 }, { signal: AbortSignal.abort() }), /CANCELLED/);
  await channel[Symbol.asyncDispose]();
});

test("the watch of a channel ends at once, also while a change is waited for", async () => {
  using channel = createChannel(TARGET);
  const states = channel.watchConnectivity();
  assert.deepEqual(await states.next(), { value: "IDLE", done: false });
  const waiting = [states.next(), states.next()];
  assert.deepEqual(await states.return(), { value: undefined, done: true });
  for (const each of waiting) assert.deepEqual(await each, { value: undefined, done: true });
  assert.deepEqual(await states.next(), { value: undefined, done: true });
  const thrown = new Error("enough");
  const others = channel.watchConnectivity();
  await assert.rejects(others.throw(thrown), thrown);
  assert.deepEqual(await others.next(), { value: undefined, done: true });
});

test("a malformed target is refused at once", () => {
  assert.throws(() => createChannel("kubernetes:///"), /target|kubernetes/);
});

interface Pet {
  readonly name: string;
}

const GET: Method<{ id: number }, Pet> = {
  path: "/pets.PetService/Get",
  encode: ({ id }) => Buffer.from([id]),
  decode: (bytes) => ({ name: bytes.toString() }),
};

const WRONG_CALLS: readonly (readonly [options: object, message: RegExp])[] = [
  [{ timeout: 5 }, /unknown call option timeout: allowed are timeoutMs, deadline/],
  [{ timeoutMs: "5" }, /timeoutMs is "5", must be a number/],
  [{ timeoutMs: Object.create(null) }, /timeoutMs is \{\}, must be a number/],
  [{ deadline: "5" }, /deadline is "5", must be a number/],
  [{ signal: {} }, /signal is \{\}, must be an AbortSignal/],
  [{ signal: null }, /signal is null, must be an AbortSignal/],
  [{ waitForReady: "yes" }, /waitForReady is "yes", must be true or false/],
  [{ host: 42 }, /host is 42, must be a string that is not empty/],
  [{ host: "" }, /host is "", must be a string that is not empty/],
  [{ host: "a\r\nb: c" }, /host is "a\\r\\nb: c", must be printable ASCII without spaces/],
  [{ host: "caf\u00e9" }, /host is .*, must be printable ASCII without spaces/],
  [{ host: "h".repeat(1_025) }, /host has 1025 characters, must have 1024 characters at most/],
  [{ onHeaders: 5 }, /onHeaders is 5, must be a function/],
  [{ onTrailers: {} }, /onTrailers is \{\}, must be a function/],
  [5 as never, /options is 5, must be an object/],
  [null as never, /options is null, must be an object/],
  [{ timeoutMs: Number.NaN }, /timeoutMs is NaN/],
  [{ deadline: new Date("x") }, /deadline is NaN/],
  [{ compression: "zip" }, /compression is "zip"/],
  [{ metadata: [5] as never }, /metadata must be an object or a list of \[key, value\] pairs/],
  [{ metadata: { "a b": "c" } }, /metadata key "a b" may hold a-z, 0-9/],
  [{ metadata: { "grpc-timeout": "1S" } }, /metadata key "grpc-timeout" is the protocol's own/],
  [{ metadata: { "a-bin": "text" } }, /metadata a-bin must be a Uint8Array/],
  [{ metadata: { a: new Uint8Array(1) } }, /metadata a must be text/],
  [{ metadata: { a: "line\nbreak" } }, /metadata a holds characters that are not printable/],
];

for (const [options, message] of WRONG_CALLS) {
  test(`a call refuses ${JSON.stringify(options)}: a promise rejects, a stream throws`, async () => {
    using channel = createChannel(TARGET);
    await assert.rejects(channel.unary(GET, { id: 1 }, options), message);
    await assert.rejects(channel.clientStream(GET, [], options), message);
    assert.throws(() => channel.serverStream(GET, { id: 1 }, options), message);
    assert.throws(() => channel.duplex(GET, options), message);
    assert.equal(channel.connectivity, "IDLE", "nothing was sent");
    await channel[Symbol.asyncDispose]();
  });
}

test("a method that is none is refused", async () => {
  using channel = createChannel(TARGET);
  for (const bad of [null, {}, { path: "pets/Get" }, { path: "/a/b", encode: () => 1 }]) {
    await assert.rejects(channel.unary(bad as never, 1), TypeError);
  }
});

test("types follow from the method", () => {
  // Compiled, not run: the compiler is the test.
  const check = async (channel: Channel): Promise<void> => {
    const pet: Promise<Pet> = channel.unary(GET, { id: 1 });
    const { name }: Pet = (await channel.unaryWithDetails(GET, { id: 1 })).message;
    const stream: ResponseStream<Pet> = channel.serverStream(GET, { id: 1 });
    for await (const each of channel.bidi(GET, [{ id: 1 }])) each.name satisfies string;
    await channel.duplex(GET).write({ id: 1 });
    // @ts-expect-error: a request of another type
    void channel.unary(GET, { id: "1" });
    // @ts-expect-error: an answer of another type
    const wrong: Promise<number> = channel.unary(GET, { id: 1 });
    // @ts-expect-error: an option that does not exist
    void channel.unary(GET, { id: 1 }, { timeout: 1 });
    void [pet, name, stream, wrong];
  };
  assert.equal(typeof check, "function");
});

test("a shared signal keeps nothing of calls that are over", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1;
    removeEventListener.apply(signal, args);
  };
  using channel = createChannel(TARGET);
  const deadline = realClock().wallMs() - 1;
  const calls = [1, 2, 3].map((id) => channel.unary(GET, { id }, { signal, deadline }));
  for (const call of calls) await assert.rejects(call, /DEADLINE_EXCEEDED/);
  assert.equal(listeners, 0);
});
