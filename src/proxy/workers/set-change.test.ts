/** Changes between endpoint sets: small on the line, and exact. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type EndpointSet,
  newEndpoint,
  newEndpointSet,
  type SkippedEndpoint,
} from "../../discovery/index.ts";
import { applySetChange, setChange } from "./set-change.ts";

function setOf(...ports: number[]): EndpointSet {
  return newEndpointSet(ports.map((port) => newEndpoint(`127.0.0.1:${port}`, "static")));
}

test("one pod of a thousand that goes is one address on the line", () => {
  const before = setOf(...Array.from({ length: 1_000 }, (_, i) => 1_000 + i));
  const after = newEndpointSet(before.endpoints.filter((_, i) => i !== 500));
  const change = setChange(before, after);
  assert.deepEqual([change.endpoints.gone.length, change.endpoints.come.length], [1, 0]);
  assert.deepEqual(applySetChange(before, change), after);
});

test("an endpoint of which something changed comes again, whole", () => {
  const before = setOf(1, 2);
  const moved = { ...before.endpoints[1]!, zone: "eu-1b" };
  const after = newEndpointSet([before.endpoints[0]!, moved]);
  assert.deepEqual(setChange(before, after).endpoints.come, [moved]);
});

function skippedOf(...ports: number[]): SkippedEndpoint[] {
  return setOf(...ports).endpoints.map((endpoint) => ({ endpoint, reason: "not ready" }));
}

test("what a rule leaves out and stays so is not sent again", () => {
  const skipped = skippedOf(...Array.from({ length: 7_000 }, (_, i) => 20_000 + i));
  const before: EndpointSet = { ...setOf(1, 2), skipped };
  const [first, second, ...others] = skipped;
  const ready = { ...second!, reason: "terminating" };
  const after: EndpointSet = { ...before, skipped: [ready, ...others] };
  const change = setChange(before, after);
  assert.deepEqual(change.skipped, { gone: [first!.endpoint.address], come: [ready] });
  assert.ok(JSON.stringify(change).length < 1_000);
  assert.deepEqual(applySetChange(before, change), after);
  // A list made anew of the same endpoints tells nothing either.
  const again = { ...after, skipped: after.skipped!.map((each) => ({ ...each })) };
  assert.deepEqual(setChange(after, again).skipped, { gone: [], come: [] });
});

test("a set that leaves nothing out any more says so", () => {
  const before: EndpointSet = { ...setOf(1), skipped: skippedOf(2) };
  const after = setOf(1, 2);
  assert.deepEqual(applySetChange(before, setChange(before, after)), after);
});

test("why a set is empty and what is skipped come along", () => {
  const skipped = [{ endpoint: newEndpoint("127.0.0.1:1", "static"), reason: "not ready" }];
  const after: EndpointSet = { endpoints: [], reason: "none is ready", skipped };
  assert.deepEqual(applySetChange(setOf(1, 2), setChange(setOf(1, 2), after)), after);
});

test("a change made of any two sets, sent as JSON, makes the second of the first", () => {
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30 });
  // Of what is left out an address may be there twice.
  const others = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 10 }).map((list) => {
    const skipped = list.flatMap((port) => skippedOf(port));
    return skipped.sort((a, b) => (a.endpoint.address < b.endpoint.address ? -1 : 1));
  });
  fc.assert(
    fc.property(ports, ports, others, others, fc.boolean(), (first, second, was, is, isFresh) => {
      const before: EndpointSet = { ...setOf(...first), skipped: was };
      const known = new Map(before.endpoints.map((each) => [each.address, each]));
      const fresh = setOf(...second).endpoints;
      // Resolvers pass on the same objects; a restarted one does not.
      const endpoints = fresh.map((each) => (isFresh ? each : (known.get(each.address) ?? each)));
      const after: EndpointSet = { ...newEndpointSet(endpoints), skipped: is };
      const change = JSON.parse(JSON.stringify(setChange(before, after)));
      assert.deepEqual(applySetChange(before, change), after);
    }),
  );
});

test("a service config is on the line when it changes, and stays the very same object else", () => {
  const config = { json: { methodConfig: [] } };
  const before: EndpointSet = { ...setOf(1), serviceConfig: config };
  const more: EndpointSet = { ...setOf(1, 2), serviceConfig: config };
  const change = setChange(before, more);
  assert.equal(change.serviceConfig, null);
  const after = applySetChange(before, JSON.parse(JSON.stringify(change)));
  assert.equal(after.serviceConfig, config);
  const other = { ...more, serviceConfig: { error: "it is not JSON" } };
  assert.deepEqual(applySetChange(after, setChange(more, other)), other);
  const none = setOf(1, 2);
  assert.equal(applySetChange(other, setChange(other, none)).serviceConfig, null);
  assert.equal(setChange(none, setOf(1)).serviceConfig, null);
});
