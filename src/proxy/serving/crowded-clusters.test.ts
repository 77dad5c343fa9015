/**
 * Tests of which readers give their streams up when calls wait for a stream of one cluster of
 * several: those of that cluster, for those calls.
 *
 * Once the calls that waited were counted over all clusters, copies of requests included: a crowd
 * on one cluster cut slow readers of others, whose streams were of no use to it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterSpec,
  forward,
  listenerOf,
  type MeshHarness,
  route,
  tableOf,
  withMesh,
} from "../../../test/support/mesh-proxy.ts";
import {
  eventually,
  grpcRequest,
  type RawConnection,
  type RawStream,
} from "../../../test/support/raw-http2.ts";
import { CROWDED_STALL_TIMEOUT_MS } from "../stalled-readers.ts";

const CANCEL = 8;
/** Of a slow client's streams. */
const WINDOW = 100;
const LONG_MS = 3 * CROWDED_STALL_TIMEOUT_MS;

interface Two {
  readonly a: RawConnection;
  readonly b: RawConnection;
  /** Reads no more than a window of each answer. */
  readonly slow: RawConnection;
  readonly quick: RawConnection;
}

/** Clusters "a" of two streams and "b" of one; copies of what goes to /m.M are for "b". */
async function serve(harness: MeshHarness): Promise<Two> {
  const servers = [
    await harness.server({ settings: [[3, 2]] }),
    await harness.server({ settings: [[3, 1]] }),
  ];
  const mirrors = [{ cluster: "b", perMillion: 1_000_000 }];
  const routes = [
    route("/a.A/", forward({ a: 1 })),
    route("/b.B/", forward({ b: 1 })),
    route("/m.M/", forward({ a: 1 }, { mirrors })),
  ];
  const specs = servers.map(({ address }, i) => clusterSpec("ab"[i]!, address));
  await harness.say([listenerOf("front", tableOf(routes))], specs);
  for (const name of "ab") await harness.untilReady(name, 1);
  const slow = await harness.client("front", { settings: [[4, WINDOW]], isCrediting: false });
  slow.windowUpdate(0, 1 << 24);
  const quick = await harness.client("front");
  return { a: await servers[0]!.next(), b: await servers[1]!.next(), slow, quick };
}

/** A call whose answer is larger than its reader's window; the stream that it holds. */
async function stall(slow: RawConnection, path: string, pod: RawConnection): Promise<RawStream> {
  const call = slow.request(grpcRequest(path));
  const { id } = await pod.nextStream();
  pod.headers(id, [[":status", "200"]]);
  pod.data(id, Buffer.alloc(20_000, "x"));
  await eventually("the window is full", () => call.body.length === WINDOW);
  return pod.stream(id);
}

const cut = (harness: MeshHarness) => harness.metric("fairlead_downstream_stalled_total");
const waiting = (harness: MeshHarness) => harness.metric("fairlead_calls_waiting");

test("stalled readers make room for calls of their own cluster, as many as wait there", async () => {
  await withMesh(
    async (harness) => {
      const { a, b, slow, quick } = await serve(harness);
      const first = await stall(slow, "/a.A/Do", a);
      await harness.pass(2_000);
      const second = await stall(slow, "/a.A/Do", a);
      quick.request(grpcRequest("/b.B/Do"));
      await b.nextStream();
      for (let i = 0; i < 5; i += 1) quick.request(grpcRequest("/b.B/Do"));
      await eventually("five wait for b", () => waiting(harness) === 5);
      await harness.pass(LONG_MS);
      assert.equal(cut(harness), 0, "a has no part in it");

      const served = quick.request(grpcRequest("/a.A/Do"));
      await eventually("one waits for a", () => waiting(harness) === 6);
      await harness.pass(3_000);
      a.respond((await a.nextStream()).id);
      await eventually("it is served", () => served.isEnded);
      assert.equal(served.get("grpc-status"), "0");
      await harness.pass(LONG_MS);
      assert.deepEqual([first.resetCode, second.resetCode], [CANCEL, null]);
      assert.equal(cut(harness), 1);
    },
    { maxConnectionsPerEndpoint: 1 },
  );
});

test("for a copy that waits nobody gives a stream up, for a call of somebody one does", async () => {
  await withMesh(
    async (harness) => {
      const { a, b, slow, quick } = await serve(harness);
      const stalled = await stall(slow, "/b.B/Do", b);
      const call = quick.request(grpcRequest("/m.M/Do"), false);
      await a.nextStream();
      await eventually("the copy waits for b", () => waiting(harness) === 1);
      await harness.pass(LONG_MS);
      assert.deepEqual([stalled.resetCode, call.isEnded, waiting(harness)], [null, false, 1]);

      const served = quick.request(grpcRequest("/b.B/Do"));
      await eventually("a call waits, too", () => waiting(harness) === 2);
      await harness.pass(3_000);
      assert.equal(stalled.resetCode, CANCEL);
      for (let i = 0; i < 2; i += 1) b.respond((await b.nextStream()).id);
      await eventually("it is served", () => served.isEnded);
    },
    { maxConnectionsPerEndpoint: 1 },
  );
});
