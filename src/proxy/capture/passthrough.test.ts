/**
 * Connections that pass through to a destination that does not answer, on real sockets: what bounds
 * them, and what they count for.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, test } from "node:test";
import { Worker } from "node:worker_threads";
import { until } from "../../../test/support/http2-sockets.ts";
import { VirtualClock } from "../../base/index.ts";
import { Admission } from "./admission.ts";
import { PASSTHROUGH_CONNECT_TIMEOUT_MS, Passthrough } from "./passthrough.ts";
import type { Destination } from "./sockaddr.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Listens, and never runs again: its queue fills, and the kernel drops what comes then. */
const STANDSTILL = `
  const { parentPort } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;
/** More connections than such a queue takes. */
const FILLERS = 4;

/** A destination that drops SYNs. */
async function silentDestination(): Promise<Destination> {
  const worker = new Worker(STANDSTILL, { eval: true });
  const [port] = await once(worker, "message");
  const fillers = Array.from({ length: FILLERS }, () => connect({ host: "127.0.0.1", port }));
  ends.push(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });
  const connected = () => fillers.filter(({ connecting }) => !connecting).length;
  await until(() => connected() >= 2, "its queue is full");
  return { ip: "127.0.0.1", port };
}

interface Rig {
  readonly clock: VirtualClock;
  readonly passing: Passthrough[];
  /** Reasons, in the order in which connections were over. */
  readonly closed: (string | null)[];
  readonly counts: { refused: number };
  dial(): Socket;
}

/** Everything passes through to there, `limit` connections at a time. */
async function rig(destination: Destination, limit: number): Promise<Rig> {
  const clock = new VirtualClock();
  const admission = new Admission(limit);
  const passing: Passthrough[] = [];
  const closed: Rig["closed"] = [];
  const counts = { refused: 0 };
  const events = {
    onConnected: () => {},
    onClosed: (_: Passthrough, reason: string | null) => void closed.push(reason),
  };
  const front = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    const place = admission.tryAdmit(socket);
    if (place === null) counts.refused += 1;
    else {
      const made = new Passthrough(socket, destination, Buffer.alloc(0), clock, events);
      place.hold(made.upstream);
      passing.push(made);
    }
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  const clients: Socket[] = [];
  ends.push(() => {
    front.close();
    for (const one of passing) one.cut("the test is over");
    for (const client of clients) client.destroy();
  });
  const { port } = front.address() as AddressInfo;
  const dial = (): Socket => {
    const client = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    clients.push(client.on("error", () => {}));
    return client;
  };
  return { clock, passing, closed, counts, dial };
}

/**
 * The client was reset when the time was up; the socket to the destination went on connecting for
 * minutes, and a drain waited for it.
 */
test("a destination that does not answer is given up in time, on both sides", async () => {
  const { clock, passing, closed, dial } = await rig(await silentDestination(), 10);
  const client = dial();
  await until(() => passing.length === 1, "it passes through");
  clock.advance(PASSTHROUGH_CONNECT_TIMEOUT_MS - 1);
  assert.deepEqual([passing[0]!.upstream.connecting, client.destroyed], [true, false]);
  clock.advance(1);
  assert.equal(passing[0]!.upstream.destroyed, true);
  await until(() => closed.length === 1 && client.destroyed, "both sides are closed");
  assert.deepEqual(closed, ["ETIMEDOUT"]);
  assert.equal(clock.pendingCount, 0);
});

/** Each left a socket behind that went on connecting, and counted for no limit. */
test("clients that leave before the destination answers leave nothing behind", async () => {
  const { passing, closed, counts, dial } = await rig(await silentDestination(), 1);
  for (let round = 1; round <= 20; round += 1) {
    const client = dial();
    await until(() => passing.length + counts.refused === round, "it came");
    client.resetAndDestroy();
    await until(() => closed.length === round, "it is over");
  }
  assert.deepEqual([passing.length, counts.refused], [20, 0]);
});

/** A client that was gone counted no more, though what it had sent was still held. */
test("a connection counts for the limit until both of its sides are closed", async () => {
  const servers: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    servers.push(socket.on("error", () => {}).pause());
    socket.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    for (const socket of servers) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { passing, closed, counts, dial } = await rig({ ip: "127.0.0.1", port }, 1);
  const client = dial().resume();
  await until(() => passing.length === 1, "it passes through");
  const { client: near, upstream } = passing[0]!;
  // In steps below what makes a pipe wait, until the kernel takes no more.
  for (let sent = 0; upstream.connecting || upstream.writableLength === 0; ) {
    const piece = Buffer.alloc(16 * 1024);
    client.write(piece);
    sent += piece.length;
    await until(() => near.bytesRead === sent, "the piece was read");
  }
  client.end();
  await until(() => near.destroyed, "the client's side is closed in order");
  assert.deepEqual([upstream.destroyed, closed.length], [false, 0]);
  dial();
  await until(() => counts.refused === 1, "the next one is over the limit");
  servers[0]!.resume();
  await until(() => closed.length === 1, "the destination read it all");
  dial();
  await until(() => passing.length === 2, "there is room again");
});
