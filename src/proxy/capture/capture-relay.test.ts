/**
 * The end of a capturing proxy, on real sockets, with a lookup that a test answers in netfilter's
 * place: what was accepted and has not said yet what it speaks.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { settle } from "../../../test/support/cluster.ts";
import {
  clusterSpec,
  configOf,
  forward,
  listenerOf,
  ManualSource,
  route,
  tableOf,
} from "../../../test/support/mesh-proxy.ts";
import {
  eventually,
  grpcRequest,
  RawConnection,
  RawServer,
} from "../../../test/support/raw-http2.ts";
import { RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { PROXY_DEFAULTS } from "../config.ts";
import { CaptureRelay } from "./capture-relay.ts";
import { FIRST_BYTES_TIMEOUT_MS } from "./sniffer.ts";
import type { Destination } from "./sockaddr.ts";

const DRAIN_TIMEOUT_MS = 30_000;

interface Rig {
  readonly clock: VirtualClock;
  readonly relay: CaptureRelay;
  dial(): Socket;
}

/** Everything was to go to one gRPC port of a Service, whose one pod is there. */
async function withRelay(to: Destination, body: (rig: Rig) => Promise<void>): Promise<void> {
  const [clock, log, source] = [new VirtualClock(), new RecordingLogger(), new ManualSource()];
  const config = {
    ...PROXY_DEFAULTS,
    ...{ serves: "a test", places: [], policy: null, isEager: false },
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
  };
  const capture = { mode: "sidecar", by: "redirect", outboundPort: 0, inboundPort: null } as const;
  const relay = new CaptureRelay(config, capture, {
    ...{ clock, log, mesh: source, rng: seededRng(7), registry: new Registry() },
    socketOptions: { originalDestination: () => to, setTransparent: () => {} },
  });
  const [address] = await relay.listen();
  const listener = listenerOf("prod/echo", tableOf([route("", forward({ a: 1 }))]), to.port);
  const cluster = clusterSpec("a", `static:///${to.ip}:${to.port}`);
  source.listener!.onConfig(configOf([listener], [cluster]));
  const clients: Socket[] = [];
  const dial = (): Socket => {
    const client = connect(Number(address!.split(":")[1]), "127.0.0.1");
    clients.push(client.on("error", () => {}));
    return client;
  };
  try {
    await body({ clock, relay, dial });
  } finally {
    for (const client of clients) client.destroy();
    await relay.close();
  }
}

/** Dials, and returns once it is waited for what the client will say. */
async function dialSilent({ clock, dial }: Rig): Promise<Socket> {
  const before = clock.pendingCount;
  const client = dial();
  await eventually("it is looked at", () => clock.pendingCount > before);
  return client;
}

/** Whether a promise has come to its end. */
function watched(promise: Promise<void>): () => boolean {
  let isOver = false;
  void promise.then(() => {
    isOver = true;
  });
  return () => isOver;
}

/** It was neither waited for nor closed: the drain was over, and the process took it down. */
test("a drain serves the calls of a client that is only about to speak", async () => {
  const pod = await RawServer.listen();
  const [ip, port] = pod.address.split(":") as [string, string];
  await withRelay({ ip, port: Number(port) }, async (rig) => {
    const socket = await dialSilent(rig);
    const isDrained = watched(rig.relay.drain("a test"));
    await settle();
    assert.equal(isDrained(), false, "it is waited for");
    const raw = new RawConnection(socket, false, {});
    const call = raw.request(grpcRequest());
    const upstream = await pod.next();
    const stream = await upstream.nextStream();
    assert.equal(isDrained(), false, "its call is waited for");
    upstream.respond(stream.id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
    await raw.closed();
    await eventually("the drain is over", isDrained);
  });
  await pod.close();
});

test("what turns out to pass through is waited for too, and cut when the time is up", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {})));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await withRelay({ ip: "127.0.0.1", port }, async (rig) => {
    const client = await dialSilent(rig);
    const isDrained = watched(rig.relay.drain("a test"));
    await settle();
    rig.clock.advance(FIRST_BYTES_TIMEOUT_MS);
    await eventually("it passes through", () => sockets.length === 1);
    sockets[0]!.write("greetings");
    assert.equal(String((await once(client, "data"))[0]), "greetings");
    assert.equal(isDrained(), false);
    rig.clock.advance(DRAIN_TIMEOUT_MS);
    await eventually("the drain is over", isDrained);
    await eventually("it is cut", () => client.destroyed);
  });
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("who closes at once leaves nothing open that has not spoken", async () => {
  await withRelay({ ip: "127.0.0.1", port: 1 }, async (rig) => {
    const client = await dialSilent(rig);
    await rig.relay.close();
    await eventually("it is closed", () => client.destroyed);
    assert.equal(rig.clock.pendingCount, 0);
  });
});
