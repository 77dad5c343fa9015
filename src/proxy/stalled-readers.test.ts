/** Tests of readers that stall while calls of others wait for a stream. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ProxyHarness, withProxy } from "../../test/support/proxy.ts";
import {
  eventually,
  grpcRequest,
  type RawConnection,
  type RawStream,
} from "../../test/support/raw-http2.ts";
import { decodeGrpcMessage } from "../grpc/index.ts";
import { limits } from "../http2/index.ts";
import { CROWDED_STALL_TIMEOUT_MS } from "./stalled-readers.ts";

const CANCEL = 8;
/** Of the client's streams: more than this of an answer waits for its credit. */
const WINDOW = 100;
const BODY = Buffer.alloc(20_000, "x");
const REASON =
  "fairlead: the answer was not read for 10000 ms while other calls waited for a stream";

/** One connection to one endpoint that takes `streams` calls at a time. */
function withStreams(
  streams: number,
  body: (harness: ProxyHarness, upstream: RawConnection, slow: RawConnection) => Promise<void>,
): Promise<void> {
  return withProxy(
    1,
    async (harness, [upstream]) => {
      const slow = await harness.client({ settings: [[4, WINDOW]], isCrediting: false });
      slow.windowUpdate(0, 1 << 24);
      await body(harness, upstream!, slow);
    },
    { maxConnectionsPerEndpoint: 1 },
    { settings: [[3, streams]] },
  );
}

interface Held {
  readonly call: RawStream;
  readonly id: number;
}

/** A call whose answer is larger than its reader's window. */
async function stall(slow: RawConnection, upstream: RawConnection): Promise<Held> {
  const call = slow.request(grpcRequest());
  const { id } = await upstream.nextStream();
  upstream.headers(id, [[":status", "200"]]);
  upstream.data(id, BODY);
  await eventually("the window is full", () => call.body.length === WINDOW);
  return { call, id };
}

const resetOf = (upstream: RawConnection, { id }: Held) => upstream.streams.get(id)?.resetCode;

test("a stalled reader gives its stream up when a call waits, the longest stalled first", async () => {
  await withStreams(3, async (harness, upstream, slow) => {
    const first = await stall(slow, upstream);
    await harness.pass(2_000);
    const second = await stall(slow, upstream);
    const silent = slow.request(grpcRequest(), false);
    await upstream.nextStream();
    await harness.pass(3 * CROWDED_STALL_TIMEOUT_MS);
    assert.equal(resetOf(upstream, first), null, "nobody waits");

    const quick = await harness.client();
    const waiting = quick.request(grpcRequest());
    await quick.roundTrip();
    await harness.pass(2_000);
    const { id } = await upstream.nextStream();
    upstream.respond(id, "0");
    await eventually("it is served", () => waiting.isEnded);
    assert.equal(resetOf(upstream, first), CANCEL);
    await harness.pass(2_000);
    assert.equal(resetOf(upstream, second), null, "one waited, so one was cut");
    assert.equal(harness.metric("fairlead_downstream_stalled_total"), 1);
    const line = harness.log.entries.find(({ msg }) => msg === "call failed");
    assert.equal(`fairlead: ${line?.fields.reason}`, REASON);
    assert.equal(line?.fields.kind, "stalled");

    slow.windowUpdate(first.call.id, 1 << 20);
    await eventually("what was held, and why it ends", () => first.call.isEnded);
    assert.equal(first.call.get("grpc-status"), "8", "RESOURCE_EXHAUSTED");
    assert.equal(decodeGrpcMessage(first.call.get("grpc-message")!), REASON);
    slow.windowUpdate(second.call.id, 1 << 20);
    upstream.headers(second.id, [["grpc-status", "0"]], true);
    await eventually("the other is whole", () => second.call.isEnded);
    assert.equal(second.call.body.length, BODY.length);
    assert.equal(silent.resetCode, null, "a stream with nothing to read is no stalled one");
  });
});

test("a slow reader that moves keeps its stream, and so does an answer that is complete", async () => {
  await withStreams(1, async (harness, upstream, slow) => {
    const complete = await stall(slow, upstream);
    upstream.headers(complete.id, [["grpc-status", "0"]], true);
    await upstream.roundTrip();
    const moving = await stall(slow, upstream);
    const quick = await harness.client();
    const waiting = quick.request(grpcRequest());
    await quick.roundTrip();
    for (let i = 0; i < 6; i += 1) {
      slow.windowUpdate(moving.call.id, limits.STALL_PROGRESS_BYTES);
      await harness.pass(CROWDED_STALL_TIMEOUT_MS / 2);
    }
    assert.equal(resetOf(upstream, moving), null);
    assert.equal(complete.call.resetCode, null);
    slow.windowUpdate(moving.call.id, 10);
    await harness.pass(CROWDED_STALL_TIMEOUT_MS + 2_000);
    assert.equal(resetOf(upstream, moving), CANCEL, "a trickle is no progress");
    upstream.respond((await upstream.nextStream()).id, "0");
    await eventually("it is served", () => waiting.isEnded);
    assert.equal(harness.metric("fairlead_downstream_stalled_total"), 1);
    slow.windowUpdate(complete.call.id, 1 << 20);
    await eventually("it is whole", () => complete.call.isEnded);
    assert.equal(complete.call.get("grpc-status"), "0");
  });
});
