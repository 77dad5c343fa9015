/**
 * Tests of what a service config does to calls that are relayed: time-outs, retries, hedges,
 * wait-for-ready; and of the one that the resolver has.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { ManualResolver, settle } from "../../test/support/cluster.ts";
import { ProxyHarness, runWith, withProxy } from "../../test/support/proxy.ts";
import {
  eventually,
  grpcRequest,
  type Pairs,
  type RawConnection,
  RawServer,
  type RawStream,
} from "../../test/support/raw-http2.ts";
import { RecordingLogger } from "../base/index.ts";
import { newEndpoint, newEndpointSet, type ServiceConfigResult } from "../discovery/index.ts";
import { MethodConfigs } from "../grpc/index.ts";
import { headerList, limits } from "../http2/index.ts";
import { METHODS_KEPT_MAX, MethodPolicies, ServiceConfigInForce } from "../mesh/index.ts";
import { chosenConfig } from "./policy-choice.ts";

const retryPolicy = {
  ...{ maxAttempts: 3, initialBackoff: "1s", maxBackoff: "1s", backoffMultiplier: 1 },
  retryableStatusCodes: ["UNAVAILABLE"],
};

const configured = (fields: object, more: object = {}) => ({
  policy: {
    name: null,
    serviceConfig: {
      loadBalancingConfig: [{ round_robin: {} }],
      methodConfig: [{ name: [{}], ...fields }],
      ...more,
    },
  },
});

async function nextOn(upstreams: readonly RawConnection[]): Promise<[RawConnection, RawStream]> {
  const upstream = await eventually("an attempt", () =>
    upstreams.find((each) => each.freshCount > 0),
  );
  return [upstream, await upstream.nextStream()];
}

/** Ends an attempt by Trailers-Only. */
function failOn(upstream: RawConnection, { id }: RawStream, more: Pairs = []): void {
  const head: Pairs = [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", "14"],
  ];
  upstream.headers(id, [...head, ...more], true);
}

test("a retry policy: the client sees the answer of the last attempt alone", async () => {
  await withProxy(
    2,
    async (harness, upstreams) => {
      const client = await harness.client();
      const call = client.request(grpcRequest("/a/b"));
      const [first, failed] = await nextOn(upstreams);
      failOn(first, failed);
      await settle();
      assert.equal(call.lists.length, 0, "nothing went back");
      harness.clock.advance(1_210);
      const [second, stream] = await nextOn(upstreams);
      assert.notEqual(second, first);
      assert.equal(stream.get("grpc-previous-rpc-attempts"), "1");
      second.respond(stream.id, "0", "good");
      await eventually("the answer", () => call.isEnded);
      assert.equal(call.body.toString(), "good");
      assert.equal(call.get("grpc-status"), "0");
      assert.equal(harness.metric("fairlead_downstream_failures_total"), 0);
    },
    configured({ retryPolicy }),
  );
});

test("a request that is streamed while its call is in backoff is whole, and credited once", async () => {
  await withProxy(
    2,
    async (harness, upstreams) => {
      const client = await harness.client();
      const call = client.request(grpcRequest("/a/b"), false);
      client.data(call.id, Buffer.alloc(30_000, "a"));
      const [first, failed] = await nextOn(upstreams);
      await eventually("the first part", () => failed.body.length === 30_000);
      failOn(first, failed);
      await settle();
      client.data(call.id, Buffer.alloc(20_000, "b"));
      await settle();
      harness.clock.advance(1_210);
      const [second, stream] = await nextOn(upstreams);
      client.data(call.id, Buffer.alloc(1_000, "c"), true);
      await eventually("all of it", () => stream.isEnded);
      const sent = "a".repeat(30_000) + "b".repeat(20_000) + "c".repeat(1_000);
      assert.equal(stream.body.toString(), sent);
      await settle();
      const windowBytes = client.window(call.id);
      assert.ok(windowBytes <= limits.STREAM_WINDOW_BYTES_MAX, "no byte was granted twice");
      second.respond(stream.id, "0", "good");
      await eventually("the answer", () => call.isEnded);
    },
    configured({ retryPolicy }),
  );
});

test("a hedging policy: the first answer is relayed, the other attempt is cancelled", async () => {
  await withProxy(
    2,
    async (harness, upstreams) => {
      const client = await harness.client();
      const call = client.request(grpcRequest("/a/b"));
      const [, slow] = await nextOn(upstreams);
      harness.clock.advance(110);
      const [second, stream] = await nextOn(upstreams);
      second.respond(stream.id, "0", "hedge");
      await eventually("the answer", () => call.isEnded);
      assert.equal(call.body.toString(), "hedge");
      await eventually("the other is cancelled", () => slow.resetCode === 8);
      const again = client.request(grpcRequest("/a/b"));
      await nextOn(upstreams);
      client.reset(again.id, 8);
      await eventually("no call is left", () => harness.activeCalls === 0);
    },
    configured({ hedgingPolicy: { maxAttempts: 2, hedgingDelay: "0.1s" } }),
  );
});

test("`timeout`: the smaller of it and the client's, told to the server too", async () => {
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const timeouts: (string | null)[] = [];
      const given: Pairs[] = [[], [["grpc-timeout", "9S"]], [["grpc-timeout", "1S"]]];
      for (const more of given) {
        client.request(grpcRequest("/a/b", more));
        timeouts.push((await upstream!.nextStream()).get("grpc-timeout"));
      }
      assert.deepEqual(timeouts, ["2000m", "2000m", "1S"]);
      const call = client.request(grpcRequest("/a/b"));
      await upstream!.nextStream();
      harness.clock.advance(2_070);
      await eventually("the answer", () => call.isEnded);
      assert.equal(call.get("grpc-status"), "4");
    },
    configured({ timeout: "2s" }),
  );
});

