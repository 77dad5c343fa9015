/** Connections of our own that come back, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { LoopGuard } from "./loop-guard.ts";

/** Both ends of a connection: what was accepted, and what connected. */
async function pair(t: TestContext): Promise<{ accepted: Socket; connected: Socket }> {
  const server: Server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const connected = connect(port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  if (connected.connecting) await once(connected, "connect");
  t.after(() => {
    accepted.destroy();
    connected.destroy();
    server.close();
  });
  return { accepted, connected };
}

test("a connection that we made and that comes back is found, whichever end is first", async (t) => {
  const { accepted, connected } = await pair(t);
  const guard = new LoopGuard(() => new Set());
  assert.equal(guard.isBack(connected), false);
  assert.equal(guard.isOwn(accepted), true);
  const other = new LoopGuard(() => new Set());
  assert.equal(other.isOwn(accepted), false);
  assert.equal(other.isBack(connected), true);
});

test("sockets that are closed already, and have no address, are nobody's loop", async (t) => {
  const { accepted, connected } = await pair(t);
  accepted.destroy();
  connected.destroy();
  assert.deepEqual([accepted.remotePort, connected.localPort], [undefined, undefined]);
  const guard = new LoopGuard(() => new Set());
  assert.deepEqual([guard.isBack(connected), guard.isOwn(accepted)], [false, false]);
});

test("a destination is ours by a port that is bound, on an address of this machine", () => {
  const guard = new LoopGuard(() => new Set([15_001]));
  assert.equal(guard.isOurs({ ip: "127.0.0.9", port: 15_001 }), true);
  assert.equal(guard.isOurs({ ip: "192.0.2.1", port: 15_001 }), false);
  assert.equal(guard.isOurs({ ip: "127.0.0.9", port: 15_002 }), false);
});
