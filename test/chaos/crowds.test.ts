/**
 * Crowds: many connections that come and go, many streams that do nothing, and the end of a proxy
 * in the middle of its work. Nothing may be left behind, and nothing may be cut that could finish.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import test, { after } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { until } from "../cli/harness.ts";
import { requirePeer } from "../peers/find.ts";
import { startProcess, stopAll } from "../peers/processes.ts";
import { runStorm } from "../peers/storms.ts";
import { frameBytes, rawClient, Type } from "../support/raw-http2.ts";
import { Fleet, WatchedProxy } from "./fleet.ts";

const MIB = 1024 * 1024;

after(() => stopAll());

/** Runs with three servers and a proxy; checks in the end that it is quiet and exits well. */
async function withFleet(
  t: Parameters<typeof Fleet.start>[0],
  flags: readonly string[],
  body: (proxy: WatchedProxy, fleet: Fleet) => Promise<void>,
): Promise<void> {
  const fleet = await Fleet.start(t, 3);
  if (fleet === null) return;
  const proxy = await WatchedProxy.start(fleet.target, 3, ...flags);
  try {
    await body(proxy, fleet);
    await proxy.untilQuiet();
    assert.deepEqual(await proxy.stop(), { code: 0, signal: null });
  } finally {
    await proxy.stop();
    await fleet.stop();
  }
}

const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frameBytes(Type.SETTINGS, 0, 0),
]);

/** Connects, says as much as `what` tells, and goes away. */
async function hitAndRun(address: string, what: number): Promise<void> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => {});
  await new Promise<void>((done) => socket.once("connect", done));
  if (what === 1) socket.write(PREFACE.subarray(0, 11));
  if (what === 2) socket.write(PREFACE);
  if (what === 3) socket.write("GET / HTTP/1.1\r\n\r\n");
  if (what === 4) socket.end(PREFACE);
  else if (what === 5) socket.resetAndDestroy();
  else if (what === 6) {
    const client = await rawClient(address);
    client.request(
      [
        [":method", "POST"],
        [":scheme", "http"],
        [":path", "/echo.Echo/Chat"],
        [":authority", "a"],
        ["content-type", "application/grpc"],
        ["te", "trailers"],
      ],
      false,
    );
    await client.roundTrip();
    client.destroy();
  }
  socket.destroy();
}

test("a thousand clients that come and go leave nothing", async (t) => {
  await withFleet(t, [], async (proxy) => {
    // What the first hundred cost is not left by the others.
    for (let i = 0; i < 100; i += 1) await hitAndRun(proxy.address, i % 7);
    await proxy.untilQuiet();
    const { fdCount, rssBytes } = proxy;
    for (let i = 0; i < 1_000; i += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, k) => hitAndRun(proxy.address, (i + k) % 7)),
      );
    }
    await proxy.untilQuiet();
    await until("its sockets are closed", () => proxy.fdCount <= fdCount);
    const grownMib = (proxy.rssBytes - rssBytes) / MIB;
    t.diagnostic(`${grownMib.toFixed(1)} MiB more after 1,000 connections`);
    assert.ok(grownMib < 60, `${grownMib} MiB more`);
    assert.equal(
      (await proxy.endpoints()).every(({ state }) => state === "READY"),
      true,
    );
  });
});

test("ten thousand idle streams are held, cost little, and are gone with their client", async (t) => {
  const program = requirePeer(t, "load-client");
  if (program === null) return;
  await withFleet(t, [], async (proxy) => {
    const storm = await runStorm(t, "go", { target: proxy.address, calls: 2_000, seed: 3 });
    if (storm === null) return;
    await proxy.untilQuiet();
    const before = proxy.rssBytes;
    const args = ["-target", proxy.address, "-mode", "hold", "-connections", "10"];
    // Its stdin ends at once unless it is kept: it holds its streams until then.
    const holder = startProcess("/bin/sh", [
      "-c",
      `sleep 600 | exec "$0" "$@"`,
      program,
      ...args,
      "-streams",
      "1000",
    ]);
    const [, open] = await holder.waitFor(/"open":(\d+)/, 120_000);
    assert.equal(Number(open), 10_000);
    assert.equal(await proxy.metric("fairlead_calls_active"), 10_000);
    const grownKib = (proxy.rssBytes - before) / 1024 / 10_000;
    t.diagnostic(`${grownKib.toFixed(1)} KiB a stream`);
    assert.ok(grownKib < 12, `${grownKib} KiB a stream`);
    const beside = await runStorm(t, "go", { target: proxy.address, calls: 2_000, seed: 4 });
    assert.ok(beside?.isGood, "others are served beside them");
    holder.kill();
    await holder.exited;
  });
});

