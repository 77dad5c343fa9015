/**
 * What our transport does beside or unlike connect-node's: close, shared connections, GOAWAY,
 * compression, TLS, streams that nobody reads on, and options in one sentence.
 */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { until } from "../../../test/cli/harness.ts";
import { createAuthority } from "../../../test/support/certificates.ts";
import { Echo, type EchoServer, startConnectServer, startGrpcJsServer } from "./echo-suite.ts";
import { createFairleadTransport, type FairleadTransportOptions } from "./public.ts";

const servers: EchoServer[] = [];

before(async () => {
  servers.push(await startGrpcJsServer(), await startConnectServer());
});
after(() => {
  for (const server of servers) server.close();
});

function open(server: EchoServer, options: Partial<FairleadTransportOptions> = {}) {
  const transport = createFairleadTransport({ target: server.address, ...options });
  return { transport, client: createClient(Echo, transport) };
}

async function codeOf(promise: Promise<unknown>): Promise<Code | null> {
  return promise.then(
    () => null,
    (error: unknown) => {
      assert.ok(error instanceof ConnectError, String(error));
      return error.code;
    },
  );
}

/** Requests that never come. */
function never(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
}

test("close: calls in flight finish, new ones are unavailable, twice is once", async () => {
  for (const server of servers) {
    const { transport, client } = open(server);
    const reading = client.download({ text: "a", count: 3 })[Symbol.asyncIterator]();
    assert.equal((await reading.next()).value?.count, 0);
    transport.close();
    transport.close();
    assert.equal((await reading.next()).value?.count, 1);
    assert.equal(await codeOf(client.unary({ text: "a" })), Code.Unavailable);
    assert.equal(await codeOf(client.upload((async function* () {})())), Code.Unavailable);
    assert.equal((await reading.next()).value?.count, 2);
    assert.equal((await reading.next()).done, true);
    transport[Symbol.dispose]();
  }
});

test("it chooses an endpoint for every call, and shows what it did", async (t) => {
  const more = [await startConnectServer(), await startGrpcJsServer()];
  t.after(() => {
    for (const server of more) server.close();
  });
  const target = more.map(({ address }) => address).join(",");
  using transport = createFairleadTransport({ target, policy: "round_robin" });
  assert.equal(transport.view(), null);
  const client = createClient(Echo, transport);
  await Promise.all(Array.from({ length: 4 }, () => client.unary({ text: "a" })));
  for (let i = 0; i < 20; i++) await client.unary({ text: "a" });
  const calls = transport.view()!.endpoints.map((endpoint) => endpoint.calls);
  assert.deepEqual(calls, [12, 12]);
});

test("GOAWAY under load: no call fails, and the process lives", async (t) => {
  for (const start of [startGrpcJsServer, startConnectServer]) {
    const pair = [await start(), await start()];
    t.after(() => {
      for (const server of pair) server.close();
    });
    const target = pair.map(({ address }) => address).join(",");
    using transport = createFairleadTransport({ target });
    const client = createClient(Echo, transport);
    let isOver = false;
    let calls = 0;
    const work = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        await client.unary({ text: "a" });
        calls += 1;
      }
    });
    for (let round = 0; round < 10; round++) {
      const wanted = calls + 200;
      await until("calls go on", () => calls >= wanted);
      pair[round % 2]!.goAway();
    }
    isOver = true;
    await Promise.all(work);
    assert.ok(calls >= 2_000);
  }
});

test("requests are compressed from compressMinBytes on, and answers read", async () => {
  const [grpcJs, connectNode] = servers;
  for (const sendCompression of ["gzip", "deflate"] as const) {
    const { transport, client } = open(grpcJs!, { sendCompression, compressMinBytes: 100 });
    for (const size of [10, 100_000]) {
      const { data } = await client.unary({ text: "a", data: new Uint8Array(size) });
      assert.equal(data.length, size);
    }
    const texts = (async function* () {
      for (const text of ["a", "b".repeat(5_000)]) yield { text };
    })();
    assert.equal((await client.upload(texts)).count, 2);
    transport.close();
  }
  // connect-node compresses its answers from 1 KiB on when it may.
  const { transport, client } = open(connectNode!, { sendCompression: "gzip" });
  let encoding: string | null = null;
  const onHeader = (header: Headers): void => {
    encoding = header.get("grpc-encoding");
  };
  const { data } = await client.unary({ data: new Uint8Array(100_000) }, { onHeader });
  assert.deepEqual([data.length, encoding], [100_000, "gzip"]);
  transport.close();
});

