/** Tests of servers that are hostile or broken: the call fails alone, with a reason. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ProxyHarness, withProxy } from "../../test/support/proxy.ts";
import {
  encodePairs,
  eventually,
  Flags,
  grpcRequest,
  type Pairs,
  type RawConnection,
  type RawStream,
  Type,
  uint32,
} from "../../test/support/raw-http2.ts";
import { decodeGrpcMessage } from "../grpc/index.ts";
import { limits } from "../http2/index.ts";

const OK: Pairs = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];

function messageOf(call: RawStream): string {
  return decodeGrpcMessage(call.get("grpc-message") ?? "");
}

/** One wrong thing that a server does on a stream. */
interface Fault {
  readonly what: string;
  readonly reason: RegExp;
  do(upstream: RawConnection, id: number): void;
}

/** Faults of one stream: nothing else may suffer. */
const STREAM_FAULTS: readonly Fault[] = [
  {
    what: "response headers above the limit",
    reason: /response headers that are too large/,
    do(upstream, id) {
      const large = Array.from({ length: 9 }, (_, i) => [`x-${i}`, "v".repeat(8_000)] as const);
      upstream.headers(id, [...OK, ...large]);
    },
  },
  {
    what: "too many response headers",
    reason: /response headers that are too large/,
    do(upstream, id) {
      const many = Array.from({ length: 600 }, (_, i) => [`x-${i}`, "1"] as const);
      upstream.headers(id, [...OK, ...many]);
    },
  },
  {
    what: "trailers above the limit",
    reason: /trailers that are too large/,
    do(upstream, id) {
      upstream.headers(id, OK);
      upstream.data(id, "body");
      const large = Array.from({ length: 9 }, (_, i) => [`x-${i}`, "v".repeat(8_000)] as const);
      upstream.headers(id, large, true);
    },
  },
  {
    what: "endless 1xx",
    reason: /too many informational responses/,
    do(upstream, id) {
      for (let i = 0; i <= limits.INFORMATIONAL_MAX; i += 1) {
        upstream.headers(id, [[":status", "103"]]);
      }
    },
  },
  {
    what: "a 1xx that ends the stream",
    reason: /END_STREAM on an informational response/,
    do: (upstream, id) => upstream.headers(id, [[":status", "100"]], true),
  },
  {
    what: "no :status",
    reason: /no :status/,
    do: (upstream, id) => upstream.headers(id, [["x", "1"]]),
  },
  {
    what: "an upper-case name",
    reason: /upper case/,
    do: (upstream, id) => upstream.headers(id, [...OK, ["X-Up", "1"]]),
  },
  {
    what: "a connection-specific header",
    reason: /connection-specific/,
    do: (upstream, id) => upstream.headers(id, [...OK, ["connection", "close"]]),
  },
  {
    what: "a request's pseudo-header",
    reason: /pseudo-header/,
    do: (upstream, id) => upstream.headers(id, [...OK.slice(0, 1), [":path", "/"]]),
  },
  {
    what: "a carriage return in a value",
    reason: /forbidden character/,
    do: (upstream, id) => upstream.headers(id, [...OK, ["x", "a\rb"]]),
  },
  {
    what: "DATA before the headers",
    reason: /DATA before the response headers/,
    do: (upstream, id) => upstream.data(id, "early"),
  },
  {
    what: "a body longer than its content-length",
    reason: /content-length/,
    do(upstream, id) {
      upstream.headers(id, [...OK, ["content-length", "3"]]);
      upstream.data(id, "four");
    },
  },
  {
    what: "a body shorter than its content-length",
    reason: /content-length/,
    do(upstream, id) {
      upstream.headers(id, [...OK, ["content-length", "9"]]);
      upstream.data(id, "four", true);
    },
  },
  {
    what: "trailers without END_STREAM",
    reason: /trailers without END_STREAM/,
    do(upstream, id) {
      upstream.headers(id, OK);
      upstream.headers(id, [["grpc-status", "0"]]);
    },
  },
  {
    what: "a pseudo-header in trailers",
    reason: /a pseudo-header in trailers/,
    do(upstream, id) {
      upstream.headers(id, OK);
      upstream.headers(id, [[":status", "200"]], true);
    },
  },
  {
    what: "more than the stream's window",
    reason: /more than the stream's window/,
    do(upstream, id) {
      upstream.headers(id, OK);
      for (let i = 0; i < 20; i += 1) upstream.data(id, Buffer.alloc(16_384));
    },
  },
  {
    what: "a window update of 0",
    reason: /WINDOW_UPDATE of 0/,
    do: (upstream, id) => upstream.windowUpdate(id, 0),
  },
  {
    what: "a stream window above 2^31-1",
    reason: /a stream window above/,
    do: (upstream, id) => upstream.windowUpdate(id, 0x7fffffff),
  },
];

