/** Tests of flow control through the proxy: a slow reader slows its own sender and nobody else. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import test from "node:test";
import { settle } from "../../test/support/cluster.ts";
import { withProxy, withStock } from "../../test/support/proxy.ts";
import {
  eventually,
  grpcRequest,
  type RawConnection,
  type RawStream,
  Type,
} from "../../test/support/raw-http2.ts";
import { seededRng } from "../base/index.ts";
import { limits } from "../http2/index.ts";

const MIB = 1 << 20;
/** Every peer's window before SETTINGS. RFC 9113 §6.9.2. */
const DEFAULT_WINDOW = 65_535;

/** Sends on a stream for as long as the proxy grants credit; returns the bytes sent. */
async function sendAll(connection: RawConnection, streamId: number, most: number): Promise<number> {
  let sent = 0;
  for (let idle = 0; sent < most && idle < 4; ) {
    const room = Math.min(connection.window(streamId), 16_384, most - sent);
    if (room <= 0) {
      await connection.roundTrip();
      await settle(3);
      idle += 1;
      continue;
    }
    idle = 0;
    connection.data(streamId, Buffer.alloc(room, sent & 0xff));
    sent += room;
  }
  return sent;
}

test("a client that takes nothing stops its own server, and the proxy holds little", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const slow = await harness.client({ isCrediting: false });
    const stalled = slow.request(grpcRequest());
    const { id } = await upstream.nextStream();
    upstream.headers(id, [[":status", "200"]]);
    const sent = await sendAll(upstream, id, 8 * MIB);
    const most = DEFAULT_WINDOW + limits.STREAM_WINDOW_BYTES_MAX + limits.STREAM_WINDOW_BYTES;
    assert.ok(sent <= most, `${sent} bytes were taken`);
    assert.equal(stalled.body.length, DEFAULT_WINDOW);

    const quick = await harness.client();
    const other = quick.request(grpcRequest());
    const second = await upstream.nextStream();
    upstream.headers(second.id, [[":status", "200"]]);
    const all = await sendAll(upstream, second.id, 4 * MIB);
    assert.equal(all, 4 * MIB, "on the same upstream connection, at full length");
    await eventually("all of it", () => other.body.length === 4 * MIB);

    slow.windowUpdate(0, 16 * MIB);
    slow.windowUpdate(stalled.id, 16 * MIB);
    await eventually("what was held", () => stalled.body.length === sent);
    upstream.headers(id, [["grpc-status", "0"]], true);
    upstream.headers(second.id, [["grpc-status", "0"]], true);
    await eventually("both end", () => stalled.isEnded && other.isEnded);
  });
});

test("one stalled stream does not stop another of the same client connection", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client({ isCrediting: false });
    client.windowUpdate(0, 64 * MIB);
    const stalled = client.request(grpcRequest());
    const flowing = client.request(grpcRequest());
    client.windowUpdate(flowing.id, 64 * MIB);
    const first = await upstream.nextStream();
    const second = await upstream.nextStream();
    for (const { id } of [first, second]) upstream.headers(id, [[":status", "200"]]);
    await sendAll(upstream, first.id, MIB);
    const sent = await sendAll(upstream, second.id, 4 * MIB);
    assert.equal(sent, 4 * MIB);
    await eventually("all of it", () => flowing.body.length === 4 * MIB);
    assert.equal(stalled.body.length, DEFAULT_WINDOW);
  });
});

test("a server that takes nothing stops its own client", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const call = client.request(grpcRequest(), false);
      const stream = await upstream.nextStream();
      const sent = await sendAll(client, call.id, 8 * MIB);
      const most = DEFAULT_WINDOW + limits.STREAM_WINDOW_BYTES_MAX + limits.STREAM_WINDOW_BYTES;
      assert.ok(sent <= most, `${sent} bytes were taken`);
      assert.equal(stream.body.length, DEFAULT_WINDOW);
      upstream.windowUpdate(0, 16 * MIB);
      upstream.windowUpdate(stream.id, 16 * MIB);
      await eventually("what was held", () => stream.body.length === sent);
      client.data(call.id, "", true);
      await eventually("the end", () => stream.isEnded);
      upstream.respond(stream.id);
      await eventually("the answer", () => call.isEnded);
    },
    {},
    { isCrediting: false },
  );
});

