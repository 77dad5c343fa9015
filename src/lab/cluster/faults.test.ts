/**
 * Each fault, as a client meets it over a socket, and that it ends when it is told to.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Json, realClock } from "../../base/index.ts";
import { createLabAuthority } from "./certificates.ts";
import { ask, type Seen, serviceBody, startTestCluster, watch } from "./cluster.fixture.ts";
import type { LabCluster } from "./cluster.ts";
import { parseFaultRule } from "./faults.ts";

const PATH = "/api/v1/namespaces/default/services";
const add = (cluster: LabCluster, name: string): void => {
  cluster.objects.create("Service", "default", serviceBody(name));
};
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function open(t: TestContext, query = ""): Promise<{ cluster: LabCluster; seen: Seen }> {
  const cluster = await startTestCluster(t);
  const { revision } = cluster.objects.store;
  const seen = await watch(t, cluster, `${PATH}?watch=1&resourceVersion=${revision}${query}`);
  return { cluster, seen };
}

test("hang: nothing is answered and watches fall silent; cleared, all goes on where it was", async (t) => {
  const { cluster, seen } = await open(t);
  cluster.faults.set({ kind: "hang" });
  add(cluster, "a");
  let isAnswered = false;
  const list = ask(cluster, PATH).then((reply) => {
    isAnswered = true;
    return reply;
  });
  await sleep(150);
  assert.equal(isAnswered, false);
  assert.deepEqual(seen.lines, []);
  add(cluster, "b");
  cluster.faults.clear();
  assert.equal((await list).code, 200);
  await seen.until(2);
  assert.deepEqual(seen.lines, ["ADDED a", "ADDED b"]);
});

test("hang may be of watches alone", async (t) => {
  const { cluster, seen } = await open(t);
  cluster.faults.set({ kind: "hang", verbs: ["watch"] });
  add(cluster, "a");
  assert.equal((await ask(cluster, PATH)).code, 200);
  assert.deepEqual(seen.lines, []);
});

test("reset: a request's connection, or all of them, are gone at once", async (t) => {
  const { cluster, seen } = await open(t);
  cluster.faults.set({ kind: "reset", count: 1 });
  await assert.rejects(ask(cluster, PATH), { code: "ECONNRESET" });
  assert.equal((await ask(cluster, PATH)).code, 200);
  assert.equal(seen.isEnded, false);
  cluster.server.resetConnections();
  await seen.until(1);
  assert.equal(seen.isEnded, true);
  assert.equal(cluster.server.handler.watchCount, 0);
});

test("reset works below TLS", async (t) => {
  const authority = await createLabAuthority(realClock().wallMs());
  const cluster = await startTestCluster(t, { tls: await authority.issueServer(["127.0.0.1"]) });
  cluster.faults.set({ kind: "reset" });
  const { default: https } = await import("node:https");
  const failure = await new Promise<NodeJS.ErrnoException>((resolve) => {
    https
      .get(cluster.url + PATH, { ca: authority.cert, agent: false }, () => resolve(new Error("?")))
      .on("error", resolve);
  });
  assert.equal(failure.code, "ECONNRESET");
});

test("gone: 410 as a status, as an event, and on watches that are open", async (t) => {
  const { cluster, seen } = await open(t);
  cluster.faults.set({ kind: "gone", count: 2 });
  assert.equal((await ask(cluster, PATH)).code, 410);
  assert.equal((await ask(cluster, `${PATH}?watch=1`)).body.reason, "Expired");
  cluster.faults.set({ kind: "gone", verbs: ["watch"], asEvent: true });
  assert.equal((await ask(cluster, PATH)).code, 200);
  const cut = await watch(t, cluster, `${PATH}?watch=1`);
  await cut.until(1);
  assert.equal(cut.code, 200);
  assert.equal(cut.events[0]!.type, "ERROR");
  assert.equal(cut.events[0]!.object.code, 410);
  cluster.server.handler.expireWatches();
  await seen.until(2);
  assert.equal(seen.events[0]!.type, "ERROR");
  assert.equal(seen.isEnded, true);
});

test("throttle and error: so many requests get 429 with Retry-After, or 500", async (t) => {
  const cluster = await startTestCluster(t);
  cluster.faults.set({ kind: "throttle", retryAfterSeconds: 7, count: 1 });
  const throttled = await ask(cluster, PATH);
  assert.equal(throttled.code, 429);
  assert.equal(throttled.headers["retry-after"], "7");
  assert.equal(throttled.text, "Too many requests, please try again later.\n");
  cluster.faults.set({ kind: "error", resources: ["services"], count: 1 });
  assert.equal((await ask(cluster, "/api/v1/nodes")).code, 200);
  const failed = await ask(cluster, PATH);
  assert.equal(failed.code, 500);
  assert.equal(failed.body.reason, "InternalError");
  assert.match(String(failed.body.message), /^Internal error occurred: /);
  assert.equal((await ask(cluster, PATH)).code, 200);
});

test("slow: bytes dribble, and all of them come", async (t) => {
  const cluster = await startTestCluster(t);
  add(cluster, "a");
  const whole = (await ask(cluster, PATH)).text;
  cluster.faults.set({ kind: "slow", bytes: 100, intervalMs: 10 });
  const startMs = realClock().nowMs();
  assert.equal((await ask(cluster, PATH)).text, whole);
  const steps = Math.floor(whole.length / 100);
  assert.ok(realClock().nowMs() - startMs >= steps * 10);
  const seen = await watch(t, cluster, `${PATH}?watch=1&timeoutSeconds=1`);
  await seen.until(2);
  assert.deepEqual(seen.lines, ["ADDED a"]);
});

test("reorder: events of different objects change places, those of one never", async (t) => {
  const { cluster, seen } = await open(t);
  cluster.faults.set({ kind: "reorder" });
  add(cluster, "a");
  add(cluster, "b");
  await seen.until(2);
  assert.deepEqual(seen.lines, ["ADDED b", "ADDED a"]);
  const at = { kind: "Service", namespace: "default", name: "a" };
  cluster.objects.patch(at, { metadata: { labels: { n: "1" } } });
  cluster.objects.patch(at, { metadata: { labels: { n: "2" } } });
  await seen.until(4);
  const labels = seen.events.slice(2).map(({ object }) => (object.metadata as Json).labels);
  assert.deepEqual(labels, [{ n: "1" }, { n: "2" }]);
});

test("no bookmarks, and no streaming list, as from an old server", async (t) => {
  const cluster = await startTestCluster(t);
  const query = "watch=1&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const streaming = `${PATH}?${query}&sendInitialEvents=true`;
  add(cluster, "a");
  cluster.faults.set({ kind: "no-bookmarks" });
  const seen = await watch(t, cluster, `${streaming}&timeoutSeconds=1`);
  await seen.until(5);
  assert.deepEqual(seen.lines, ["ADDED a"]);
  cluster.faults.set({ kind: "no-streaming-list" });
  const { code, body } = await ask(cluster, streaming);
  assert.equal(code, 422);
  assert.match(String(body.message), /sendInitialEvents: Forbidden: .*WatchList feature gate/);
});

test("endpoints may be in two slices for a while", async (t) => {
  const cluster = await startTestCluster(t, { hasController: false });
  cluster.objects.create("EndpointSlice", "default", {
    metadata: { name: "echo-1", labels: { "kubernetes.io/service-name": "echo" } },
    ...{ addressType: "IPv4", ports: [], endpoints: [{ addresses: ["127.0.1.1"] }] },
  });
  const found = (): unknown[] =>
    [...cluster.objects.store.all("EndpointSlice")].map(({ endpoints }) => endpoints);
  cluster.duplicateEndpoints("default", "echo");
  cluster.duplicateEndpoints("default", "echo");
  const endpoints = [{ addresses: ["127.0.1.1"], conditions: {} }];
  assert.deepEqual(found(), [endpoints, endpoints]);
  cluster.mergeDuplicates("default", "echo");
  assert.equal(found().length, 1);
});

test("a fault that does not exist is refused in one sentence", () => {
  assert.throws(
    () => parseFaultRule({ kind: "fire" }),
    /^RangeError: fault "fire": must be one of/,
  );
  assert.throws(() => parseFaultRule(null), /must be a JSON object with a kind/);
});

// They were taken as they came: such a fault met nothing, or for ever, and nobody said so.
test("a fault whose values mean nothing is refused in one sentence", () => {
  for (const [wrong, message] of [
    [{ count: 0 }, "count: 0, must be a whole number from 1 to 1000000"],
    [{ verbs: "get" }, 'verbs: "get", must be a list, such as ["get"]'],
    [{ resources: [5] }, /^RangeError: resources: 5, must be of namespaces, nodes, pods, .*views$/],
    [
      { retryAfterSeconds: null },
      "retryAfterSeconds: null, must be a whole number from 0 to 86400",
    ],
  ] as const) {
    const rule = { kind: "throttle", ...wrong };
    const expected = typeof message === "string" ? new RangeError(message) : message;
    assert.throws(() => parseFaultRule(rule), expected);
  }
  const reviews = { kind: "error", verbs: ["create"], resources: ["selfsubjectaccessreviews"] };
  assert.deepEqual(parseFaultRule(reviews), reviews);
});
