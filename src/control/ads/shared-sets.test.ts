/** Sets of resources that subscriptions share, and what becomes of them when one changes. */
import assert from "node:assert/strict";
import test from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import type { Resource, View } from "../resources.ts";
import { WrittenSource } from "./ads-suite.ts";
import { SharedSets } from "./shared-sets.ts";
import { Subscription } from "./subscription.ts";

const { CDS } = RESOURCE_TYPES;

/** A node that asks for everything, and has it. */
function wildcard(shared: SharedSets, view: View): Subscription {
  const subscription = new Subscription(CDS, true, shared);
  subscription.isWildcard = true;
  subscription.takeDue(view, true);
  return subscription;
}

function sourceOf(...names: readonly string[]): WrittenSource {
  const source = new WrittenSource();
  for (const name of names) source.set("CDS", name, `${name}1`);
  source.publish();
  return source;
}

test("nodes with the same resources have one set; who is told of more has its own", () => {
  const [shared, source] = [new SharedSets(), sourceOf("a", "b")];
  const [one, other] = [0, 1].map(() => wildcard(shared, source.viewOf()));
  assert.equal(one!.sent, other!.sent);
  source.set("CDS", "c", "c1");
  source.publish();
  one!.noteChanged(new Set(["c"]));
  const due = one!.takeDue(source.viewOf(), true);
  assert.deepEqual(
    due!.fresh.map(({ name }) => name),
    ["c"],
  );
  assert.deepEqual([...one!.sent.keys()], ["a", "b", "c"]);
  assert.deepEqual([...other!.sent.keys()], ["a", "b"]);
  assert.notEqual(one!.version, other!.version);
  other!.noteChanged(new Set(["c"]));
  other!.takeDue(source.viewOf(), true);
  assert.equal(one!.sent, other!.sent);
});

test("what goes is dropped from the set of who is told, and of nobody else", () => {
  const [shared, source] = [new SharedSets(), sourceOf("a", "b")];
  const [one, other] = [0, 1].map(() => wildcard(shared, source.viewOf()));
  source.set("CDS", "a", null);
  source.publish();
  one!.noteChanged(new Set(["a"]));
  assert.deepEqual(one!.takeDue(source.viewOf(), true)!.removed, ["a"]);
  assert.deepEqual([...one!.sent.keys()], ["b"]);
  assert.deepEqual([...other!.sent.keys()], ["a", "b"]);
});

test("sets of one version are shared only when they hold the same", () => {
  const shared = new SharedSets();
  const [mine, yours] = [sourceOf("a"), sourceOf("a")].map(
    (source) => new Map([["a", source.viewOf().get(CDS, "a")!]]),
  );
  assert.equal(shared.share("v", mine!), mine);
  assert.equal(shared.share("v", yours!), yours);
  assert.equal(shared.share("v", new Map(yours!)), yours);
});

test("a set that changes is made anew once, however many have it", () => {
  let iterated = 0;
  class Counted extends Map<string, Resource> {
    override *[Symbol.iterator](): MapIterator<[string, Resource]> {
      for (const entry of super[Symbol.iterator]()) {
        iterated += 1;
        yield entry;
      }
    }
  }
  const names = Array.from({ length: 1_000 }, (_, i) => `c${i}`);
  const [shared, source] = [new SharedSets(), sourceOf(...names)];
  const many = Array.from({ length: 50 }, () => wildcard(shared, source.viewOf()));
  const set = new Counted(many[0]!.sent);
  for (const one of many) one.sent = set;
  source.set("CDS", "c7", "other");
  source.set("CDS", "c8", null);
  source.publish();
  iterated = 0;
  for (const one of many) {
    one.noteChanged(new Set(["c7", "c8"]));
    const due = one.takeDue(source.viewOf(), true);
    assert.deepEqual([due!.fresh.map(({ name }) => name), due!.removed], [["c7"], ["c8"]]);
    assert.equal(one.sent, many[0]!.sent);
    assert.equal(one.version, many[0]!.version);
  }
  assert.equal(many[0]!.sent.size, 999);
  assert.ok(iterated <= 1_000, `${iterated} resources were looked at`);
  // Who is told something else of the same set gets something else.
  const other = wildcard(shared, source.viewOf());
  source.set("CDS", "c7", "third");
  source.publish();
  for (const one of [many[0]!, other]) one.noteChanged(new Set(["c7"]));
  many[0]!.takeDue(source.viewOf(), true);
  source.set("CDS", "c7", "fourth");
  source.publish();
  other.takeDue(source.viewOf(), true);
  assert.deepEqual(
    [many[0]!, other].map(({ sent }) => sent.get("c7")?.version),
    ["v-third", "v-fourth"],
  );
});

test("names stay as they were asked for, whichever text of them is kept", () => {
  const source = sourceOf("a", "b");
  const subscription = new Subscription(CDS, true, new SharedSets());
  for (const name of ["b", "gone", "a"]) subscription.addName(name);
  subscription.takeDue(source.viewOf(), true);
  assert.deepEqual([...subscription.names].sort(), ["a", "b", "gone"]);
  assert.deepEqual([...subscription.sent.keys()].sort(), ["a", "b"]);
});