test("`waitForReady: false`: a call fails at once when every endpoint has failed", async () => {
  const harness = new ProxyHarness("127.0.0.1:1", configured({ waitForReady: false }));
  await runWith(harness, async () => {
    await harness.start(0);
    await eventually("it has failed", () => {
      return harness.proxy.clusters()[0]!.endpoints[0]!.state === "TRANSIENT_FAILURE";
    });
    const client = await harness.client();
    const call = client.request(grpcRequest("/a/b"));
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "14");
    const page = client.request([[":method", "GET"], ...grpcRequest("/a/b").slice(1, 4)]);
    await settle();
    assert.equal(page.isEnded, false, "what is no gRPC waits as ever");
    await harness.pass(6_000);
    await eventually("the answer", () => page.isEnded);
  });
});

test("circuit breakers: a call beyond is refused with its reason, and shown", async () => {
  const fairlead = { circuitBreakers: { maxCalls: 1 } };
  await withProxy(
    1,
    async (harness, [upstream]) => {
      const client = await harness.client();
      const first = client.request(grpcRequest("/a/b"));
      const { id } = await upstream!.nextStream();
      const second = client.request(grpcRequest("/a/b"));
      await eventually("the answer", () => second.isEnded);
      assert.equal(second.get("grpc-status"), "14");
      assert.match(
        second.get("grpc-message")!,
        /^fairlead: circuit breaker maxCalls: the limit of 1/,
      );
      assert.deepEqual(harness.proxy.clusters()[0]!.circuitBreakers, [
        { name: "maxCalls", limit: 1, current: 1, refused: 1, open: true },
      ]);
      upstream!.respond(id);
      await eventually("the answer", () => first.isEnded);
    },
    configured({}, { fairlead }),
  );
});

test("the resolver's service config applies where none is chosen; the last good one stays", async () => {
  const resolver = new ManualResolver();
  const server = await RawServer.listen();
  const harness = new ProxyHarness("echo.test:1", { policy: null }, resolver);
  harness.own(server);
  const say = (serviceConfig: ServiceConfigResult | null) => {
    const set = newEndpointSet([newEndpoint(server.address, "static")]);
    resolver.listener!.onEndpoints({ ...set, serviceConfig });
  };
  const shown = () => harness.proxy.clusters()[0]!.policy;
  await runWith(harness, async () => {
    harness.addresses = await harness.proxy.listen();
    say(null);
    await harness.untilReady(1);
    assert.equal(shown(), "least_request");
    const loadBalancingConfig = [{ round_robin: {} }];
    const methodConfig = [{ name: [{}], timeout: "1s" }];
    say({ json: { loadBalancingConfig, methodConfig } });
    assert.equal(shown(), "round_robin");
    const client = await harness.client();
    const upstream = await server.next();
    const timeoutNow = async () => {
      client.request(grpcRequest("/a/b"));
      const stream = await upstream.nextStream();
      upstream.respond(stream.id);
      return stream.get("grpc-timeout");
    };
    assert.equal(await timeoutNow(), "1000m");
    say({ json: { methodConfig: [{ name: [{}], timeout: "soon" }] } });
    say({ error: "it is not JSON" });
    assert.equal(await timeoutNow(), "1000m");
    assert.equal(shown(), "round_robin");
    const told = harness.log.entries.filter(({ msg }) => msg.startsWith("service config of"));
    assert.deepEqual(
      told.map(({ level, fields }) => [level, fields?.reason]),
      [
        [
          "warn",
          'service config: methodConfig[0].timeout is "soon", must be a duration such as "1.5s"',
        ],
        ["warn", "it is not JSON"],
      ],
    );
    say(null);
    assert.equal(await timeoutNow(), null);
    assert.equal(shown(), "least_request");
  });
});

test("with a policy or a service config of its own a proxy does not heed the resolver's", () => {
  const applied: unknown[] = [];
  const log = new RecordingLogger();
  const choice = { name: "random", serviceConfig: null };
  const inForce = new ServiceConfigInForce(chosenConfig(choice), "a:1", log, (each) =>
    applied.push(each),
  );
  inForce.onServiceConfig({ json: { loadBalancingConfig: [{ round_robin: {} }] } });
  assert.equal(inForce.current.balancing.policy.name, "random");
  assert.deepEqual([applied, log.entries], [[], []]);
});

test("configs of methods are looked up once a path, in bounds, and for gRPC alone", () => {
  assert.equal(MethodPolicies.of(MethodConfigs.NONE), null);
  let asked = 0;
  const configs = MethodConfigs.parse({
    methodConfig: [{ name: [{}], retryPolicy: { ...retryPolicy, maxAttempts: 9 } }],
  });
  const { find } = configs;
  configs.find = (path) => {
    asked += 1;
    return find.call(configs, path);
  };
  const policies = MethodPolicies.of(configs)!;
  const request = (path: string) => headerList(grpcRequest(path));
  // "higher values will be treated as equal to the maximum value" (A6)
  assert.equal(policies.find(request("/a/b"))?.retryPolicy?.maxAttempts, 5);
  policies.find(request("/a/b"));
  assert.equal(asked, 1);
  assert.equal(policies.find(headerList([[":path", "/a/b"]])), null);
  for (let i = 0; i < METHODS_KEPT_MAX; i += 1) policies.find(request(`/a/${i}`));
  policies.find(request("/a/b"));
  assert.equal(asked, METHODS_KEPT_MAX + 2, "the first was forgotten");
});
