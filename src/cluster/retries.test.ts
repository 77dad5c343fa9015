/** Tests of retries by policy. gRFC A6; sections and sentences of it are in the names. */
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
  type RawServer,
  type RawStream,
} from "../../test/support/raw-http2.ts";
import { type Policy, parsePolicy } from "../balancing/index.ts";
import { type MethodConfig, MethodConfigs, type RetryPolicy, Status } from "../grpc/index.ts";
import { retryBackoffMs } from "./call-retries.ts";
import { REPLAY_BYTES_MAX } from "./config.ts";

const CANCEL = 8;
const REFUSED_STREAM = 7;

/** A policy as JSON has it, with what is given put over it. */
function retrying(over: object = {}): MethodConfig {
  const retryPolicy = {
    ...{ maxAttempts: 3, initialBackoff: "1s", maxBackoff: "3s", backoffMultiplier: 2 },
    retryableStatusCodes: ["UNAVAILABLE", "ABORTED"],
    ...over,
  };
  return MethodConfigs.parse({ methodConfig: [{ name: [{}], retryPolicy }] }).find("/a/b");
}

/** A server's side of an attempt. */
interface Attempt {
  readonly connection: RawConnection;
  readonly stream: RawStream;
}

async function connectionsOf(servers: readonly RawServer[]): Promise<RawConnection[]> {
  return Promise.all(servers.map((server) => server.next()));
}

/** The attempt that comes next, wherever. */
async function nextAttempt(connections: readonly RawConnection[]): Promise<Attempt> {
  const connection = await eventually("an attempt", () =>
    connections.find((each) => each.freshCount > 0),
  );
  return { connection, stream: await connection.nextStream() };
}

/** Ends an attempt by Trailers-Only. */
function failWith({ connection, stream }: Attempt, status: number, more: Pairs = []): void {
  const head: Pairs = [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", String(status)],
  ];
  connection.headers(stream.id, [...head, ...more], true);
}

function attemptCount(connections: readonly RawConnection[]): number {
  return connections.reduce((sum, { streams }) => sum + streams.size, 0);
}

/** Passes a backoff that is `ms` long at most. */
async function passBackoff(harness: ClusterHarness, ms: number): Promise<void> {
  await settle(5);
  harness.clock.advance(ms * 1.2 + 10);
}

async function endsWith(call: CallerProbe, status: string): Promise<void> {
  await call.over();
  assert.equal(call.failure, null);
  assert.equal(call.grpcStatus, status);
}

const POLICY: RetryPolicy = {
  ...{ maxAttempts: 5, initialBackoffMs: 100, maxBackoffMs: 1_000, backoffMultiplier: 3 },
  retryableStatuses: [Status.UNAVAILABLE],
};

test("A6: min(initialBackoff*backoffMultiplier**(n-1), maxBackoff) * random(0.8, 1.2)", () => {
  for (const [n, chance, ms] of [
    [1, 0, 80],
    [1, 0.5, 100],
    [1, 1, 120],
    [2, 0.5, 300],
    [3, 0, 720],
    [4, 0.5, 1_000],
    [4, 1, 1_200],
    [400, 0.5, 1_000],
  ] as const) {
    assert.ok(Math.abs(retryBackoffMs(POLICY, n, chance) - ms) < 1e-9, `n=${n} at ${chance}`);
  }
});

test("A6: a retryable status is retried after its backoff, elsewhere, and says how often", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const list = grpcRequest("/a/b", [["x-id", "1"]]);
    const call = harness.call({ config: retrying(), list });
    const first = await nextAttempt(connections);
    assert.equal(first.stream.get("grpc-previous-rpc-attempts"), null);
    failWith(first, Status.UNAVAILABLE);
    await settle();
    harness.clock.advance(790);
    await settle();
    assert.equal(attemptCount(connections), 1, "initialBackoff * 0.8 is not over");
    assert.deepEqual(call.log, [], "the caller has heard of nothing");
    await passBackoff(harness, 1_000);
    const second = await nextAttempt(connections);
    assert.equal(second.stream.get("grpc-previous-rpc-attempts"), "1");
    assert.equal(second.stream.get("x-id"), "1");
    failWith(second, Status.ABORTED);
    await passBackoff(harness, 2_000);
    const third = await nextAttempt(connections);
    assert.equal(third.stream.get("grpc-previous-rpc-attempts"), "2");
    assert.equal(new Set([first, second, third].map((each) => each.connection)).size, 3);
    third.connection.respond(third.stream.id, "0", "good");
    await endsWith(call, "0");
    assert.equal(call.body, "good");
    assert.equal(harness.metric("fairlead_transparent_replays_total"), 0);
  });
});

