/** Tests of which channels share a cluster, and of a cluster's life without calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../base/index.ts";
import { serviceConfigOf } from "../../cluster/index.ts";
import { ChannelHarness, newCall } from "./channel-suite.ts";
import type { ChannelSettings, ClusterSettings } from "./settings.ts";

/** Settings of the connections: a channel that has another must have a cluster of its own. */
const SEPARATING: readonly ((was: ChannelSettings) => Partial<ChannelSettings>)[] = [
  () => ({ target: "static:///127.0.0.1:2" }),
  () => ({ dialTarget: "dns:///proxy.test:80" }),
  () => ({ discovery: { namespace: "other" } }),
  () => ({ ownConfig: serviceConfigOf("round_robin") }),
  () => ({ serviceConfig: { loadBalancingConfig: [{ least_request: { choiceCount: 5 } }] } }),
  () => ({ takesServiceConfig: false }),
  () => ({ idleTimeoutMs: 61_000 }),
  () => ({ idleTimeoutMs: Number.POSITIVE_INFINITY }),
  () => ({ log: silentLogger }),
  ...(
    [
      { maxConnectionsPerEndpoint: 2 },
      { backoff: { initialMs: 1, maxMs: 2 } },
      { keepalive: { timeMs: 10_000, timeoutMs: 1_000, permitWithoutCalls: false } },
      { secure: { connect: async (socket) => socket } },
      { tunnel: { host: "a.test", port: 1, authorization: null } },
      { warmUp: { timeMs: 1, share: 0.5 } },
    ] satisfies Partial<ClusterSettings>[]
  ).map((change) => (was: ChannelSettings) => ({ cluster: { ...was.cluster, ...change } })),
  ({ cluster }) => ({
    cluster: { ...cluster, connection: { ...cluster.connection, headerListBytesMax: 99 } },
  }),
];

for (const [index, change] of SEPARATING.entries()) {
  const { settings } = new ChannelHarness();
  const changed = change(settings);
  test(`channels that differ in ${Object.keys(changed)} share nothing (${index})`, () => {
    const { clusters } = new ChannelHarness();
    const first = clusters.get(settings);
    const other = { ...settings, ...changed };
    assert.notEqual(clusters.get(other), first);
    assert.equal(clusters.get(other), clusters.get({ ...other }), "those that agree do");
  });
}

test("channels that differ in what is theirs alone share a cluster", () => {
  const { clusters, settings } = new ChannelHarness();
  const first = clusters.get(settings);
  for (const change of [
    { authority: "b.test" },
    { userAgent: "other/1" },
    { contentType: "application/grpc+json" },
    { encoding: "gzip" },
    { sendBytesMax: 1, receiveBytesMax: 1 },
    { serviceConfig: { methodConfig: [] } },
    { ownConfig: serviceConfigOf("least_request") },
    { cluster: { ...settings.cluster } },
  ] satisfies Partial<ChannelSettings>[]) {
    assert.equal(clusters.get({ ...settings, ...change }), first, Object.keys(change).join());
  }
});

test("one that is not shared has a cluster of its own, twice over", () => {
  const { clusters, settings } = new ChannelHarness();
  const alone = { ...settings, isShared: false };
  assert.notEqual(clusters.get(alone), clusters.get(alone));
  assert.notEqual(clusters.get(alone), clusters.get(settings));
});

test("nothing is resolved before a call, and the last channel that leaves ends it", () => {
  const harness = new ChannelHarness();
  const [first, second] = [harness.channel(), harness.channel()];
  assert.equal(first.connectivity(false), "IDLE");
  assert.equal(harness.resolvers.length, 0);
  assert.equal(first.connectivity(true), "CONNECTING");
  assert.equal(second.connectivity(false), "CONNECTING");
  assert.equal(harness.resolvers.length, 1);
  first.close();
  assert.equal(harness.resolver.isClosed, false);
  second.close();
  assert.equal(harness.resolver.isClosed, true);
  harness.channel().connectivity(true);
  assert.equal(harness.resolvers.length, 2, "a later one begins anew");
});

test("without calls it rests, and the next call wakes it", () => {
  const harness = new ChannelHarness();
  const channel = harness.channel();
  const states: string[] = [];
  channel.watchConnectivity((state) => states.push(state));
  const { call } = newCall(channel, { waitForReady: true });
  call.start(null);
  harness.clock.advance(300_000);
  assert.equal(harness.resolver.isClosed, false, "a call is in flight");
  call.cancel(1, "enough");
  harness.clock.advance(58_000);
  assert.equal(harness.resolver.isClosed, false, "not yet");
  harness.clock.advance(4_000);
  assert.equal(harness.resolver.isClosed, true);
  assert.deepEqual(states, ["CONNECTING", "IDLE"]);
  newCall(channel, { waitForReady: true }).call.start(null);
  assert.equal(harness.resolvers.length, 2);
  assert.equal(channel.connectivity(false), "CONNECTING");
  channel.close();
});
