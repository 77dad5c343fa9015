/**
 * Connections to one endpoint beyond the first, end to end (gRFC A105): opened when the server's
 * MAX_CONCURRENT_STREAMS is reached, closed again at rest; without them calls wait for a stream.
 *
 * How many there are is counted where they arrive, in a relay before grpc-go's server.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, type TestContext, test } from "node:test";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { fairleadChannel } from "../../src/client/grpc-js/public.ts";
import { EXTRA_CONNECTION_IDLE_MS } from "../../src/cluster/config.ts";
import { stopAll } from "../peers/processes.ts";
import { startEchoServer } from "../peers/storms.ts";
import { eventually } from "../support/raw-http2.ts";

after(() => stopAll());

const STREAMS_MAX = 10;
const CALLS = 40;
/** Long enough that all calls are in flight at once, also on a busy machine. */
const CALL_MS = 1_000;
const SETTLE_MS = 20_000;

/** Counts the connections that go through it. */
interface Counter {
  readonly address: string;
  /** Open now. */
  readonly open: ReadonlySet<Socket>;
  /** The most at once. */
  readonly most: number;
  close(): void;
}

async function openCounter(to: string): Promise<Counter> {
  const [host, port] = to.split(":");
  const open = new Set<Socket>();
  let most = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    open.add(near);
    most = Math.max(most, open.size);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      socket.on("error", () => {}); // Its close follows.
      socket.on("close", () => {
        open.delete(near);
        near.destroy();
        far.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    open,
    get most() {
      return most;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const same = (bytes: Buffer) => bytes;

/** A call that the server answers after a while. */
function call(client: Client, sleepMs: number): Promise<void> {
  const metadata = new Metadata();
  metadata.set("x-sleep-ms", String(sleepMs));
  return new Promise((done, failed) => {
    client.makeUnaryRequest(
      "/echo.Echo/Say",
      same,
      same,
      Buffer.from("hello"),
      metadata,
      (error) => (error === null ? done() : failed(error)),
    );
  });
}

/** A client with so many connections, behind a counter. Null when the server is missing. */
async function open(t: TestContext, maxConnectionsPerEndpoint: number | null) {
  const server = await startEchoServer(t, undefined, ["-max-streams", String(STREAMS_MAX)]);
  if (server === null) return null;
  const counter = await openCounter(server.addresses[0] as string);
  t.after(() => counter.close());
  const options = maxConnectionsPerEndpoint === null ? {} : { maxConnectionsPerEndpoint };
  const client = new Client(counter.address, credentials.createInsecure(), {
    channelFactoryOverride: fairleadChannel(options),
  });
  t.after(() => client.close());
  return { counter, client };
}

test("40 calls in flight, 10 streams a connection: four connections, and one at rest", async (t) => {
  const opened = await open(t, 4);
  if (opened === null) return;
  const { counter, client } = opened;
  const calls = Promise.all(Array.from({ length: CALLS }, () => call(client, CALL_MS)));
  await calls;
  assert.equal(counter.most, CALLS / STREAMS_MAX);
  await eventually(
    "the others are closed",
    () => counter.open.size === 1,
    EXTRA_CONNECTION_IDLE_MS + SETTLE_MS,
  );
  await call(client, 0);
  assert.deepEqual([counter.open.size, counter.most], [1, CALLS / STREAMS_MAX]);
});

test("the limit of connections is kept: calls beyond it wait, and pass", async (t) => {
  const opened = await open(t, 2);
  if (opened === null) return;
  const { counter, client } = opened;
  await Promise.all(Array.from({ length: CALLS }, () => call(client, 100)));
  assert.equal(counter.most, 2);
});

test("unasked there is one connection: calls wait for a stream, and pass", async (t) => {
  const opened = await open(t, null);
  if (opened === null) return;
  const { counter, client } = opened;
  await Promise.all(Array.from({ length: CALLS }, () => call(client, 100)));
  assert.equal(counter.most, 1);
});