test("a client that does not read its socket stops its server, and loses nothing", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest());
    client.windowUpdate(call.id, 1 << 30);
    const { id } = await upstream.nextStream();
    upstream.headers(id, [[":status", "200"]]);
    await client.frame(Type.HEADERS);
    client.socket.pause();
    const sent = await sendAll(upstream, id, 64 * MIB);
    assert.ok(sent < 32 * MIB, `${sent} bytes went into the proxy and the kernel`);
    client.socket.resume();
    const more = await sendAll(upstream, id, 2 * MIB);
    assert.equal(more, 2 * MIB, "it goes on");
    await eventually("all of it", () => call.body.length === sent + more);
  });
});

test("trailers and ends stay behind the data that a window holds back", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client({ settings: [[4, 3]], isCrediting: false });
    const withTrailers = client.request(grpcRequest());
    const withEnd = client.request(grpcRequest());
    const [a, b] = [await upstream.nextStream(), await upstream.nextStream()];
    for (const { id } of [a, b]) upstream.headers(id, [[":status", "200"]]);
    upstream.data(a.id, "0123456789");
    upstream.headers(a.id, [["grpc-status", "0"]], true);
    upstream.data(b.id, "0123456789", true);
    await eventually("three bytes each", () => {
      return withTrailers.body.length === 3 && withEnd.body.length === 3;
    });
    await client.roundTrip();
    assert.equal(withTrailers.isEnded || withEnd.isEnded, false);
    for (const call of [withTrailers, withEnd]) client.windowUpdate(call.id, 100);
    await eventually("both end", () => withTrailers.isEnded && withEnd.isEnded);
    assert.equal(withTrailers.body.toString(), "0123456789");
    assert.equal(withTrailers.get("grpc-status"), "0");
    assert.equal(withEnd.body.toString(), "0123456789");
  });
});

test("a call whose answer waits for the client's window can still be reset by it", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client({ settings: [[4, 0]], isCrediting: false });
    const call = client.request(grpcRequest());
    const { id } = await upstream.nextStream();
    upstream.respond(id, "0", "never taken");
    await eventually("the server is done", () => harness.activeCalls === 0);
    client.reset(call.id, 8);
    await client.roundTrip();
    const next = client.request(grpcRequest());
    upstream.headers((await upstream.nextStream()).id, [[":status", "204"]], true);
    await eventually("the next", () => next.isEnded);
  });
});

test("stalled streams without end are given up, and others are served", async () => {
  const count = Math.ceil(limits.HELD_BYTES_MAX / limits.STREAM_WINDOW_BYTES) + 400;
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const slow = await harness.client({ settings: [[4, 0]], isCrediting: false });
      const part = Buffer.alloc(limits.STREAM_WINDOW_BYTES);
      let sent = 0;
      for (let i = 0; i < count; i += 1) {
        slow.request(grpcRequest());
        const { id } = await upstream.nextStream();
        upstream.headers(id, [[":status", "200"]]);
        if (i % 16 === 0) await upstream.roundTrip();
        // Until the proxy holds so much that it grants the connection nothing more.
        if (upstream.window(0) < part.length) break;
        upstream.data(id, part);
        sent += part.length;
      }
      assert.ok(sent >= limits.HELD_BYTES_MAX, `${sent} bytes`);
      assert.ok(sent < limits.HELD_BYTES_MAX + limits.CONNECTION_WINDOW_BYTES + MIB);
      await upstream.roundTrip();
      await harness.pass(2_000);
      const streams = [...upstream.streams.values()];
      await eventually("some are given up", () => streams.some((each) => each.resetCode === 8));
      const cut = streams.filter((stream) => stream.resetCode !== null).length;
      assert.ok(cut >= count / 3 && cut < count, `${cut} of ${count}`);
      const quick = await harness.client();
      const call = quick.request(grpcRequest());
      const { id } = await upstream.nextStream();
      upstream.headers(id, [[":status", "200"]]);
      upstream.data(id, Buffer.alloc(10_000));
      upstream.headers(id, [["grpc-status", "0"]], true);
      await eventually("another client is served", () => call.isEnded);
      assert.equal(call.body.length, 10_000);
    },
    { maxStreams: 5_000 },
    { settings: [] },
  );
});

