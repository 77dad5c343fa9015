/** Tests of the proxy between stock grpc-js clients and servers: every kind of call. */
import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import * as grpc from "@grpc/grpc-js";
import { ProxyHarness, runWith } from "../../test/support/proxy.ts";
import { eventually } from "../../test/support/raw-http2.ts";

const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };

function method(name: string, requestStream: boolean, responseStream: boolean) {
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
  say: method("Say", false, false),
  collect: method("Collect", true, false),
  produce: method("Produce", false, true),
  chat: method("Chat", true, true),
};

type Duplex = grpc.ServerDuplexStream<Buffer, Buffer>;

const HANDLERS: grpc.UntypedServiceImplementation = {
  say(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    const [order] = call.metadata.get("x-order");
    const initial = new grpc.Metadata();
    const trailing = new grpc.Metadata();
    for (const value of call.metadata.get("x-echo")) initial.add("x-echo", value);
    for (const value of call.metadata.get("x-echo-bin")) initial.add("x-echo-bin", value);
    for (const value of call.metadata.get("x-trail-bin")) trailing.add("x-trail-bin", value);
    trailing.set("x-authority", call.getHost());
    if (order === "hang") return;
    if (order === "fail") {
      const details = "caf\u00e9 \u2615\n100% wrong";
      done({ code: grpc.status.FAILED_PRECONDITION, details, metadata: trailing });
      return;
    }
    call.sendMetadata(initial);
    done(null, call.request, trailing);
  },
  collect(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    let size = 0;
    call.on("data", (part: Buffer) => {
      size += part.length;
      if (part.toString() === "stop") done({ code: grpc.status.ABORTED, details: "enough" });
    });
    call.on("end", () => done(null, Buffer.from(String(size))));
  },
  produce(call: grpc.ServerWritableStream<Buffer, Buffer>) {
    const count = Number(call.request.toString());
    for (let i = 0; i < count; i += 1) call.write(Buffer.from(`message ${i}`));
    call.end();
  },
  chat(call: Duplex) {
    call.on("data", (part: Buffer) => call.write(Buffer.from(`re: ${part}`)));
    call.on("end", () => call.end());
  },
};

/** A client of the proxy in front of `count` stock servers. */
async function withGrpc(
  count: number,
  body: (client: grpc.Client, harness: ProxyHarness) => Promise<void>,
): Promise<void> {
  const servers: grpc.Server[] = [];
  const ports: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    server.addService(SERVICE, HANDLERS);
    const port = await new Promise<number>((done, failed) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? done(bound) : failed(error),
      );
    });
    servers.push(server);
    ports.push(port);
  }
  const harness = new ProxyHarness(ports.map((port) => `127.0.0.1:${port}`).join(","));
  harness.onClose(() => {
    for (const server of servers) server.forceShutdown();
  });
  await runWith(harness, async () => {
    await harness.start(count);
    const client = new grpc.Client(harness.address, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.default_authority": "echo.test",
    });
    harness.onClose(() => client.close());
    await body(client, harness);
  });
}

interface Answer {
  error: grpc.ServiceError | null;
  value: Buffer | undefined;
  initial: grpc.Metadata | null;
  status: grpc.StatusObject | null;
}

/** A unary call, to its status. */
function say(
  client: grpc.Client,
  request: Buffer,
  metadata = new grpc.Metadata(),
  options: grpc.CallOptions = {},
): { answer: Promise<Answer>; call: grpc.ClientUnaryCall } {
  const { path, requestSerialize, responseDeserialize } = SERVICE.say;
  let call: grpc.ClientUnaryCall | null = null;
  const answer = new Promise<Answer>((done) => {
    const seen: Answer = { error: null, value: undefined, initial: null, status: null };
    call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      options,
      (error, value) => {
        seen.error = error;
        seen.value = value;
        if (seen.status !== null) done(seen);
      },
    );
    call.on("metadata", (initial) => {
      seen.initial = initial;
    });
    call.on("status", (status) => {
      seen.status = status;
      setImmediate(() => done(seen));
    });
  });
  return { answer, call: call! };
}

test("unary calls of all sizes are answered, spread over the servers", async () => {
  await withGrpc(3, async (client, harness) => {
    for (const size of [0, 1, 100, 16_384, 65_536, 4 << 20, 9_000_000]) {
      const request = Buffer.alloc(size, size);
      const { value, error } = await say(client, request).answer;
      assert.equal(error, null);
      assert.ok(value!.equals(request), `${size} bytes`);
    }
    const answers = Array.from({ length: 60 }, (_, i) => say(client, Buffer.from([i])).answer);
    for (const [i, answer] of (await Promise.all(answers)).entries()) {
      assert.deepEqual([...answer.value!], [i]);
    }
    for (const { calls, failures } of harness.proxy.clusters()[0].endpoints) {
      assert.ok(calls >= 20, `${calls} calls`);
      assert.equal(failures, 0);
    }
  });
});

