/**
 * Our channels of `xds:///` targets against go-control-plane: start, scale, change of routes, NACK,
 * restart, fallback. The servers are real processes, the calls go over loopback.
 */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createChannel, GrpcError, Status } from "../../src/client/plain/public.ts";
import { requirePeer } from "../peers/find.ts";
import { type Pod, SAY, startPod } from "./pods.ts";
import {
  aggregate,
  apiListener,
  cluster,
  endpoints,
  type Json,
  locality,
  routes,
  routeTo,
} from "./resources.ts";
import { XdsServer } from "./xds-server.ts";

const TARGET = "echo.prod:50051";
type Channel = ReturnType<typeof createChannel>;
const channels: Channel[] = [];
const pods: Pod[] = [];
const servers: XdsServer[] = [];

afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  for (const pod of pods.splice(0)) pod.stop();
  for (const server of servers.splice(0)) await server.kill();
});

async function pod(): Promise<Pod> {
  const started = await startPod();
  pods.push(started);
  return started;
}

async function server(program: string): Promise<XdsServer> {
  const started = await XdsServer.start(program);
  servers.push(started);
  return started;
}

/** A channel whose bootstrap names these servers, in order. */
function channelOf(...addresses: readonly string[]): Channel {
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
    xds_servers: addresses.map((address) => ({
      server_uri: address,
      channel_creds: [{ type: "insecure" }],
      server_features: ["xds_v3"],
    })),
    node: { id: "test", locality: { zone: "eu-1a" } },
  });
  const channel = createChannel(`xds:///${TARGET}`);
  channels.push(channel);
  return channel;
}

function say(channel: Channel, waitForReady = true): Promise<string> {
  return channel.unary(SAY, "hello", { timeoutMs: 10_000, waitForReady });
}

/** Calls until `isDone` of who answered, all of which must go well. */
async function callUntil(channel: Channel, isDone: (recent: readonly string[]) => boolean) {
  const recent: string[] = [];
  const untilMs = Date.now() + 10_000;
  while (!isDone(recent)) {
    assert.ok(Date.now() < untilMs, `it did not come about: ${recent.join(" ")}`);
    recent.push(await say(channel));
    if (recent.length > 20) recent.shift();
    await sleep(2);
  }
}

function whole(name: string, list: readonly string[]): Json[] {
  return [
    apiListener(TARGET),
    routes(TARGET, [routeTo(name)]),
    cluster(name),
    endpoints(name, list),
  ];
}

test("start, scale and a change of routes: no call fails", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b, c] = [await pod(), await pod(), await pod()];
  const control = await server(program);
  await control.serve(whole("one", [a.address]));
  const channel = channelOf(control.address);
  assert.equal(await say(channel), a.address);
  await control.serve(whole("one", [a.address, b.address]));
  await callUntil(channel, (recent) => recent.slice(-6).includes(b.address));
  await control.serve(whole("one", [b.address]));
  await callUntil(
    channel,
    (recent) => recent.length >= 10 && !recent.slice(-10).includes(a.address),
  );
  await control.serve(whole("two", [c.address]));
  await callUntil(channel, (recent) => recent.at(-1) === c.address);
  assert.equal(await say(channel), c.address);
  assert.deepEqual(control.problems, []);
});

