/** Tests of what a call looks like behind the proxy and before it: frame by frame, real sockets. */
import assert from "node:assert/strict";
import test from "node:test";
import { withProxy } from "../../test/support/proxy.ts";
import {
  encodePairs,
  encodeText,
  eventually,
  Flags,
  grpcRequest,
  type Pairs,
  type RawStream,
  Type,
} from "../../test/support/raw-http2.ts";

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const CANCEL = 8;

function pairsOf(stream: RawStream, at = 0): [string, string][] {
  return stream.lists[at].toPairs();
}

test("request headers arrive as they were sent: unknown names, doubles, order", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const request = grpcRequest("/a.B/C", [
      ["x-unknown", "1"],
      ["cookie", "a=b"],
      ["x-unknown", "2"],
      ["cookie", "c=d"],
      ["key-bin", "AAEC/w"],
      ["x-empty", ""],
      ["user-agent", "grpc-test/1.0"],
      ["forwarded", "for=1.2.3.4"],
      ["x-high", "\u00e9\u00ff"],
    ]);
    const call = client.request(request);
    const stream = await upstream.nextStream();
    assert.deepEqual(pairsOf(stream), request);
    assert.equal(stream.isEnded, true);
    upstream.respond(stream.id);
    await eventually("the answer", () => call.isEnded);
  });
});

test("response headers and trailers arrive as they were sent", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    const headers: Pairs = [
      [":status", "200"],
      ["content-type", "application/grpc+proto"],
      ["x-b", "2"],
      ["x-a", "1"],
      ["x-b", "3"],
      ["trace-bin", "//8"],
    ];
    const trailers: Pairs = [
      ["grpc-status", "5"],
      ["grpc-message", "not%20there"],
      ["grpc-status-details-bin", "CAUSBQ"],
      ["x-z", "1"],
      ["x-z", "2"],
    ];
    upstream.headers(id, headers);
    upstream.data(id, "hello");
    upstream.headers(id, trailers, true);
    await eventually("the answer", () => call.isEnded);
    assert.deepEqual(pairsOf(call), headers);
    assert.deepEqual(pairsOf(call, 1), trailers);
    assert.equal(call.body.toString(), "hello");
    assert.equal(call.resetCode, null);
  });
});

test("a trailers-only answer stays one HEADERS frame with END_STREAM", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    upstream.headers(
      id,
      [
        [":status", "200"],
        ["grpc-status", "12"],
      ],
      true,
    );
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.lists.length, 1);
    assert.deepEqual(pairsOf(call), [
      [":status", "200"],
      ["grpc-status", "12"],
    ]);
    assert.equal(client.frames.filter(({ type }) => type === Type.DATA).length, 0);
  });
});

test("methods, paths, authorities and content-types go through byte for byte", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const requests: Pairs[] = [
      ["GET", "//x"],
      ["GET", "/a/../b/./c"],
      ["GET", "/%2f%2F%zz"],
      ["PUT", "/?q=1&q=2"],
      ["DELETE", "/a;b=c,d"],
      ["PROPFIND", "/[brackets]|pipe^"],
      ["OPTIONS", "*"],
      ["POST", "/no/content-type"],
    ].map(([method, path]) => [
      [":method", method],
      [":scheme", "http"],
      [":path", path],
      [":authority", "Some-Host.example:8080"],
    ]);
    requests.push([
      [":method", "POST"],
      [":scheme", "https"],
      [":authority", "[::1]:99"],
      [":path", "/json"],
      ["content-type", "application/json; charset=utf-8"],
      ["host", "[::1]:99"],
    ]);
    requests.push([
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/only-host"],
      ["host", "plain.example"],
    ]);
    for (const request of requests) {
      const call = client.request(request);
      const stream = await upstream.nextStream();
      assert.deepEqual(pairsOf(stream), request);
      upstream.headers(stream.id, [[":status", "204"]], true);
      await eventually("the answer", () => call.isEnded);
      assert.deepEqual(pairsOf(call), [[":status", "204"]]);
    }
  });
});

test("HEAD is answered with a content-length and no body", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request([
      [":method", "HEAD"],
      [":scheme", "http"],
      [":path", "/big"],
      [":authority", "a"],
    ]);
    const { id } = await upstream.nextStream();
    upstream.headers(
      id,
      [
        [":status", "200"],
        ["content-length", "5000"],
      ],
      true,
    );
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("content-length"), "5000");
    assert.equal(call.body.length, 0);
    assert.equal(call.resetCode, null);
  });
});