test("what is compressed is smaller on the wire, and smaller messages are not", async (t) => {
  const [host, port] = servers[0]!.address.split(":");
  let bytes = 0;
  const relay = createServer((socket) => {
    const server = connect(Number(port), host);
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    socket.on("error", () => {});
    server.on("error", () => {});
    socket.pipe(server).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  t.after(() => relay.close());
  const target = `127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const data = new Uint8Array(100_000);
  for (const [compressMinBytes, isSmall] of [
    [1_000, true],
    [200_000, false],
  ] as const) {
    using transport = createFairleadTransport({
      target,
      sendCompression: "gzip",
      compressMinBytes,
    });
    const client = createClient(Echo, transport);
    bytes = 0;
    await client.unary({ data });
    await client.upload(
      (async function* () {
        yield { data };
      })(),
    );
    assert.equal(bytes < 10_000, isSmall, `${bytes} bytes`);
    assert.equal(bytes > 200_000, !isSmall, `${bytes} bytes`);
  }
});

test("TLS: from texts, with a certificate of its own, and not to another name", async (t) => {
  const authority = await createAuthority("a test CA");
  const { cert, key } = await authority.issue({ names: ["echo.test"] });
  const own = await authority.issue({ names: ["a client"] });
  const server = await startGrpcJsServer({ cert, key, clientCa: authority.cert });
  t.after(() => server.close());
  const tls = { ca: authority.cert, cert: own.cert, key: own.key, serverName: "echo.test" };
  const { transport, client } = open(server, { tls });
  assert.equal((await client.unary({ text: "a" })).text, "a");
  transport.close();
  const wrong = [
    { tls: { ...tls, serverName: "other.test" } },
    { tls: { ca: authority.cert, serverName: "echo.test" } },
    { tls: true },
    {},
  ];
  for (const options of wrong) {
    const { transport, client } = open(server, options);
    assert.equal(await codeOf(client.unary({ text: "a" })), Code.Unavailable);
    transport.close();
  }
});

test("a header that gRPC cannot carry is refused", async () => {
  const { transport, client } = open(servers[0]!);
  const bad = client.unary({ text: "a" }, { headers: { "x-in": "caf\u00e9" } });
  assert.equal(await codeOf(bad), Code.InvalidArgument);
  transport.close();
});

test("a call's own user agent takes the place of the transport's", async () => {
  const { transport, client } = open(servers[1]!, {
    userAgent: "shop/1",
    interceptors: [
      (next) => (request) => {
        request.header.set("x-in", request.header.get("user-agent")!);
        return next(request);
      },
    ],
  });
  const seen: (string | null)[] = [];
  const onHeader = (header: Headers): void => void seen.push(header.get("x-out"));
  await client.unary({}, { onHeader });
  await client.unary({}, { onHeader, headers: { "User-Agent": "mine/2" } });
  assert.match(seen[0]!, /^shop\/1 connect-es-fairlead\/\d/);
  assert.equal(seen[1], "mine/2");
  transport.close();
});

test("a time-out that is over before anything can be sent ends calls of all kinds", async () => {
  for (const server of servers) {
    for (const setTimeoutTo of [null, "0m"]) {
      const interceptors: Interceptor[] = [
        (next) => (request) => {
          if (setTimeoutTo !== null) request.header.set("grpc-timeout", setTimeoutTo);
          return next(request);
        },
      ];
      const { transport, client } = open(server, setTimeoutTo === null ? {} : { interceptors });
      const options = setTimeoutTo === null ? { timeoutMs: 1e-6 } : {};
      const download = client.download({ text: "hang", count: 1 }, options);
      const calls = [
        client.unary({ text: "hang" }, options),
        client.upload(never(), options),
        download[Symbol.asyncIterator]().next(),
        client.chat(never(), options)[Symbol.asyncIterator]().next(),
      ];
      for (const call of calls) assert.equal(await codeOf(call), Code.DeadlineExceeded);
      transport.close();
    }
  }
});

test("a request iterable that gives nothing holds up neither a time-out nor an abort", async () => {
  for (const server of servers) {
    const { transport, client } = open(server);
    const late = client.upload(never(), { timeoutMs: 30 });
    assert.equal(await codeOf(late), Code.DeadlineExceeded);
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      client.upload(never(), { signal }),
      client.chat(never(), { signal })[Symbol.asyncIterator]().next(),
    ];
    assert.equal((await client.unary({ text: "a" })).text, "a");
    controller.abort();
    for (const call of calls) assert.equal(await codeOf(call), Code.Canceled);
    transport.close();
  }
});

test("who stops reading ends the call", async () => {
  const server = servers[0]!;
  const { transport } = open(server);
  server.events.length = 0;
  const source = (async function* () {
    yield { text: "hang", count: 1 };
  })();
  const none = undefined;
  const { message } = await transport.stream(Echo.method.download, none, none, none, source);
  for await (const _ of message) break;
  await until("the server is told", () => server.events.includes("cancelled"));
  transport.close();
});

test("a stream that was left by `break` is cancelled when it is collected", async () => {
  const server = servers[0]!;
  const { transport, client } = open(server);
  server.events.length = 0;
  await (async () => {
    for await (const _ of client.download({ text: "hang", count: 1 })) break;
  })();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await until("it is collected", () => {
    collect();
    return server.events.includes("cancelled");
  });
  transport.close();
});

const WRONG: readonly (readonly [object, RegExp])[] = [
  [{ useHttpGet: true }, /^useHttpGet is refused: gRPC has no GET requests/],
  [{ baseUrl: "http://a" }, /^baseUrl is refused: the server is named by `target`/],
  [
    { colour: 1 },
    /^createFairleadTransport: unknown option colour: allowed are target, kubernetes/,
  ],
  [{ target: 7 }, /^target is 7, must be a string/],
  [{ target: "orders" }, /orders/],
  [{ policy: "best" }, /best/],
  [{ serviceConfig: { methodConfig: 1 } }, /methodConfig is 1, must be a list/],
  [{ policy: "random", serviceConfig: { loadBalancingConfig: [] } }, /exclude each other/],
  [{ interceptors: [1] }, /^interceptors must be a list of functions/],
  [{ defaultTimeoutMs: -1 }, /^defaultTimeoutMs is -1, must be/],
  [{ sendCompression: "br" }, /^sendCompression is "br", must be "gzip", "deflate" or null/],
  [{ readMaxBytes: 0 }, /^readMaxBytes is 0, must be a whole number from 1/],
  [{ keepalive: { timeMs: 5 } }, /^keepalive.timeMs is 5, must be a whole number, 10000 or more/],
  [{ maxConnectionsPerEndpoint: 0 }, /^maxConnectionsPerEndpoint is 0, must be/],
  [{ tls: { caFile: "/no/file" } }, /\/no\/file/],
  [{ tls: { pfx: "x" } }, /^tls: unknown option pfx: allowed are ca, cert/],
  [{ tls: { ca: "x" } }, /^tls.ca holds no PEM certificate/],
  [{ tls: { certFile: "x" } }, /^tls: certFile and keyFile go together/],
  [{ authority: "" }, /^authority is "", must be/],
  [{ shared: 1 }, /^shared is 1, must be true or false/],
];

for (const [options, message] of WRONG) {
  test(`a wrong option is one sentence: ${JSON.stringify(options)}`, () => {
    const all = { target: "127.0.0.1:1", ...options };
    assert.throws(() => createFairleadTransport(all as FairleadTransportOptions), { message });
  });
}

test("useHttpGet: false asks for nothing", () => {
  const options = { target: "127.0.0.1:1", useHttpGet: false };
  createFairleadTransport(options as FairleadTransportOptions).close();
});