test("weights, matches, header changes and a retry policy of a route are carried out", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b] = [await pod(), await pod()];
  const control = await server(program);
  const weightedClusters = {
    clusters: [
      { name: "one", weight: 1 },
      { name: "two", weight: 3 },
    ],
  };
  const canary = {
    match: { prefix: "", headers: [{ name: "x-canary", stringMatch: { exact: "yes" } }] },
    route: { cluster: "two", maxStreamDuration: { maxStreamDuration: "5s" } },
    requestHeadersToAdd: [{ header: { key: "x-added", value: "by the route" } }],
  };
  await control.serve([
    apiListener(TARGET, "routes"),
    routes("routes", [canary, { match: { prefix: "/echo.Echo/" }, route: { weightedClusters } }]),
    ...[cluster("one"), endpoints("one", [a.address])],
    ...[cluster("two"), endpoints("two", [b.address])],
  ]);
  const channel = channelOf(control.address);
  for (let i = 0; i < 200; i++) await say(channel);
  assert.equal(a.calls + b.calls, 200);
  // 50 of 200, six standard deviations either way.
  assert.ok(a.calls > 13 && a.calls < 87, `${a.calls} of 200 went to the cluster of weight 1`);
  const metadata = { "x-canary": "yes" };
  assert.equal(await channel.unary(SAY, "hello", { metadata }), b.address);
  assert.equal(b.last["x-added"], "by the route");
  const other = { ...SAY, path: "/other.Service/Say" };
  await assert.rejects(channel.unary(other, "hello"), (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, Status.UNAVAILABLE);
    assert.match(error.message, /no route of xds:\/\/\/echo\.prod:50051 matches/);
    return true;
  });
});

test("a bad resource is refused by name and field, and the last good one stays", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b] = [await pod(), await pod()];
  const control = await server(program);
  await control.serve(whole("one", [a.address]));
  const channel = channelOf(control.address);
  assert.equal(await say(channel), a.address);
  const gap = [locality("a", [b.address], { priority: 1 })];
  await control.serve([...whole("one", []).slice(0, 3), endpoints("one", gap)]);
  for (let i = 0; control.problems.length === 0 && i < 500; i++) await sleep(10);
  assert.match(control.problems[0] ?? "", /^EDS one: endpoints has no priority 0/);
  assert.equal(await say(channel), a.address);
  await control.serve(whole("one", [b.address]));
  await callUntil(channel, (recent) => recent.at(-1) === b.address);
});

test("a control plane that is away takes nothing away, and is found again", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b] = [await pod(), await pod()];
  const control = await server(program);
  await control.serve(whole("one", [a.address]));
  const channel = channelOf(control.address);
  assert.equal(await say(channel), a.address);
  await control.kill();
  for (let i = 0; i < 20; i++) assert.equal(await say(channel), a.address);
  await control.start();
  await control.serve(whole("one", [b.address]), "after");
  await callUntil(channel, (recent) => recent.at(-1) === b.address);
});

test("A71: the second server is asked when the first is not there, and left when it is", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b] = [await pod(), await pod()];
  const [first, second] = [await server(program), await server(program)];
  await first.kill();
  await second.serve(whole("one", [a.address]));
  const channel = channelOf(first.address, second.address);
  assert.equal(await say(channel), a.address);
  await first.start();
  await first.serve(whole("one", [b.address]), "primary");
  await callUntil(channel, (recent) => recent.at(-1) === b.address);
});

test("without any server calls fail with the reason, and those that wait are served", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const a = await pod();
  const control = await server(program);
  await control.kill();
  const channel = channelOf(control.address);
  await assert.rejects(say(channel, false), (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, Status.UNAVAILABLE);
    assert.match(error.message, /xDS server 127\.0\.0\.1:\d+: connection refused/);
    return true;
  });
  const waiting = say(channel);
  await control.start();
  await control.serve(whole("one", [a.address]));
  assert.equal(await waiting, a.address);
});

test("an aggregate cluster fails over to the next one (A37)", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const [a, b] = [await pod(), await pod()];
  const control = await server(program);
  const rest = [
    apiListener(TARGET),
    routes(TARGET, [routeTo("both")]),
    ...[aggregate("both", ["one", "two"]), cluster("one"), cluster("two")],
    endpoints("two", [b.address]),
  ];
  await control.serve([...rest, endpoints("one", [a.address])]);
  const channel = channelOf(control.address);
  for (let i = 0; i < 10; i++) assert.equal(await say(channel), a.address);
  a.stop();
  await callUntil(channel, (recent) => recent.at(-1) === b.address);
});
