/** Cases of the channel suite: messages of all sizes and cuts, their number, and half-closes. */
import assert from "node:assert/strict";
import { eventually } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { outcome, readAll } from "../driver.ts";
import { bodyOfWireSize, frame, message, unframe } from "../messages.ts";
import { answer, type Case, newCase, RESPONSE } from "../scene.ts";
import { Path } from "../stock-server.ts";

const MIB = 1 << 20;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;

const CUT_CASES: readonly Case[] = [
  newCase("an empty message is a message, both ways", async (scene) => {
    const { call, connection, stream } = await scene.stage({ request: Buffer.alloc(0) });
    await eventually("the end", () => stream.isEnded);
    assert.deepEqual(unframe(stream.body), [{ flag: 0, payload: Buffer.alloc(0) }]);
    answer(connection, stream, "");
    const result = await outcome(call);
    assert.deepEqual([result.code, result.message], [0, Buffer.alloc(0)]);
  }),

  newCase("a message that comes byte by byte is whole", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    for (const byte of Buffer.concat([message("one"), message(""), message("two")])) {
      connection.data(stream.id, Buffer.from([byte]));
    }
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.deepEqual(String(await readAll(call)), "one,,two");
    assert.equal((await call.status).code, 0);
  }),

  newCase("many messages of one DATA frame come one by one", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    const bodies = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    connection.data(stream.id, Buffer.concat(bodies.map(message)));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.deepEqual((await readAll(call)).map(String), bodies);
    assert.equal((await call.status).code, 0);
  }),

  newCase("empty DATA frames in between mean nothing", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    const bytes = message("pong");
    connection.headers(stream.id, RESPONSE);
    for (const part of [bytes.subarray(0, 0), bytes.subarray(0, 3), bytes.subarray(3, 3)]) {
      connection.data(stream.id, part);
    }
    connection.data(stream.id, bytes.subarray(3));
    connection.data(stream.id, Buffer.alloc(0));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.deepEqual((await outcome(call)).message, Buffer.from("pong"));
  }),

  newCase("a message that is cut short by the trailers", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("one"));
    connection.data(stream.id, message("two").subarray(0, 7));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.deepEqual((await readAll(call)).map(String), ["one"]);
    const expected = differs(scene.driver, "cut message", { grpcJs: 0, fairlead: INTERNAL });
    assert.equal((await call.status).code, expected);
  }),

  newCase("a message that is no Protobuf fails the call", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, frame(Buffer.from([0x0a, 0xff])));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.notEqual((await outcome(call)).code, 0);
  }),

  newCase("1,000 small messages go and come in order", async (scene) => {
    const server = await scene.stock();
    const call = scene.open(server.address).bidi({ path: Path.CHAT });
    const bodies = Array.from({ length: 1_000 }, (_, i) => `message ${i}`);
    const reading = readAll(call);
    for (const body of bodies) await call.send(Buffer.from(body));
    call.halfClose();
    assert.deepEqual((await reading).map(String), bodies);
    assert.equal((await call.status).code, 0);
  }),
];

const SIZE_CASES: readonly Case[] = [
  newCase("a message of 3 MiB goes and comes", async (scene) => {
    const server = await scene.stock();
    const body = Buffer.alloc(3 * MIB, "ab");
    const result = await outcome(scene.open(server.address).unary(body, { path: Path.CALL }));
    assert.equal(result.code, 0);
    assert.ok(result.message?.equals(body));
  }),

  newCase("messages of up to 4 MiB are taken by default", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, RESPONSE);
    const body = bodyOfWireSize(4 * MIB);
    await connection.paced(stream.id, message(body));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    const result = await outcome(call);
    assert.equal(result.code, 0);
    assert.ok(result.message?.equals(body));
  }),

  newCase("a message over 4 MiB is refused as soon as its length is known", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message(bodyOfWireSize(4 * MIB + 1)).subarray(0, 5));
    const result = await outcome(call);
    assert.equal(result.code, RESOURCE_EXHAUSTED);
    assert.match(result.details, /4194305.*4194304/);
    await eventually("a reset", () => stream.resetCode !== null);
  }),

  newCase("the limit of messages received can be set", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage({
      channel: { maxReceiveBytes: 1_000 },
    });
    answer(connection, stream, bodyOfWireSize(1_000));
    assert.equal((await outcome(call)).code, 0);
    const next = channel.unary(Buffer.from("ping"));
    answer(connection, await connection.nextStream(), bodyOfWireSize(1_001));
    assert.equal((await outcome(next)).code, RESOURCE_EXHAUSTED);
  }),

  newCase("the limit of messages received can be taken away", async (scene) => {
    const { call, connection, stream } = await scene.stage({ channel: { maxReceiveBytes: -1 } });
    connection.headers(stream.id, RESPONSE);
    const body = Buffer.alloc(5 * MIB, 1);
    await connection.paced(stream.id, message(body));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.ok((await outcome(call)).message?.equals(body));
  }),

  newCase("the limit of messages sent can be set, and spares the server", async (scene) => {
    const server = await scene.raw();
    const channel = scene.open(server.address, { maxSendBytes: 1_000 });
    const result = await outcome(channel.unary(bodyOfWireSize(1_001)));
    assert.equal(result.code, RESOURCE_EXHAUSTED);
    const next = channel.unary(bodyOfWireSize(1_000));
    const connection = await server.next();
    let stream = await connection.nextStream();
    if (stream.resetCode !== null) stream = await connection.nextStream();
    await eventually("the end", () => stream.isEnded);
    assert.equal(stream.body.length, 1_005);
    answer(connection, stream);
    assert.equal((await outcome(next)).code, 0);
  }),
];