/** A policy that picks the same endpoint again and again, unless it is excluded. */
const STUBBORN: Policy = {
  ...parsePolicy("random"),
  newPicker: (ready) => ({
    pick: (exclude) => ready.find((each) => each !== exclude) ?? ready[0] ?? null,
  }),
};

test("a retry goes where the call was not, as long as there is such an endpoint", async () => {
  await withCluster({ policy: STUBBORN }, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const call = harness.call({ config: retrying({ maxAttempts: 4 }) });
    const seen: RawConnection[] = [];
    for (let i = 0; i < 4; i += 1) {
      const attempt = await nextAttempt(connections);
      seen.push(attempt.connection);
      failWith(attempt, Status.UNAVAILABLE, [["grpc-retry-pushback-ms", "0"]]);
    }
    await endsWith(call, "14");
    assert.equal(new Set(seen.slice(0, 3)).size, 3);
  });
});

test("A6: with maxAttempts reached the last attempt's status is the caller's", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying({ maxAttempts: 2 }) });
    failWith(await nextAttempt(connections), Status.UNAVAILABLE);
    await passBackoff(harness, 1_000);
    failWith(await nextAttempt(connections), Status.ABORTED, [["grpc-message", "second"]]);
    await endsWith(call, "10");
    assert.equal(call.response?.get("grpc-message"), "second");
    assert.equal(attemptCount(connections), 2);
  });
});

test("A6: a status that is not retryable is the caller's at once", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying() });
    failWith(await nextAttempt(connections), Status.INTERNAL);
    await endsWith(call, "13");
    assert.equal(attemptCount(connections), 1);
  });
});

test("A6: committed when Response-Headers came: a failure after them is the caller's", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying() });
    const { connection, stream } = await nextAttempt(connections);
    connection.respond(stream.id, "14");
    await endsWith(call, "14");
    assert.equal(attemptCount(connections), 1);
  });
});

test("A6: a lost connection and a reset are failures like others, by their status", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const call = harness.call({ config: retrying({ retryableStatusCodes: [14, 8] }) });
    const first = await nextAttempt(connections);
    first.connection.reset(first.stream.id, 11);
    await passBackoff(harness, 1_000);
    const second = await nextAttempt(connections);
    second.connection.destroy();
    await settle();
    await passBackoff(harness, 2_000);
    const third = await nextAttempt(connections);
    third.connection.respond(third.stream.id);
    await endsWith(call, "0");
  });
});

test("A6: committed when the request is larger than what is kept", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying(), isEnd: false });
    call.send(Buffer.alloc(REPLAY_BYTES_MAX, "a"));
    const attempt = await nextAttempt(connections);
    call.send("b", true);
    await eventually("the whole request", () => attempt.stream.isEnded);
    assert.equal(attempt.stream.body.length, REPLAY_BYTES_MAX + 1);
    failWith(attempt, Status.UNAVAILABLE);
    await endsWith(call, "14");
    assert.equal(attemptCount(connections), 1);
  });
});

test("A6: a streaming request is sent again whole, what was sent in the backoff too", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying(), isEnd: false });
    call.send("one,");
    const first = await nextAttempt(connections);
    await eventually("one", () => first.stream.body.toString() === "one,");
    assert.equal(call.creditedBytes, 4);
    failWith(first, Status.UNAVAILABLE);
    await settle();
    call.send("two,");
    assert.equal(call.creditedBytes, 4, "nothing of it has left");
    await passBackoff(harness, 1_000);
    const second = await nextAttempt(connections);
    await eventually("both", () => second.stream.body.toString() === "one,two,");
    assert.equal(call.creditedBytes, 8, "each byte once");
    call.send("three", true);
    await eventually("all", () => second.stream.body.toString() === "one,two,three");
    second.connection.respond(second.stream.id);
    await endsWith(call, "0");
    assert.equal(call.creditedBytes, 13);
  });
});

