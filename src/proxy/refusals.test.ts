/** Tests of calls that fairlead answers itself: how each kind of caller is told, and why. */
import assert from "node:assert/strict";
import test from "node:test";
import { ProxyHarness, runWith, withProxy } from "../../test/support/proxy.ts";
import {
  eventually,
  grpcRequest,
  type Pairs,
  type RawStream,
  Type,
} from "../../test/support/raw-http2.ts";
import { decodeGrpcMessage } from "../grpc/index.ts";

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const REFUSED_STREAM = 7;

/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";

function plain(method = "GET", path = "/", more: Pairs = []): Pairs {
  return [[":method", method], [":scheme", "http"], [":path", path], [":authority", "a"], ...more];
}

function messageOf(call: RawStream): string {
  return decodeGrpcMessage(call.get("grpc-message") ?? "");
}

/** Runs with a proxy whose only endpoint refuses connections. */
async function withNothing(body: (harness: ProxyHarness) => Promise<void>): Promise<void> {
  const harness = new ProxyHarness(NOWHERE, { readyTimeoutMs: 5_000 });
  await runWith(harness, async () => {
    harness.addresses = await harness.proxy.listen();
    await eventually("refused", () => /refused/.test(harness.proxy.readiness().reason));
    await body(harness);
  });
}

test("of calls that fail together one is told, and then how many more there were", async () => {
  await withNothing(async (harness) => {
    const client = await harness.client();
    const calls = [1, 2, 3].map(() => client.request(grpcRequest()));
    await client.roundTrip();
    await harness.pass(5_010);
    await eventually("all refused", () => calls.every(({ isEnded }) => isEnded));
    await harness.pass(2_000);
    const lines = harness.log.entries.filter(({ msg }) => msg.startsWith("call failed"));
    assert.deepEqual(
      lines.map(({ msg, fields }) => [msg, fields.more]),
      [
        ["call failed", undefined],
        ["call failed: and more", 2],
      ],
    );
  });
});

test("a gRPC call that nothing can take gets HTTP 200, a status and the reason", async () => {
  await withNothing(async (harness) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    await client.roundTrip();
    assert.equal(call.lists.length, 0, "it waits");
    await harness.pass(5_010);
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.lists.length, 1, "trailers-only");
    assert.equal(call.get(":status"), "200");
    assert.equal(call.get("content-type"), "application/grpc");
    assert.equal(call.get("grpc-status"), "14");
    assert.match(
      messageOf(call),
      /^fairlead: no endpoint of 127\.0\.0\.1:1 is ready: 127\.0\.0\.1:1: connection refused/,
    );
    assert.equal(call.resetCode, null, "its request was complete");
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "not_ready" }), 1);
    const line = harness.log.entries.find(({ msg }) => msg === "call failed");
    assert.match(String(line?.fields.reason), /connection refused/);
  });
});

test("another call gets HTTP 503 with the same text as its body", async () => {
  await withNothing(async (harness) => {
    const client = await harness.client();
    const call = client.request(plain());
    await client.roundTrip();
    await harness.pass(5_010);
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.get(":status"), "503");
    assert.equal(call.get("content-type"), "text/plain; charset=utf-8");
    assert.match(call.body.toString(), /^fairlead: no endpoint of 127\.0\.0\.1:1 is ready: .*\n$/);
    assert.equal(call.get("content-length"), String(call.body.length));
  });
});

test("a refused call whose request goes on is told that the rest is of no interest", async () => {
  await withNothing(async (harness) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    await client.roundTrip();
    await harness.pass(5_010);
    await eventually("the refusal", () => call.resetCode !== null);
    assert.equal(call.isEnded, true);
    assert.equal(call.get("grpc-status"), "14");
    assert.equal(call.resetCode, 0);
    client.data(call.id, "late", true);
    await client.roundTrip();
    assert.equal(client.isClosed, false, "what was on its way is no fault");
  });
});

test("a call with a shorter deadline waits no longer than that", async () => {
  await withNothing(async (harness) => {
    const client = await harness.client();
    const call = client.request(grpcRequest("/a/b", [["grpc-timeout", "200m"]]));
    await client.roundTrip();
    await harness.pass(220);
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "14");
  });
});

test("a malformed grpc-timeout is relayed and is no deadline", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    for (const value of ["", "10", "S", "-1S", "123456789S", "1 S", "1x"]) {
      const call = client.request(grpcRequest("/a/b", [["grpc-timeout", value]]));
      const stream = await upstream.nextStream();
      assert.equal(stream.get("grpc-timeout"), value);
      upstream.respond(stream.id);
      await eventually("the answer", () => call.isEnded);
    }
  });
});

