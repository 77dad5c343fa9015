/**
 * What a route of an xDS server asks of running calls of a channel is carried out: the header that
 * they are hashed by, their time, their retries.
 */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createChannel, GrpcError, Status } from "../../src/client/plain/public.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { type Pod, type PodOptions, SAY, startPod } from "./pods.ts";
import { apiListener, cluster, endpoints, type Json, routes } from "./resources.ts";
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

async function pod(options: PodOptions = {}): Promise<Pod> {
  const started = await startPod("127.0.0.1", 0, options);
  pods.push(started);
  return started;
}

/** A channel whose server serves these routes and one cluster "one" of these pods. */
async function channelOf(
  program: string,
  list: readonly Json[],
  of: readonly Pod[],
  more: Json = {},
): Promise<Channel> {
  const control = await XdsServer.start(program);
  servers.push(control);
  const addresses = of.map(({ address }) => address);
  await control.serve([
    apiListener(TARGET),
    routes(TARGET, list),
    cluster("one", more),
    endpoints("one", addresses),
  ]);
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
    xds_servers: [{ server_uri: control.address, channel_creds: [{ type: "insecure" }] }],
    node: { id: "test" },
  });
  const channel = createChannel(`xds:///${TARGET}`);
  channels.push(channel);
  return channel;
}

const to = (path: string, more: Json): Json => ({
  match: { path },
  route: { cluster: "one", ...more },
});
const OTHER = { ...SAY, path: "/echo.Echo/Other" };

test("maglev: each route hashes by its own header (A42)", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const by = (headerName: string): Json => ({ hashPolicy: [{ header: { headerName } }] });
  const list = [to(SAY.path, by("X-User")), to(OTHER.path, by("x-tenant"))];
  const all = [await pod(), await pod(), await pod()];
  const channel = await channelOf(program, list, all, { lbPolicy: "MAGLEV" });
  const answersOf = async (method: typeof SAY, equal: string): Promise<Set<string>> => {
    const answers = new Set<string>();
    for (let i = 0; i < 24; i += 1) {
      const keyOf = (name: string) => (name === equal ? "k" : `k${i}`);
      const metadata = { "x-user": keyOf("x-user"), "x-tenant": keyOf("x-tenant") };
      answers.add(
        await channel.unary(method, "hello", { metadata, waitForReady: true, timeoutMs: 5_000 }),
      );
    }
    return answers;
  };
  // Until all are connected, the table is of those that are.
  await eventually("all get calls", async () => (await answersOf(SAY, "none")).size === 3);
  assert.equal((await answersOf(SAY, "x-user")).size, 1);
  assert.equal((await answersOf(SAY, "x-tenant")).size, 3);
  assert.equal((await answersOf(OTHER, "x-tenant")).size, 1);
  assert.equal((await answersOf(OTHER, "x-user")).size, 3);
});

test("a route's time bounds a call, and no other route's call (A31)", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const slow = await pod({ delayMs: 400 });
  const list = [
    to(SAY.path, { maxStreamDuration: { maxStreamDuration: "0.1s" } }),
    to(OTHER.path, { maxStreamDuration: { maxStreamDuration: "20s" } }),
  ];
  const channel = await channelOf(program, list, [slow]);
  assert.equal(
    await channel.unary(OTHER, "hello", { waitForReady: true, timeoutMs: 10_000 }),
    slow.address,
  );
  await assert.rejects(channel.unary(SAY, "hello"), (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, Status.DEADLINE_EXCEEDED);
    return true;
  });
  // The server was told what is left, as "grpc-timeout" says it.
  assert.ok(Number(slow.deadlineMs) <= 100, `it was told ${slow.deadlineMs} ms`);
});

test("a route's retry policy sends a call again, by the conditions that it names (A44)", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const shaky = await pod({ failing: 2 });
  const retryPolicy = {
    ...{ retryOn: "unavailable", numRetries: 2 },
    retryBackOff: { baseInterval: "0.01s", maxInterval: "0.02s" },
  };
  const never = { retryPolicy: { ...retryPolicy, retryOn: "cancelled" } };
  const list = [to(SAY.path, { retryPolicy }), to(OTHER.path, never)];
  const channel = await channelOf(program, list, [shaky]);
  assert.equal(
    await channel.unary(SAY, "hello", { waitForReady: true, timeoutMs: 10_000 }),
    shaky.address,
  );
  assert.equal(shaky.calls, 3);
  assert.equal(shaky.last["grpc-previous-rpc-attempts"], "2");
  shaky.failing = 1;
  await assert.rejects(channel.unary(OTHER, "hello"), (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, Status.UNAVAILABLE);
    return true;
  });
  assert.equal(shaky.calls, 4);
});
