/** Changes between endpoint sets: small on the line, and exact. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type EndpointSet, newEndpoint, newEndpointSet } from "../../discovery/index.ts";
import { applySetChange, setChange } from "./set-change.ts";

function setOf(...ports: number[]): EndpointSet {
  return newEndpointSet(ports.map((port) => newEndpoint(`127.0.0.1:${port}`, "static")));
}

test("one pod of a thousand that goes is one address on the line", () => {
  const before = setOf(...Array.from({ length: 1_000 }, (_, i) => 1_000 + i));
  const after = newEndpointSet(before.endpoints.filter((_, i) => i !== 500));
  const change = setChange(before, after);
  assert.deepEqual([change.gone.length, change.come.length], [1, 0]);
  assert.deepEqual(applySetChange(before, change), after);
});

test("an endpoint of which something changed comes again, whole", () => {
  const before = setOf(1, 2);
  const moved = { ...before.endpoints[1]!, zone: "eu-1b" };
  const after = newEndpointSet([before.endpoints[0]!, moved]);
  assert.deepEqual(setChange(before, after).come, [moved]);
});

test("why a set is empty and what is skipped come along", () => {
  const skipped = [{ endpoint: newEndpoint("127.0.0.1:1", "static"), reason: "not ready" }];
  const after: EndpointSet = { endpoints: [], reason: "none is ready", skipped };
  assert.deepEqual(applySetChange(setOf(1, 2), setChange(setOf(1, 2), after)), after);
});

test("a change made of any two sets, sent as JSON, makes the second of the first", () => {
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30 });
  fc.assert(
    fc.property(ports, ports, fc.boolean(), (first, second, isFresh) => {
      const before = setOf(...first);
      const known = new Map(before.endpoints.map((each) => [each.address, each]));
      const fresh = setOf(...second).endpoints;
      // Resolvers pass on the same objects; a restarted one does not.
      const after = newEndpointSet(
        fresh.map((each) => (isFresh ? each : (known.get(each.address) ?? each))),
      );
      const change = JSON.parse(JSON.stringify(setChange(before, after)));
      assert.deepEqual(applySetChange(before, change), after);
    }),
  );
});
