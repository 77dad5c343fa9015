/**
 * Tests of a cluster's connectivity, and of the calls, policies and configs that follow it: what a
 * gRPC client expects of a channel. gRPC's connectivity semantics, wait-for-ready, A62.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import { eventually, type RawServer } from "../../test/support/raw-http2.ts";
import { BACKOFF_JITTER, BACKOFF_MS_FIRST } from "./backoff.ts";
import { CAPACITY_TIMEOUT_MS, type ClusterConfig } from "./config.ts";
import { serviceConfigOf } from "./index.ts";

/** What clients are given. */
const CLIENT: Partial<ClusterConfig> = {
  isDeadlineTold: true,
  readyTimeoutMs: Number.POSITIVE_INFINITY,
  capacityTimeoutMs: Number.POSITIVE_INFINITY,
  deadlineGraceMs: 0,
};

/** Past the first delay, whatever the jitter. */
const RETRY_MS = BACKOFF_MS_FIRST * (1 + BACKOFF_JITTER) + 1;

function impatient(harness: ClusterHarness, deadlineMs = Number.POSITIVE_INFINITY): CallerProbe {
  return harness.call({ waitForReady: false, deadlineMs });
}

/** The address of a port that refuses. */
async function deadAddress(harness: ClusterHarness): Promise<string> {
  const server = await harness.server();
  await server.close();
  return server.address;
}

async function becomes(harness: ClusterHarness, state: string): Promise<void> {
  await eventually(state, () => harness.cluster.connectivity === state);
}

/** Answers the next call on the next connection of a server. */
async function serve(server: RawServer): Promise<void> {
  const connection = await server.next();
  connection.respond((await connection.nextStream()).id);
}

test("it is CONNECTING from the start, READY with the first endpoint, and SHUTDOWN in the end", async () => {
  let told: string[] = [];
  await withCluster({ config: CLIENT }, async (harness) => {
    told = harness.connectivity;
    const early = impatient(harness);
    assert.equal(harness.cluster.connectivity, "CONNECTING");
    const server = await harness.server();
    harness.resolve(server, await deadAddress(harness));
    await becomes(harness, "READY");
    await serve(server);
    await early.over();
    assert.equal(early.grpcStatus, "0");
    await settle();
    assert.deepEqual(told, ["CONNECTING", "READY"], "one that fails beside it changes nothing");
  });
  assert.deepEqual(told, ["CONNECTING", "READY", "SHUTDOWN"]);
});

test("when every endpoint has failed, calls fail at once with the reason unless they wait for ready", async () => {
  await withCluster({ config: CLIENT }, async (harness) => {
    const early = impatient(harness);
    const patient = harness.call();
    const address = await deadAddress(harness);
    harness.resolve(address);
    assert.equal(early.isFailed, false, "it may still be ready soon");
    await early.over();
    const late = impatient(harness);
    for (const { failure } of [early, late]) {
      assert.equal(failure?.status, 14);
      assert.equal(
        failure?.reason,
        `no endpoint of echo.test:1 is ready: ${address}: connection refused`,
      );
    }
    assert.equal(patient.isFailed, false);
    // It is tried again, and that is no reason to wait.
    harness.clock.advance(RETRY_MS);
    assert.equal(harness.cluster.connectivity, "TRANSIENT_FAILURE");
    assert.equal(impatient(harness).isFailed, true);
    await settle();
    assert.deepEqual(harness.connectivity, ["CONNECTING", "TRANSIENT_FAILURE"]);
    const server = await harness.server();
    harness.resolve(address, server);
    assert.equal(harness.cluster.connectivity, "CONNECTING", "another one may be ready soon");
    await serve(server);
    await patient.over();
    assert.equal(patient.grpcStatus, "0");
    assert.equal(harness.metric("fairlead_refusals_total", { reason: "not_ready" }), 3);
  });
});

