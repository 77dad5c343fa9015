/**
 * Lists: resourceVersion semantics, pages of one state, selectors.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, VirtualClock } from "../../base/index.ts";
import { ask, serviceBody, startTestCluster } from "./cluster.fixture.ts";
import type { LabCluster } from "./cluster.ts";
import { FRESH_TIMEOUT_MS, untilFresh } from "./list.ts";
import { Store } from "./store.ts";

const PATH = "/api/v1/namespaces/default/services";

function add(cluster: LabCluster, ...names: string[]): number {
  for (const name of names) cluster.objects.create("Service", "default", serviceBody(name));
  return cluster.objects.store.revision;
}

const names = (list: Json): string[] =>
  (list.items as readonly Json[]).map(({ metadata }) => String((metadata as Json).name));
const version = (list: Json): number => Number((list.metadata as Json).resourceVersion);
const token = (list: Json): string => String((list.metadata as Json).continue ?? "");

test("a list has its kind, its revision, and items without theirs, sorted by key", async (t) => {
  const cluster = await startTestCluster(t);
  const revision = add(cluster, "b", "a", "c");
  const { body } = await ask(cluster, PATH);
  assert.equal(body.kind, "ServiceList");
  assert.equal(body.apiVersion, "v1");
  assert.equal(version(body), revision);
  assert.deepEqual(names(body), ["a", "b", "c"]);
  assert.ok((body.items as Json[]).every((item) => item.kind === undefined));
  const empty = await ask(cluster, "/apis/discovery.k8s.io/v1/namespaces/none/endpointslices");
  assert.deepEqual(empty.body.items, []);
});

test("pages show one state, whatever happens between them", async (t) => {
  const cluster = await startTestCluster(t);
  const revision = add(cluster, "a", "b", "c", "d", "e");
  const first = await ask(cluster, `${PATH}?limit=2`);
  assert.deepEqual(names(first.body), ["a", "b"]);
  assert.equal((first.body.metadata as Json).remainingItemCount, 3);
  add(cluster, "bb");
  cluster.objects.delete({ kind: "Service", namespace: "default", name: "d" });
  const second = await ask(cluster, `${PATH}?limit=2&continue=${token(first.body)}`);
  assert.deepEqual(names(second.body), ["c", "d"]);
  assert.equal(version(second.body), revision);
  const third = await ask(cluster, `${PATH}?limit=2&continue=${token(second.body)}`);
  assert.deepEqual(names(third.body), ["e"]);
  assert.equal(token(third.body), "");
});

test("a page after compaction is 410, with a token that goes on inconsistently", async (t) => {
  const cluster = await startTestCluster(t);
  add(cluster, "a", "b", "c");
  const first = await ask(cluster, `${PATH}?limit=1`);
  add(cluster, "aa");
  cluster.compact();
  const second = await ask(cluster, `${PATH}?limit=1&continue=${token(first.body)}`);
  assert.equal(second.code, 410);
  assert.equal(second.body.reason, "Expired");
  assert.match(String(second.body.message), /^The provided continue parameter is too old to disp/);
  const rest = await ask(cluster, `${PATH}?continue=${token(second.body)}`);
  assert.deepEqual(names(rest.body), ["aa", "b", "c"]);
});

test("Exact shows that state, NotOlderThan at least it, 0 any and without pages", async (t) => {
  const cluster = await startTestCluster(t);
  const revision = add(cluster, "a");
  const latest = add(cluster, "b", "c");
  const list = async (query: string): Promise<Json> => (await ask(cluster, PATH + query)).body;
  const exact = await list(`?resourceVersion=${revision}&resourceVersionMatch=Exact`);
  assert.deepEqual(names(exact), ["a"]);
  assert.equal(version(exact), revision);
  const legacy = await list(`?resourceVersion=${revision}&limit=5`);
  assert.deepEqual(names(legacy), ["a"]);
  for (const query of ["", "&resourceVersionMatch=NotOlderThan"]) {
    const body = await list(`?resourceVersion=${revision}${query}`);
    assert.deepEqual(names(body), ["a", "b", "c"]);
    assert.equal(version(body), latest);
  }
  const any = await list("?resourceVersion=0&limit=1");
  assert.deepEqual(names(any), ["a", "b", "c"]);
  cluster.compact();
  const gone = await ask(cluster, `${PATH}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
  assert.equal(gone.code, 410);
  assert.equal(gone.body.message, "The resourceVersion for the provided list is too old.");
});

test("a revision that is not reached within three seconds is 504", async () => {
  const clock = new VirtualClock();
  const store = new Store();
  const late = assert.rejects(untilFresh(store, clock, 5), {
    message: "Timeout: Too large resource version: 5, current: 1",
    code: 504,
  });
  clock.advance(FRESH_TIMEOUT_MS);
  await late;
  const inTime = untilFresh(store, clock, 2);
  store.put("Node", {
    ...{ apiVersion: "v1", kind: "Node" },
    metadata: { name: "n", uid: "u", resourceVersion: "", creationTimestamp: "" },
  });
  await inTime;
  assert.equal(clock.pendingCount, 0);
});

test("selectors of labels and fields", async (t) => {
  const cluster = await startTestCluster(t);
  const make = (name: string, labels: Readonly<Record<string, string>>): void => {
    cluster.objects.create("Service", "default", serviceBody(name, labels));
  };
  make("a", { app: "x", tier: "1" });
  make("b", { app: "y" });
  make("c", {});
  const cases: readonly [string, string[]][] = [
    ["labelSelector=app%3Dx", ["a"]],
    ["labelSelector=app%3D%3Dx,tier%3D1", ["a"]],
    ["labelSelector=app!%3Dx", ["b", "c"]],
    ["labelSelector=app", ["a", "b"]],
    ["labelSelector=!app", ["c"]],
    ["labelSelector=app+in+(x,y)", ["a", "b"]],
    ["labelSelector=app+notin+(x)", ["b", "c"]],
    ["fieldSelector=metadata.name%3Db", ["b"]],
    ["fieldSelector=metadata.name!%3Db,metadata.namespace%3Ddefault", ["a", "c"]],
  ];
  for (const [query, wanted] of cases) {
    assert.deepEqual(names((await ask(cluster, `${PATH}?${query}`)).body), wanted, query);
  }
  const bad = await ask(cluster, `${PATH}?fieldSelector=spec.type%3Dx`);
  assert.equal(bad.code, 400);
  assert.match(String(bad.body.message), /^field label not supported: spec\.type$/);
  assert.equal((await ask(cluster, `${PATH}?labelSelector=a+b`)).code, 400);
});

test("queries that contradict themselves are 422, in the real server's words", async (t) => {
  const cluster = await startTestCluster(t);
  const cases: readonly [string, RegExp][] = [
    ["resourceVersionMatch=Exact", /resourceVersionMatch is forbidden unless resourceVersion is/],
    [
      "resourceVersion=0&resourceVersionMatch=Exact",
      /"exact" is forbidden for resourceVersion "0"/,
    ],
    ["resourceVersion=1&resourceVersionMatch=Any", /Unsupported value: "Any"/],
    ["sendInitialEvents=true", /sendInitialEvents is forbidden for list/],
    ["watch=1&sendInitialEvents=true", /requires setting resourceVersionMatch to NotOlderThan/],
    ["watch=1&resourceVersionMatch=NotOlderThan", /forbidden for watch unless sendInitialEvents/],
  ];
  for (const [query, wanted] of cases) {
    const { code, body } = await ask(cluster, `${PATH}?${query}`);
    assert.equal(code, 422, query);
    assert.match(String(body.message), /^ListOptions\.meta\.k8s\.io "" is invalid: /);
    assert.match(String(body.message), wanted);
  }
  assert.equal((await ask(cluster, `${PATH}?resourceVersion=abc`)).code, 400);
  assert.equal((await ask(cluster, `${PATH}?continue=abc`)).code, 400);
});