test("A6, pushback: the next attempt comes after exactly that time, then as from the start", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying({ maxAttempts: 4 }) });
    failWith(await nextAttempt(connections), Status.UNAVAILABLE);
    await passBackoff(harness, 1_000);
    failWith(await nextAttempt(connections), Status.UNAVAILABLE, [
      ["grpc-retry-pushback-ms", "5000"],
    ]);
    await settle();
    harness.clock.advance(4_980);
    await settle();
    assert.equal(attemptCount(connections), 2);
    harness.clock.advance(30);
    failWith(await nextAttempt(connections), Status.UNAVAILABLE);
    await passBackoff(harness, 1_000);
    const last = await nextAttempt(connections);
    last.connection.respond(last.stream.id);
    await endsWith(call, "0");
  });
});

test("A6, pushback of 0: the next attempt is made at once", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying() });
    failWith(await nextAttempt(connections), Status.UNAVAILABLE, [["grpc-retry-pushback-ms", "0"]]);
    const second = await nextAttempt(connections);
    second.connection.respond(second.stream.id);
    await endsWith(call, "0");
  });
});

for (const value of ["-1", "x", "1.5", "01", "", "2147483648"]) {
  test(`A6, pushback ${JSON.stringify(value)}: negative or unparsable is no retry`, async () => {
    await withCluster({}, async (harness) => {
      const connections = await connectionsOf(await harness.ready(2));
      const call = harness.call({ config: retrying() });
      failWith(await nextAttempt(connections), 14, [["grpc-retry-pushback-ms", value]]);
      await endsWith(call, "14");
      assert.equal(attemptCount(connections), 1);
    });
  });
}

test("A6: a deadline spans all attempts and ends a backoff", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const list = grpcRequest("/a/b", [["grpc-timeout", "1500m"]]);
    const call = harness.call({ config: retrying(), list, deadlineMs: 1_500 });
    failWith(await nextAttempt(connections), Status.UNAVAILABLE);
    await settle();
    harness.clock.advance(1_250);
    const second = await nextAttempt(connections);
    assert.match(second.stream.get("grpc-timeout")!, /^[2-7]\d{5}u$/, "what is left");
    failWith(second, Status.UNAVAILABLE);
    await settle();
    assert.equal(call.isFailed, false);
    harness.clock.advance(260);
    assert.equal(call.failure?.status, Status.DEADLINE_EXCEEDED);
    assert.match(
      call.failure!.reason,
      /^deadline exceeded after 15\d\d ms, waiting to be sent again$/,
    );
    assert.equal(attemptCount(connections), 2);
  });
});

test("a call that is cancelled in its backoff is out of everything", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying(), isEnd: false });
    call.send("abc");
    failWith(await nextAttempt(connections), Status.UNAVAILABLE);
    await settle();
    call.call!.cancel(CANCEL);
    assert.equal(harness.cluster.activeCalls, 0);
    assert.equal(harness.wheel.size, 0);
    harness.clock.advance(10_000);
    await settle();
    assert.equal(attemptCount(connections), 1);
    assert.deepEqual(
      call.log.filter((each) => !each.startsWith("writable")),
      [],
    );
  });
});

test("a cluster that is closed ends calls in their backoff with the reason", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying() });
    failWith(await nextAttempt(connections), Status.UNAVAILABLE);
    await settle();
    harness.cluster.close();
    harness.clock.advance(2_000);
    assert.equal(call.failure?.reason, "fairlead is shutting down");
  });
});

