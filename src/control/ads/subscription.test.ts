/** What a look at a subscription costs, counted in reads: a node decides how often it is made. */
import assert from "node:assert/strict";
import test from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { applySotwNames } from "./requests.ts";
import { SharedSets } from "./shared-sets.ts";
import { Subscription, type VisibleView } from "./subscription.ts";

const COUNT = 2_000;

test("names given up under a wildcard cost as much as there are, not their square", () => {
  let reads = 0;
  const resources = Array.from({ length: COUNT }, (_, i): Resource => {
    const own = { version: "1", any: new Uint8Array(), problems: [] };
    return Object.defineProperty(own, "name", {
      get: () => {
        reads += 1;
        return `c${i}`;
      },
    }) as unknown as Resource;
  });
  const names = resources.map((_, i) => `c${i}`);
  const byName = new Map(names.map((name, i) => [name, resources[i]!]));
  const view: VisibleView = {
    get: (_type, name) => byName.get(name) ?? null,
    all: () => resources,
  };
  const subscription = new Subscription(RESOURCE_TYPES.CDS, false, new SharedSets());
  assert.equal(applySotwNames(subscription, ["*", ...names]), "");
  assert.equal(subscription.takeDue(view, false)?.resources.length, COUNT);
  assert.equal(applySotwNames(subscription, ["*"]), "");
  reads = 0;
  assert.equal(subscription.takeDue(view, false), null);
  assert.ok(reads <= 10 * COUNT, `${reads} reads`);
  assert.equal(subscription.sent.size, COUNT);
});
