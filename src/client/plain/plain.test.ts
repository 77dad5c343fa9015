/** Tests of the plain API on real servers of grpc-js: every kind of call, and how each can end. */
import assert from "node:assert/strict";
import test from "node:test";
import * as grpc from "@grpc/grpc-js";
import { eventually } from "../../../test/support/raw-http2.ts";
import {
  type Channel,
  type ChannelOptions,
  createChannel,
  GrpcError,
  metricsText,
  Status,
} from "./public.ts";

const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };

function serverMethod(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/echo.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  };
}

const SERVICE = {
  say: serverMethod("Say", false, false),
  collect: serverMethod("Collect", true, false),
  produce: serverMethod("Produce", false, true),
  chat: serverMethod("Chat", true, true),
};

/** Text in, text out. */
function method(name: string) {
  return {
    path: `/echo.Echo/${name}`,
    encode: (message: string): Uint8Array => Buffer.from(message),
    decode: (encoded: Uint8Array): string => Buffer.from(encoded).toString(),
  };
}

const SAY = method("Say");
const COLLECT = method("Collect");
const PRODUCE = method("Produce");
const CHAT = method("Chat");

/** What the servers saw. */
class Seen {
  cancelled = 0;
  written = 0;
  received = 0;
  metadata: grpc.Metadata | null = null;
}

function handlersOf(seen: Seen): grpc.UntypedServiceImplementation {
  return {
    say(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      seen.metadata = call.metadata;
      call.on("cancelled", () => {
        seen.cancelled += 1;
      });
      const trailing = new grpc.Metadata();
      trailing.set("x-trail", "t");
      trailing.set("x-trail-bin", Buffer.from([0, 255]));
      const order = call.request.toString();
      if (order === "hang") return;
      if (order === "fail") {
        done({ code: grpc.status.NOT_FOUND, details: "caf\u00e9 100%", metadata: trailing });
        return;
      }
      const initial = new grpc.Metadata();
      initial.set("x-initial", "i");
      call.sendMetadata(initial);
      done(null, call.request, trailing);
    },
    collect(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      let text = "";
      call.on("cancelled", () => {
        seen.cancelled += 1;
      });
      call.on("data", (part: Buffer) => {
        seen.received += 1;
        if (part.toString() === "stop") done({ code: grpc.status.ABORTED, details: "enough" });
        if (part.toString() === "stall") call.pause();
        text += part.length > 100 ? "." : part.toString();
      });
      call.on("end", () => done(null, Buffer.from(text)));
    },
    produce(call: grpc.ServerWritableStream<Buffer, Buffer>) {
      const [count, size] = call.request.toString().split(" ").map(Number);
      call.on("cancelled", () => {
        seen.cancelled += 1;
      });
      const more = (): void => {
        while (seen.written < count! && !call.cancelled) {
          seen.written += 1;
          if (!call.write(Buffer.alloc(size!, 0x61))) {
            call.once("drain", more);
            return;
          }
        }
        call.end();
      };
      more();
    },
    chat(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
      call.on("cancelled", () => {
        seen.cancelled += 1;
      });
      call.on("data", (part: Buffer) => {
        if (part.toString() === "fail") {
          call.emit("error", { code: grpc.status.DATA_LOSS, details: "broken" });
        } else call.write(Buffer.from(`re: ${part}`));
      });
      call.on("end", () => call.end());
    },
  };
}

async function withChannel(
  options: ChannelOptions,
  body: (channel: Channel, seen: Seen) => Promise<void>,
): Promise<void> {
  const seen = new Seen();
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(SERVICE, handlersOf(seen));
  const port = await new Promise<number>((done, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? done(bound) : failed(error),
    );
  });
  const channel = createChannel(`127.0.0.1:${port}`, options);
  try {
    await body(channel, seen);
  } finally {
    channel.close();
    server.forceShutdown();
  }
}

async function failure(promise: Promise<unknown>): Promise<GrpcError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GrpcError, String(error));
  return error;
}

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

test("unary calls of all sizes are answered, compressed and plain", async () => {
  for (const compression of ["identity", "gzip", "deflate"] as const) {
    await withChannel({ compression }, async (channel) => {
      for (const size of [0, 1, 100, 16_379, 16_380, 100_000, 1_000_000]) {
        const text = "x".repeat(size);
        assert.equal(await channel.unary(SAY, text), text, `${size} bytes, ${compression}`);
      }
      const texts = Array.from({ length: 200 }, (_, i) => `message ${i}`);
      const answers = await Promise.all(texts.map((text) => channel.unary(SAY, text)));
      assert.deepEqual(answers, texts);
    });
  }
});