test("a deadline that nobody keeps is kept by the proxy", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const bare = client.request(grpcRequest("/a/b", [["grpc-timeout", "1S"]]));
    const half = client.request(grpcRequest("/a/b", [["grpc-timeout", "1S"]]), false);
    const streams = [await upstream.nextStream(), await upstream.nextStream()];
    upstream.headers(streams[1].id, [
      [":status", "200"],
      ["content-type", "application/grpc"],
    ]);
    await eventually("headers", () => half.lists.length === 1);
    await harness.pass(1_100);
    await eventually("both are over", () => bare.isEnded && half.isEnded);
    assert.equal(bare.get("grpc-status"), "4");
    assert.match(messageOf(bare), /^fairlead: deadline exceeded after 1\d\d\d ms, waiting for 127/);
    assert.equal(half.lists.length, 2, "headers, then trailers of ours");
    assert.equal(half.get("grpc-status"), "4");
    await eventually("the server is told", () => streams.every((each) => each.resetCode === 8));
  });
});

test("a deadline of a call that is not gRPC ends in HTTP 504", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(plain("GET", "/slow", [["grpc-timeout", "1S"]]));
    await upstream.nextStream();
    await harness.pass(1_100);
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.get(":status"), "504");
    assert.match(call.body.toString(), /^fairlead: deadline exceeded/);
  });
});

test("an answer that breaks off in its body ends a gRPC call with a status and others by a reset", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const grpc = client.request(grpcRequest());
    const other = client.request(plain());
    for (let i = 0; i < 2; i += 1) {
      const { id } = await upstream.nextStream();
      upstream.headers(id, [[":status", "200"]]);
      upstream.data(id, "half");
    }
    await eventually("half of both", () => grpc.body.length === 4 && other.body.length === 4);
    upstream.destroy();
    await eventually("both are over", () => grpc.isEnded && other.resetCode !== null);
    assert.equal(grpc.get("grpc-status"), "14");
    assert.match(messageOf(grpc), /^fairlead: 127\.0\.0\.1:\d+: /);
    assert.equal(other.isEnded, false, "half a body is not passed off as a whole one");
    assert.equal(other.resetCode, 2);
  });
});

test("header lists above the limit are refused with a reason, and never forwarded", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const large: Pairs = Array.from({ length: 9 }, (_, i) => [`x-${i}`, "v".repeat(8_000)]);
    const many: Pairs = Array.from({ length: 600 }, (_, i) => [`x-${i}`, "1"]);
    const calls: RawStream[] = [];
    for (const more of [large, many]) {
      for (const request of [grpcRequest("/a/b", more), plain("GET", "/", more)]) {
        calls.push(client.request(request));
      }
    }
    const fine = client.request(grpcRequest("/fine/fine"));
    const stream = await upstream.nextStream();
    assert.equal(stream.get(":path"), "/fine/fine");
    upstream.respond(stream.id);
    await eventually("all are answered", () => [fine, ...calls].every((call) => call.isEnded));
    for (const call of [calls[0], calls[2]]) {
      assert.equal(call.get("grpc-status"), "8");
      assert.match(messageOf(call), /^fairlead: the header list is larger than 65536 bytes or has/);
    }
    for (const call of [calls[1], calls[3]]) {
      assert.equal(call.get(":status"), "431");
      assert.match(call.body.toString(), /^fairlead: the header list is larger/);
    }
    assert.equal(harness.activeCalls, 0);
  });
});

