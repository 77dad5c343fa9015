/** Tests of calls that wait for the endpoint to which their hash belongs. gRFC A42, A61. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import test from "node:test";
import { withCluster } from "../../test/support/cluster.ts";
import { grpcRequest, type RawServer } from "../../test/support/raw-http2.ts";
import { tryParsePolicy } from "../balancing/index.ts";

const hashing = () => tryParsePolicy("ring_hash", { requestHashHeader: "x-user" }, "lb")!;
const listOf = (i: number) => grpcRequest("/echo.Echo/Say", [["x-user", `${i}`]]);

/**
 * With two endpoints down the cluster as a whole is in TRANSIENT_FAILURE; calls that belonged to a
 * third one, which was about to be connected, failed instead of waiting for that.
 */
test("A42: a call waits for its own endpoint, however many others have failed", async () => {
  const options = { policy: hashing(), readyTimeoutMs: Number.POSITIVE_INFINITY };
  const silent = createServer((socket) => void socket.resume()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  try {
    await withCluster(options, async (harness) => {
      harness.resolve("127.0.0.1:1", "127.0.0.1:2", `127.0.0.1:${port}`);
      await harness.pass(10);
      const first = Array.from({ length: 20 }, (_, i) => harness.call({ list: listOf(i) }));
      for (let i = 0; i < 50 && harness.states("TRANSIENT_FAILURE").length < 2; i += 1) {
        await harness.pass(10);
      }
      assert.equal(harness.states("CONNECTING").length, 1);
      assert.equal(harness.cluster.connectivity, "TRANSIENT_FAILURE");
      const calls = Array.from({ length: 8 }, (_, i) =>
        harness.call({ list: listOf(i), waitForReady: false }),
      );
      await harness.pass(100);
      for (const call of calls) assert.equal(call.failure?.reason, undefined);
      for (const { call } of [...first, ...calls]) call!.cancel(8);
    });
  } finally {
    silent.close();
  }
});

test("the time that a call may wait for an endpoint begins once, whatever comes and goes", async () => {
  const options = { policy: "ring_hash", readyTimeoutMs: 5_000 };
  await withCluster(options, async (harness) => {
    harness.resolve("127.0.0.1:1", "127.0.0.1:2");
    const call = harness.call();
    for (let i = 0; i < 8 && !call.isFailed; i += 1) await harness.pass(1_000);
    assert.equal(call.failure?.kind, "refused");
    assert.equal(harness.metric("fairlead_calls_waiting", { queue: "ready" }), 0);
  });
});

async function answer(server: RawServer, calls: number): Promise<void> {
  const connection = await server.next();
  for (let i = 0; i < calls; i += 1) connection.respond((await connection.nextStream()).id);
}

/** Nothing is connected before it is picked: whoever came before the picker waited for ever. */
test("A42: calls that came before the endpoints are picked for when these come", async () => {
  await withCluster({ policy: "ring_hash" }, async (harness) => {
    const server = await harness.server();
    const early = harness.call();
    harness.resolve();
    const later = harness.call();
    await harness.pass(10);
    harness.resolve(server);
    await harness.pass(10);
    assert.equal(harness.states("IDLE").length, 0);
    await answer(server, 2);
    await Promise.all([early.over(), later.over()]);
    assert.deepEqual([early.failure, later.failure], [null, null]);
  });
});

/** Each call connects an endpoint, and each change of an endpoint looks at the calls. */
test("calls that are picked for at once do not nest, however many endpoints they go to", async () => {
  await withCluster({ policy: hashing() }, async (harness) => {
    const calls = Array.from({ length: 4_000 }, (_, i) => harness.call({ list: listOf(i) }));
    const hosts = Array.from({ length: 4_000 }, (_, i) => `127.1.${i >> 8}.${i & 255}:1`);
    harness.resolve(...hosts);
    await harness.pass(50);
    assert.ok(harness.states("IDLE").length < 2_500);
    for (const { call } of calls) call!.cancel(8);
  });
});
