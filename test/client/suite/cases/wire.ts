/**
 * Cases of the channel suite: servers that break off or use HTTP/2 oddly.
 *
 * Among them gRPC's negative HTTP/2 cases (grpc's `doc/negative-http2-test-descriptions.md`).
 */
import assert from "node:assert/strict";
import { eventually, Flags, type RawConnection, Type } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { outcome } from "../driver.ts";
import { message } from "../messages.ts";
import { answer, aWhile, type Case, freshStream, newCase, RESPONSE } from "../scene.ts";

const UNAVAILABLE = 14;
const H2_REFUSED_STREAM = 7;
const PING = Buffer.from("ping");
const BIG = Buffer.alloc(300_000, 7);

/** HTTP/2 error codes, and what gRPC's protocol makes of RST_STREAM with them. */
const RESETS: readonly (readonly [name: string, h2: number, code: number])[] = [
  ["NO_ERROR", 0, 13],
  ["PROTOCOL_ERROR", 1, 13],
  ["INTERNAL_ERROR", 2, 13],
  ["FLOW_CONTROL_ERROR", 3, 13],
  ["SETTINGS_TIMEOUT", 4, 13],
  ["STREAM_CLOSED", 5, 13],
  ["FRAME_SIZE_ERROR", 6, 13],
  ["CANCEL", 8, 1],
  ["COMPRESSION_ERROR", 9, 13],
  ["CONNECT_ERROR", 10, 13],
  ["ENHANCE_YOUR_CALM", 11, 8],
  ["INADEQUATE_SECURITY", 12, 7],
  ["HTTP_1_1_REQUIRED", 13, 13],
];

const BROKEN_OFF: readonly (readonly [string, (server: RawConnection, id: number) => void])[] = [
  ["rst_after_header", (server, id) => server.headers(id, RESPONSE)],
  [
    "rst_during_data",
    (server, id) => {
      server.headers(id, RESPONSE);
      server.data(id, message(BIG).subarray(0, 10_000));
    },
  ],
  [
    "rst_after_data",
    (server, id) => {
      server.headers(id, RESPONSE);
      server.data(id, message("pong"));
    },
  ],
];

