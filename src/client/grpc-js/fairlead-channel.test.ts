/**
 * What the channel adds to the suite that every channel passes: how it is made, what it refuses,
 * and what it promises to the stubs and to the process around it.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type CallCredentials,
  ChannelCredentials,
  Client,
  type ClientOptions,
  type ClientUnaryCall,
  connectivityState,
  credentials,
  getChannelzHandlers,
  Metadata,
  propagate,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { createAuthority } from "../../../test/support/certificates.ts";
import { eventually, RawServer } from "../../../test/support/raw-http2.ts";
import { fairleadChannel, viewOf } from "./public.ts";

const same = (bytes: Buffer): Buffer => bytes;
const METHOD = {
  path: "/test.Echo/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

/** grpc-js' write flag, which it does not export. */
const NO_COMPRESS = 2;

const servers: Server[] = [];
const clients: Client[] = [];
after(() => {
  for (const client of clients) client.close();
  for (const server of servers) server.forceShutdown();
});

/** A server whose Say does `say`; its address. */
async function serve(
  say: (call: never, done: (error: null, reply: Buffer) => void) => void = (call, done) =>
    done(null, (call as { request: Buffer }).request),
  creds = ServerCredentials.createInsecure(),
  host = "127.0.0.1",
): Promise<string> {
  const server = new Server();
  servers.push(server);
  server.register(METHOD.path, say as never, same, same, "unary");
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:0`, creds, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return `${host}:${port}`;
}

function open(
  target: string,
  options: ClientOptions = {},
  creds = credentials.createInsecure(),
): Client {
  const client = new Client(target, creds, {
    channelFactoryOverride: fairleadChannel(),
    ...options,
  });
  clients.push(client);
  return client;
}

function say(client: Client, options: object = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      METHOD.path,
      same,
      same,
      Buffer.from("hi"),
      new Metadata(),
      options,
      (error: ServiceError | null, reply?: Buffer) =>
        error === null ? resolve(reply!) : reject(error),
    );
  });
}

const REFUSED: readonly [why: string, make: () => unknown, message: RegExp][] = [
  [
    "an unknown option",
    () => fairleadChannel({ polcy: "random" } as never),
    /fairleadChannel: unknown option polcy: allowed are kubernetes, policy/,
  ],
  [
    "an impossible number of connections",
    () => fairleadChannel({ maxConnectionsPerEndpoint: 0 }),
    /maxConnectionsPerEndpoint is 0, must be a whole number, 1 or more/,
  ],
  ["a malformed target", () => open("dns:///a b:1"), /target "dns:\/\/\/a b:1": .*white space/],
  ["an unknown scheme", () => open("consul:///echo:1"), /unknown scheme "consul"/],
  [
    "credentials that are none",
    () => open("127.0.0.1:1", {}, { token: "secret" } as never),
    /credentials must be ChannelCredentials of @grpc\/grpc-js/,
  ],
  [
    "a refused argument",
    () => open("127.0.0.1:1", { "grpc.lb_policy_name": "round_robin" }),
    /channel argument grpc.lb_policy_name is refused: name it in/,
  ],
  [
    "an argument of a wrong type",
    () => open("127.0.0.1:1", { "grpc.max_receive_message_length": "4 MiB" as never }),
    /grpc.max_receive_message_length is "4 MiB", must be a whole number, -1 or more/,
  ],
  [
    "service config that is no JSON",
    () => open("127.0.0.1:1", { "grpc.service_config": "{" }),
    /channel argument grpc.service_config is not JSON/,
  ],
  [
    "a wrong field of service config, by its path",
    () =>
      open("127.0.0.1:1", {
        "grpc.service_config": '{"methodConfig":[{"name":[{}],"timeout":"5"}]}',
      }),
    /service config: methodConfig\[0\]\.timeout is "5", must be a duration such as "1\.5s"/,
  ],
  [
    "an unknown policy",
    () =>
      open("127.0.0.1:1", { "grpc.service_config": '{"loadBalancingConfig":[{"fastest":{}}]}' }),
    /no known policy in loadBalancingConfig \[fastest\]/,
  ],
];

for (const [why, make, message] of REFUSED) {
  test(`${why} is refused when the client is made`, () => {
    assert.throws(make, message);
  });
}

test("a callback that throws is the process's, and no other call feels it", () => {
  const program = fileURLToPath(new URL("./throwing.fixture.ts", import.meta.url));
  const output = execFileSync(process.execPath, [program], { encoding: "utf8", timeout: 20_000 });
  assert.deepEqual(JSON.parse(output), { uncaught: ["first"], replies: 20, after: "hi" });
});

test("a program that made a call and forgot to close ends by itself", () => {
  const program = fileURLToPath(new URL("./forgetful.fixture.ts", import.meta.url));
  const output = execFileSync(process.execPath, [program], { encoding: "utf8", timeout: 20_000 });
  assert.equal(output, "hi\n");
});

test("channels of the same settings share their connections, others do not", async () => {
  const address = await serve();
  const local = { "grpc.use_local_subchannel_pool": 1 };
  const all = [open(address), open(address), open(address, local)];
  await Promise.all(all.map((client) => say(client)));
  const [first, second, own] = all.map((client) => viewOf(client)?.endpoints[0]?.calls);
  assert.deepEqual([first, second, own], [2, 2, 1]);
});

test("a client that is closed leaves the connections to those that share them", async () => {
  const address = await serve();
  const [first, second] = [open(address), open(address)];
  await say(first);
  first.close();
  assert.equal(first.getChannel().getConnectivityState(false), connectivityState.SHUTDOWN);
  assert.throws(() => first.getChannel().createCall("/a/b", 0, null, null, null), /shut down/);
  assert.equal(String(await say(second)), "hi");
});

test("connectivity: IDLE until asked, watched through READY", async () => {
  const channel = open(await serve()).getChannel();
  assert.equal(channel.getConnectivityState(false), connectivityState.IDLE);
  const seen: connectivityState[] = [];
  for (
    let state = channel.getConnectivityState(true);
    state !== connectivityState.READY;
    state = channel.getConnectivityState(false)
  ) {
    seen.push(state);
    await new Promise<void>((resolve, reject) => {
      channel.watchConnectivityState(state, Date.now() + 5_000, (error) =>
        error === undefined ? resolve() : reject(error),
      );
    });
  }
  assert.deepEqual(seen, [connectivityState.CONNECTING]);
  const late = new Promise<Error | undefined>((resolve) => {
    channel.watchConnectivityState(connectivityState.READY, Date.now() + 20, resolve);
  });
  assert.match(String(await late), /Deadline passed/);
});

test("channelz has the channel, its state and its calls, until it is closed", async () => {
  const client = open(await serve());
  await say(client);
  await assert.rejects(say(client, { deadline: Date.now() - 1 }));
  const { id, name } = client.getChannel().getChannelzRef();
  assert.equal(name, client.getChannel().getTarget());
  const ask = (): Promise<{ channel?: { data: Record<string, unknown> } }> =>
    new Promise((resolve, reject) => {
      const { GetChannel } = getChannelzHandlers();
      const done = (error: unknown, value: unknown): void =>
        error === null ? resolve(value as never) : reject(error);
      GetChannel({ request: { channel_id: id } } as never, done as never);
    });
  const { data } = (await ask()).channel!;
  assert.deepEqual(data.state, { state: "READY" });
  assert.deepEqual([data.calls_started, data.calls_succeeded, data.calls_failed], [2, 1, 1]);
  client.close();
  await assert.rejects(ask(), { details: `No channel data found for id ${id}` });
});

test("a message that is flagged so is sent as it is on a channel that compresses", async (t) => {
  const server = await RawServer.listen();
  t.after(() => server.close());
  const client = open(server.address, { "grpc.default_compression_algorithm": 2 });
  const channel = client.getChannel();
  const call = channel.createCall(METHOD.path, Number.POSITIVE_INFINITY, null, null, null);
  const hear = (): void => {};
  const listener = { onReceiveMetadata: hear, onReceiveMessage: hear, onReceiveStatus: hear };
  call.start(new Metadata(), listener);
  call.sendMessageWithContext({ flags: NO_COMPRESS }, Buffer.from("plain"));
  call.sendMessageWithContext({}, Buffer.from("coded"));
  const stream = await (await server.next()).nextStream();
  await eventually("both messages", () => stream.body.length > 15);
  assert.equal(stream.body.subarray(0, 10).toString("latin1"), "\0\0\0\0\u0005plain");
  assert.equal(stream.body[10], 1);
  call.cancelWithStatus(status.CANCELLED, "");
});

// Without what is inherited the call would hang.
test("a handler's call inherits deadline and cancellation", { timeout: 10_000 }, async () => {
  const inner = open(await serve(() => {}));
  const failed = async (flags: number, end: (call: ClientUnaryCall) => void): Promise<number> => {
    let tell: (code: number) => void;
    const code = new Promise<number>((resolve) => {
      tell = resolve;
    });
    const through = await serve((parent) => {
      const options = { parent, propagate_flags: flags };
      void say(inner, options).catch((error: ServiceError) => tell(error.code));
    });
    const deadline = Date.now() + 100;
    const options = { deadline };
    const outer = open(through);
    end(outer.makeUnaryRequest(METHOD.path, same, same, Buffer.from("x"), options, () => {}));
    return code;
  };
  assert.equal(await failed(propagate.DEADLINE, () => {}), status.DEADLINE_EXCEEDED);
  const cancel = (call: ClientUnaryCall): void => void setTimeout(() => call.cancel(), 30);
  assert.equal(await failed(propagate.CANCELLATION, cancel), status.CANCELLED);
});

test("TLS: getAuthContext shows the server's certificate, getPeer its address", async () => {
  const authority = await createAuthority("channel CA");
  const pair = await authority.issue({ names: ["echo.test"] });
  const creds = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) },
  ]);
  const address = await serve(undefined, creds);
  const client = open(
    address,
    { "grpc.ssl_target_name_override": "echo.test" },
    credentials.createSsl(Buffer.from(authority.cert)),
  );
  const call = client.makeUnaryRequest(METHOD.path, same, same, Buffer.from("x"), () => {});
  await once(call, "status");
  assert.equal(call.getPeer(), address);
  const context = call.getAuthContext();
  assert.equal(context?.transportSecurityType, "ssl");
  assert.match(String(context?.sslPeerCertificate?.subjectaltname), /echo\.test/);
});

test("credentials claim no status of servers, and name one authorization", async () => {
  const authority = await createAuthority("channel CA");
  const pair = await authority.issue({ names: ["echo.test"] });
  const creds = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) },
  ]);
  const options = { "grpc.ssl_target_name_override": "echo.test" };
  const ca = Buffer.from(authority.cert);
  const client = open(await serve(undefined, creds), options, credentials.createSsl(ca));
  const codeOf = (metadata: Metadata, own: CallCredentials): Promise<number> =>
    new Promise((resolve) => {
      const done = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
      const call = { credentials: own };
      client.makeUnaryRequest(METHOD.path, same, same, Buffer.from("x"), metadata, call, done);
    });
  // gRFC A54.
  for (const [thrown, code] of [
    [status.NOT_FOUND, status.INTERNAL],
    [status.UNAVAILABLE, status.UNAVAILABLE],
  ] as const) {
    const failing = credentials.createFromMetadataGenerator((_, done) =>
      done(Object.assign(new Error("no token"), { code: thrown })),
    );
    assert.equal(await codeOf(new Metadata(), failing), code);
  }
  const token = new Metadata();
  token.set("authorization", "Bearer a");
  const giving = credentials.createFromMetadataGenerator((_, done) => done(null, token));
  assert.equal(await codeOf(new Metadata(), giving), status.OK);
  assert.equal(await codeOf(token, giving), status.INTERNAL);
});

// Stock grpc-js runs callbacks in the context of whoever made the call.
test("callbacks run with the AsyncLocalStorage of their own call, though answers come together", async () => {
  const client = open(await serve());
  const storage = new AsyncLocalStorage<number>();
  const seen = await Promise.all(
    Array.from(
      { length: 20 },
      (_, i) =>
        new Promise<boolean>((resolve) => {
          storage.run(i, () => {
            const call = client.makeUnaryRequest(
              METHOD.path,
              same,
              same,
              Buffer.from("x"),
              () => {},
            );
            call.on("status", () => resolve(storage.getStore() === i));
          });
        }),
    ),
  );
  assert.ok(seen.every((isOwn) => isOwn));
});

// A provider of certificates looks at its files by a timer that keeps the program alive.
test("secure connectors are ended with the last channel that uses them", async () => {
  const real = credentials.createSsl();
  let made = 0;
  let ended = 0;
  class Counting extends ChannelCredentials {
    override _isSecure(): boolean {
      return true;
    }
    override _equals(other: ChannelCredentials): boolean {
      return other === this;
    }
    override _createSecureConnector(...args: Parameters<typeof real._createSecureConnector>) {
      made += 1;
      const connector = real._createSecureConnector(...args);
      connector.destroy = () => {
        ended += 1;
      };
      return connector;
    }
  }
  const counting = new Counting();
  const [first, second] = [1, 2].map(() => open("127.0.0.1:1", {}, counting));
  assert.equal(made, 1);
  first!.close();
  first!.close();
  assert.equal(ended, 0);
  second!.close();
  assert.equal(ended, 1);
  open("127.0.0.1:1", {}, counting).close();
  assert.deepEqual([made, ended], [2, 2]);
});

test("viewOf says what was forgotten for a client on another channel", () => {
  const stock = new Client("127.0.0.1:1", credentials.createInsecure());
  assert.throws(() => viewOf(stock), /not on a fairlead channel: give it channelFactoryOverride/);
  stock.close();
  const forgotten = { channelFactoryOverride: fairleadChannel as never };
  assert.throws(
    () => new Client("127.0.0.1:1", credentials.createInsecure(), forgotten),
    /write channelFactoryOverride: fairleadChannel\(\)/,
  );
});

test("equal credentials share connections; another name to verify does not", async () => {
  const authority = await createAuthority("shared CA");
  const pair = await authority.issue({ names: ["a.test", "b.test"] });
  const creds = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) },
  ]);
  const address = await serve(undefined, creds);
  const ssl = credentials.createSsl(Buffer.from(authority.cert));
  const named = (name: string): Client =>
    open(address, { "grpc.ssl_target_name_override": name }, ssl);
  const all = [named("a.test"), named("a.test"), named("b.test")];
  await Promise.all(all.map((client) => say(client)));
  assert.deepEqual(
    all.map((client) => viewOf(client)?.endpoints[0]?.calls),
    [2, 2, 1],
  );
});
