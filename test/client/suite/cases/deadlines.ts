/** Cases of the channel suite: deadlines, at every point of a call. */
import assert from "node:assert/strict";
import { eventually, type RawStream } from "../../../support/raw-http2.ts";
import { outcome } from "../driver.ts";
import { message } from "../messages.ts";
import { answer, aWhile, begin, type Case, newCase, RESPONSE } from "../scene.ts";

const DEADLINE_EXCEEDED = 4;
const SHORT_MS = 60;
const HOUR_MS = 3_600_000;
/** Beyond what a timer of Node can wait. */
const FAR_MS = 40 * 24 * HOUR_MS;
const H2_CANCEL = 8;

const UNIT_MS: Readonly<Record<string, number>> = {
  H: HOUR_MS,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** What `grpc-timeout` says, or null. */
function timeoutMs(stream: RawStream): number | null {
  const value = stream.get("grpc-timeout");
  if (value === null) return null;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value)!;
  return Number(digits) * UNIT_MS[unit!]!;
}

/** The cases. */
export const deadlineCases: readonly Case[] = [
  ...(["unary", "serverStream", "clientStream", "bidi"] as const).map((kind) =>
    newCase(
      `a deadline in the past ends a call at once, unsent (${kind})`,
      async (scene) => {
        const server = await scene.raw();
        const channel = scene.open(server.address);
        const call = begin(channel, { kind, call: { deadlineMs: -1_000 } });
        assert.equal((await call.status).code, DEADLINE_EXCEEDED);
        assert.equal(await call.read(), null);
        await aWhile(10);
        assert.equal(server.connections.flatMap(({ streams }) => [...streams]).length, 0);
      },
      ["past deadline"],
    ),
  ),

  newCase("a deadline is met while the connection is made", async (scene) => {
    const server = await scene.raw({ settings: null }); // It accepts, and says nothing.
    const channel = scene.open(server.address);
    const result = await outcome(channel.unary(Buffer.from("ping"), { deadlineMs: SHORT_MS }));
    assert.equal(result.code, DEADLINE_EXCEEDED);
    assert.equal(result.headers, null);
  }),

  newCase("a deadline is met while the server thinks, which is told", async (scene) => {
    const { call, connection, stream } = await scene.stage({ call: { deadlineMs: SHORT_MS } });
    assert.equal((await outcome(call)).code, DEADLINE_EXCEEDED);
    await eventually("the stream is reset", () => stream.resetCode !== null);
    assert.equal(stream.resetCode, H2_CANCEL);
    // A late answer changes nothing.
    const before = [...call.events];
    answer(connection, stream);
    await aWhile(10);
    assert.deepEqual(call.events, before);
  }),

  newCase("a deadline is met amid a stream, after the messages so far", async (scene) => {
    const options = { kind: "serverStream", call: { deadlineMs: 4 * SHORT_MS } } as const;
    const { call, connection, stream } = await scene.stage(options);
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, Buffer.concat([message("one"), message("two")]));
    assert.deepEqual(await call.read(), Buffer.from("one"));
    assert.deepEqual(await call.read(), Buffer.from("two"));
    assert.equal(await call.read(), null);
    assert.equal((await call.status).code, DEADLINE_EXCEEDED);
    await eventually("the stream is reset", () => stream.resetCode === H2_CANCEL);
  }),

  newCase("a deadline is met while the client has not ended its stream", async (scene) => {
    const options = { kind: "clientStream", call: { deadlineMs: SHORT_MS } } as const;
    const { call, stream } = await scene.stage(options);
    await call.send(Buffer.from("one"));
    assert.equal((await outcome(call)).code, DEADLINE_EXCEEDED);
    await eventually("the stream is reset", () => stream.resetCode === H2_CANCEL);
  }),

  newCase("the deadline goes to the server, and never grows", async (scene) => {
    const { call, connection, stream } = await scene.stage({ call: { deadlineMs: 5_000 } });
    const sentMs = timeoutMs(stream)!;
    assert.ok(sentMs <= 5_000 && sentMs > 1_000, `${sentMs} ms`);
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("without a deadline there is no grpc-timeout", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    assert.equal(timeoutMs(stream), null);
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("a deadline in 40 days is not met today", async (scene) => {
    const { call, connection, stream } = await scene.stage({ call: { deadlineMs: FAR_MS } });
    assert.ok(timeoutMs(stream)! > FAR_MS - 2 * HOUR_MS);
    await aWhile(10);
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("a call that was OK in time stays OK", async (scene) => {
    const { call, connection, stream } = await scene.stage({ call: { deadlineMs: SHORT_MS } });
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
    const before = [...call.events];
    await aWhile(SHORT_MS);
    assert.deepEqual(call.events, before);
    assert.equal(stream.resetCode, null);
  }),

  newCase(
    "the time-out of a method in the service config is a deadline",
    async (scene) => {
      const methodConfig = [{ name: [{ service: "suite.Suite" }], timeout: "0.080s" }];
      const channel = { serviceConfig: { methodConfig } };
      const { call, stream } = await scene.stage({ channel });
      assert.ok(timeoutMs(stream)! <= 80);
      assert.equal((await outcome(call)).code, DEADLINE_EXCEEDED);
    },
    ["service config"],
  ),

  newCase(
    "the shorter of service config and deadline counts",
    async (scene) => {
      const methodConfig = [{ name: [{}], timeout: "5s" }];
      const channel = { serviceConfig: { methodConfig } };
      const { call } = await scene.stage({ channel, call: { deadlineMs: SHORT_MS } });
      assert.equal((await outcome(call)).code, DEADLINE_EXCEEDED);
    },
    ["service config"],
  ),

  newCase(
    "wait-for-ready waits no longer than the deadline",
    async (scene) => {
      const server = await scene.raw();
      await server.close();
      const channel = scene.open(server.address, { backoffMs: 10 });
      const options = { waitForReady: true, deadlineMs: SHORT_MS };
      const { code } = await outcome(channel.unary(Buffer.from("ping"), options));
      assert.equal(code, DEADLINE_EXCEEDED);
    },
    ["wait-for-ready"],
  ),
];
