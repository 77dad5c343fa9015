/**
 * gRPC's negative HTTP/2 cases (grpc's `doc/negative-http2-test-descriptions.md`) through the
 * proxy: servers that use HTTP/2 oddly, or break off, and a stock grpc-js client.
 */
import assert from "node:assert/strict";
import test from "node:test";
import * as grpc from "@grpc/grpc-js";
import { type ProxyHarness, withProxy } from "../support/proxy.ts";
import {
  eventually,
  Flags,
  type RawConnection,
  type RawServer,
  Type,
} from "../support/raw-http2.ts";

const RESPONSE_BYTES = 314_159;

const HEADERS = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;

/** What came of a call. */
interface Outcome {
  readonly code: grpc.status;
  readonly details: string;
  readonly size: number;
}

/** A unary call whose request is one empty message. */
function callOnce(client: grpc.Client): Promise<Outcome> {
  const bytes = (value: Buffer): Buffer => value;
  return new Promise((done) => {
    client.makeUnaryRequest("/t.S/UnaryCall", bytes, bytes, Buffer.alloc(0), (error, answer) =>
      done({ code: error?.code ?? 0, details: error?.details ?? "", size: answer?.length ?? -1 }),
    );
  });
}

/** A gRPC message of that many bytes. */
function message(size: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(size, 1);
  return Buffer.concat([head, Buffer.alloc(size, 7)]);
}

async function withClient(
  body: (
    client: grpc.Client,
    upstream: RawConnection,
    server: RawServer,
    harness: ProxyHarness,
  ) => Promise<void>,
  settings: [number, number][] = [],
): Promise<void> {
  await withProxy(
    1,
    async (harness, [upstream], [server]) => {
      const client = new grpc.Client(harness.address, grpc.credentials.createInsecure());
      harness.onClose(() => client.close());
      await body(client, upstream, server, harness);
    },
    {},
    { settings },
  );
}

/** Answers a stream with a whole message. */
async function answer(server: RawConnection, id: number): Promise<void> {
  server.headers(id, HEADERS);
  await server.paced(id, message(RESPONSE_BYTES));
  server.headers(id, [["grpc-status", "0"]], true);
}

test("goaway: the call before it succeeds, the next goes over a new connection", async () => {
  await withClient(async (client, upstream, server, harness) => {
    await harness.pass(2_000); // A connection that just came would be replaced less eagerly.
    const first = callOnce(client);
    const { id } = await upstream.nextStream();
    upstream.goAway(id);
    await answer(upstream, id);
    assert.deepEqual(await first, { code: 0, details: "", size: RESPONSE_BYTES });
    const second = callOnce(client);
    const fresh = await server.next();
    await answer(fresh, (await fresh.nextStream()).id);
    assert.equal((await second).code, 0);
    assert.equal(upstream.streams.size, 1);
  });
});

const BROKEN_OFF: readonly (readonly [string, (server: RawConnection, id: number) => void])[] = [
  ["rst_after_header", (server, id) => server.headers(id, HEADERS)],
  [
    "rst_during_data",
    (server, id) => {
      server.headers(id, HEADERS);
      server.data(id, message(RESPONSE_BYTES).subarray(0, 10_000));
    },
  ],
  [
    "rst_after_data",
    (server, id) => {
      server.headers(id, HEADERS);
      server.data(id, message(10_000));
    },
  ],
];

for (const [name, begin] of BROKEN_OFF) {
  test(`${name}: the call fails, and the next succeeds`, async () => {
    await withClient(async (client, upstream) => {
      const broken = callOnce(client);
      const { id } = await upstream.nextStream();
      begin(upstream, id);
      upstream.reset(id, 0);
      const { code, size } = await broken;
      assert.notEqual(code, grpc.status.OK);
      assert.equal(size, -1);
      const next = callOnce(client);
      await answer(upstream, (await upstream.nextStream()).id);
      assert.equal((await next).code, grpc.status.OK);
    });
  });
}

test("ping: PINGs at any time disturb no call, and each is answered", async () => {
  await withClient(async (client, upstream) => {
    let pings = 0;
    const ping = (): void => {
      pings += 1;
      upstream.send(Type.PING, 0, 0, Buffer.from(String(pings).padStart(8, "0")));
    };
    for (let i = 0; i < 3; i += 1) {
      ping();
      const call = callOnce(client);
      ping();
      const { id } = await upstream.nextStream();
      ping();
      upstream.headers(id, HEADERS);
      await upstream.paced(id, message(RESPONSE_BYTES), 4_096, (part) => {
        ping();
        upstream.data(id, part);
      });
      ping();
      upstream.headers(id, [["grpc-status", "0"]], true);
      assert.deepEqual(await call, { code: 0, details: "", size: RESPONSE_BYTES });
    }
    await eventually("all are answered", () => {
      const acks = upstream.frames.filter(
        ({ type, flags, payload }) =>
          type === Type.PING && (flags & Flags.ACK) !== 0 && /^\d{8}$/.test(payload.toString()),
      );
      return acks.length === pings;
    });
  });
});

test("max_streams: a server that allows one stream at a time gets no more, and all calls", async () => {
  await withClient(
    async (client, _upstream, server, harness) => {
      const calls = Array.from({ length: 15 }, () => callOnce(client));
      const busy = new Set<RawConnection>();
      let most = 0;
      const serve = async (connection: RawConnection): Promise<void> => {
        most = Math.max(most, connection.freshCount + (busy.has(connection) ? 1 : 0));
        if (busy.has(connection) || connection.freshCount === 0) return;
        busy.add(connection);
        await answer(connection, (await connection.nextStream()).id);
        busy.delete(connection);
      };
      const watch = setInterval(() => {
        for (const connection of server.connections) void serve(connection);
      }, 2);
      try {
        for (const call of calls) assert.equal((await call).code, grpc.status.OK);
      } finally {
        clearInterval(watch);
      }
      assert.equal(most, 1, "never two at once on a connection");
      assert.ok(server.connections.length <= 10, "nor more connections than allowed");
      assert.equal(harness.metric("fairlead_refusals_total"), 0);
    },
    [[3, 1]],
  );
});

test("data_frame_padding: padded DATA is taken, and flow control counts its padding", async () => {
  await withClient(async (client, upstream) => {
    for (let i = 0; i < 2; i += 1) {
      const call = callOnce(client);
      const { id } = await upstream.nextStream();
      upstream.headers(id, HEADERS);
      let padding = 0;
      await upstream.paced(id, message(RESPONSE_BYTES), 1_024, (part) => {
        padding = (padding + 7) % 256;
        const payload = [Buffer.from([padding]), part, Buffer.alloc(padding)];
        upstream.send(Type.DATA, Flags.PADDED, id, Buffer.concat(payload));
      });
      upstream.headers(id, [["grpc-status", "0"]], true);
      assert.deepEqual(await call, { code: 0, details: "", size: RESPONSE_BYTES });
    }
  });
});
