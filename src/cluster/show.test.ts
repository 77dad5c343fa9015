/** What a cluster shows: endpoints that a rule leaves out, and a source that is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withCluster } from "../../test/support/cluster.ts";
import { parsePolicy } from "../balancing/index.ts";
import { type Endpoint, newEndpoint, newEndpointSet } from "../discovery/index.ts";

const SLICE = "EndpointSlice prod/echo-x7k2p";

function podOf(address: string, uid: string, rule: string | null = "ready"): Endpoint {
  return { ...newEndpoint(address, SLICE), pod: `echo-${uid}`, uid, rule };
}

test("an endpoint that a rule leaves out is shown with that rule, and never connected", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server();
    const used = podOf(server.address, "u1");
    const skipped = [{ endpoint: podOf("127.0.0.1:9", "u2", null), reason: "not ready" }];
    harness.resolver.listener!.onEndpoints({ endpoints: [used], skipped });
    await harness.untilReady(1);
    const left = harness.view("127.0.0.1:9");
    assert.deepEqual([left.state, left.usable, left.reason], ["IDLE", false, "not ready"]);
    assert.deepEqual(left.decision, [
      { rule: "in the endpoint set", effect: `no: not ready, says ${SLICE}` },
    ]);
    const [first] = harness.view(server).decision;
    assert.deepEqual(first?.effect, `yes, from ${SLICE}: ready`);
  });
});

test("why many leave at once is looked up in as many steps as there are", async () => {
  const count = 200;
  await withCluster({ policy: parsePolicy("pick_first") }, async (harness) => {
    const pods = Array.from({ length: count }, (_, i) => podOf(`127.0.0.1:${i + 1}`, `u${i}`));
    const { endpoints } = newEndpointSet(pods);
    harness.resolver.listener!.onEndpoints({ endpoints });
    let reads = 0;
    const skipped = endpoints.map((endpoint) => ({
      get endpoint() {
        reads += 1;
        return endpoint;
      },
      reason: "terminating",
    }));
    harness.resolver.listener!.onEndpoints({ endpoints: [], reason: "none is ready", skipped });
    assert.ok(reads <= 10 * count, `${reads} reads`);
  });
});

test("an endpoint that leaves because of a rule drains with the rule as its reason, once", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server();
    const endpoint = podOf(server.address, "u1");
    harness.resolver.listener!.onEndpoints(newEndpointSet([endpoint]));
    await harness.untilReady(1);
    const call = harness.call();
    await server.connections[0]!.nextStream();
    const skipped = [{ endpoint, reason: "terminating" }];
    harness.resolver.listener!.onEndpoints({ endpoints: [], reason: "none is ready", skipped });
    const shown = harness.endpoints;
    assert.equal(shown.length, 1);
    assert.deepEqual([shown[0]?.state, shown[0]?.reason], ["DRAINING", "terminating"]);
    call.call!.cancel(8);
  });
});

test("what is known of an endpoint follows the set, and its connection stays", async () => {
  await withCluster({}, async (harness) => {
    const server = await harness.server();
    const endpoint = podOf(server.address, "u1");
    harness.resolver.listener!.onEndpoints(newEndpointSet([endpoint]));
    await harness.untilReady(1);
    const moved = { ...endpoint, source: "EndpointSlice prod/echo-other", zone: "eu-1b" };
    harness.resolver.listener!.onEndpoints(newEndpointSet([moved]));
    const { source, zone, state } = harness.view(server);
    assert.deepEqual([source, zone, state], [moved.source, "eu-1b", "READY"]);
    assert.equal(harness.connections.length, 1);
  });
});

test("rules of discovery that hold for the whole set are shown with it", async () => {
  await withCluster({}, async (harness) => {
    const notes = ["port: the slice's port grpc"];
    harness.resolver.listener!.onEndpoints({ endpoints: [], reason: "none", notes });
    assert.deepEqual(harness.cluster.view().notes, notes);
    harness.resolve();
    assert.deepEqual(harness.cluster.view().notes, []);
  });
});

test("endpoints come and go between others without touching them", async () => {
  await withCluster({}, async (harness) => {
    const servers = await harness.ready(5);
    const dialled = harness.connections.length;
    harness.resolve(servers[0]!, servers[2]!, servers[4]!);
    assert.equal(harness.states("READY").length, 3);
    harness.resolve(...servers);
    await harness.untilReady(5);
    assert.equal(harness.connections.length, dialled + 2);
  });
});

test("the staleness gauge rises while the source is away, and returns to 0", async () => {
  await withCluster({}, async (harness) => {
    await harness.ready(1);
    const stale = () => harness.metric("fairlead_discovery_stale_seconds");
    assert.equal(stale(), 0);
    harness.resolver.listener!.onError("the API server does not answer");
    await harness.pass(20_000);
    assert.equal(stale(), 20);
    assert.equal(harness.cluster.view().staleMs, 20_000);
    assert.equal(harness.states("READY").length, 1);
    harness.resolve(...harness.servers);
    assert.equal(stale(), 0);
  });
});

test("a set that comes while a part of the source is away does not end the staleness", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const { endpoints } = newEndpointSet([podOf(server!.address, "u1")]);
    harness.resolver.listener!.onError("the Service cannot be watched");
    await harness.pass(5_000);
    harness.resolver.listener!.onEndpoints({ endpoints, isStale: true });
    await harness.pass(5_000);
    const { stale, staleMs, reason } = harness.cluster.view();
    assert.deepEqual([stale, staleMs, reason], [true, 10_000, "the Service cannot be watched"]);
    const back = () =>
      harness.log.entries.filter(({ msg }) => msg === "the source of endpoints is back").length;
    assert.equal(back(), 0);
    harness.resolver.listener!.onEndpoints({ endpoints });
    assert.deepEqual([harness.cluster.view().stale, back()], [false, 1]);
  });
});
