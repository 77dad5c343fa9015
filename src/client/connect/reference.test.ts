/**
 * Connect's clients over our transport and over connect-node's, against a server of grpc-js and one
 * of connect-node: one list of tests, where both transports must agree.
 *
 * Where we differ on purpose is in docs/client.md, and in `differences.test.ts`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  createContextKey,
  createContextValues,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { until } from "../../../test/cli/harness.ts";
import {
  DETAIL,
  Echo,
  type EchoMessage,
  EchoMessageSchema,
  type EchoServer,
  startConnectServer,
  startGrpcJsServer,
} from "./echo-suite.ts";
import { createFairleadTransport } from "./public.ts";

/** Options that both have. */
interface Options {
  readonly interceptors?: Interceptor[];
  readonly defaultTimeoutMs?: number;
  readonly useBinaryFormat?: boolean;
  readonly readMaxBytes?: number;
  readonly writeMaxBytes?: number;
}

interface Opened {
  readonly transport: Transport;
  close(): void;
}

const WAYS: Readonly<Record<string, (address: string, options: Options) => Opened>> = {
  fairlead: (target, options) => {
    const transport = createFairleadTransport({ target, ...options });
    return { transport, close: () => transport.close() };
  },
  "connect-node": (address, options) => {
    const baseUrl = `http://${address}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    const transport = createGrpcTransport({ baseUrl, sessionManager, ...options });
    return { transport, close: () => sessionManager.abort() };
  },
};

const servers: EchoServer[] = [];

before(async () => {
  servers.push(await startGrpcJsServer(), await startConnectServer());
});
after(() => {
  for (const server of servers) server.close();
});

type Body = (given: {
  client: Client<typeof Echo>;
  server: EchoServer;
  way: string;
}) => Promise<void>;

/** The same for both transports and both servers. */
function both(
  name: string,
  options: Options,
  body: Body,
  kinds: readonly EchoServer["kind"][] = ["grpc-js", "connect-node"],
): void {
  test(name, async (t) => {
    for (const [way, open] of Object.entries(WAYS)) {
      for (const server of servers.filter(({ kind }) => kinds.includes(kind))) {
        await t.test(`${way} to ${server.kind}`, async () => {
          server.events.length = 0;
          const { transport, close } = open(server.address, options);
          try {
            await body({ client: createClient(Echo, transport), server, way });
          } finally {
            close();
          }
        });
      }
    }
  });
}

async function failureOf(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, String(error));
  return error;
}

async function collect(messages: AsyncIterable<EchoMessage>): Promise<EchoMessage[]> {
  const all: EchoMessage[] = [];
  for await (const each of messages) all.push(each);
  return all;
}

async function* requests(...texts: string[]) {
  for (const text of texts) yield { text };
}

/** What `count` is once it has been the same, and not 0, ten times in a row. */
async function untilSteady(count: () => number): Promise<number> {
  let before = 0;
  let same = 0;
  await until("it is steady", () => {
    same = count() === before && before > 0 ? same + 1 : 0;
    before = count();
    return same === 10;
  });
  return before;
}

const BIG = new Uint8Array(300_000).fill(7);

both("a unary call, with every kind of field", {}, async ({ client }) => {
  const answer = await client.unary({ text: "hello", data: BIG, count: -3 });
  assert.deepEqual([answer.text, answer.count], ["hello", -3]);
  assert.deepEqual(new Uint8Array(answer.data), BIG);
});

both("headers and trailers both ways", {}, async ({ client }) => {
  let header: Headers | null = null;
  let trailer: Headers | null = null;
  const headers = new Headers({ "x-in": "one" });
  headers.append("x-in", "two");
  await client.unary(
    { text: "a" },
    {
      headers,
      onHeader: (seen) => {
        header = seen;
      },
      onTrailer: (seen) => {
        trailer = seen;
      },
    },
  );
  assert.equal(header!.get("x-out"), "one, two");
  assert.match(header!.get("content-type")!, /^application\/grpc/);
  assert.equal(trailer!.get("x-trail"), "done");
  assert.equal(trailer!.get("grpc-status"), "0");
});

both("an error with message, details and metadata", {}, async ({ client }) => {
  const options = { headers: { "x-in": "seen" } };
  const error = await failureOf(client.unary({ text: "fail" }, options));
  assert.equal(error.code, Code.NotFound);
  assert.equal(error.rawMessage, "no such thing: 100 %, ü");
  assert.deepEqual(error.findDetails(EchoMessageSchema), [DETAIL]);
  assert.match(error.metadata.get("x-trail")!, /of the error/);
  assert.equal(error.metadata.get("x-out"), "seen");
});

both("a download", {}, async ({ client }) => {
  let header: Headers | null = null;
  let trailer: Headers | null = null;
  const messages = await collect(
    client.download(
      { text: "a", count: 3 },
      {
        headers: { "x-in": "seen" },
        onHeader: (seen) => {
          header = seen;
        },
        onTrailer: (seen) => {
          trailer = seen;
        },
      },
    ),
  );
  assert.deepEqual(
    messages.map(({ count }) => count),
    [0, 1, 2],
  );
  assert.equal(header!.get("x-out"), "seen");
  assert.equal(trailer!.get("x-trail"), "done");
});

both("a download of nothing", {}, async ({ client }) => {
  assert.deepEqual(await collect(client.download({ text: "a", count: 0 })), []);
});

both("a download that fails after its messages", {}, async ({ client }) => {
  const texts: string[] = [];
  const error = await failureOf(
    (async () => {
      for await (const { text } of client.download({ text: "fail", count: 2 })) texts.push(text);
    })(),
  );
  assert.deepEqual(texts, ["fail", "fail"]);
  assert.equal(error.code, Code.NotFound);
  assert.deepEqual(error.findDetails(EchoMessageSchema), [DETAIL]);
});

both("an upload", {}, async ({ client }) => {
  const { count, text } = await client.upload(requests("a", "b", "c"));
  assert.deepEqual([count, text], [3, "c"]);
});

both("an upload that fails before its end", {}, async ({ client }) => {
  const error = await failureOf(client.upload(requests("a", "fail")));
  assert.equal(error.code, Code.NotFound);
});

both("an upload that fails early lets go of what its requests hold", {}, async ({ client }) => {
  let isLetGo = false;
  async function* endless() {
    try {
      yield { text: "fail" };
      for (;;) {
        yield { text: "more" };
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      isLetGo = true;
    }
  }
  assert.equal((await failureOf(client.upload(endless()))).code, Code.NotFound);
  await until("its finally ran", () => isLetGo);
});

both("a request iterable that throws", {}, async ({ client, server }) => {
  async function* broken() {
    yield { text: "a" };
    await until("the server has it", () => server.events.includes("received"));
    throw new Error("out of requests");
  }
  const error = await failureOf(client.upload(broken()));
  assert.equal(error.code, Code.Internal);
  assert.equal(error.rawMessage, "out of requests");
  if (server.kind === "grpc-js") {
    await until("the server is told", () => server.events.includes("cancelled"));
  }
});

both("a chat, in turns", {}, async ({ client }) => {
  const asked: string[] = [];
  let answered: (() => void) | null = null;
  async function* ask() {
    for (const text of ["a", "b", "c"]) {
      asked.push(text);
      yield { text };
      await new Promise<void>((resolve) => {
        answered = resolve;
      });
    }
  }
  const heard: string[] = [];
  for await (const { text } of client.chat(ask())) {
    heard.push(text);
    await until("it waits", () => answered !== null);
    answered!();
    answered = null;
  }
  assert.deepEqual(heard, asked);
});

both("a time-out", {}, async ({ client, server }) => {
  // Connected before: otherwise the time may be over before the server hears of the call.
  await client.unary({ text: "a" });
  const error = await failureOf(client.unary({ text: "hang" }, { timeoutMs: 60 }));
  assert.equal(error.code, Code.DeadlineExceeded);
  await until("the server stops", () => server.events.includes("cancelled"));
  const reading = collect(client.download({ text: "hang", count: 1 }, { timeoutMs: 60 }));
  assert.equal((await failureOf(reading)).code, Code.DeadlineExceeded);
});

both("a default time-out, and none", { defaultTimeoutMs: 60 }, async ({ client }) => {
  const error = await failureOf(client.unary({ text: "hang" }));
  assert.equal(error.code, Code.DeadlineExceeded);
  assert.equal((await client.unary({ text: "a" }, { timeoutMs: 0 })).text, "a");
});

both("an abort", {}, async ({ client, server }) => {
  const controller = new AbortController();
  const { signal } = controller;
  const call = client.unary({ text: "hang" }, { signal });
  // Once it has reached the server, which answers nothing.
  await client.unary({ text: "a" });
  controller.abort("enough");
  const error = await failureOf(call);
  assert.deepEqual([error.code, error.rawMessage], [Code.Canceled, "enough"]);
  await until("the server stops", () => server.events.includes("cancelled"));
  const late = await failureOf(client.unary({ text: "a" }, { signal }));
  assert.deepEqual([late.code, late.rawMessage], [Code.Canceled, "enough"]);
});

both(
  "an abort of a download, between messages and while waiting",
  {},
  async ({ client, server }) => {
    for (const after of [1, 2]) {
      server.events.length = 0;
      const controller = new AbortController();
      const reading = (async () => {
        let seen = 0;
        const stream = client.download({ text: "hang", count: 2 }, { signal: controller.signal });
        for await (const _ of stream) {
          seen += 1;
          if (seen === after) controller.abort();
        }
      })();
      assert.equal((await failureOf(reading)).code, Code.Canceled);
      await until("the server stops", () => server.events.includes("cancelled"));
    }
  },
);

const KEY = createContextKey("nothing");
const seen: string[] = [];
const watching: Interceptor = (next) => async (request) => {
  const { method, url, header, contextValues, signal } = request;
  assert.equal(signal.aborted, false);
  seen.push(`${method.name} ${new URL(url).pathname} ${contextValues.get(KEY)}`);
  seen.push(`${header.get("grpc-timeout")} ${header.get("content-type")} ${header.get("te")}`);
  header.set("x-in", "intercepted");
  const response = await next(request);
  seen.push(response.header.get("x-out")!);
  if (response.stream) return response;
  return { ...response, message: create(EchoMessageSchema, { text: "replaced" }) } as never;
};

both("interceptors", { interceptors: [watching] }, async ({ client }) => {
  seen.length = 0;
  const contextValues = createContextValues().set(KEY, "something");
  const answer = await client.unary({ text: "a" }, { contextValues, timeoutMs: 5_000 });
  assert.equal(answer.text, "replaced");
  await collect(client.download({ text: "a", count: 1 }, { contextValues }));
  assert.deepEqual(seen, [
    "Unary /fairlead.test.Echo/Unary something",
    "5000m application/grpc+proto trailers",
    "intercepted",
    "Download /fairlead.test.Echo/Download something",
    "null application/grpc+proto trailers",
    "intercepted",
  ]);
});

const twice: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch {
    request.header.set("x-in", "again");
    if (request.stream) return next(request);
    return next({ ...request, message: create(EchoMessageSchema, { text: "a" }) as never });
  }
};

both("an interceptor that calls twice", { interceptors: [twice] }, async ({ client }) => {
  let header: Headers | null = null;
  const answer = await client.unary(
    { text: "fail" },
    {
      timeoutMs: 5_000,
      onHeader: (seen) => {
        header = seen;
      },
    },
  );
  assert.equal(answer.text, "a");
  assert.equal(header!.get("x-out"), "again");
});

const JSON_TOO = ["connect-node"] as const;

both(
  "JSON",
  { useBinaryFormat: false },
  async ({ client }) => {
    assert.equal((await client.unary({ text: "a", data: BIG })).data.length, BIG.length);
    assert.equal((await collect(client.download({ text: "a", count: 2 }))).length, 2);
    const error = await failureOf(client.unary({ text: "fail" }));
    assert.deepEqual(error.findDetails(EchoMessageSchema), [DETAIL]);
  },
  JSON_TOO,
);

both(
  "messages beyond the limits",
  { readMaxBytes: 500, writeMaxBytes: 900 },
  async ({ client }) => {
    const data = (length: number) => ({ text: "a", data: new Uint8Array(length), count: 1 });
    assert.equal((await client.unary(data(400))).data.length, 400);
    for (const length of [600, 1_000]) {
      assert.equal((await failureOf(client.unary(data(length)))).code, Code.ResourceExhausted);
      const reading = collect(client.download(data(length)));
      assert.equal((await failureOf(reading)).code, Code.ResourceExhausted);
    }
  },
);

both("a message that cannot be written", {}, async ({ client }) => {
  const wrong = { count: 1.5 };
  assert.equal((await failureOf(client.unary(wrong))).code, Code.Internal);
  assert.equal((await failureOf(collect(client.download(wrong)))).code, Code.Internal);
});

/** The server of connect-node takes and makes messages without regard to what has left. */
const GRPC_JS = ["grpc-js"] as const;

both(
  "back-pressure: a slow reader slows the server",
  {},
  async ({ client, server }) => {
    const stream = client.download({ text: "a", data: BIG, count: 60 });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    // Until it sends no more, which is long before its 18 MB.
    const sent = await untilSteady(() => server.events.length);
    assert.ok(sent < 40, `${sent} messages were sent`);
    let read = 1;
    while ((await iterator.next()).done !== true) read += 1;
    assert.equal(read, 60);
  },
  GRPC_JS,
);

both(
  "back-pressure: a slow server slows the requests",
  {},
  async ({ client }) => {
    let made = 0;
    async function* many() {
      for (; made < 200; made++) yield { text: "a", data: BIG };
    }
    // Nobody reads the answers, so the server cannot take more requests.
    const iterator = client.chat(many())[Symbol.asyncIterator]();
    await iterator.next();
    await untilSteady(() => made);
    assert.ok(made < 150, `${made} requests were made`);
    let read = 1;
    while ((await iterator.next()).done !== true) read += 1;
    assert.equal(read, 200);
  },
  GRPC_JS,
);

test("nobody listens: unavailable", async () => {
  const server = await startConnectServer();
  server.close();
  for (const [way, open] of Object.entries(WAYS)) {
    const { transport, close } = open(server.address, {});
    const client = createClient(Echo, transport);
    assert.equal((await failureOf(client.unary({ text: "a" }))).code, Code.Unavailable, way);
    const reading = collect(client.download({ text: "a" }));
    assert.equal((await failureOf(reading)).code, Code.Unavailable, way);
    close();
  }
});