test("a definition as grpc-js has it serves as well", async () => {
  await withChannel({}, async (channel) => {
    const answer: Buffer = await channel.unary(SERVICE.say, Buffer.from("hello"));
    assert.equal(answer.toString(), "hello");
  });
});

test("metadata goes and comes, with the peer", async () => {
  await withChannel({ userAgent: "tester/1" }, async (channel, seen) => {
    const heard: string[] = [];
    const answer = await channel.unaryWithDetails(SAY, "x", {
      metadata: { "X-One": "1", two: ["a", "b"], "three-bin": new Uint8Array([1, 2, 255]) },
      onHeaders: (headers) => heard.push(`headers ${headers.get("x-initial")}`),
      onTrailers: (trailers) => heard.push(`trailers ${trailers.get("x-trail")}`),
    });
    assert.deepEqual(seen.metadata?.get("x-one"), ["1"]);
    // The HTTP/2 of Node joins them at the server.
    assert.deepEqual(seen.metadata?.get("two"), ["a, b"]);
    assert.deepEqual([...(seen.metadata!.get("three-bin")[0] as Buffer)], [1, 2, 255]);
    assert.match(String(seen.metadata?.get("user-agent")), /^tester\/1 fairlead\/\d/);
    assert.equal(answer.headers.get("x-initial"), "i");
    assert.deepEqual([...answer.trailers.getBinary("x-trail-bin")!], [0, 255]);
    assert.equal(answer.trailers.get("grpc-status"), null, "the protocol's own is hidden");
    assert.match(answer.peer ?? "", /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(heard, ["headers i", "trailers t"]);
  });
});

test("a status other than OK rejects with all that the server said", async () => {
  await withChannel({}, async (channel) => {
    const error = await failure(channel.unary(SAY, "fail"));
    assert.equal(error.code, Status.NOT_FOUND);
    assert.equal(error.codeName, "NOT_FOUND");
    assert.equal(error.details, "caf\u00e9 100%");
    assert.equal(error.message, "NOT_FOUND: caf\u00e9 100%");
    assert.equal(error.trailers.get("x-trail"), "t");
    assert.match(error.peer ?? "", /^127\.0\.0\.1:/);
    const unknown = await failure(channel.unary(method("Nothing"), "x"));
    assert.equal(unknown.codeName, "UNIMPLEMENTED");
  });
});

test("time-out, deadline and abort end a call, and the server hears of it", async () => {
  await withChannel({}, async (channel, seen) => {
    const late = await failure(channel.unary(SAY, "hang", { timeoutMs: 50 }));
    assert.equal(late.codeName, "DEADLINE_EXCEEDED");
    const past = await failure(channel.unary(SAY, "hang", { deadline: new Date(0) }));
    assert.equal(past.codeName, "DEADLINE_EXCEEDED");
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const pending = failure(channel.unary(SAY, "hang", { signal: controller.signal }));
    await channel.unary(SAY, "x");
    controller.abort(reason);
    const aborted = await pending;
    assert.equal(aborted.codeName, "CANCELLED");
    assert.equal(aborted.cause, reason);
    await eventually("the server hears", () => seen.cancelled === 2);
    const before = await failure(channel.unary(SAY, "x", { signal: controller.signal }));
    assert.equal(before.cause, reason);
  });
});

test("what encode and decode throw is the call's INTERNAL, with its cause", async () => {
  await withChannel({}, async (channel) => {
    const wrong = new Error("no such field");
    const bad = (): never => {
      throw wrong;
    };
    for (const each of [
      { ...SAY, encode: bad },
      { ...SAY, decode: bad },
    ]) {
      const error = await failure(channel.unary(each, "x"));
      assert.equal(error.codeName, "INTERNAL");
      assert.match(error.details, /no such field/);
      assert.equal(error.cause, wrong);
      const stream = readAll(channel.serverStream({ ...each, path: PRODUCE.path }, "2 1"));
      assert.equal((await failure(stream)).cause, wrong);
    }
    assert.equal(await channel.unary(SAY, "still well"), "still well");
  });
});

test("a server stream is read in a loop; leaving it cancels the call", async () => {
  await withChannel({}, async (channel, seen) => {
    assert.equal((await readAll(channel.serverStream(PRODUCE, "1000 10"))).length, 1_000);
    seen.written = 0;
    const stream = channel.serverStream(PRODUCE, "100000 1000");
    let count = 0;
    for await (const _message of stream) if (++count === 10) break;
    await eventually("the server hears", () => seen.cancelled >= 1);
    assert.ok(seen.written < 100_000);
    assert.deepEqual(await stream.next(), { value: undefined, done: true });
  });
});

test("a reader that does not read stops the server", async () => {
  await withChannel({}, async (channel, seen) => {
    const stream = channel.serverStream(PRODUCE, "100000 1000");
    await stream.headers;
    await channel.unary(SAY, "x");
    let written = 0;
    await eventually("the server stands still", async () => {
      const before = seen.written;
      await new Promise((done) => setTimeout(done, 30));
      written = seen.written;
      return written === before;
    });
    assert.ok(written < 2_000, `${written} messages of 1,000 bytes`);
    await stream.next();
    stream.cancel();
  });
});

test("headers and trailers of a failed stream reject, and may be left alone", async () => {
  await withChannel({}, async (channel) => {
    const stream = channel.serverStream(method("Nothing"), "x");
    const { headers, trailers } = stream;
    const error = await failure(stream.next());
    assert.equal(error.codeName, "UNIMPLEMENTED");
    assert.equal(await failure(trailers), error);
    void headers;
    const good = channel.serverStream(PRODUCE, "1 1");
    await readAll(good);
    assert.equal((await good.trailers).get("x"), null);
  });
});

test("a client stream comes from any iterable", async () => {
  await withChannel({}, async (channel) => {
    assert.equal(await channel.clientStream(COLLECT, ["a", "b", "c"]), "abc");
    assert.equal(await channel.clientStream(COLLECT, []), "");
    async function* slowly() {
      for (const each of ["d", "e"]) {
        await new Promise((done) => setTimeout(done, 5));
        yield each;
      }
    }
    assert.equal(await channel.clientStream(COLLECT, slowly()), "de");
  });
});

test("a slow server stops the source, and its end stops it for good", async () => {
  await withChannel({}, async (channel) => {
    let yielded = 0;
    let isReturned = false;
    function* source() {
      try {
        yield "stall";
        for (; yielded < 100_000; yielded += 1) yield "x".repeat(1_000);
      } finally {
        isReturned = true;
      }
    }
    const controller = new AbortController();
    const pending = failure(channel.clientStream(COLLECT, source(), { signal: controller.signal }));
    let seen = -1;
    await eventually("the source stands still", async () => {
      const before = yielded;
      await new Promise((done) => setTimeout(done, 30));
      seen = yielded;
      return seen > 0 && seen === before;
    });
    assert.ok(seen < 2_000, `${seen} messages of 1,000 bytes`);
    controller.abort();
    assert.equal((await pending).codeName, "CANCELLED");
    assert.ok(isReturned, "the generator was told");
  });
});

test("a server that ends early ends a stream whose source still waits", async () => {
  await withChannel({}, async (channel) => {
    async function* endless() {
      yield "stop";
      await new Promise(() => {});
    }
    const error = await failure(channel.clientStream(COLLECT, endless()));
    assert.equal(error.codeName, "ABORTED");
    assert.equal(error.details, "enough");
  });
});

test("a source that throws cancels the call, and is its cause", async () => {
  await withChannel({}, async (channel, seen) => {
    const wrong = new Error("file is gone");
    function* source(): Generator<string> {
      yield "a";
      throw wrong;
    }
    const error = await failure(channel.clientStream(COLLECT, source()));
    assert.equal(error.codeName, "CANCELLED");
    assert.equal(error.cause, wrong);
    await eventually("the server hears", () => seen.cancelled === 1);
  });
});

test("streams both ways answer each other", async () => {
  await withChannel({}, async (channel) => {
    assert.deepEqual(await readAll(channel.bidi(CHAT, ["a", "b"])), ["re: a", "re: b"]);
    const chat = channel.duplex(CHAT);
    for (let i = 0; i < 20; i += 1) {
      assert.equal(await chat.write(`ping ${i}`), true);
      assert.equal((await chat.next()).value, `re: ping ${i}`);
    }
    chat.end();
    assert.equal((await chat.next()).done, true);
    assert.equal(await chat.write("too late"), false);
    const failing = channel.duplex(CHAT);
    void failing.write("fail");
    assert.equal((await failure(failing.next())).codeName, "DATA_LOSS");
    assert.equal((await failing.next()).done, true, "the error is told once");
  });
});

test("call metadata is asked for before each call, and its failure is the call's", async () => {
  let count = 0;
  const options: ChannelOptions = {
    allowPlaintextCallMetadata: true,
    callMetadata: async ({ path, authority }) => {
      count += 1;
      if (count === 3) throw new Error("no token");
      if (count === 4) await new Promise(() => {});
      return { token: `${path} ${authority} ${count}` };
    },
  };
  await withChannel(options, async (channel, seen) => {
    await channel.unary(SAY, "x");
    assert.match(String(seen.metadata?.get("token")), /^\/echo\.Echo\/Say 127\.0\.0\.1:\d+ 1$/);
    const chat = channel.duplex(CHAT);
    void chat.write("early");
    chat.end();
    assert.deepEqual(await readAll(chat), ["re: early"]);
    const error = await failure(channel.unary(SAY, "x"));
    assert.equal(error.codeName, "UNAUTHENTICATED");
    assert.match(error.details, /no token/);
    const late = await failure(channel.unary(SAY, "x", { timeoutMs: 30 }));
    assert.equal(late.codeName, "DEADLINE_EXCEEDED");
  });
});

test("a message beyond a limit is RESOURCE_EXHAUSTED", async () => {
  await withChannel({ sendBytesMax: 100, receiveBytesMax: 50 }, async (channel) => {
    for (const size of [51, 101]) {
      const error = await failure(channel.unary(SAY, "x".repeat(size)));
      assert.equal(error.codeName, "RESOURCE_EXHAUSTED", `${size} bytes`);
    }
    assert.equal(await channel.unary(SAY, "x".repeat(50)), "x".repeat(50));
  });
});

test("connectivity is told, and closing lets calls in flight finish", async () => {
  await withChannel({ shared: false }, async (channel) => {
    assert.equal(channel.connectivity, "IDLE");
    assert.equal(channel.view(), null);
    const states = readAll(channel.watchConnectivity());
    await channel.waitForReady(5_000);
    assert.equal(channel.connectivity, "READY");
    assert.equal(channel.view()?.endpoints.length, 1);
    const pending = channel.unary(SAY, "last");
    await channel[Symbol.asyncDispose]();
    assert.equal(await pending, "last");
    const closed = await failure(channel.unary(SAY, "x"));
    assert.equal(closed.codeName, "UNAVAILABLE");
    const seen = await states;
    assert.equal(seen[0], "IDLE");
    assert.equal(seen.at(-1), "SHUTDOWN");
    assert.ok(seen.includes("READY"));
    assert.equal((await failure(channel.waitForReady())).codeName, "UNAVAILABLE");
  });
});

test("channels of one target and other settings count side by side", async () => {
  await withChannel({ shared: false }, async (channel) => {
    using other = createChannel(channel.target, { shared: false });
    await Promise.all([channel.unary(SAY, "x"), other.unary(SAY, "x")]);
    const count = /^grpc_client_attempt_duration_seconds_count.*"OK"/;
    const line = metricsText()
      .split("\n")
      .find((each) => {
        return count.test(each) && each.includes(`"${channel.target}"`);
      });
    assert.match(line ?? metricsText(), / 2$/);
  });
});

test("nobody there: a call fails at once, waits when told to, and readiness is given up", async () => {
  using channel = createChannel("127.0.0.1:1", { backoff: { initialMs: 50, maxMs: 50 } });
  const error = await failure(channel.unary(SAY, "x"));
  assert.equal(error.codeName, "UNAVAILABLE");
  assert.match(error.details, /127\.0\.0\.1:1/);
  const late = await failure(channel.unary(SAY, "x", { waitForReady: true, timeoutMs: 60 }));
  assert.equal(late.codeName, "DEADLINE_EXCEEDED");
  assert.equal((await failure(channel.waitForReady(60))).codeName, "DEADLINE_EXCEEDED");
});

// Its stack was that of a socket's read.
test("the stack of an error shows who made the call", async () => {
  using channel = createChannel("127.0.0.1:1");
  async function placeOrder(): Promise<void> {
    await channel.unary(SAY, "x");
  }
  async function chargeCard(): Promise<void> {
    await channel.clientStream(SAY, ["x"]);
  }
  assert.match((await failure(placeOrder())).stack ?? "", /at async placeOrder/);
  assert.match((await failure(chargeCard())).stack ?? "", /at async chargeCard/);
});
