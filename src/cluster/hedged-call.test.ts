/** Tests of hedging. gRFC A6, "Hedging Policy"; sentences of it are in the names. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import {
  eventually,
  grpcRequest,
  type Pairs,
  type RawConnection,
  type RawStream,
} from "../../test/support/raw-http2.ts";
import { type MethodConfig, MethodConfigs } from "../grpc/index.ts";
import { headerList } from "../http2/index.ts";
import { REPLAY_BYTES_MAX } from "./config.ts";
import { replayBytesKept } from "./request-body.ts";

const CANCEL = 8;

function hedging(over: object = {}): MethodConfig {
  const hedgingPolicy = {
    ...{ maxAttempts: 3, hedgingDelay: "0.5s", nonFatalStatusCodes: ["UNAVAILABLE"] },
    ...over,
  };
  return MethodConfigs.parse({ methodConfig: [{ name: [{}], hedgingPolicy }] }).find("/a/b");
}

/** A server's side of an attempt. */
interface Attempt {
  readonly connection: RawConnection;
  readonly stream: RawStream;
}

async function connectionsTo(harness: ClusterHarness, count: number): Promise<RawConnection[]> {
  return Promise.all((await harness.ready(count)).map((server) => server.next()));
}

async function nextAttempt(connections: readonly RawConnection[]): Promise<Attempt> {
  const connection = await eventually("an attempt", () =>
    connections.find((each) => each.freshCount > 0),
  );
  return { connection, stream: await connection.nextStream() };
}

function failWith({ connection, stream }: Attempt, status: string, more: Pairs = []): void {
  const head: Pairs = [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", status],
  ];
  connection.headers(stream.id, [...head, ...more], true);
}

function answer({ connection, stream }: Attempt, body: string): void {
  connection.respond(stream.id, "0", body);
}

async function isCancelled({ stream }: Attempt): Promise<void> {
  await eventually("a reset", () => stream.resetCode !== null);
  assert.equal(stream.resetCode, CANCEL);
}

function attemptCount(connections: readonly RawConnection[]): number {
  return connections.reduce((sum, { streams }) => sum + streams.size, 0);
}

async function endsWith(call: CallerProbe, status: string, body = ""): Promise<void> {
  await call.over();
  assert.equal(call.failure, null);
  assert.equal(call.grpcStatus, status);
  assert.equal(call.body, body);
}

/** Nothing is left of calls, and no byte of them is kept. */
function assertNothingLeft(harness: ClusterHarness): void {
  assert.equal(harness.cluster.activeCalls, 0);
  assert.equal(harness.wheel.size, 0);
  assert.equal(replayBytesKept(), 0);
}

test("A6: every hedgingDelay one more is sent, elsewhere; the first good answer counts", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging(), list: grpcRequest("/a/b", [["x-id", "1"]]) });
    const attempts: Attempt[] = [];
    for (const previous of [null, "1", "2"]) {
      const attempt = await nextAttempt(connections);
      assert.equal(attempt.stream.get("grpc-previous-rpc-attempts"), previous);
      assert.equal(attempt.stream.get("x-id"), "1");
      attempts.push(attempt);
      await settle(5);
      assert.equal(attemptCount(connections), attempts.length);
      harness.clock.advance(510);
    }
    await settle();
    assert.equal(attemptCount(connections), 3, "up to maxAttempts");
    assert.equal(new Set(attempts.map(({ connection }) => connection)).size, 3);
    assert.equal(harness.cluster.activeCalls, 1);
    answer(attempts[1]!, "second");
    await endsWith(call, "0", "second");
    await isCancelled(attempts[0]!);
    await isCancelled(attempts[2]!);
    assertNothingLeft(harness);
    const shown = harness.registry.snapshot().families;
    const hedges = shown.find(({ name }) => name === "grpc_client_call_hedges")!.series[0]!;
    assert.deepEqual([hedges.count, hedges.value], [1, 2], "A96");
  });
});

test("A6: without a hedgingDelay all are sent at once", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging({ hedgingDelay: undefined }) });
    await eventually("three", () => attemptCount(connections) === 3);
    answer(await nextAttempt(connections), "any");
    await endsWith(call, "0", "any");
  });
});

test("A6: non-fatal status: the next is sent immediately, the others resume at the delay", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging() });
    const first = await nextAttempt(connections);
    harness.clock.advance(300);
    failWith(first, "14");
    const second = await nextAttempt(connections);
    assert.notEqual(second.connection, first.connection);
    harness.clock.advance(480);
    await settle();
    assert.equal(attemptCount(connections), 2);
    harness.clock.advance(30);
    const third = await nextAttempt(connections);
    answer(third, "third");
    await endsWith(call, "0", "third");
    await isCancelled(second);
  });
});

