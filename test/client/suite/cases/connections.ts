/** Cases of the channel suite: coming and going of servers, connectivity, and the channel's end. */
import assert from "node:assert/strict";
import { eventually, Type } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { type Outcome, outcome, readAll, type SuiteChannel } from "../driver.ts";
import { message } from "../messages.ts";
import { answer, aWhile, type Case, freshStream, newCase, RESPONSE, type Scene } from "../scene.ts";

const UNAVAILABLE = 14;
const CANCELLED = 1;
const PING = Buffer.from("ping");

/** An address that nobody listens on, and its port. */
async function nobody(scene: Scene): Promise<{ address: string; port: number }> {
  const server = await scene.raw();
  const { address, port } = server;
  await server.close();
  return { address, port };
}

/** A call on a channel that was closed: what it throws counts as its status. */
async function afterClose(channel: SuiteChannel): Promise<Pick<Outcome, "code" | "details">> {
  try {
    return await outcome(channel.unary(PING));
  } catch (error) {
    return { code: UNAVAILABLE, details: (error as Error).message };
  }
}

const REACH_CASES: readonly Case[] = [
  newCase("nobody listens: UNAVAILABLE at once, with the address", async (scene) => {
    const { address } = await nobody(scene);
    const result = await outcome(scene.open(address).unary(PING));
    assert.equal(result.code, UNAVAILABLE);
    assert.ok(result.details.includes(address), result.details);
  }),

  newCase("nobody listens: streams fail alike", async (scene) => {
    const { address } = await nobody(scene);
    const channel = scene.open(address);
    for (const call of [channel.serverStream(PING), channel.clientStream(), channel.bidi()]) {
      assert.equal((await call.status).code, UNAVAILABLE);
      assert.equal(await call.read(), null);
    }
  }),

  newCase("a server that hangs up at once: UNAVAILABLE", async (scene) => {
    const server = await scene.raw({ settings: null });
    const call = scene.open(server.address).unary(PING);
    (await server.next()).destroy();
    assert.equal((await outcome(call)).code, UNAVAILABLE);
  }),

  newCase("a server that speaks HTTP/1.1: UNAVAILABLE", async (scene) => {
    const server = await scene.raw({ settings: null });
    const call = scene.open(server.address, { backoffMs: 10_000 }).unary(PING);
    const connection = await server.next();
    connection.write(Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    connection.socket.end();
    assert.equal((await outcome(call)).code, UNAVAILABLE);
  }),

  newCase("a target that cannot be read throws, or fails its calls", async (scene) => {
    const run = async () => outcome(scene.open("dns:///:::not a target:::").unary(PING));
    const code = await run().then(
      (result) => result.code,
      (error: Error) => assert.match(error.message, /not a target|target/i),
    );
    assert.notEqual(code, 0);
  }),

  newCase(
    "wait-for-ready waits for a server that comes later",
    async (scene) => {
      const { address, port } = await nobody(scene);
      const channel = scene.open(address, { backoffMs: 20 });
      const waiting = channel.unary(PING, { waitForReady: true });
      assert.equal((await outcome(channel.unary(PING))).code, UNAVAILABLE);
      assert.deepEqual(waiting.events, []);
      const server = await scene.raw({}, port);
      const { connection, stream } = await freshStream(server);
      answer(connection, stream);
      assert.equal((await outcome(waiting)).code, 0);
    },
    ["wait-for-ready"],
  ),

  newCase("a server that comes later is found without any call's help", async (scene) => {
    const { address, port } = await nobody(scene);
    const channel = scene.open(address, { backoffMs: 20 });
    assert.equal((await outcome(channel.unary(PING))).code, UNAVAILABLE);
    const server = await scene.raw({}, port);
    await eventually("a connection", () => server.connections.length > 0 || null, 5_000);
  }),

  newCase(
    "the peer is the address of the server",
    async (scene) => {
      const { server, call, connection, stream } = await scene.stage();
      answer(connection, stream);
      await outcome(call);
      assert.equal(call.peer(), server.address);
    },
    ["peer"],
  ),

  newCase(
    "the user agent of the application stands first",
    async (scene) => {
      const channel = { userAgent: "shop/1.2" };
      const { call, connection, stream } = await scene.stage({ channel });
      assert.match(stream.get("user-agent")!, /^shop\/1\.2 \S+/);
      answer(connection, stream);
      await outcome(call);
    },
    ["user agent"],
  ),

  newCase(
    "a peer that has gone without a word is noticed by keepalive",
    async (scene) => {
      const channel = { keepalive: { timeMs: 50, timeoutMs: 50 } };
      const { call, connection } = await scene.stage({ channel });
      connection.socket.pause(); // Its machine is gone: nothing is read, nothing answered.
      assert.equal((await outcome(call)).code, UNAVAILABLE);
    },
    ["keepalive", "short keepalive"],
  ),

  newCase(
    "keepalive of 20 ms, and a slow server that answers PINGs",
    async (scene) => {
      const channel = { keepalive: { timeMs: 20, timeoutMs: 1_000 } };
      const { call, connection, stream } = await scene.stage({ channel });
      await aWhile(100);
      const pings = connection.frames.filter(({ type }) => type === Type.PING);
      const isKept = differs(scene.driver, "short keepalive", { grpcJs: true, fairlead: false });
      assert.equal(pings.length > 1, isKept);
      answer(connection, stream);
      assert.equal((await outcome(call)).code, 0);
    },
    ["keepalive"],
  ),
];

const STATE_CASES: readonly Case[] = [
  newCase(
    "a channel is IDLE until it is used, then CONNECTING, then READY",
    async (scene) => {
      const server = await scene.raw({ settings: null });
      const channel = scene.open(server.address);
      assert.equal(channel.connectivity(false), "IDLE");
      await aWhile(10);
      assert.equal(server.connections.length, 0);
      const leavesIdle = channel.watch("IDLE", 5_000);
      channel.connectivity(true);
      assert.equal(await leavesIdle, true);
      assert.equal(channel.connectivity(false), "CONNECTING");
      const connection = await server.next();
      const leavesConnecting = channel.watch("CONNECTING", 5_000);
      connection.settings([]);
      assert.equal(await leavesConnecting, true);
      assert.equal(channel.connectivity(false), "READY");
    },
    ["connectivity"],
  ),

  newCase(
    "a call makes the channel READY, the loss of its connection ends that",
    async (scene) => {
      const { call, channel, connection, stream } = await scene.stage();
      answer(connection, stream);
      await outcome(call);
      assert.equal(channel.connectivity(false), "READY");
      const leaves = channel.watch("READY", 5_000);
      connection.destroy();
      assert.equal(await leaves, true);
      assert.notEqual(channel.connectivity(false), "SHUTDOWN");
    },
    ["connectivity"],
  ),

  newCase(
    "a channel that reaches nobody is in TRANSIENT_FAILURE",
    async (scene) => {
      const { address } = await nobody(scene);
      const channel = scene.open(address, { backoffMs: 10_000 });
      await outcome(channel.unary(PING));
      assert.equal(channel.connectivity(false), "TRANSIENT_FAILURE");
    },
    ["connectivity"],
  ),

  newCase(
    "a watch ends with its time",
    async (scene) => {
      const channel = scene.open((await nobody(scene)).address);
      assert.equal(await channel.watch("IDLE", 20), false);
      assert.equal(await channel.watch("IDLE", -1_000), false);
    },
    ["connectivity"],
  ),

  newCase(
    "a watch for a change ends when the channel is closed",
    async (scene) => {
      const channel = scene.open((await nobody(scene)).address);
      const leaves = channel.watch("IDLE", 5_000);
      channel.close();
      assert.equal(await leaves, true);
      assert.equal(channel.connectivity(false), "SHUTDOWN");
      assert.equal(channel.connectivity(true), "SHUTDOWN");
    },
    ["connectivity"],
  ),
];

const CLOSE_CASES: readonly Case[] = [
  newCase("a closed channel refuses calls", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage();
    answer(connection, stream);
    await outcome(call);
    channel.close();
    const { code, details } = await afterClose(channel);
    assert.ok([UNAVAILABLE, CANCELLED].includes(code));
    assert.match(details, /shut down|closed/i);
  }),

  newCase("closing twice is closing once", async (scene) => {
    const { address } = await nobody(scene);
    const channel = scene.open(address);
    channel.close();
    channel.close();
  }),

  newCase("a channel that is closed closes its connection", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage();
    answer(connection, stream);
    await outcome(call);
    channel.close();
    await connection.closed();
  }),

  newCase("a call in flight ends by itself after the close", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage();
    channel.close();
    await aWhile(10);
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
    await connection.closed();
  }),

  newCase("a stream in flight goes on after the close", async (scene) => {
    const { call, channel, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("one"));
    assert.deepEqual(await call.read(), Buffer.from("one"));
    channel.close();
    connection.data(stream.id, message("two"));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.deepEqual((await readAll(call)).map(String), ["two"]);
    assert.equal((await call.status).code, 0);
  }),

  newCase("a call that waits for a connection fails at the close", async (scene) => {
    const server = await scene.raw({ settings: null });
    const channel = scene.open(server.address);
    const call = channel.unary(PING);
    await server.next();
    channel.close();
    assert.equal((await outcome(call)).code, UNAVAILABLE);
  }),
];

/** The cases. */
export const connectionCases: readonly Case[] = [...REACH_CASES, ...STATE_CASES, ...CLOSE_CASES];