/** Whether the call has been told that it failed: by a status of ours. */
async function assertFailed(call: RawStream, what: string, reason: RegExp): Promise<void> {
  await eventually(what, () => call.isEnded);
  assert.equal(call.lists.at(-1)?.get("grpc-status"), "14", what);
  assert.match(messageOf(call), /^fairlead: 127\.0\.0\.1:\d+: /, what);
  assert.match(messageOf(call), reason, what);
}

test("a stream that its server breaks fails alone, and the server is told", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    // The last fault leaves data in the client's window: it takes all.
    const client = await harness.client();
    const bystander = client.request(grpcRequest(), false);
    const beside = await upstream.nextStream();
    upstream.headers(beside.id, OK);
    for (const fault of STREAM_FAULTS) {
      const call = client.request(grpcRequest(), false);
      const stream = await upstream.nextStream();
      fault.do(upstream, stream.id);
      await assertFailed(call, fault.what, fault.reason);
      await eventually(`${fault.what}: told`, () => stream.resetCode !== null);
    }
    assert.equal(upstream.isClosed, false);
    upstream.headers(beside.id, [["grpc-status", "0"]], true);
    await eventually("the bystander's answer", () => bystander.isEnded);
    assert.equal(bystander.get("grpc-status"), "0");
  });
});