test("A6: any other status: all outstanding are canceled and the error is returned", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging() });
    const first = await nextAttempt(connections);
    harness.clock.advance(510);
    failWith(await nextAttempt(connections), "3");
    await endsWith(call, "3");
    await isCancelled(first);
    assertNothingLeft(harness);
  });
});

test("A6: if all fail there are no additional attempts, and the last status is returned", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging() });
    for (const text of ["1", "2", "3"]) {
      failWith(await nextAttempt(connections), "14", [["grpc-message", text]]);
    }
    await endsWith(call, "14");
    assert.equal(call.response?.get("grpc-message"), "3");
    assertNothingLeft(harness);
  });
});

test("A6: a lost connection and a reset are statuses like others", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging({ nonFatalStatusCodes: [14, 8] }) });
    (await nextAttempt(connections)).connection.destroy();
    const second = await nextAttempt(connections);
    second.connection.reset(second.stream.id, 11);
    answer(await nextAttempt(connections), "third");
    await endsWith(call, "0", "third");
  });
});

test("A6, pushback not to retry: no more are sent; those that are sent go on", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging() });
    const first = await nextAttempt(connections);
    harness.clock.advance(510);
    failWith(await nextAttempt(connections), "14", [["grpc-retry-pushback-ms", "-1"]]);
    await settle();
    harness.clock.advance(2_000);
    await settle();
    assert.equal(attemptCount(connections), 2);
    answer(first, "first");
    await endsWith(call, "0", "first");
  });
});

test("A6, pushback of n ms: the next is sent then, also when none is in flight", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging() });
    failWith(await nextAttempt(connections), "14", [["grpc-retry-pushback-ms", "3000"]]);
    await settle();
    harness.clock.advance(2_980);
    await settle();
    assert.equal(attemptCount(connections), 1);
    assert.equal(harness.cluster.activeCalls, 1);
    harness.clock.advance(30);
    answer(await nextAttempt(connections), "second");
    await endsWith(call, "0", "second");
  });
});

test("A6: the deadline applies to the entire chain, also while none is in flight", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const call = harness.call({ config: hedging({ maxAttempts: 2 }), deadlineMs: 1_000 });
    const first = await nextAttempt(connections);
    harness.clock.advance(510);
    const second = await nextAttempt(connections);
    harness.clock.advance(610);
    assert.equal(call.failure?.status, 4);
    await isCancelled(first);
    await isCancelled(second);
    const resting = harness.call({ config: hedging(), deadlineMs: 2_000 });
    failWith(await nextAttempt(connections), "14", [["grpc-retry-pushback-ms", "60000"]]);
    await settle();
    harness.clock.advance(900);
    assert.equal(resting.failure?.status, 4);
    assertNothingLeft(harness);
  });
});

test("A6: throttled hedges are not sent, and count as retries do", async () => {
  const serviceConfig = { retryThrottling: { maxTokens: 2, tokenRatio: 1 } };
  await withCluster({ serviceConfig }, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging() });
    const first = await nextAttempt(connections);
    harness.clock.advance(510);
    failWith(await nextAttempt(connections), "14");
    await settle();
    harness.clock.advance(2_000);
    await settle();
    assert.equal(attemptCount(connections), 2, "one token of two is the threshold");
    answer(first, "first");
    await endsWith(call, "0", "first");
    const next = harness.call({ config: hedging() });
    await nextAttempt(connections);
    harness.clock.advance(510);
    answer(await nextAttempt(connections), "hedge");
    await endsWith(next, "0", "hedge");
  });
});

test("hedges are within the retry budget", async () => {
  const fairlead = { retryBudget: { percent: 0, minRetries: 1 } };
  await withCluster({ serviceConfig: { fairlead } }, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const calls = [1, 2].map(() => harness.call({ config: hedging({ hedgingDelay: "0s" }) }));
    await settle();
    assert.equal(attemptCount(connections), 3);
    assert.equal(harness.metric("fairlead_retry_refusals_total", { reason: "budget" }), 2);
    for (const { call } of calls) call!.cancel(CANCEL);
    assertNothingLeft(harness);
    harness.call({ config: hedging({ hedgingDelay: "0s" }) }).call!.cancel(CANCEL);
    await settle();
    assert.equal(attemptCount(connections), 5, "what was taken is given back");
  });
});