test("informational answers come before the final one, each as it was", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    const { id } = await upstream.nextStream();
    upstream.headers(id, [[":status", "100"]]);
    upstream.headers(id, [
      [":status", "103"],
      ["link", "</a.css>"],
    ]);
    await eventually("both", () => call.lists.length === 2);
    client.data(call.id, "body", true);
    upstream.respond(id);
    await eventually("the answer", () => call.isEnded);
    assert.deepEqual(
      call.lists.map((list) => list.get(":status")),
      ["100", "103", "200", null],
    );
    assert.equal(call.lists[1].get("link"), "</a.css>");
  });
});

test("CONNECT is a tunnel both ways", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const request: Pairs = [
      [":method", "CONNECT"],
      [":authority", "db.internal:5432"],
    ];
    const call = client.request(request, false);
    const stream = await upstream.nextStream();
    assert.deepEqual(pairsOf(stream), request);
    upstream.headers(stream.id, [[":status", "200"]]);
    client.data(call.id, "ping");
    await eventually("ping", () => stream.body.toString() === "ping");
    upstream.data(stream.id, "pong");
    await eventually("pong", () => call.body.toString() === "pong");
    client.data(call.id, "", true);
    await eventually("the end", () => stream.isEnded);
    upstream.data(stream.id, "", true);
    await eventually("the end", () => call.isEnded);
  });
});

test("request trailers are relayed", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    client.data(call.id, "body");
    client.headers(call.id, [["x-checksum", "abc"]], true);
    const stream = await upstream.nextStream();
    await eventually("the end", () => stream.isEnded);
    assert.equal(stream.body.toString(), "body");
    assert.deepEqual(pairsOf(stream, 1), [["x-checksum", "abc"]]);
    upstream.respond(stream.id);
    await eventually("the answer", () => call.isEnded);
  });
});

test("both directions flow at the same time, message by message", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    const stream = await upstream.nextStream();
    upstream.headers(stream.id, [[":status", "200"]]);
    let sent = "";
    for (let i = 0; i < 50; i += 1) {
      client.data(call.id, `q${i};`);
      sent += `q${i};`;
      const expected = sent;
      await eventually("the question", () => stream.body.toString() === expected);
      upstream.data(stream.id, `a${i};`);
      await eventually("the answer", () => call.body.toString() === expected.replaceAll("q", "a"));
    }
    client.data(call.id, "", true);
    await eventually("the end", () => stream.isEnded);
    upstream.headers(stream.id, [["grpc-status", "0"]], true);
    await eventually("the end", () => call.isEnded);
  });
});

test("a reset of the client reaches the server with its code", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    for (const [sent, expected] of [
      [CANCEL, CANCEL],
      [INTERNAL_ERROR, INTERNAL_ERROR],
      [NO_ERROR, CANCEL],
      [0xdeadbeef, 0xdeadbeef],
    ]) {
      const call = client.request(grpcRequest(), false);
      const stream = await upstream.nextStream();
      client.reset(call.id, sent);
      await eventually("the reset", () => stream.resetCode !== null);
      assert.equal(stream.resetCode, expected);
    }
    await eventually("nothing is left", () => harness.activeCalls === 0);
  });
});

test("a client that goes away cancels its calls", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    client.request(grpcRequest(), false);
    client.request(grpcRequest(), true);
    const streams = [await upstream.nextStream(), await upstream.nextStream()];
    client.destroy();
    await eventually("both are reset", () => streams.every((each) => each.resetCode === CANCEL));
    await eventually("nothing is left", () => harness.activeCalls === 0);
  });
});

test("a reset of the server reaches the client with its code", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    for (const code of [INTERNAL_ERROR, CANCEL, 11, 0xdeadbeef]) {
      const call = client.request(grpcRequest());
      const { id } = await upstream.nextStream();
      upstream.headers(id, [[":status", "200"]]);
      upstream.data(id, "half");
      upstream.reset(id, code);
      await eventually("the reset", () => call.resetCode !== null);
      assert.equal(call.resetCode, code);
      assert.equal(call.isEnded, false);
    }
  });
});