/** Faults of a whole connection. */
const CONNECTION_FAULTS: readonly Fault[] = [
  {
    what: "garbage",
    reason: /a frame above SETTINGS_MAX_FRAME_SIZE|unknown|idle|PING|PUSH_PROMISE/,
    do: (upstream) => upstream.write(Buffer.alloc(500, 0x55)),
  },
  {
    what: "an HTTP/1 answer",
    reason: /a frame above SETTINGS_MAX_FRAME_SIZE/,
    do: (upstream) => upstream.write(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")),
  },
  {
    what: "a header block that cannot be decoded",
    reason: /a header block that cannot be decoded/,
    do: (upstream, id) => upstream.send(Type.HEADERS, Flags.END_HEADERS, id, Buffer.from([0x80])),
  },
  {
    what: "PUSH_PROMISE",
    reason: /PUSH_PROMISE, which is switched off/,
    do(upstream, id) {
      const payload = Buffer.concat([uint32(2), encodePairs(OK)]);
      upstream.send(Type.PUSH_PROMISE, Flags.END_HEADERS, id, payload);
    },
  },
  {
    what: "HEADERS on a stream that nobody opened",
    reason: /HEADERS on a stream that nobody opened/,
    do: (upstream) => upstream.headers(99_999, OK),
  },
  {
    what: "DATA on stream 0",
    reason: /DATA on stream 0/,
    do: (upstream) => upstream.data(0, "x"),
  },
  {
    what: "endless CONTINUATION",
    reason: /a header block with too many or too large frames/,
    do(upstream, id) {
      upstream.send(Type.HEADERS, 0, id, encodePairs(OK));
      for (let i = 0; i < 100; i += 1) {
        upstream.send(Type.CONTINUATION, 0, id, encodePairs([["x", "1"]]));
      }
    },
  },
  {
    what: "a connection window above 2^31-1",
    reason: /a connection window above/,
    do(upstream) {
      upstream.windowUpdate(0, 0x7fffffff);
      upstream.windowUpdate(0, 0x7fffffff);
    },
  },
  {
    what: "a GOAWAY whose last id grows",
    reason: /a GOAWAY whose last id grew/,
    do(upstream, id) {
      upstream.goAway(id);
      upstream.goAway(id + 2);
    },
  },
  {
    what: "a GOAWAY storm",
    reason: /too many glitches, the last: GOAWAY/,
    do(upstream, id) {
      for (let i = 0; i < 3_000; i += 1) upstream.goAway(id);
    },
  },
  {
    what: "a SETTINGS flood",
    reason: /too many (glitches|unread answers to SETTINGS)/,
    do(upstream) {
      for (let i = 0; i < 3_000; i += 1) upstream.settings([]);
    },
  },
  {
    what: "a PING flood",
    reason: /too many (PINGs|unread answers to PING)/,
    do(upstream) {
      for (let i = 0; i < 3_000; i += 1) upstream.send(Type.PING, 0, 0, Buffer.alloc(8));
    },
  },
  {
    what: "an impossible frame size",
    reason: /SETTINGS with a value out of range/,
    do: (upstream) => upstream.settings([[5, 1]]),
  },
  {
    what: "an impossible window",
    reason: /SETTINGS with a value out of range/,
    do: (upstream) => upstream.settings([[4, 0xffffffff]]),
  },
  {
    what: "the end of the connection",
    reason: /the peer closed|connection reset/,
    do: (upstream) => upstream.destroy(),
  },
];

async function answerOne(harness: ProxyHarness, upstream: RawConnection): Promise<void> {
  const client = await harness.client();
  const call = client.request(grpcRequest());
  upstream.respond((await upstream.nextStream()).id);
  await eventually("an answer", () => call.isEnded);
  assert.equal(call.get("grpc-status"), "0");
  client.destroy();
}

for (const fault of CONNECTION_FAULTS) {
  test(`${fault.what}: calls in flight there fail with the reason, and it is connected anew`, async () => {
    await withProxy(1, async (harness, [upstream], [server]) => {
      const client = await harness.client();
      const calls = [client.request(grpcRequest()), client.request(grpcRequest(), false)];
      const streams = [await upstream.nextStream(), await upstream.nextStream()];
      upstream.headers(streams[1].id, OK);
      await eventually("headers", () => calls[1].lists.length === 1);
      fault.do(upstream, streams[1].id);
      await assertFailed(calls[0], fault.what, fault.reason);
      await assertFailed(calls[1], fault.what, fault.reason);
      assert.equal(client.isClosed, false, "the client's connection is not touched");
      const fresh = await server.next();
      await harness.untilReady(1);
      await answerOne(harness, fresh);
    });
  });
}

test("a server that resets every stream harms only these", async () => {
  await withProxy(2, async (harness, upstreams) => {
    const client = await harness.client();
    const [bad, good] = upstreams;
    const calls: RawStream[] = [];
    for (let i = 0; i < 200; i += 1) calls.push(client.request(grpcRequest()));
    for (let i = 0; i < 100; i += 1) bad.reset((await bad.nextStream()).id, 2);
    for (let i = 0; i < 100; i += 1) good.respond((await good.nextStream()).id);
    await eventually("all are over", () =>
      calls.every((call) => call.isEnded || call.resetCode !== null),
    );
    assert.equal(calls.filter((call) => call.get("grpc-status") === "0").length, 100);
    assert.equal(calls.filter((call) => call.resetCode === 2).length, 100);
  });
});

test("a server that falls silent while a call waits is found out by a PING", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    await upstream.nextStream();
    await harness.pass(1_000);
    upstream.socket.pause();
    await harness.pass(18_000);
    await assertFailed(call, "silence", /the peer does not answer \(keepalive\)/);
  });
});

test("a server that is silent but alive is not cut, and not pinged again and again", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    await harness.pass(300_000);
    const pings = upstream.frames.filter(
      ({ type, flags }) => type === Type.PING && (flags & Flags.ACK) === 0,
    );
    assert.ok(pings.length >= 1 && pings.length <= 2, `${pings.length} probes`);
    upstream.respond(id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
  });
});
