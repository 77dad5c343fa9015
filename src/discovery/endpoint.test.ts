/** Tests of endpoint sets and of the static resolver. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng, silentLogger, VirtualClock } from "../base/index.ts";
import { createResolver, type EndpointSet, newEndpoint, newEndpointSet } from "./index.ts";

test("a set is sorted by address, without duplicates, and cannot be changed", () => {
  const set = newEndpointSet(["b:1", "a:2", "b:1", "a:10"].map((at) => newEndpoint(at, "static")));
  assert.deepEqual(
    set.endpoints.map(({ address }) => address),
    ["a:10", "a:2", "b:1"],
  );
  assert.throws(() => (set.endpoints as unknown[]).push(1), TypeError);
  assert.throws(() => Object.assign(set.endpoints[0], { address: "c:1" }), TypeError);
});

test("only an empty set carries a reason", () => {
  assert.equal(newEndpointSet([], "because").reason, "because");
  assert.equal(newEndpointSet([newEndpoint("a:1", "static")], "because").reason, undefined);
});

test("a static target yields its set once, at the start, and nothing afterwards", () => {
  const clock = new VirtualClock();
  const sets: EndpointSet[] = [];
  const resolver = createResolver("static:///127.0.0.2:1,127.0.0.1:1,127.0.0.2:1", {
    clock,
    rng: seededRng(1),
    log: silentLogger,
  });
  assert.equal(resolver.target, "static:///127.0.0.2:1,127.0.0.1:1,127.0.0.2:1");
  resolver.start({ onEndpoints: (set) => sets.push(set), onError: assert.fail });
  resolver.resolveNow();
  assert.equal(sets.length, 1);
  assert.deepEqual(sets[0].endpoints[0], {
    address: "127.0.0.1:1",
    addresses: ["127.0.0.1:1"],
    pod: null,
    uid: null,
    node: null,
    zone: null,
    source: "static",
    weight: 1,
    group: null,
    conditions: null,
    assignment: null,
    rule: null,
  });
  assert.equal(sets[0].endpoints.length, 2);
  resolver.close();
  resolver.close();
  assert.equal(clock.pendingCount, 0);
});

test("a malformed target fails when the resolver is made, not when it is started", () => {
  const deps = { clock: new VirtualClock(), rng: seededRng(1), log: silentLogger };
  assert.throws(() => createResolver("echo", deps), { name: "TargetError" });
});
