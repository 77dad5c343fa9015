/** Cases of the channel suite: a call that is given up, at every point. */
import assert from "node:assert/strict";
import { eventually, type RawStream } from "../../../support/raw-http2.ts";
import { outcome, readAll, type SuiteCall } from "../driver.ts";
import { message } from "../messages.ts";
import { answer, aWhile, begin, type Case, newCase, RESPONSE } from "../scene.ts";

const CANCELLED = 1;
const H2_CANCEL = 8;
const KINDS = ["unary", "serverStream", "clientStream", "bidi"] as const;

/** The call ends as cancelled, the server is told, and nothing is reported any more. */
async function cancelled(call: SuiteCall, stream: RawStream | null): Promise<void> {
  assert.equal((await call.status).code, CANCELLED);
  if (stream !== null) await eventually("a reset", () => stream.resetCode === H2_CANCEL);
  assert.equal(call.events.at(-1), "status");
}

/** The cases. */
export const cancelCases: readonly Case[] = [
  ...KINDS.map((kind) =>
    newCase(`cancelled on the tick that makes it, a call never runs (${kind})`, async (scene) => {
      const server = await scene.raw();
      const channel = scene.open(server.address);
      const call = begin(channel, { kind });
      call.cancel();
      await cancelled(call, null);
      assert.equal(await call.read(), null);
      assert.equal(await call.headers, null);
      await aWhile(10);
      const streams = server.connections.flatMap((connection) => [...connection.streams.values()]);
      assert.ok(streams.every((stream) => stream.resetCode !== null));
    }),
  ),

  newCase("cancelled while the connection is made, a call is never sent", async (scene) => {
    const server = await scene.raw({ settings: null });
    const channel = scene.open(server.address);
    const call = channel.unary(Buffer.from("ping"));
    const connection = await server.next();
    call.cancel();
    await cancelled(call, null);
    connection.settings([]);
    await aWhile(10);
    assert.equal(connection.streams.size, 0);
  }),

  ...KINDS.map((kind) =>
    newCase(`cancelled before headers came (${kind})`, async (scene) => {
      const { call, connection, stream } = await scene.stage({ kind });
      call.cancel();
      await cancelled(call, stream);
      assert.equal(await call.headers, null);
      answer(connection, stream);
      await aWhile(10);
      assert.deepEqual(call.events, ["status"]);
    }),
  ),

  ...KINDS.map((kind) =>
    newCase(
      `cancelled after headers came (${kind})`,
      async (scene) => {
        const { call, connection, stream } = await scene.stage({ kind });
        connection.headers(stream.id, [...RESPONSE, ["x-a", "1"]]);
        await call.headers;
        call.cancel();
        await cancelled(call, stream);
        connection.data(stream.id, message("late"));
        connection.headers(stream.id, [["grpc-status", "0"]], true);
        await aWhile(10);
        assert.deepEqual(call.events, ["headers", "status"]);
        assert.equal(await call.read(), null);
      },
      kind === "unary" ? ["early headers of a unary call"] : [],
    ),
  ),

  newCase("cancelled amid its messages, a stream gives no more of them", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "bidi" });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("one"));
    assert.deepEqual(await call.read(), Buffer.from("one"));
    call.cancel();
    connection.data(stream.id, message("two"));
    await cancelled(call, stream);
    assert.deepEqual(await readAll(call), []);
    assert.deepEqual(call.events, ["headers", "message", "status"]);
  }),

  newCase("cancelled while a read waits, the read ends", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    await call.headers;
    const reading = call.read();
    call.cancel();
    assert.equal(await reading, null);
    await cancelled(call, stream);
  }),

  newCase("cancelled while a send waits, the send ends", async (scene) => {
    const { call, stream } = await scene.stage({
      kind: "clientStream",
      raw: { isCrediting: false },
    });
    const sending = call.send(Buffer.alloc(1_000_000));
    await eventually("the window is full", () => stream.body.length >= 65_535);
    call.cancel();
    await sending;
    await cancelled(call, stream);
  }),

  newCase("cancelled after its half-close", async (scene) => {
    const { call, stream } = await scene.stage({ kind: "bidi" });
    await call.send(Buffer.from("one"));
    call.halfClose();
    await eventually("the end", () => stream.isEnded);
    call.cancel();
    await cancelled(call, stream);
  }),

  newCase("cancelled after its end, a call stays as it was", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
    const before = [...call.events];
    call.cancel();
    await aWhile(10);
    assert.deepEqual(call.events, before);
    assert.equal((await call.status).code, 0);
    assert.equal(stream.resetCode, null);
  }),

  newCase("cancelled twice, a call ends once", async (scene) => {
    const { call, stream } = await scene.stage();
    call.cancel();
    call.cancel();
    await cancelled(call, stream);
    await aWhile(10);
    assert.deepEqual(call.events, ["status"]);
  }),

  newCase("one call's cancel leaves the others alone", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage();
    const others = Array.from({ length: 5 }, () => channel.unary(Buffer.from("ping")));
    const streams: RawStream[] = [];
    for (const _ of others) streams.push(await connection.nextStream());
    call.cancel();
    await cancelled(call, stream);
    for (const other of streams) answer(connection, other);
    for (const other of others) assert.equal((await outcome(other)).code, 0);
  }),

  newCase("RST_STREAM(CANCEL) of the server is CANCELLED", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.reset(stream.id, H2_CANCEL);
    assert.equal((await outcome(call)).code, CANCELLED);
  }),
];
