/**
 * Watches: what they begin with, what a selector makes of changes, bookmarks and ends in time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, seededRng, VirtualClock } from "../../base/index.ts";
import { serviceBody, startTestCluster, watch } from "./cluster.fixture.ts";
import { parseListOptions } from "./list-options.ts";
import { Objects } from "./objects.ts";
import { resourceOf } from "./resources.ts";
import { Store } from "./store.ts";
import { BOOKMARK_MS, Watch } from "./watch.ts";

/** A store with a watch on its Services, on virtual time. */
function setUp() {
  const clock = new VirtualClock();
  const store = new Store();
  const objects = new Objects({ store, clock, rng: seededRng(1) });
  objects.create("Namespace", "", { metadata: { name: "default" } });
  const lines: string[] = [];
  const events: { type: string; object: Json }[] = [];
  const open = async (query: string): Promise<Watch> => {
    const resource = resourceOf("Service");
    const options = parseListOptions(new URLSearchParams(`watch=1&${query}`), resource, true);
    const sink = {
      event: (line: string) => {
        const event = JSON.parse(line);
        events.push(event);
        const { name = "", resourceVersion } = event.object.metadata;
        lines.push(`${event.type} ${name || resourceVersion || event.object.code}`);
      },
      end: () => lines.push("end"),
    };
    const scope = { resource, namespace: "default" };
    const opened = new Watch({ store, clock, sendsBookmarks: () => true }, scope, options, sink);
    await opened.start();
    return opened;
  };
  const at = (name: string) => ({ kind: "Service", namespace: "default", name });
  const add = (name: string, labels = {}) =>
    objects.create("Service", "default", serviceBody(name, labels));
  return { clock, store, objects, lines, events, open, at, add };
}

test("without a resourceVersion a watch begins with what there is", async () => {
  const { open, add, lines, objects, at } = setUp();
  add("b");
  add("a");
  const opened = await open("");
  objects.patch(at("a"), { metadata: { labels: { x: "y" } } });
  objects.delete(at("b"));
  assert.deepEqual(lines, ["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"]);
  opened.close();
});

test("from a resourceVersion a watch tells what came after it, once and in order", async () => {
  const { open, add, lines, store, events } = setUp();
  add("a");
  const { revision } = store;
  add("b");
  const opened = await open(`resourceVersion=${revision}`);
  add("c");
  assert.deepEqual(lines, ["ADDED b", "ADDED c"]);
  assert.deepEqual(
    events.map(({ object }) => Number((object.metadata as Json).resourceVersion)),
    [revision + 1, revision + 2],
  );
  opened.close();
});

test("a resourceVersion before history is an ERROR 410, and the end", async () => {
  const { open, add, lines, store, events } = setUp();
  add("a");
  const { revision } = store;
  add("b");
  store.compact();
  await open(`resourceVersion=${revision}`);
  assert.deepEqual(lines, ["ERROR 410", "end"]);
  assert.deepEqual(events[0]!.object, {
    ...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" },
    message: `too old resource version: ${revision} (${store.revision})`,
    ...{ reason: "Expired", code: 410 },
  });
  const opened = await open(`resourceVersion=${store.revision}`);
  add("c");
  assert.equal(lines.at(-1), "ADDED c");
  opened.close();
});

test("history has a limit: what is beyond it is 410", () => {
  const store = new Store(4);
  const metadata = { name: "n", uid: "u", resourceVersion: "", creationTimestamp: "" };
  for (let i = 0; i < 20; i += 1) store.put("Node", { apiVersion: "v1", kind: "Node", metadata });
  assert.equal(store.since("Node", 2), null);
  assert.equal(store.since("Node", store.revision - 4)!.length, 4);
});

test("through a selector, objects come and go as they match", async () => {
  const { open, add, lines, objects, at, events } = setUp();
  add("a", { app: "x" });
  add("b");
  const opened = await open("labelSelector=app%3Dx");
  objects.patch(at("b"), { metadata: { labels: { app: "x" } } });
  objects.patch(at("a"), { metadata: { labels: { app: "z" } } });
  objects.patch(at("a"), { metadata: { labels: { app: "zz" } } });
  objects.delete(at("a"));
  assert.deepEqual(lines, ["ADDED a", "ADDED b", "DELETED a"]);
  // What leaves is told as it was last seen, at the revision of the change.
  assert.deepEqual((events[2]!.object.metadata as Json).labels, { app: "x" });
  opened.close();
});

test("a streaming list ends with its bookmark and goes on as a watch", async () => {
  const { open, add, lines, store, events } = setUp();
  add("a");
  const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const opened = await open(query);
  assert.deepEqual(lines, ["ADDED a", `BOOKMARK ${store.revision}`]);
  assert.deepEqual((events[1]!.object.metadata as Json).annotations, {
    "k8s.io/initial-events-end": "true",
  });
  add("b");
  assert.equal(lines.at(-1), "ADDED b");
  opened.close();
  const late = await open("sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
  add("c");
  assert.deepEqual(lines.slice(3), ["ADDED c"]);
  late.close();
});

test("bookmarks come every minute and two seconds before the end", async () => {
  const { open, clock, lines, store, add } = setUp();
  await open(`resourceVersion=${store.revision}&allowWatchBookmarks=true&timeoutSeconds=150`);
  clock.advance(BOOKMARK_MS);
  assert.deepEqual(lines, ["BOOKMARK 2"]);
  add("a");
  clock.advance(BOOKMARK_MS);
  assert.equal(lines.at(-1), "BOOKMARK 3");
  clock.advance(27_999);
  assert.equal(lines.length, 3);
  clock.advance(1);
  assert.equal(lines.at(-1), "BOOKMARK 3");
  assert.equal(lines.length, 4);
  clock.advance(2000);
  assert.equal(lines.at(-1), "end");
  assert.equal(clock.pendingCount, 0);
});

test("over a socket: events as lines, and an answer that ends in order at its time-out", async (t) => {
  const cluster = await startTestCluster(t);
  const path = "/api/v1/namespaces/default/services?watch=1&timeoutSeconds=1";
  const seen = await watch(t, cluster, path);
  assert.equal(seen.code, 200);
  cluster.objects.create("Service", "default", serviceBody("a"));
  await seen.until(1);
  assert.deepEqual(seen.lines, ["ADDED a"]);
  assert.equal(seen.events[0]!.object.kind, "Service");
  await seen.until(2);
  assert.equal(seen.isEnded, true);
  assert.equal(cluster.server.handler.watchCount, 0);
  const named = await watch(t, cluster, `${path}&fieldSelector=metadata.name%3Db`);
  cluster.objects.create("Service", "default", serviceBody("b"));
  await named.until(1);
  assert.deepEqual(named.lines, ["ADDED b"]);
});
