/** Tests of what users say: options of channels and calls, metadata, methods; and of the types. */
import assert from "node:assert/strict";
import test from "node:test";
import { realClock } from "../../base/index.ts";
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
  [{ tls: { caFile: "/nowhere/ca.pem" } }, /\/nowhere\/ca.pem.*no such file/],
];

for (const [options, message] of WRONG) {
  test(`a channel refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => createChannel(TARGET, options as ChannelOptions), message);
  });
}

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
  [{ timeoutMs: "5" }, /timeoutMs is 5, must be a number/],
  [{ timeoutMs: Number.NaN }, /timeoutMs is NaN/],
  [{ deadline: new Date("x") }, /deadline is NaN/],
  [{ compression: "zip" }, /compression is "zip"/],
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