/** How a call may end, by the hands of a client and a server: each leaves data somewhere. */
const FATES: readonly ((
  client: RawConnection,
  call: RawStream,
  server: RawConnection,
  id: number,
) => void)[] = [
  (client, call, server, id) => {
    client.data(call.id, "", true);
    server.headers(id, [["grpc-status", "0"]], true);
  },
  (client, call) => client.reset(call.id, 8),
  (_client, _call, server, id) => server.reset(id, 2),
  (_client, _call, server, id) => {
    server.headers(id, [["grpc-status", "9"]], true);
    server.reset(id, 0);
  },
  (client, call, server, id) => {
    client.reset(call.id, 8);
    server.reset(id, 8);
  },
  (client, call) => client.windowUpdate(call.id, 0),
  (_client, _call, server, id) => server.windowUpdate(id, 0),
];

test("the windows of both connections are back after calls that ended in all ways", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const rng = seededRng(77);
    for (let i = 0; i < 700; i += 1) {
      const call = client.request(grpcRequest(), false);
      const { id } = await upstream.nextStream();
      upstream.headers(id, [[":status", "200"]]);
      const size = () => 1 + rng.int(limits.STREAM_WINDOW_BYTES - 1);
      const ways = [
        () => client.data(call.id, Buffer.alloc(Math.min(size(), client.window(0)))),
        () => upstream.data(id, Buffer.alloc(Math.min(size(), upstream.window(0)))),
      ];
      for (const way of rng.int(2) === 0 ? ways : ways.reverse()) way();
      FATES[i % FATES.length](client, call, upstream, id);
      if (i % 8 === 0) await Promise.all([client.roundTrip(), upstream.roundTrip()]);
    }
    await eventually("no call is left", () => harness.activeCalls === 0);
    await Promise.all([client.roundTrip(), upstream.roundTrip()]);
    for (const connection of [client, upstream]) {
      // Credit goes out by halves of the window.
      const room = connection.window(0);
      assert.ok(room * 2 > limits.CONNECTION_WINDOW_BYTES, `${room} bytes`);
      assert.ok(room <= limits.CONNECTION_WINDOW_BYTES, `${room} bytes`);
      assert.equal(connection.isClosed, false);
    }
  });
});

test("large bodies go both ways at once, byte for byte", async () => {
  const size = 8 * MIB;
  await withStock(
    (stream) => {
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    },
    async (harness) => {
      const session = await harness.session();
      const one = async (seed: number): Promise<void> => {
        const stream = session.request({ ":method": "POST", ":path": "/echo" });
        const [sent, came] = [createHash("sha256"), createHash("sha256")];
        let received = 0;
        stream.on("data", (bytes: Buffer) => {
          came.update(bytes);
          received += bytes.length;
        });
        for (let pos = 0; pos < size; ) {
          const part = Buffer.alloc(Math.min(1 + ((pos * 7919 + seed) % 70_000), size - pos), pos);
          sent.update(part);
          pos += part.length;
          if (!stream.write(part)) await once(stream, "drain");
        }
        stream.end();
        await once(stream, "end");
        assert.equal(received, size);
        assert.equal(came.digest("hex"), sent.digest("hex"));
      };
      await Promise.all([1, 2, 3].map(one));
    },
  );
});