test("a source that is away before the first set fails calls; afterwards it changes nothing", async () => {
  await withCluster({ config: CLIENT }, async (harness) => {
    const early = impatient(harness);
    harness.resolver.listener!.onError("lookup of echo.test: ENOTFOUND");
    const late = impatient(harness);
    for (const { failure } of [early, late]) {
      assert.equal(failure?.status, 14);
      assert.equal(
        failure?.reason,
        "echo.test:1 cannot be resolved: lookup of echo.test: ENOTFOUND",
      );
    }
    const server = await harness.server();
    harness.resolve(server);
    await becomes(harness, "READY");
    harness.resolver.listener!.onError("lookup of echo.test: SERVFAIL");
    const call = impatient(harness);
    await serve(server);
    await call.over();
    assert.equal(call.grpcStatus, "0");
    assert.deepEqual(harness.connectivity, [
      "CONNECTING",
      "TRANSIENT_FAILURE",
      "CONNECTING",
      "READY",
    ]);
  });
});

test("an empty set fails calls with its reason", async () => {
  await withCluster({ config: CLIENT }, async (harness) => {
    const call = impatient(harness);
    harness.resolver.listener!.onEndpoints({ endpoints: [], reason: "no ready pods" });
    assert.equal(call.failure?.reason, "echo.test:1 has no endpoints: no ready pods");
    assert.equal(harness.cluster.connectivity, "TRANSIENT_FAILURE");
  });
});

test("a call that waits for a stream fails when the last endpoint is lost, unless it waits for ready", async () => {
  const config = { ...CLIENT, maxConnectionsPerEndpoint: 1 };
  await withCluster({ config, maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const [server] = await harness.ready(1, [[3, 1]]);
    const connection = await server.next();
    const first = harness.call();
    await connection.nextStream();
    const calls = [impatient(harness), harness.call()];
    await server.close();
    await first.over();
    await calls[0].over();
    assert.match(calls[0].failure!.reason, /^no endpoint of echo\.test:1 is ready/);
    assert.equal(calls[1].failure, null);
  });
});

test("a proxy's calls wait whatever has failed, unless their method says no", async () => {
  await withCluster({}, async (harness) => {
    harness.resolve(await deadAddress(harness));
    await becomes(harness, "TRANSIENT_FAILURE");
    const call = harness.call({ deadlineMs: harness.clock.nowMs() + 300 });
    assert.equal(call.isFailed, false);
    harness.clock.advance(310);
    assert.equal(call.failure?.status, 14, "and hear why nothing was ready");
    assert.equal(impatient(harness, 300).failure?.status, 14, "`waitForReady: false`");
  });
});

test("pick_first has failed only when all were tried, and is so until one is ready", async () => {
  await withCluster({ policy: "pick_first", config: CLIENT }, async (harness) => {
    const call = impatient(harness);
    const addresses = [await deadAddress(harness), await deadAddress(harness)];
    harness.resolve(...addresses);
    await eventually("one", () => harness.states("TRANSIENT_FAILURE").length === 1);
    assert.equal(call.isFailed, false, "the other is tried");
    await call.over();
    assert.equal(call.failure?.status, 14);
    const server = await harness.server({ settings: null });
    harness.resolve(server);
    assert.equal(harness.view(server).state, "CONNECTING");
    assert.equal(harness.cluster.connectivity, "TRANSIENT_FAILURE", "A62");
    const patient = harness.call();
    const connection = await server.next();
    connection.settings([]);
    connection.respond((await connection.nextStream()).id);
    await patient.over();
    assert.deepEqual(harness.connectivity, ["CONNECTING", "TRANSIENT_FAILURE", "READY"]);
  });
});

test("without a time limit a call waits as long as it may, and no timer is kept for it", async () => {
  await withCluster({ config: CLIENT, maxConnectionsPerEndpoint: 1 }, async (harness) => {
    const early = harness.call();
    const brief = harness.call({ deadlineMs: 20_000 });
    assert.equal(harness.wheel.size, 1);
    await harness.pass(19_000);
    assert.equal(brief.isFailed, false);
    harness.clock.advance(1_010);
    assert.equal(brief.failure?.status, 4, "DEADLINE_EXCEEDED");
    assert.equal(
      brief.failure?.reason,
      "deadline exceeded while nothing was ready: echo.test:1 is not resolved yet",
    );
    const server = await harness.server({ settings: [[3, 1]] });
    harness.resolve(server);
    const connection = await server.next();
    const { id } = await connection.nextStream();
    const full = harness.call();
    await harness.pass(CAPACITY_TIMEOUT_MS + 2_000);
    assert.deepEqual([early.failure, full.failure], [null, null]);
    connection.respond(id);
    connection.respond((await connection.nextStream()).id);
    await early.over();
    await full.over();
  });
});