const bytes = (value: Buffer): Buffer => value;

/** A unary call of the echo service that takes `sleepMs`; its status code. */
function say(client: grpc.Client, sleepMs: number, size: number): Promise<number> {
  const metadata = new grpc.Metadata();
  metadata.set("x-sleep-ms", String(sleepMs));
  return new Promise((done) => {
    client.makeUnaryRequest(
      "/echo.Echo/Say",
      bytes,
      bytes,
      Buffer.alloc(size, 1),
      metadata,
      (error, answer) => done(error?.code ?? (answer?.length === size ? 0 : -1)),
    );
  });
}

/** A chat that goes on while `isGoingOn`, one message after the other; its status code. */
function chat(client: grpc.Client, isGoingOn: () => boolean): Promise<number> {
  const call = client.makeBidiStreamRequest("/echo.Echo/Chat", bytes, bytes);
  return new Promise((done) => {
    call.on("data", () => {
      if (isGoingOn()) call.write(Buffer.from("on"));
      else call.end();
    });
    call.on("error", () => {});
    call.on("status", ({ code }) => done(code));
    call.write(Buffer.from("first"));
  });
}

test("SIGTERM under load: every call in flight finishes, and the exit code is 0", async (t) => {
  const fleet = await Fleet.start(t, 3);
  if (fleet === null) return;
  const proxy = await WatchedProxy.start(fleet.target, 3);
  const clients = Array.from(
    { length: 4 },
    (_, i) =>
      new grpc.Client(proxy.address, grpc.credentials.createInsecure(), {
        "test.client": i,
        "grpc.use_local_subchannel_pool": 1,
      }),
  );
  let isGoingOn = true;
  const calls: Promise<number>[] = [];
  for (const client of clients) {
    // Long enough that on a busy machine the first does not end before the last has begun.
    for (let i = 0; i < 25; i += 1) calls.push(say(client, 2_000 + i * 40, i * 1_000));
    for (let i = 0; i < 25; i += 1) calls.push(chat(client, () => isGoingOn));
  }
  await until("all are in flight", async () => {
    return (await proxy.metric("fairlead_calls_active")) === calls.length;
  });
  proxy.started.process.signal("SIGTERM");
  await new Promise((done) => setTimeout(done, 500));
  assert.equal(proxy.started.process.exit, null, "it waits for them");
  isGoingOn = false;
  const codes = await Promise.all(calls);
  assert.deepEqual(
    codes.filter((code) => code !== 0),
    [],
  );
  assert.deepEqual(await proxy.started.process.exited, { code: 0, signal: null });
  for (const client of clients) client.close();
  await fleet.stop();
});

test("SIGTERM with a call that does not end: it is cut at the drain's time-out, exit code 0", async (t) => {
  const fleet = await Fleet.start(t, 1);
  if (fleet === null) return;
  const proxy = await WatchedProxy.start(fleet.target, 1, "--drain-timeout", "1");
  const client = new grpc.Client(proxy.address, grpc.credentials.createInsecure());
  const call = say(client, 60_000, 10);
  await until("it is in flight", async () => (await proxy.metric("fairlead_calls_active")) === 1);
  proxy.started.process.signal("SIGTERM");
  assert.deepEqual(await proxy.started.process.exited, { code: 0, signal: null });
  assert.equal(await call, grpc.status.UNAVAILABLE);
  client.close();
  await fleet.stop();
});

test("two workers share a storm, and answer for it together", async (t) => {
  await withFleet(t, ["--workers", "2"], async (proxy) => {
    const calls = 10_000;
    const storm = await runStorm(t, "go", {
      target: proxy.address,
      calls,
      connections: 8,
      seed: 12,
    });
    if (storm === null) return;
    assert.ok(storm.isGood, JSON.stringify(storm.summary.problems, null, 1));
    await proxy.untilQuiet();
    const endpoints = await proxy.endpoints();
    const attempts = endpoints.reduce((sum, each) => sum + each.calls, 0);
    // A call that its client cancels before it leaves never comes; a replay counts twice.
    assert.ok(attempts > calls * 0.97 && attempts < calls * 1.03, `${attempts} attempts`);
    assert.equal(await proxy.metric("fairlead_downstream_connections_total"), 8);
  });
});
