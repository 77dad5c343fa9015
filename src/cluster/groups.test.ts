/** Endpoints that their source groups: priorities fail over as in Envoy, localities share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedRng } from "../base/index.ts";
import { type Endpoint, newEndpoint } from "../discovery/index.ts";
import { Drops } from "./drops.ts";
import { Locality } from "./locality.ts";

function endpoint(address: string, priority: number, name: string, weight: number): Endpoint {
  return { ...newEndpoint(address, "test"), group: { priority, name, weight } };
}

const ENDPOINTS = [
  endpoint("127.0.0.1:1", 1, "b", 1),
  endpoint("127.0.0.2:1", 0, "a", 1),
  endpoint("127.0.0.3:1", 0, "c", 3),
];

function grouped(): Locality {
  const locality = new Locality();
  locality.setSource({ endpoints: ENDPOINTS });
  return locality;
}

const level = (available: number, total: number) => ({ available, total });

test("each group is a level, those of the first priority first", () => {
  const locality = grouped();
  assert.equal(locality.levelCount, 3);
  assert.deepEqual(
    ENDPOINTS.map((each) => locality.levelOf(each)),
    [2, 0, 1],
  );
  assert.deepEqual(
    [0, 1, 2].map((each) => locality.nameOf(each)),
    ["priority 0, a", "priority 0, c", "priority 1, b"],
  );
});

test("groups of a priority share its calls by weight, as far as they have something", () => {
  const locality = grouped();
  const shares = (...levels: ReturnType<typeof level>[]) => locality.sharesOf(levels, 1.4);
  assert.deepEqual(shares(level(1, 1), level(1, 1), level(1, 1)), [0.25, 0.75, 0]);
  // 4 of 5 healthy is above 1/1.4: the first priority keeps everything.
  assert.deepEqual(shares(level(0, 1), level(4, 4), level(1, 1)), [0, 1, 0]);
  // Half is healthy: 0.7 of the calls stay, the rest spills over.
  const spilled = shares(level(0, 2), level(2, 2), level(1, 1));
  assert.deepEqual(
    spilled.map((share) => Number(share.toFixed(3))),
    [0, 0.7, 0.3],
  );
  assert.deepEqual(shares(level(0, 1), level(0, 1), level(1, 1)), [0, 0, 1]);
});

test("without groups nothing is different, and they go when the source has none", () => {
  const locality = grouped();
  locality.setSource({ endpoints: [newEndpoint("127.0.0.1:1", "test")] });
  assert.equal(locality.levelCount, 1);
  assert.equal(locality.nameOf(0), "anywhere");
});

test("categories of drops are drawn for one after the other (A27)", () => {
  const drops = new Drops(scriptedRng(300_000, 99_999, 300_000, 100_000));
  assert.equal(drops.isActive, false);
  drops.set([
    { category: "lb", perMillion: 250_000 },
    { category: "throttle", perMillion: 100_000 },
  ]);
  assert.equal(drops.refusal(), "dropped by category throttle");
  assert.equal(drops.refusal(), null);
});