test("A6: transparent retries do not count toward maxAttempts", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const call = harness.call({ config: retrying({ maxAttempts: 2 }) });
    const refused = await nextAttempt(connections);
    refused.connection.reset(refused.stream.id, REFUSED_STREAM);
    const first = await nextAttempt(connections);
    assert.equal(first.stream.get("grpc-previous-rpc-attempts"), null);
    failWith(first, Status.UNAVAILABLE);
    await passBackoff(harness, 1_000);
    const second = await nextAttempt(connections);
    assert.equal(second.stream.get("grpc-previous-rpc-attempts"), "1");
    assert.equal(new Set([refused, first, second].map((each) => each.connection)).size, 3);
    second.connection.respond(second.stream.id);
    await endsWith(call, "0");
  });
});

test("A6: refused a second time on the wire is for the policy to retry", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(3));
    const call = harness.call({ config: retrying() });
    for (let i = 0; i < 2; i += 1) {
      const { connection, stream } = await nextAttempt(connections);
      connection.reset(stream.id, REFUSED_STREAM);
    }
    await passBackoff(harness, 1_000);
    const third = await nextAttempt(connections);
    assert.equal(third.stream.get("grpc-previous-rpc-attempts"), "1");
    third.connection.respond(third.stream.id);
    await endsWith(call, "0");
  });
});

test("A6: no endpoint to be had is retried by the policy, unless the call waits for ready", async () => {
  const config = { isDeadlineTold: true };
  await withCluster({ config }, async (harness) => {
    const server = await harness.server();
    const { port } = server;
    await server.stop();
    harness.resolve(server);
    await eventually("failed", () => harness.states("TRANSIENT_FAILURE").length === 1);
    const policy = retrying({ maxAttempts: 5, maxBackoff: "1s" });
    const call = harness.call({ config: policy, waitForReady: false });
    const patient = harness.call({ config: policy });
    assert.equal(call.isFailed, false, "in its backoff");
    const connected = (await harness.server({}, port)).next();
    await harness.pass(4_000);
    const connection = await connected;
    const attempts = [await connection.nextStream(), await connection.nextStream()];
    for (const { id } of attempts) connection.respond(id);
    await endsWith(call, "0");
    await endsWith(patient, "0");
    const told = attempts.map((each) => each.get("grpc-previous-rpc-attempts") !== null);
    assert.deepEqual(told.sort(), [false, true]);
  });
});

test("attempts that a client in front has told of are among those that are told", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const list = grpcRequest("/a/b", [["grpc-previous-rpc-attempts", "2"]]);
    const call = harness.call({ config: retrying(), list });
    const first = await nextAttempt(connections);
    assert.equal(first.stream.get("grpc-previous-rpc-attempts"), "2");
    failWith(first, Status.UNAVAILABLE);
    await passBackoff(harness, 1_000);
    const second = await nextAttempt(connections);
    assert.equal(second.stream.get("grpc-previous-rpc-attempts"), "3");
    second.connection.respond(second.stream.id);
    await endsWith(call, "0");
  });
});

test("A96: what a call was retried is recorded when it is over", async () => {
  await withCluster({}, async (harness) => {
    const connections = await connectionsOf(await harness.ready(2));
    const call = harness.call({ config: retrying() });
    failWith(await nextAttempt(connections), Status.UNAVAILABLE, [
      ["grpc-retry-pushback-ms", "2000"],
    ]);
    await settle();
    harness.clock.advance(2_010);
    const second = await nextAttempt(connections);
    second.connection.respond(second.stream.id);
    await endsWith(call, "0");
    const plain = harness.call();
    const { connection, stream } = await nextAttempt(connections);
    connection.respond(stream.id);
    await plain.over();
    const sumOf = (name: string): [number, number] => {
      const family = harness.registry.snapshot().families.find((each) => each.name === name)!;
      return [family.series[0]!.value, family.series[0]!.count];
    };
    assert.deepEqual(sumOf("grpc_client_call_retries"), [1, 1]);
    const [seconds, count] = sumOf("grpc_client_call_retry_delay_seconds");
    assert.equal(count, 1);
    assert.ok(seconds >= 2 && seconds < 2.02, `${seconds} s`);
    assert.deepEqual(sumOf("grpc_client_call_transparent_retries"), [0, 0]);
  });
});