const RESET_CASES: readonly Case[] = [
  ...RESETS.map(([name, h2, code]) =>
    newCase(`RST_STREAM(${name}) is a status`, async (scene) => {
      const { call, connection, stream } = await scene.stage();
      connection.reset(stream.id, h2);
      assert.equal((await outcome(call)).code, code);
    }),
  ),

  newCase("RST_STREAM with a code that does not exist", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.reset(stream.id, 0xdead);
    const expected = differs(scene.driver, "unknown reset", { grpcJs: 13, fairlead: 2 });
    assert.equal((await outcome(call)).code, expected);
  }),

  newCase("a refused stream is sent again, once more at least", async (scene) => {
    const { server, call, connection, stream } = await scene.stage();
    connection.reset(stream.id, H2_REFUSED_STREAM);
    const again = await freshStream(server);
    answer(again.connection, again.stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("a call that is refused for ever ends as UNAVAILABLE", async (scene) => {
    const { server, call, connection, stream } = await scene.stage();
    connection.reset(stream.id, H2_REFUSED_STREAM);
    let isOver = false;
    const refusing = (async () => {
      while (!isOver) {
        const next = server.connections.find(({ freshCount }) => freshCount > 0);
        if (next === undefined) await aWhile(1);
        else next.reset((await next.nextStream()).id, H2_REFUSED_STREAM);
      }
    })();
    const { code } = await outcome(call);
    isOver = true;
    await refusing;
    assert.equal(code, UNAVAILABLE);
  }),

  ...BROKEN_OFF.map(([name, start]) =>
    newCase(`${name}: the call fails, and the next succeeds`, async (scene) => {
      const { call, channel, connection, stream } = await scene.stage();
      start(connection, stream.id);
      connection.reset(stream.id, 0);
      const result = await outcome(call);
      assert.notEqual(result.code, 0);
      assert.equal(result.message, null);
      const next = channel.unary(PING);
      answer(connection, await connection.nextStream());
      assert.equal((await outcome(next)).code, 0);
    }),
  ),
];

const GOAWAY_CASES: readonly Case[] = [
  newCase("goaway: the call before it succeeds, the next takes a new connection", async (scene) => {
    const { server, call, channel, connection, stream } = await scene.stage();
    connection.goAway(stream.id);
    await connection.roundTrip();
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
    const next = channel.unary(PING);
    const fresh = await freshStream(server);
    assert.notEqual(fresh.connection, connection);
    answer(fresh.connection, fresh.stream);
    assert.equal((await outcome(next)).code, 0);
  }),

  newCase("a call that GOAWAY leaves out is sent again elsewhere", async (scene) => {
    const { server, call, connection } = await scene.stage();
    connection.goAway(0);
    const fresh = await freshStream(server);
    assert.notEqual(fresh.connection, connection);
    answer(fresh.connection, fresh.stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("GOAWAY without calls costs nothing", async (scene) => {
    const { server, call, channel, connection, stream } = await scene.stage();
    answer(connection, stream);
    await outcome(call);
    connection.goAway(stream.id, 0, "bye");
    connection.socket.end();
    await aWhile(20);
    const next = channel.unary(PING);
    const fresh = await freshStream(server);
    answer(fresh.connection, fresh.stream);
    assert.equal((await outcome(next)).code, 0);
  }),

  ...(["unary", "serverStream"] as const).map((kind) =>
    newCase(
      `a connection that breaks takes its calls with it, as UNAVAILABLE (${kind})`,
      async (scene) => {
        const { server, call, channel, connection, stream } = await scene.stage({ kind });
        connection.headers(stream.id, RESPONSE);
        await call.headers;
        connection.destroy();
        assert.equal((await outcome(call)).code, UNAVAILABLE);
        const next = channel.unary(PING);
        const fresh = await freshStream(server);
        answer(fresh.connection, fresh.stream);
        assert.equal((await outcome(next)).code, 0);
      },
      kind === "unary" ? ["early headers of a unary call"] : [],
    ),
  ),

  newCase("servers that limit the age of connections, under load", async (scene) => {
    const options = {
      "grpc.max_connection_age_ms": 50,
      "grpc.max_connection_age_grace_ms": 2_000,
    };
    const { address } = await scene.stock({ options });
    const channel = scene.open(address);
    const codes: number[] = [];
    const untilMs = performance.now() + 400;
    const load = async (): Promise<void> => {
      while (performance.now() < untilMs || codes.length < 200) {
        codes.push((await outcome(channel.unary(PING))).code);
      }
    };
    await Promise.all(Array.from({ length: 20 }, load));
    const failed = codes.filter((code) => code !== 0);
    const isAllowed = differs(scene.driver, "aged connections", { grpcJs: true, fairlead: false });
    if (isAllowed) assert.ok(failed.every((code) => code === UNAVAILABLE || code === 13));
    else assert.deepEqual(failed, []);
  }),
];

const ODD_CASES: readonly Case[] = [
  newCase("ping: PINGs at any time disturb no call, and each is answered", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    const ping = (text: string) => connection.send(Type.PING, 0, 0, Buffer.from(text));
    ping("00000001");
    connection.headers(stream.id, RESPONSE);
    ping("00000002");
    await connection.paced(stream.id, message(BIG), 4_096, (part) => {
      ping("00000003");
      connection.data(stream.id, part);
    });
    ping("00000004");
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.ok((await outcome(call)).message?.equals(BIG));
    await connection.frame(Type.PING, ({ flags, payload }) => {
      return (flags & Flags.ACK) !== 0 && payload.toString() === "00000004";
    });
  }),

  newCase("max_streams: a server of one stream at a time gets no more", async (scene) => {
    const { server, call, channel, connection, stream } = await scene.stage({
      raw: { settings: [[3, 1]] },
    });
    const calls = [call, ...Array.from({ length: 9 }, () => channel.unary(PING))];
    let taken = { connection, stream };
    for (let i = 0; i < calls.length; i += 1) {
      if (i > 0) taken = await freshStream(server);
      await taken.connection.roundTrip();
      assert.equal(taken.connection.freshCount, 0, "one at a time");
      answer(taken.connection, taken.stream);
    }
    for (const one of calls) assert.equal((await outcome(one)).code, 0);
  }),

  newCase("data_frame_padding: padded DATA is taken, and counts", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, RESPONSE);
    let padding = 0;
    await connection.paced(stream.id, message(BIG), 1_024, (part) => {
      padding = (padding + 7) % 256;
      const payload = [Buffer.from([padding]), part, Buffer.alloc(padding)];
      connection.send(Type.DATA, Flags.PADDED, stream.id, Buffer.concat(payload));
    });
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.ok((await outcome(call)).message?.equals(BIG));
  }),

  newCase("frames of an unknown type mean nothing", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.send(0x42, 0xff, stream.id, Buffer.from("what is this"));
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("SETTINGS that come late hold no call up", async (scene) => {
    const server = await scene.raw({ settings: null });
    const call = scene.open(server.address).unary(PING);
    const connection = await server.next();
    await aWhile(20);
    connection.settings([]);
    answer(connection, await connection.nextStream());
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("a small initial window is kept", async (scene) => {
    const raw = { settings: [[4, 1_000]], isCrediting: false } as const;
    const { call, connection, stream } = await scene.stage({ raw, request: BIG });
    await eventually("the window is full", () => stream.body.length >= 1_000);
    await connection.roundTrip();
    assert.equal(stream.body.length, 1_000);
    connection.windowUpdate(stream.id, 1_000_000);
    connection.windowUpdate(0, 1_000_000);
    await eventually("all of it", () => stream.isEnded);
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),
];

/** The cases. */
export const wireCases: readonly Case[] = [...RESET_CASES, ...GOAWAY_CASES, ...ODD_CASES];
