/** What a look at a subscription costs, counted in reads: a node decides how often it is made. */
import assert from "node:assert/strict";
import test from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { applySotwNames } from "./requests.ts";
import { SharedSets } from "./shared-sets.ts";
import { Subscription, type VisibleView } from "./subscription.ts";

const COUNT = 2_000;

/** A view of `COUNT` resources, and how often these were read, or looked for one by one. */
function countedView() {
  const counts = { reads: 0, looks: 0 };
  const resources = Array.from({ length: COUNT }, (_, i): Resource => {
    const own = { version: "1", any: new Uint8Array(), problems: [] };
    return Object.defineProperty(own, "name", {
      get: () => {
        counts.reads += 1;
        return `c${i}`;
      },
    }) as unknown as Resource;
  });
  const byName = new Map(resources.map((one, i) => [`c${i}`, one]));
  const one = (name: string): Resource | null => {
    counts.looks += 1;
    return byName.get(name) ?? null;
  };
  const view: VisibleView = {
    get: (_type, name) => one(name),
    listed: (_type, name) => one(name),
    all: () => [...byName.values()],
  };
  return { counts, byName, view };
}

test("names given up under a wildcard cost as much as there are, not their square", () => {
  const { counts, byName, view } = countedView();
  const subscription = new Subscription(RESOURCE_TYPES.CDS, false, new SharedSets());
  assert.equal(applySotwNames(subscription, ["*", ...byName.keys()]), "");
  assert.equal(subscription.takeDue(view, false)?.resources.length, COUNT);
  assert.equal(applySotwNames(subscription, ["*"]), "");
  counts.reads = 0;
  assert.equal(subscription.takeDue(view, false), null);
  assert.ok(counts.reads <= 10 * COUNT, `${counts.reads} reads`);
  assert.equal(subscription.sent.size, COUNT);
});

test("a change under a wildcard is a look at the names that changed", () => {
  const { counts, byName, view } = countedView();
  const subscription = new Subscription(RESOURCE_TYPES.CDS, true, new SharedSets());
  subscription.isWildcard = true;
  assert.equal(subscription.takeDue(view, false)?.resources.length, COUNT);
  counts.reads = 0;
  counts.looks = 0;
  byName.set("c7", { name: "c7", version: "2", any: new Uint8Array(), problems: [] });
  subscription.noteChanged(new Set(["c7", "c8", "none"]));
  const due = subscription.takeDue(view, false);
  assert.deepEqual(
    due?.resources.map(({ name }) => name),
    ["c7"],
  );
  assert.deepEqual(counts, { reads: 0, looks: 3 });
});

test("names that came and went gather no further than all that there is", () => {
  const { byName, view } = countedView();
  const subscription = new Subscription(RESOURCE_TYPES.CDS, true, new SharedSets());
  subscription.isWildcard = true;
  subscription.takeDue(view, false);
  for (let i = 0; i < 3 * COUNT; i += 1) {
    subscription.noteChanged(new Set([`gone${i}`]));
    assert.ok(subscription.dirty.size <= COUNT, `${subscription.dirty.size} names`);
  }
  byName.set("c7", { name: "c7", version: "2", any: new Uint8Array(), problems: [] });
  subscription.noteChanged(new Set(["c7"]));
  assert.equal(subscription.takeDue(view, false)?.resources.length, 1);
});