const COUNT_CASES: readonly Case[] = [
  ...(["unary", "clientStream"] as const).map((kind) =>
    newCase(`OK without a message fails (${kind})`, async (scene) => {
      const { call, connection, stream } = await scene.stage({ kind });
      connection.headers(stream.id, RESPONSE);
      connection.headers(stream.id, [["grpc-status", "0"]], true);
      const result = await outcome(call);
      assert.deepEqual([result.code, result.message], [UNIMPLEMENTED, null]);
    }),
  ),

  newCase("OK with two messages (client stream)", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "clientStream" });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, Buffer.concat([message("one"), message("two")]));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    const result = await outcome(call);
    assert.deepEqual([result.code, result.message], [UNIMPLEMENTED, null]);
  }),

  newCase("OK with two messages (unary)", async (scene) => {
    const { call, connection, stream } = await scene.stage({ call: { deadlineMs: 200 } });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, Buffer.concat([message("one"), message("two")]));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    // A stub of grpc-js reads one message, and its channel keeps the status until all are read.
    const isRead = scene.driver.lacks["second message of a unary call"] === undefined;
    const { code } = await call.status;
    assert.equal(code, isRead ? UNIMPLEMENTED : DEADLINE_EXCEEDED);
  }),

  newCase("a stream of no message and OK is OK", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.deepEqual(await readAll(call), []);
    assert.equal((await call.status).code, 0);
  }),
];

const HALF_CLOSE_CASES: readonly Case[] = [
  newCase("a unary call ends its side with its message", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    await eventually("the end", () => stream.isEnded);
    assert.equal(String(unframe(stream.body)[0]!.payload.subarray(2)), "ping");
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("a client stream without messages is ended by its half-close", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "clientStream" });
    assert.equal(stream.isEnded, false);
    call.halfClose();
    await eventually("the end", () => stream.isEnded);
    assert.equal(stream.body.length, 0);
    answer(connection, stream, "none");
    assert.deepEqual((await outcome(call)).message, Buffer.from("none"));
  }),

  newCase("a client stream of three messages is one answer", async (scene) => {
    const server = await scene.stock();
    const call = scene.open(server.address).clientStream({ path: Path.COLLECT });
    for (const body of ["a", "b", "c"]) await call.send(Buffer.from(body));
    call.halfClose();
    assert.deepEqual((await outcome(call)).message, Buffer.from("3"));
  }),

  newCase("messages come after the half-close", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "bidi" });
    call.halfClose();
    await eventually("the end", () => stream.isEnded);
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("one"));
    assert.deepEqual(await call.read(), Buffer.from("one"));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.equal(await call.read(), null);
    assert.equal((await call.status).code, 0);
  }),

  newCase(
    "messages come before the half-close, and go after messages came",
    async (scene) => {
      const { call, connection, stream } = await scene.stage({ kind: "bidi" });
      connection.headers(stream.id, RESPONSE);
      connection.data(stream.id, message("hello"));
      assert.deepEqual(await call.read(), Buffer.from("hello"));
      await call.send(Buffer.from("one"));
      await eventually("a message", () => stream.body.length > 0);
      call.halfClose();
      await eventually("the end", () => stream.isEnded);
      connection.headers(stream.id, [["grpc-status", "0"]], true);
      assert.equal(await call.read(), null);
      assert.equal((await call.status).code, 0);
    },
    ["mixed half-close"],
  ),

  newCase("a server that ends first ends the call", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "bidi" });
    connection.headers(stream.id, RESPONSE);
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.equal(await call.read(), null);
    assert.equal((await call.status).code, 0);
    call.halfClose();
    await connection.roundTrip();
    assert.ok([null, 0, 8].includes(stream.resetCode));
  }),
];

/** The cases. */
export const messageCases: readonly Case[] = [
  ...CUT_CASES,
  ...SIZE_CASES,
  ...COUNT_CASES,
  ...HALF_CLOSE_CASES,
];
