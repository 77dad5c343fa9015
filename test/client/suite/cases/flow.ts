/** Cases of the channel suite: back-pressure, in both directions. */
import assert from "node:assert/strict";
import { eventually, type RawConnection } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { readAll } from "../driver.ts";
import { message } from "../messages.ts";
import { type Case, newCase, RESPONSE } from "../scene.ts";

const CHUNK = Buffer.alloc(16_000, 1);
/** What a client may hold of one stream that nobody reads: windows and a few messages. */
const HELD_BYTES_MAX = 2 << 20;
/** How often nothing must change until nothing will. */
const STILL_ROUNDS = 5;

/** Sends messages while the windows are open; returns how many, once they stay closed. */
async function fill(connection: RawConnection, id: number, countMax: number): Promise<number> {
  const bytes = message(CHUNK);
  let count = 0;
  let still = 0;
  while (count < countMax && still < STILL_ROUNDS) {
    if (Math.min(connection.window(id), connection.window(0)) >= bytes.length) {
      connection.data(id, bytes);
      count += 1;
      still = 0;
    } else {
      await connection.roundTrip();
      still += 1;
    }
  }
  return count;
}

/** The cases. */
export const flowCases: readonly Case[] = [
  newCase("a reader that has not begun to read", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    const count = await fill(connection, stream.id, 500);
    const isBounded = differs(scene.driver, "unread stream", { grpcJs: false, fairlead: true });
    assert.equal(count * CHUNK.length < HELD_BYTES_MAX, isBounded, `${count} messages`);
    call.cancel();
    assert.equal((await call.status).code, 1);
  }),

  newCase("a reader that stops reading stops the server", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("first"));
    assert.deepEqual(await call.read(), Buffer.from("first"));
    const count = await fill(connection, stream.id, 1_000);
    assert.ok(count * CHUNK.length < HELD_BYTES_MAX, `${count} messages were let in`);
    // And a reader that reads lets it go on.
    for (let i = 0; i < count; i += 1) assert.equal((await call.read())?.length, CHUNK.length);
    const reading = readAll(call);
    const more = await fill(connection, stream.id, 500);
    assert.equal(more, 500);
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.equal((await reading).length, 500);
    assert.equal((await call.status).code, 0);
  }),

  newCase("a stream that nobody reads holds no other call up", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    await fill(connection, stream.id, 1_000);
    const other = channel.serverStream(Buffer.from("ping"));
    const { id } = await connection.nextStream();
    connection.headers(id, RESPONSE);
    const reading = readAll(other);
    await connection.paced(id, message(CHUNK), 4_096);
    connection.headers(id, [["grpc-status", "0"]], true);
    assert.equal((await reading).length, 1);
    call.cancel();
    assert.equal((await call.status).code, 1);
  }),

  newCase("a server that does not read stops the sender", async (scene) => {
    const raw = { isCrediting: false };
    const { call, connection, stream } = await scene.stage({ kind: "clientStream", raw });
    let sentCount = 0;
    let isOver = false;
    const sending = (async () => {
      while (sentCount < 200 && !isOver) {
        await call.send(CHUNK);
        sentCount += 1;
      }
    })();
    await eventually("the window is full", () => stream.body.length >= 65_535);
    let still = 0;
    for (let last = -1; still < STILL_ROUNDS; last = sentCount) {
      await connection.roundTrip();
      still = sentCount === last ? still + 1 : 0;
    }
    assert.equal(stream.body.length, 65_535);
    assert.ok(sentCount * CHUNK.length < HELD_BYTES_MAX, `${sentCount} messages were taken`);
    // Credit lets it go on.
    connection.windowUpdate(0, 1 << 24);
    connection.windowUpdate(stream.id, 1 << 24);
    await sending;
    await eventually("all of it", () => stream.body.length === 200 * message(CHUNK).length);
    isOver = true;
    call.cancel();
    assert.equal((await call.status).code, 1);
  }),
];