test("metadata, binary metadata and the authority arrive as they were sent", async () => {
  await withGrpc(1, async (client) => {
    const metadata = new grpc.Metadata();
    metadata.add("x-echo", "one");
    metadata.add("x-echo", "two");
    const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    metadata.add("x-echo-bin", binary);
    metadata.add("x-trail-bin", binary);
    const { initial, status } = await say(client, Buffer.from("x"), metadata).answer;
    assert.deepEqual(initial!.get("x-echo"), ["one, two"]);
    assert.ok((initial!.get("x-echo-bin")[0] as Buffer).equals(binary));
    assert.ok((status!.metadata.get("x-trail-bin")[0] as Buffer).equals(binary));
    assert.deepEqual(status!.metadata.get("x-authority"), ["echo.test"]);
  });
});

test("statuses and their messages arrive as they were sent", async () => {
  await withGrpc(1, async (client, harness) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-order", "fail");
    const { error } = await say(client, Buffer.from("x"), metadata).answer;
    assert.equal(error?.code, grpc.status.FAILED_PRECONDITION);
    assert.equal(error?.details, "caf\u00e9 \u2615\n100% wrong");
    const { serialize, deserialize } = bytes;
    const unknown = await new Promise<grpc.ServiceError | null>((done) => {
      client.makeUnaryRequest("/no.Such/Method", serialize, deserialize, Buffer.alloc(0), (e) =>
        done(e),
      );
    });
    assert.equal(unknown?.code, grpc.status.UNIMPLEMENTED);
    assert.equal(harness.proxy.clusters()[0].endpoints[0].failures, 2);
  });
});

test("client, server and bidirectional streams flow", async () => {
  await withGrpc(1, async (client) => {
    const { serialize, deserialize } = bytes;
    const total = await new Promise<string>((done, failed) => {
      const call = client.makeClientStreamRequest(
        SERVICE.collect.path,
        serialize,
        deserialize,
        (error, value) => (error === null ? done(String(value)) : failed(error)),
      );
      for (let i = 0; i < 100; i += 1) call.write(Buffer.alloc(i * 100));
      call.end();
    });
    assert.equal(total, "495000");

    const produced = client.makeServerStreamRequest(
      SERVICE.produce.path,
      serialize,
      deserialize,
      Buffer.from("1000"),
    );
    const messages: string[] = [];
    for await (const message of produced) messages.push(String(message));
    assert.equal(messages.length, 1_000);
    assert.equal(messages[999], "message 999");

    const chat = client.makeBidiStreamRequest(SERVICE.chat.path, serialize, deserialize);
    for (let i = 0; i < 20; i += 1) {
      chat.write(Buffer.from(`ping ${i}`));
      const [reply] = await once(chat, "data");
      assert.equal(String(reply), `re: ping ${i}`);
    }
    chat.end();
    const [status] = await once(chat, "status");
    assert.equal(status.code, 0);
  });
});

test("a server that ends a stream early ends it for the client, who was still sending", async () => {
  await withGrpc(1, async (client, harness) => {
    const { serialize, deserialize } = bytes;
    const error = await new Promise<grpc.ServiceError | null>((done) => {
      const call = client.makeClientStreamRequest(
        SERVICE.collect.path,
        serialize,
        deserialize,
        (failure) => done(failure),
      );
      call.write(Buffer.from("more"));
      call.write(Buffer.from("stop"));
    });
    assert.equal(error?.code, grpc.status.ABORTED);
    assert.equal(error?.details, "enough");
    await eventually("nothing is left", () => harness.activeCalls === 0);
  });
});

test("cancelling and deadlines end the call on the server too", async () => {
  await withGrpc(1, async (client, harness) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-order", "hang");
    const cancelled = say(client, Buffer.from("x"), metadata);
    await eventually(
      "it is there",
      () => harness.proxy.clusters()[0].endpoints[0].activeCalls === 1,
    );
    cancelled.call.cancel();
    assert.equal((await cancelled.answer).error?.code, grpc.status.CANCELLED);
    const options = { deadline: Date.now() + 100 };
    const late = await say(client, Buffer.from("x"), metadata, options).answer;
    assert.equal(late.error?.code, grpc.status.DEADLINE_EXCEEDED);
    await eventually("nothing is left", () => harness.activeCalls === 0);
    const { value } = await say(client, Buffer.from("still fine")).answer;
    assert.equal(String(value), "still fine");
  });
});