test("a client's call ends at its deadline, without the grace of a proxy", async () => {
  await withCluster({ config: CLIENT }, async (harness) => {
    const [server] = await harness.ready(1);
    const call = harness.call({ deadlineMs: 1_000 });
    await (await server.next()).nextStream();
    harness.clock.advance(990);
    assert.equal(call.isFailed, false);
    harness.clock.advance(20);
    assert.equal(call.failure?.status, 4);
    assert.equal(call.call!.address, server.address, "and still tells where it was");
  });
});

test("the address of a call is that of its last attempt", async () => {
  await withCluster({ config: CLIENT }, async (harness) => {
    const servers = await harness.ready(2);
    const probe = harness.call();
    const connections = await Promise.all(servers.map((server) => server.next()));
    const first = await eventually("picked", () => connections.find((c) => c.freshCount > 0));
    const at = connections.indexOf(first);
    assert.equal(probe.call!.address, servers[at].address);
    first.reset((await first.nextStream()).id, 7); // REFUSED_STREAM
    const other = connections[1 - at];
    other.respond((await other.nextStream()).id);
    await probe.over();
    assert.equal(probe.call!.address, servers[1 - at].address);
    assert.equal(probe.grpcStatus, "0");
  });
});

test("a policy is changed without a new connection, and calls in flight go on", async () => {
  await withCluster({ policy: "round_robin", config: CLIENT }, async (harness) => {
    const servers = await harness.ready(3);
    const connections = await Promise.all(servers.map((server) => server.next()));
    const running = [harness.call(), harness.call(), harness.call()];
    for (const connection of connections) await connection.nextStream();
    harness.cluster.reconfigure(serviceConfigOf("pick_first"));
    assert.equal(harness.cluster.view().policy, "pick_first");
    for (let i = 0; i < 4; i += 1) {
      const call = harness.call();
      connections[0].respond((await connections[0].nextStream()).id);
      await call.over();
      assert.equal(call.call!.address, servers[0].address);
    }
    assert.deepEqual(
      harness.endpoints.map(({ state }) => state),
      ["READY", "IDLE", "IDLE"],
    );
    for (const connection of connections) connection.respond(1);
    for (const call of running) {
      await call.over();
      assert.equal(call.grpcStatus, "0");
    }
    harness.cluster.reconfigure(serviceConfigOf("round_robin"));
    await harness.untilReady(3);
    assert.equal(servers[0].connections.length, 1, "the one that was used stays");
    assert.deepEqual(harness.connectivity, ["CONNECTING", "READY"]);
  });
});

test("what the source says of the service config is passed on before anything is connected", async () => {
  await withCluster({ policy: "round_robin", config: CLIENT }, async (harness) => {
    const servers = [await harness.server(), await harness.server()];
    servers.sort((a, b) => (a.address < b.address ? -1 : 1));
    const serviceConfig = { json: { loadBalancingConfig: [{ pick_first: {} }] } };
    harness.onServiceConfig = () => harness.cluster.reconfigure(serviceConfigOf("pick_first"));
    harness.resolve(...servers);
    assert.deepEqual(harness.serviceConfigs, [null]);
    assert.equal(harness.states("CONNECTING").length, 1, "pick_first from the start");
    const { endpoints } = harness.setOf(...servers);
    harness.resolver.listener!.onEndpoints({ endpoints, serviceConfig });
    harness.resolver.listener!.onEndpoints({ endpoints, serviceConfig: { error: "not JSON" } });
    assert.deepEqual(harness.serviceConfigs, [null, serviceConfig, { error: "not JSON" }]);
  });
});