test("an answer that is complete before the request ends it, with NO_ERROR", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    client.data(call.id, "some");
    const { id } = await upstream.nextStream();
    upstream.respond(id, "8", "enough");
    upstream.reset(id, NO_ERROR);
    await eventually("the answer and the reset", () => call.resetCode !== null);
    assert.equal(call.isEnded, true, "the whole answer came first");
    assert.equal(call.get("grpc-status"), "8");
    assert.equal(call.body.toString(), "enough");
    assert.equal(call.resetCode, NO_ERROR);
    await client.roundTrip();
    await eventually("nothing is left", () => harness.activeCalls === 0);
  });
});

test("a field that must never be indexed stays one", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const secret = Buffer.concat([
      Buffer.from([0x10]),
      encodeText("authorization"),
      encodeText("Bearer 1"),
    ]);
    for (let i = 0; i < 3; i += 1) {
      const id = 1 + 2 * i;
      const block = Buffer.concat([encodePairs(grpcRequest()), secret]);
      client.send(Type.HEADERS, Flags.END_HEADERS | Flags.END_STREAM, id, block);
      const stream = await upstream.nextStream();
      const field = stream.lists[0].fields.find(({ name }) => name.text === "authorization");
      assert.equal(field?.value, "Bearer 1");
      assert.equal(field?.isNever, true);
      const answer = Buffer.concat([
        encodePairs([[":status", "200"]]),
        Buffer.from([0x10]),
        encodeText("set-cookie"),
        encodeText("s=1"),
      ]);
      upstream.send(Type.HEADERS, Flags.END_HEADERS | Flags.END_STREAM, stream.id, answer);
      const call = client.stream(id);
      await eventually("the answer", () => call.isEnded);
      const cookie = call.lists[0].fields.find(({ name }) => name.text === "set-cookie");
      assert.equal(cookie?.isNever, true);
    }
  });
});

test("header blocks larger than a frame are relayed whole", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const more: [string, string][] = Array.from({ length: 40 }, (_, i) => [
      `x-${i}`,
      "v".repeat(1_000),
    ]);
    const block = encodePairs(grpcRequest("/a/b", more));
    assert.ok(block.length > 2 * 16_384, "it takes three frames");
    client.block(1, block, true);
    const stream = await upstream.nextStream();
    assert.deepEqual(pairsOf(stream), grpcRequest("/a/b", more));
    upstream.respond(stream.id);
    await eventually("the answer", () => client.stream(1).isEnded);
  });
});

test("padding is taken off and no window leaks with it", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    const stream = await upstream.nextStream();
    const padded = Buffer.concat([Buffer.from([255]), Buffer.from("x"), Buffer.alloc(255)]);
    // More padding than the stream's window: it works only if padding is credited.
    for (let i = 0; i < 400; i += 1) {
      client.send(Type.DATA, Flags.PADDED, call.id, padded);
      if (i % 100 === 99) await client.roundTrip();
    }
    client.data(call.id, "", true);
    await eventually("the end", () => stream.isEnded);
    assert.equal(stream.body.toString(), "x".repeat(400));
    upstream.respond(stream.id);
    await eventually("the answer", () => call.isEnded);
  });
});

test("calls of one connection are spread over all endpoints", async () => {
  await withProxy(3, async (harness, upstreams) => {
    const client = await harness.client();
    const calls = Array.from({ length: 30 }, () => client.request(grpcRequest()));
    for (const upstream of upstreams) {
      for (let i = 0; i < 10; i += 1) upstream.respond((await upstream.nextStream()).id);
    }
    await eventually("all are answered", () => calls.every((call) => call.isEnded));
    assert.deepEqual(
      harness.proxy.clusters()[0].endpoints.map(({ calls: count }) => count),
      [10, 10, 10],
    );
  });
});

test("a call that its endpoint refused is answered by another, its body whole", async () => {
  await withProxy(2, async (harness, upstreams) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    client.data(call.id, "first ");
    const taken = await eventually("a stream", () => upstreams.find((u) => u.freshCount > 0));
    const refused = await taken.nextStream();
    await eventually("its body", () => refused.body.length > 0);
    taken.reset(refused.id, 7);
    const other = upstreams.find((upstream) => upstream !== taken)!;
    const stream = await other.nextStream();
    client.data(call.id, "second", true);
    await eventually("the whole body", () => stream.isEnded);
    assert.equal(stream.body.toString(), "first second");
    other.respond(stream.id, "0", "ok");
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 1);
  });
});