const MALFORMED: readonly (readonly [string, Pairs])[] = [
  ["an upper-case name", [...plain(), ["X-Upper", "1"]]],
  ["a name that is not a token", [...plain(), ["x y", "1"]]],
  ["an empty name", [...plain(), ["", "1"]]],
  ["a line feed in a value", [...plain(), ["x", "a\nb"]]],
  ["a NUL in a value", [...plain(), ["x", "a\0b"]]],
  ["a space around a value", [...plain(), ["x", " a"]]],
  ["connection", [...plain(), ["connection", "close"]]],
  ["transfer-encoding", [...plain(), ["transfer-encoding", "chunked"]]],
  ["te other than trailers", [...plain(), ["te", "gzip"]]],
  [
    "a late pseudo-header",
    [
      [":method", "GET"],
      ["x", "1"],
      [":path", "/"],
      [":scheme", "http"],
    ],
  ],
  ["a double pseudo-header", [...plain().slice(0, 3), [":path", "/other"]]],
  ["an unknown pseudo-header", [[":protocol", "websocket"], ...plain()]],
  ["a response pseudo-header", [[":status", "200"], ...plain()]],
  [
    "no :path",
    [
      [":method", "GET"],
      [":scheme", "http"],
    ],
  ],
  ["a path without a slash", plain("GET", "Svc/M")],
  ["an empty path", plain("GET", "")],
  ["a space in the path", plain("GET", "/a b")],
  ["a fragment in the path", plain("GET", "/a#b")],
  ["userinfo in the authority", [...plain().slice(0, 3), [":authority", "u@a"]]],
  ["host that differs", [...plain(), ["host", "b"]]],
  ["a content-length that is none", [...plain(), ["content-length", "1x"]]],
  ["a body that is announced and missing", [...plain(), ["content-length", "5"]]],
];

test("malformed requests are reset, each alone, and never forwarded", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    for (const [what, request] of MALFORMED) {
      const call = client.request(request);
      await eventually(what, () => call.resetCode !== null);
      assert.equal(call.resetCode, PROTOCOL_ERROR, what);
    }
    const fine = client.request(grpcRequest());
    upstream.respond((await upstream.nextStream()).id);
    await eventually("the answer", () => fine.isEnded);
    assert.equal(upstream.streams.size, 1);
    assert.equal(client.isClosed, false);
  });
});

test("a body that differs from its announced length ends the call on both sides", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    for (const body of ["123", "1234567"]) {
      const call = client.request([...plain("POST"), ["content-length", "5"]], false);
      const stream = await upstream.nextStream();
      client.data(call.id, body, true);
      await eventually("the reset", () => call.resetCode !== null);
      assert.equal(call.resetCode, PROTOCOL_ERROR);
      await eventually("the server is told", () => stream.resetCode !== null);
      assert.equal(stream.isEnded, false, "it never looks complete to the server");
    }
  });
});

test("streams above the announced limit are refused, and the others go on", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const settings = await client.frame(Type.SETTINGS);
      assert.equal(settings.payload.indexOf(Buffer.from([0, 3, 0, 0, 0, 5])) % 6, 0);
      const calls = Array.from({ length: 6 }, () => client.request(grpcRequest()));
      await eventually("the sixth is refused", () => calls[5].resetCode === REFUSED_STREAM);
      for (let i = 0; i < 5; i += 1) upstream.respond((await upstream.nextStream()).id);
      await eventually("five answers", () => calls.slice(0, 5).every((call) => call.isEnded));
      assert.equal(upstream.freshCount, 0);
    },
    { maxStreams: 5 },
  );
});

test("more than a stream's window of data ends that stream alone", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const call = client.request(grpcRequest(), false);
      const stream = await upstream.nextStream();
      for (let i = 0; i < 10; i += 1) client.data(call.id, Buffer.alloc(16_384));
      await eventually("the reset", () => call.resetCode !== null);
      assert.equal(call.resetCode, FLOW_CONTROL_ERROR);
      await eventually("the server is told", () => stream.resetCode !== null);
      await client.roundTrip();
      assert.equal(client.isClosed, false);
    },
    {},
    // The server takes nothing, so nothing is granted back to the client.
    { settings: [[4, 0]], isCrediting: false },
  );
});

test("HTTP/1 on the port gets a clear answer and an end", async () => {
  const { connect } = await import("node:net");
  await withProxy(1, async (harness) => {
    const [, port] = harness.address.split(":");
    const socket = connect(Number(port), "127.0.0.1");
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString();
    });
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await eventually("the end", () => socket.readableEnded);
    socket.destroy();
    assert.match(text, /HTTP\/1\.1 505 .*\r\n/);
    assert.match(text, /fairlead: this port speaks HTTP\/2 only/);
  });
});

test("connections above the limit are closed at once, those before it stay", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const first = await harness.client();
      const second = await harness.client();
      await Promise.all([first.roundTrip(), second.roundTrip()]);
      const third = await harness.client();
      await third.closed();
      const call = first.request(grpcRequest());
      upstream.respond((await upstream.nextStream()).id);
      await eventually("the answer", () => call.isEnded);
      second.destroy();
      await eventually("room again", () => harness.metric("fairlead_downstream_connections") === 1);
      const fourth = await harness.client();
      await fourth.roundTrip();
    },
    { maxConnections: 2 },
  );
});