test("a streaming request goes to all attempts, whole, and is credited once", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging(), isEnd: false });
    call.send("one,");
    const first = await nextAttempt(connections);
    harness.clock.advance(510);
    const second = await nextAttempt(connections);
    call.send("two,");
    for (const { stream } of [first, second]) {
      await eventually("both", () => stream.body.toString() === "one,two,");
    }
    assert.equal(call.creditedBytes, 8);
    failWith(first, "14");
    const third = await nextAttempt(connections);
    await eventually("both", () => third.stream.body.toString() === "one,two,");
    third.connection.headers(third.stream.id, [[":status", "200"]]);
    await isCancelled(second);
    call.send("three", true);
    await eventually("all", () => third.stream.body.toString() === "one,two,three");
    assert.equal(second.stream.body.toString(), "one,two,");
    assert.equal(call.creditedBytes, 13);
    third.connection.headers(third.stream.id, [["grpc-status", "0"]], true);
    await endsWith(call, "0");
    assertNothingLeft(harness);
  });
});

test("A6: over the buffer it is committed to the attempt that has sent the most", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 2);
    const call = harness.call({ config: hedging(), isEnd: false });
    const first = await nextAttempt(connections);
    harness.clock.advance(510);
    const second = await nextAttempt(connections);
    call.send(Buffer.alloc(REPLAY_BYTES_MAX, "a"));
    call.send("b", true);
    await isCancelled(second);
    await eventually("all of it", () => first.stream.isEnded);
    assert.equal(first.stream.body.length, REPLAY_BYTES_MAX + 1);
    assert.equal(replayBytesKept(), 0);
    failWith(first, "14");
    await endsWith(call, "14");
    assert.equal(attemptCount(connections), 2);
    assert.equal(call.creditedBytes, REPLAY_BYTES_MAX + 1);
  });
});

test("a hedged call that is cancelled is out of everything, on every endpoint", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsTo(harness, 3);
    const call = harness.call({ config: hedging({ hedgingDelay: "0s" }), isEnd: false });
    const attempts = [1, 2, 3].map(() => nextAttempt(connections));
    await Promise.all(attempts);
    call.send("abc");
    call.call!.cancel(CANCEL);
    assertNothingLeft(harness);
    for (const attempt of attempts) await isCancelled(await attempt);
    assert.deepEqual(
      call.log.filter((each) => !each.startsWith("writable")),
      [],
    );
  });
});

test("one that waits for an endpoint is one call, and is hedged once it has one", async () => {
  await withCluster({}, async (harness) => {
    const call = harness.call({ config: hedging() });
    assert.equal(call.call!.subchannel, null);
    harness.clock.advance(100);
    const connections = await connectionsTo(harness, 2);
    harness.clock.advance(60);
    const first = await nextAttempt(connections);
    assert.equal(call.call!.address, call.call!.subchannel!.endpoint.address);
    harness.clock.advance(510);
    answer(await nextAttempt(connections), "hedge");
    await endsWith(call, "0", "hedge");
    await isCancelled(first);
  });
});

test("one that nothing is ready for fails once, with the reason", async () => {
  await withCluster({ readyTimeoutMs: 300 }, async (harness) => {
    const call = harness.call({ config: hedging() });
    harness.clock.advance(310);
    assert.equal(call.failure?.reason, "echo.test:1 is not resolved yet");
    assertNothingLeft(harness);
  });
});

test("a policy that comes while the call waits is carried out", async () => {
  await withCluster({}, async (harness) => {
    const call = harness.call({ isEnd: false });
    call.send("one,");
    const plain = call.call!;
    const list = headerList(grpcRequest("/a/b", [["x-late", "1"]]));
    const settings = { list, deadlineMs: Number.POSITIVE_INFINITY, waitForReady: true };
    const hedged = plain.reconfigure({ ...settings, config: hedging() });
    assert.ok(hedged !== null && hedged !== plain);
    call.call = hedged;
    call.send("two", true);
    const connections = await connectionsTo(harness, 2);
    harness.clock.advance(60);
    const first = await nextAttempt(connections);
    await eventually("both", () => first.stream.body.toString() === "one,two");
    assert.equal(first.stream.get("x-late"), "1");
    harness.clock.advance(510);
    const second = await nextAttempt(connections);
    await eventually("both", () => second.stream.body.toString() === "one,two");
    answer(second, "hedge");
    await endsWith(call, "0", "hedge");
    assert.equal(call.creditedBytes, 7);
    assertNothingLeft(harness);
  });
});
