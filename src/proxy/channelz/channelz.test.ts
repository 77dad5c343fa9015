/** channelz as stock clients see it: grpc-js with gRPC's own channelz.proto. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { realClock, silentLogger } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import { Registry } from "../../telemetry/index.ts";
import type { AdminSource } from "../admin/index.ts";
import { clusterView, connectionsView, endpointView } from "../admin/views.fixture.ts";
import { ADMIN_GRPC_CONNECTIONS_MAX, startAdminGrpc } from "../admin-grpc.ts";
import { addressOf } from "./address.ts";
import { Ids } from "./ids.ts";
import { CHANNELZ_REQUEST_BYTES_MAX, CHANNELZ_RESULTS_MAX } from "./methods.ts";

const proto = join(
  dirname(createRequire(import.meta.url).resolve("@grpc/grpc-js/package.json")),
  "proto/channelz.proto",
);
const definition = loadSync(proto, { longs: Number, enums: String, defaults: true, oneofs: true });
const Channelz = grpc.loadPackageDefinition(definition) as never as {
  grpc: { channelz: { v1: { Channelz: grpc.ServiceClientConstructor } } };
};

// biome-ignore lint/suspicious/noExplicitAny: answers as the proto says.
type Ask = (method: string, request: object) => Promise<any>;

interface World {
  clusters: ClusterView[];
  readonly ask: Ask;
  readonly address: string;
}

async function start(t: TestContext, clusters: ClusterView[]): Promise<World> {
  const registry = new Registry();
  registry.counter("fairlead_downstream_calls_total", "Calls.").add(42);
  const world = { clusters };
  const source = {
    clusters: async () => world.clusters,
    connections: async () => connectionsView(),
    metrics: async () => registry.snapshot(),
    listeners: async () => [{ address: "127.0.0.1:8080" }, { address: null }],
  } as unknown as AdminSource;
  const at = { host: "127.0.0.1", port: 0 };
  const system = { clock: realClock(), log: silentLogger };
  const served = await startAdminGrpc(at, source, system);
  const { Channelz: Client } = Channelz.grpc.channelz.v1;
  const client = new Client(served.address, grpc.credentials.createInsecure());
  t.after(() => {
    client.close();
    served.close();
  });
  const ask: Ask = (method, request) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, answer: unknown): void =>
        error === null ? resolve(answer) : reject(error);
      (client[method] as unknown as (r: object, d: typeof done) => void).call(
        client,
        request,
        done,
      );
    });
  return Object.assign(world, { ask, address: served.address });
}

const READY = endpointView({ pod: "echo-1", uid: "u1", calls: 10, failures: 2, activeCalls: 1 });
const FAILING = endpointView({
  ...{ address: "[::1]:50051", state: "TRANSIENT_FAILURE", connections: 0, usable: false },
});

test("a cluster is a channel, an endpoint a subchannel, a connection a socket", async (t) => {
  const { ask } = await start(t, [clusterView([READY, FAILING], { target: "t:1" })]);
  const { channel, end } = await ask("GetTopChannels", {});
  assert.deepEqual([channel.length, end], [1, true]);
  const { ref, data, subchannelRef } = channel[0];
  assert.deepEqual([data.target, data.state.state], ["t:1", "READY"]);
  assert.deepEqual([data.callsStarted, data.callsSucceeded, data.callsFailed], [10, 7, 2]);
  assert.deepEqual((await ask("GetChannel", { channelId: ref.channelId })).channel, channel[0]);
  assert.equal(subchannelRef[0].name, "echo-1");
  const subchannels = await Promise.all(
    subchannelRef.map(async ({ subchannelId }: { subchannelId: number }) => {
      const { subchannel } = await ask("GetSubchannel", { subchannelId });
      return subchannel;
    }),
  );
  assert.deepEqual(
    subchannels.map((one) => [one.data.target, one.data.state.state, one.socketRef.length]),
    [
      ["127.0.0.2:50051", "READY", 1],
      ["[::1]:50051", "TRANSIENT_FAILURE", 0],
    ],
  );
  const { socketId } = subchannels[0].socketRef[0];
  const { socket } = await ask("GetSocket", { socketId });
  assert.deepEqual([...socket.remote.tcpipAddress.ipAddress], [127, 0, 0, 2]);
  assert.equal(socket.remote.tcpipAddress.port, 50051);
  assert.deepEqual([socket.data.streamsStarted, socket.data.streamsFailed], [10, 2]);
});

test("figures of several connections to one endpoint are not made up", async (t) => {
  const { ask } = await start(t, [clusterView([{ ...READY, connections: 2 }])]);
  const { channel } = await ask("GetTopChannels", {});
  const { subchannelId } = channel[0].subchannelRef[0];
  const { subchannel } = await ask("GetSubchannel", { subchannelId });
  assert.equal(subchannel.socketRef.length, 2);
  const { socketId } = subchannel.socketRef[1];
  assert.equal((await ask("GetSocket", { socketId })).socket.data.streamsStarted, 0);
});

test("the listeners are one server, and client connections its sockets", async (t) => {
  const { ask } = await start(t, []);
  const { server } = await ask("GetServers", {});
  assert.deepEqual([server.length, server[0].data.callsStarted], [1, 42]);
  const [{ socketId: listening }] = server[0].listenSocket;
  const { socket } = await ask("GetSocket", { socketId: listening });
  assert.equal(socket.local.tcpipAddress.port, 8080);
  const { serverId } = server[0].ref;
  assert.deepEqual((await ask("GetServer", { serverId })).server, server[0]);
  const { socketRef, end } = await ask("GetServerSockets", { serverId });
  assert.deepEqual([socketRef.length, end], [1, true]);
  const { socketId } = socketRef[0];
  const client = (await ask("GetSocket", { socketId })).socket;
  assert.deepEqual([client.ref.name, client.data.streamsStarted], ["127.0.0.1:40002", 420]);
});

test("what is not there is NOT_FOUND, and nonsense INVALID_ARGUMENT", async (t) => {
  const { ask, address } = await start(t, []);
  for (const [method, request] of [
    ["GetChannel", { channelId: 99 }],
    ["GetSubchannel", { subchannelId: 99 }],
    ["GetSocket", { socketId: 99 }],
    ["GetServer", { serverId: 99 }],
    ["GetServerSockets", { serverId: 99 }],
  ] as const) {
    await assert.rejects(ask(method, request), {
      code: grpc.status.NOT_FOUND,
      message: /no .* 99/,
    });
  }
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const send = (bytes: Buffer) =>
    new Promise<number | undefined>((resolve) => {
      const path = "/grpc.channelz.v1.Channelz/GetChannel";
      const same = (value: Buffer): Buffer => value;
      client.makeUnaryRequest(path, same, same, bytes, (error) => resolve(error?.code));
    });
  assert.equal(await send(Buffer.from([0x08, 0xff])), grpc.status.INVALID_ARGUMENT);
  const tooLong = Buffer.alloc(CHANNELZ_REQUEST_BYTES_MAX + 1);
  assert.equal(await send(tooLong), grpc.status.RESOURCE_EXHAUSTED);
});

test("pages begin where they are asked to, and none is longer than the bound", async (t) => {
  const many = Array.from({ length: CHANNELZ_RESULTS_MAX + 5 }, (_, n) =>
    clusterView([], { target: `t:${n}` }),
  );
  const { ask } = await start(t, many);
  const first = await ask("GetTopChannels", { maxResults: 1_000_000 });
  assert.deepEqual([first.channel.length, first.end], [CHANNELZ_RESULTS_MAX, false]);
  const startChannelId = first.channel.at(-1).ref.channelId + 1;
  const rest = await ask("GetTopChannels", { startChannelId });
  assert.deepEqual([rest.channel.length, rest.end], [5, true]);
  const two = await ask("GetTopChannels", { maxResults: 2 });
  assert.deepEqual([two.channel.length, two.end], [2, false]);
});

test("more connections than the bound are refused", async (t) => {
  const { address } = await start(t, []);
  const clients = Array.from(
    { length: ADMIN_GRPC_CONNECTIONS_MAX + 1 },
    // Each a connection of its own.
    () =>
      new grpc.Client(address, grpc.credentials.createInsecure(), {
        "grpc.use_local_subchannel_pool": 1,
      }),
  );
  t.after(() => {
    for (const client of clients) client.close();
  });
  const health = (client: grpc.Client): Promise<number | undefined> =>
    new Promise((resolve) => {
      const same = (value: Buffer): Buffer => value;
      const path = "/grpc.health.v1.Health/Check";
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error) => resolve(error?.code));
    });
  const codes = [];
  for (const client of clients) codes.push(await health(client));
  assert.deepEqual(codes.slice(0, -1), codes.slice(0, -1).fill(undefined));
  assert.equal(codes.at(-1), grpc.status.UNAVAILABLE);
});

test("an id stays with its name, and is never given to another one", () => {
  const ids = new Ids();
  const [a, b] = [ids.of("a"), ids.of("b")];
  ids.sweep();
  assert.equal(ids.of("b"), b);
  ids.sweep();
  assert.notEqual(ids.of("a"), a, "it was gone in between");
  assert.notEqual(ids.of("a"), b);
});

test("addresses are bytes where they can be", () => {
  const bytes = (text: string): unknown => {
    const { address } = addressOf(text);
    return address?.case === "tcpipAddress" ? [...(address.value.ipAddress ?? [])] : address?.case;
  };
  assert.deepEqual(bytes("10.1.2.3:80"), [10, 1, 2, 3]);
  assert.deepEqual(bytes("[::1]:80"), [...new Array(15).fill(0), 1]);
  assert.deepEqual(bytes("[fd00::1:2%eth0]:80"), [0xfd, ...new Array(12).fill(0), 1, 0, 2]);
  assert.deepEqual(bytes("unix:/tmp/x"), "udsAddress");
  assert.deepEqual(bytes("somewhere"), "otherAddress");
});
