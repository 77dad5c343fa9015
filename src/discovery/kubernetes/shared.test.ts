/** Tests of shared watches: how many there are, and that each reader hears what is its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { VirtualClock } from "../../base/index.ts";
import type { ObjectQuery, ObjectSource, Subscription } from "../index.ts";
import { SERVICE_NAME_LABEL, shareWatches } from "../index.ts";
import { NARROW_WATCHES_MAX } from "./shared.ts";

const slicesOf = (service: string): ObjectQuery<"EndpointSlice"> => ({
  kind: "EndpointSlice",
  namespace: "prod",
  name: null,
  label: { key: SERVICE_NAME_LABEL, value: service },
});
const serviceOf = (name: string): ObjectQuery<"Service"> => ({
  kind: "Service",
  namespace: "prod",
  name,
  label: null,
});

interface Reader {
  readonly heard: string[];
  readonly subscription: Subscription;
}

function read(objects: ObjectSource, query: ObjectQuery): Reader {
  const heard: string[] = [];
  const subscription = objects.watch(query, {
    onChanges(changes, isSynced) {
      const texts = changes.map(({ type, object }) => `${type} ${object.metadata.name}`);
      heard.push(`${texts.join(", ") || "nothing"}${isSynced ? "" : " ..."}`);
    },
    onProblem: ({ kind }) => heard.push(kind),
    onRecovered: () => heard.push("recovered"),
  });
  return { heard, subscription };
}

function slice(source: ScriptedSource, name: string, service: string): void {
  const metadata = { name, labels: { [SERVICE_NAME_LABEL]: service } };
  source.put("EndpointSlice", { metadata, addressType: "IPv4" } as { metadata: object });
}

function setup(forbidden?: (query: ObjectQuery) => boolean): {
  clock: VirtualClock;
  source: ScriptedSource;
  objects: ObjectSource;
} {
  const clock = new VirtualClock();
  const source = new ScriptedSource(clock, forbidden);
  return { clock, source, objects: shareWatches(source, clock) };
}

test("equal queries are one watch; who comes late hears first what is known", () => {
  const { clock, source, objects } = setup();
  slice(source, "a-1", "a");
  const first = read(objects, slicesOf("a"));
  clock.advance(0);
  const second = read(objects, slicesOf("a"));
  slice(source, "a-2", "a");
  source.tellAll();
  assert.deepEqual(second.heard, []); // Not within `watch`, and nothing before what is known.
  clock.advance(0);
  assert.deepEqual(first.heard, ["upsert a-1", "upsert a-2"]);
  assert.deepEqual(second.heard, ["upsert a-1, upsert a-2"]);
  source.delete("EndpointSlice", "a-1");
  source.tellAll();
  assert.deepEqual(first.heard.at(-1), "delete a-1");
  assert.deepEqual(second.heard.at(-1), "delete a-1");
  assert.equal(source.begun.length, 1);
  first.subscription.close();
  first.subscription.close();
  assert.equal(source.watches.length, 1);
  second.subscription.close();
  assert.equal(source.watches.length, 0);
  assert.equal(clock.pendingCount, 0);
});

test("many Services of a namespace are two watches more, however many there are", () => {
  const { clock, source, objects } = setup();
  const names = Array.from({ length: 100 }, (_, i) => `s${i}`);
  for (const name of names) slice(source, `${name}-x`, name);
  const readers = names.flatMap((name) => [
    read(objects, slicesOf(name)),
    read(objects, serviceOf(name)),
  ]);
  clock.advance(0);
  assert.equal(source.watches.length, 2 * NARROW_WATCHES_MAX + 2);
  for (const [i, name] of names.entries()) {
    assert.deepEqual(readers[2 * i].heard, [`upsert ${name}-x`]);
    assert.deepEqual(readers[2 * i + 1].heard, ["nothing"]);
  }
  source.put("Service", { metadata: { name: "s50" } });
  slice(source, "s51-y", "s51");
  source.tellAll();
  for (const [i, name] of names.entries()) {
    assert.equal(readers[2 * i].heard.length, name === "s51" ? 2 : 1);
    assert.equal(readers[2 * i + 1].heard.length, name === "s50" ? 2 : 1);
  }
  for (const { subscription } of readers) subscription.close();
  assert.equal(source.watches.length, 0);
  assert.equal(clock.pendingCount, 0);
});

test("namespaces do not count together", () => {
  const { source, objects } = setup();
  for (const namespace of ["a", "b", "c", "d", "e"]) {
    read(objects, { ...serviceOf("echo"), namespace });
  }
  assert.ok(source.watches.every(({ query }) => query.name === "echo"));
});

test("who asks for less than all namespaces, while somebody watches these, reads there", () => {
  const { clock, source, objects } = setup();
  slice(source, "a-1", "a");
  source.put("EndpointSlice", {
    metadata: { name: "a-1", namespace: "dev", labels: { [SERVICE_NAME_LABEL]: "a" } },
    addressType: "IPv4",
  } as { metadata: object });
  const all = read(objects, { ...slicesOf("a"), namespace: null, label: null });
  const dev = read(objects, { ...slicesOf("a"), namespace: "dev", label: null });
  const narrow = read(objects, slicesOf("a"));
  const named = read(objects, { ...slicesOf("a"), name: "a-1", label: null });
  clock.advance(0);
  assert.equal(source.watches.length, 1);
  assert.deepEqual(all.heard.splice(0), ["upsert a-1, upsert a-1"]);
  for (const { heard } of [dev, narrow, named]) assert.deepEqual(heard.splice(0), ["upsert a-1"]);
  slice(source, "a-2", "a");
  source.tellAll();
  assert.deepEqual(
    [all, dev, narrow, named].flatMap(({ heard }) => heard.splice(0)),
    ["upsert a-2", "upsert a-2"],
  );
  slice(source, "a-2", "b");
  source.tellAll();
  assert.deepEqual(narrow.heard.splice(0), ["delete a-2"]);
  for (const { subscription } of [all, dev, narrow, named]) subscription.close();
  assert.equal(source.watches.length, 0);
});

test("where RBAC forbids all namespaces, one of them is watched by itself", () => {
  const { clock, source, objects } = setup(({ namespace }) => namespace === null);
  slice(source, "a-1", "a");
  const all = read(objects, { ...slicesOf("a"), namespace: null, label: null });
  const narrow = read(objects, slicesOf("a"));
  clock.advance(0);
  clock.advance(0);
  assert.deepEqual([all.heard, narrow.heard], [["forbidden"], ["upsert a-1"]]);
});

function crowd(objects: ObjectSource): void {
  for (let i = 0; i < NARROW_WATCHES_MAX; i += 1) {
    read(objects, slicesOf(`crowd${i}`));
    read(objects, serviceOf(`crowd${i}`));
  }
}

test("a slice that changes its Service leaves one reader and enters another", () => {
  const { clock, source, objects } = setup();
  crowd(objects);
  const a = read(objects, slicesOf("a"));
  const b = read(objects, slicesOf("b"));
  slice(source, "x", "a");
  clock.advance(0);
  slice(source, "x", "b");
  source.tellAll();
  assert.deepEqual(a.heard, ["upsert x", "delete x"]);
  assert.deepEqual(b.heard, ["nothing", "upsert x"]);
});

test("problems and recovery reach every reader, and those that come meanwhile", () => {
  const { clock, source, objects } = setup();
  const first = read(objects, serviceOf("a"));
  clock.advance(0);
  source.fail(source.watches[0], "unreachable", "away");
  const second = read(objects, serviceOf("a"));
  clock.advance(0);
  source.recover(source.watches[0]);
  assert.deepEqual(first.heard, ["nothing", "unreachable", "recovered"]);
  assert.deepEqual(second.heard, ["nothing", "unreachable", "recovered"]);
});

test("where RBAC forbids to watch all Services, each is watched by its name", () => {
  const { clock, source, objects } = setup(({ kind, name }) => kind === "Service" && name === null);
  crowd(objects);
  source.put("Service", { metadata: { name: "a" } });
  const a = read(objects, serviceOf("a"));
  const b = read(objects, serviceOf("b"));
  clock.advance(0);
  clock.advance(0);
  assert.deepEqual(a.heard, ["upsert a"]);
  assert.deepEqual(b.heard, ["nothing"]);
  read(objects, serviceOf("c"));
  const wide = source.begun.filter((each) => each === "Service prod * *");
  assert.equal(wide.length, 1); // It is not tried again.
  a.subscription.close();
  assert.equal(
    source.watches.some(({ query }) => query.name === "a"),
    false,
  );
});

test("a reader that closes another while it is called leaves that one unheard", () => {
  const { clock, source, objects } = setup();
  crowd(objects);
  const readers: Reader[] = [];
  objects.watch(slicesOf("a"), {
    onChanges: () => readers[0]?.subscription.close(),
    onProblem() {},
    onRecovered() {},
  });
  readers.push(read(objects, slicesOf("a")));
  slice(source, "x", "a");
  clock.advance(0);
  assert.deepEqual(readers[0].heard, []);
});

test("closed, it ends all watches, and whoever still waited for a first call hears nothing", () => {
  const { clock, source, objects } = setup();
  crowd(objects);
  clock.advance(0);
  const late = read(objects, serviceOf("crowd0"));
  objects.close();
  assert.equal(source.watches.length, 0);
  assert.equal(clock.pendingCount, 0);
  late.subscription.close();
  assert.deepEqual(late.heard, []);
});
