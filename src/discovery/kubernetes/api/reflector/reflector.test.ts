/** Tests of the reflector, rule by rule, against an API server in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng, VirtualClock } from "../../../../base/index.ts";
import { newFailure } from "../http/failure.ts";
import { failureOfStatus } from "../http/status.ts";
import { RELIST_SPREAD_MS, RETRY_MS_FIRST, RETRY_MS_MAX, STABLE_MS } from "./backoff.ts";
import { expired, FakeApi, json, Listener, reflect } from "./fake-api-suite.ts";
import { listPath } from "./paths.ts";
import { SILENCE_MS_MAX, STREAM_LIST_SILENCE_MS } from "./watch-session.ts";

function setup(names: readonly string[] = ["a", "b"], options: Partial<FakeApi> = {}) {
  const clock = new VirtualClock();
  const api = Object.assign(new FakeApi(clock), options);
  for (const name of names) api.set(name);
  const made = reflect(api);
  return { clock, api, ...made };
}

const REFUSED = newFailure({ reason: "api:6443: connection refused" });

test("a streaming list tells all objects, and is synced at its end", () => {
  const { clock, api, listener, end } = setup();
  assert.deepEqual(listener.heard, [], "nothing is told within the constructor");
  clock.advance(1);
  assert.deepEqual(listener.take(), ["+a +b", "synced"]);
  assert.deepEqual(api.kinds, ["stream"]);
  api.set("c");
  api.delete("a");
  assert.deepEqual(listener.take(), ["+c synced", "-a synced"]);
  end();
});

test("no objects at all are told too", () => {
  const { clock, listener, end } = setup([]);
  clock.advance(1);
  assert.deepEqual(listener.take(), ["synced"]);
  end();
});

test("the paths are those of the API", () => {
  const { clock, api, end } = setup([], { hasStreamLists: false });
  clock.advance(3);
  const [stream, list, watch] = api.requests.map(({ path }) => path);
  const root = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices?";
  const timeout = /timeoutSeconds=([3-5]\d\d|600)/;
  assert.ok([stream, list, watch].every((path) => path.startsWith(root)));
  assert.match(stream, /watch=true&allowWatchBookmarks=true&.*sendInitialEvents=true/);
  assert.match(stream, /resourceVersionMatch=NotOlderThan/);
  assert.doesNotMatch(stream, /resourceVersion=/);
  assert.equal(list, `${root}limit=500`);
  assert.match(watch, /watch=true&allowWatchBookmarks=true&.*&resourceVersion=10$/);
  assert.match(stream, timeout);
  assert.match(watch, timeout);
  end();
});

test("a query may be of all namespaces, of one object, or of those with a label", () => {
  const query = { kind: "Service", namespace: "", name: "a b", label: null } as const;
  assert.equal(
    listPath(query, 1, ""),
    "/api/v1/services?fieldSelector=metadata.name%3Da+b&limit=1",
  );
  const label = { key: "kubernetes.io/service-name", value: "echo" };
  assert.equal(
    listPath({ ...query, namespace: "prod", name: null, label }, 1, "t/k"),
    "/api/v1/namespaces/prod/services?labelSelector=kubernetes.io%2Fservice-name%3Decho" +
      "&limit=1&continue=t%2Fk",
  );
});

test("without streaming lists: pages, then a watch of what comes after them", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const { clock, api, listener, log, end } = setup(names, { hasStreamLists: false });
  clock.advance(2);
  api.set("late"); // between two pages
  clock.advance(3);
  assert.deepEqual(listener.take(), ["+a +b +c", "+d +e +f", "+g synced", "+late synced"]);
  assert.deepEqual(api.kinds, ["stream", "list", "next", "next", "watch@17"]);
  assert.deepEqual(log.lines, ["info: the API server has no streaming lists; lists come in pages"]);
  end();
});

test("a streaming list that falls silent comes in pages; the next one is streamed again", () => {
  const { clock, api, listener, traits, log, end } = setup(["a"], { sendsListEnd: false });
  clock.advance(1 + STREAM_LIST_SILENCE_MS);
  assert.equal(traits.canStreamLists, true);
  assert.deepEqual(log.lines, ["info: a streaming list does not end; this one comes in pages"]);
  clock.advance(2);
  assert.deepEqual(listener.take(), ["+a", "synced"]);
  assert.deepEqual(api.kinds, ["stream", "list", "watch@11"]);
  end();
});

test("a plain bookmark within a streaming list: the server does not know these", () => {
  const { clock, api, listener, traits, end } = setup(["a"], { sendsListEnd: false });
  clock.advance(1);
  api.bookmark();
  assert.equal(traits.canStreamLists, false);
  clock.advance(2);
  assert.deepEqual(listener.take(), ["+a", "synced"]);
  end();
});

test("a watch that was cut resumes quickly, from the last version, without a word", () => {
  const { clock, api, listener, counters, end } = setup();
  clock.advance(20_000);
  listener.take();
  api.set("c");
  api.cut();
  api.set("d"); // while nobody watches
  clock.advance(RETRY_MS_FIRST + 1);
  assert.deepEqual(api.kinds, ["stream", "watch@13"]);
  assert.deepEqual(listener.take(), ["+c synced", "+d synced"]);
  assert.equal(counters.restarts.value, 1);
  assert.equal(counters.relists.value, 0);
  end();
});

test("a bookmark moves the place to resume from", () => {
  const { clock, api, end } = setup();
  clock.advance(20_000);
  api.inject([{ type: "BOOKMARK", object: { metadata: { resourceVersion: "99" } } }]);
  api.cut();
  clock.advance(RETRY_MS_FIRST);
  assert.equal(api.kinds[1], "watch@99");
  end();
});

test("a watch that ends in order after its time is opened again at once", () => {
  const { clock, api, end } = setup();
  for (let minute = 0; minute < 5; minute += 1) {
    clock.advance(60_000);
    api.bookmark();
  }
  api.end();
  assert.deepEqual(api.kinds, ["stream", "watch@12"]);
  end();
});

test("watches that end at once are opened ever more slowly", () => {
  const { clock, api, end } = setup();
  clock.advance(1);
  for (let i = 0; i < 400; i += 1) {
    clock.advance(500);
    api.end();
  }
  assert.ok(api.requests.length < 40, `${api.requests.length} requests in 200 s`);
  end();
});

test("watches that end early are reported from the second on, and back when one stands", () => {
  const { clock, api, listener, end } = setup();
  clock.advance(1);
  listener.take();
  const endEach = (count: number) => {
    for (let ended = 0; ended < count; ended += 1) {
      while (api.openCount === 0) clock.advance(10);
      clock.advance(5000);
      api.bookmark();
      api.end();
    }
  };
  endEach(1);
  assert.deepEqual(listener.take(), []);
  endEach(1);
  assert.deepEqual(listener.take(), ["! unreachable: the API server ends each watch within 10 s"]);
  endEach(10);
  assert.deepEqual(listener.take(), [], "neither again, nor that it is back");
  while (api.openCount === 0) clock.advance(10);
  clock.advance(STABLE_MS);
  assert.deepEqual(listener.take(), ["recovered"]);
  end();
});

test("410 as a status lists again, and only what changed is told", () => {
  const { clock, api, listener, counters, end } = setup(["a", "b", "c"]);
  clock.advance(20_000);
  listener.take();
  api.cut();
  api.set("b", "new");
  api.delete("c");
  api.set("d");
  api.compact();
  clock.advance(RETRY_MS_FIRST + RELIST_SPREAD_MS + 2);
  assert.deepEqual(api.kinds, ["stream", "watch@13", "stream"]);
  assert.deepEqual(listener.take(), ["+b +d synced", "-c synced"]);
  assert.equal(counters.relists.value, 1);
  end();
});

test("410 as an event of the watch lists again, and what came before it counts", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  const status = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
  api.inject([
    { type: "ADDED", object: json("x", "uid-x", 50) },
    { type: "ERROR", object: status },
    { type: "ADDED", object: json("never", "uid-n", 51) },
  ]);
  assert.deepEqual(listener.take(), ["+x synced"]);
  clock.advance(RELIST_SPREAD_MS + 1);
  assert.deepEqual(listener.take(), ["-x synced"]);
  assert.deepEqual(api.kinds, ["stream", "stream"]);
  end();
});

test("another error of the watch resumes it, with patience", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  api.inject([{ type: "ERROR", object: { kind: "Status", code: 500, message: "etcd" } }]);
  clock.advance(RETRY_MS_FIRST + 1);
  assert.deepEqual(api.kinds, ["stream", "watch@11"]);
  assert.deepEqual(listener.take(), []);
  end();
});

test("410 for the continue token within a list begins it anew", () => {
  const names = ["a", "b", "c", "d", "e"];
  const { clock, api, listener, end } = setup(names, { hasStreamLists: false });
  clock.advance(2);
  api.set("f");
  api.compact();
  clock.advance(RELIST_SPREAD_MS + 5);
  assert.deepEqual(api.kinds, ["stream", "list", "next", "list", "next", "watch@16"]);
  assert.deepEqual(listener.take(), ["+a +b +c", "+d +e +f synced"]);
  end();
});

test("a list that breaks off takes nothing away", () => {
  const names = ["a", "b", "c", "d", "e"];
  const { clock, api, listener, end } = setup(names, { hasStreamLists: false });
  clock.advance(20_000);
  listener.take();
  api.cut(expired());
  clock.advance(0);
  while (api.kinds.at(-1) !== "next") clock.advance(1);
  api.failure = REFUSED;
  clock.advance(60_000);
  assert.deepEqual(listener.take(), ["! unreachable: api:6443: connection refused"]);
  assert.equal(listener.state.size, 5);
  api.failure = null;
  clock.advance(RETRY_MS_MAX + 5);
  assert.deepEqual(listener.take(), ["recovered"], "nothing had changed");
  end();
});

test("an object that was replaced under its name: the old one goes, the new one comes", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  api.cut();
  api.delete("a");
  api.set("a", "other");
  api.compact();
  clock.advance(RETRY_MS_FIRST + RELIST_SPREAD_MS + 2);
  assert.deepEqual(listener.take(), ["-a +a synced"]);
  end();
});

test("a problem is told once per reason, and the recovery after what changed", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  api.failure = REFUSED;
  api.cut();
  clock.advance(600_000);
  assert.deepEqual(listener.take(), ["! unreachable: api:6443: connection refused"]);
  api.failure = failureOfStatus(null, 503);
  clock.advance(RETRY_MS_MAX + 1);
  assert.deepEqual(listener.take(), ["! unreachable: the API server answers 503"]);
  api.set("b");
  api.failure = null;
  while (listener.heard.length === 0) clock.advance(10);
  assert.deepEqual(listener.take(), ["+b synced"], "more may be under way");
  api.bookmark();
  assert.deepEqual(listener.take(), ["recovered"]);
  assert.equal(api.kinds.filter((kind) => kind === "stream").length, 1, "it never listed again");
  end();
});

test("a watch that resumes and has nothing to say is believed after a second", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  api.failure = REFUSED;
  api.cut();
  clock.advance(5000);
  api.failure = null;
  clock.advance(RETRY_MS_MAX + 1001);
  assert.deepEqual(listener.take().at(-1), "recovered");
  end();
});

const PROBLEMS = [
  [403, "forbidden", "forbidden: needs watch on endpointslices.discovery.k8s.io in namespace prod"],
  [401, "unauthorized", "unauthorized: the API server refuses the credentials"],
  [404, "unreachable", "the API server has no endpointslices of discovery.k8s.io/v1"],
  [500, "unreachable", "the API server answers 500"],
] as const;
for (const [status, kind, reason] of PROBLEMS) {
  test(`HTTP ${status} is told as ${kind}`, () => {
    const { clock, listener, end } = setup([], { failure: failureOfStatus(null, status) });
    clock.advance(1);
    assert.deepEqual(listener.take(), [`! ${kind}: ${reason}`]);
    end();
  });
}

test("a forbidden list is named as such", () => {
  const { clock, api, listener, end } = setup([], { hasStreamLists: false });
  clock.advance(1);
  api.failure = failureOfStatus(null, 403);
  clock.advance(1);
  const what = "list on endpointslices.discovery.k8s.io in namespace prod";
  assert.deepEqual(listener.take(), [`! forbidden: forbidden: needs ${what}`]);
  end();
});

test("Retry-After is waited for", () => {
  const failure = { ...failureOfStatus(null, 429), retryAfterMs: 20_000 };
  const { clock, api, end } = setup([], { failure });
  clock.advance(20_000);
  assert.equal(api.requests.length, 1);
  clock.advance(RETRY_MS_FIRST + 1);
  assert.equal(api.requests.length, 2);
  end();
});

test("a page that is too large is asked for in smaller ones", () => {
  const { clock, api, end } = setup(["a"], { hasStreamLists: false });
  clock.advance(1);
  api.failure = newFailure({ reason: "too large", isTooLarge: true });
  clock.advance(120_000);
  const limits = api.requests.map(({ path }) =>
    new URL(path, "http://a").searchParams.get("limit"),
  );
  assert.deepEqual([...new Set(limits.slice(1))], ["500", "125", "31", "10"]);
  end();
});

test("a server that said it sends bookmarks and falls silent is watched anew", () => {
  const { clock, api, end } = setup();
  clock.advance(1);
  clock.advance(SILENCE_MS_MAX - 31_000);
  assert.equal(api.requests.length, 1);
  clock.advance(62_000);
  assert.deepEqual(api.kinds, ["stream", "watch@12"]);
  end();
});

test("a watch that outlives its timeoutSeconds is ended by us", () => {
  const { clock, api, traits, end } = setup();
  clock.advance(1);
  traits.sendsBookmarks = false;
  clock.advance(661_000);
  assert.deepEqual(api.kinds, ["stream", "watch@12"]);
  end();
});

test("a malformed object is counted, named once, and what was known of it stays", () => {
  const { clock, api, listener, log, counters, end } = setup(["a", "b"]);
  clock.advance(20_000);
  listener.take();
  api.set("a", "malformed");
  api.set("a", "malformed");
  api.set("new", "malformed");
  api.set("b", "fine");
  assert.deepEqual(listener.take(), ["+b synced"]);
  assert.equal(counters.malformed.value, 3);
  const fields = log.entries.map((entry) => `${entry.fields.object}: ${entry.fields.reason}`);
  assert.deepEqual(fields, [
    "prod/a: EndpointSlice a: is malformed",
    "prod/new: EndpointSlice new: is malformed",
  ]);
  api.cut(expired());
  clock.advance(RELIST_SPREAD_MS + 2);
  assert.deepEqual(listener.take(), [], "a list that names it leaves it too");
  api.delete("a");
  assert.deepEqual(listener.take(), ["-a synced"]);
  end();
});

test("nonsense is counted and logged once, and disturbs nothing", () => {
  const { clock, api, listener, log, counters, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  const nonsense = [
    undefined,
    null,
    7,
    "ADDED",
    [],
    {},
    { type: "ADDED" },
    { type: "X", object: {} },
  ];
  api.inject([...nonsense, { type: "BOOKMARK", object: {} }, { type: "BOOKMARK", object: [] }]);
  assert.equal(counters.strangeEvents.value, 10);
  api.inject([
    { type: "ADDED", object: { metadata: { name: "x" } } },
    { type: "DELETED", object: {} },
  ]);
  assert.equal(counters.malformed.value, 2);
  api.set("b");
  assert.deepEqual(listener.take(), ["+b synced"]);
  assert.deepEqual(log.lines, [
    "warn: the API server sent an event that makes no sense",
    "warn: a malformed object is passed over",
  ]);
  end();
});

test("duplicated and older events of an object change nothing", () => {
  const { clock, api, listener, counters, end } = setup(["a"]);
  clock.advance(20_000);
  api.set("a", "newer");
  listener.take();
  api.inject([{ type: "MODIFIED", object: json("a", "uid-1", 12, "again") }]);
  api.inject([{ type: "MODIFIED", object: json("a", "uid-1", 11, "older") }]);
  assert.deepEqual(listener.take(), []);
  assert.equal(counters.strangeEvents.value, 2, "out of order, and older");
  assert.equal(api.kinds.length, 1);
  end();
});

test("the late death of an object that was replaced does not take the new one away", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  api.delete("a");
  api.set("a");
  listener.take();
  api.inject([{ type: "DELETED", object: json("a", "uid-1", 12) }]);
  assert.deepEqual(listener.take(), []);
  end();
});

test("a late event of an object that is not known brings no ghost: a list tells", () => {
  const { clock, api, listener, counters, end } = setup(["a", "b"]);
  clock.advance(20_000);
  api.delete("b");
  listener.take();
  api.inject([{ type: "MODIFIED", object: json("b", "uid-2", 12) }]);
  clock.advance(RELIST_SPREAD_MS + 2);
  assert.deepEqual(listener.take(), []);
  assert.deepEqual(api.kinds, ["stream", "stream"]);
  assert.equal(counters.relists.value, 1);
  end();
});

test("a server whose versions went back is listed anew: it was restored from a backup", () => {
  const { clock, api, listener, end } = setup(["a"]);
  clock.advance(20_000);
  listener.take();
  api.inject([{ type: "BOOKMARK", object: { metadata: { resourceVersion: "5" } } }]);
  clock.advance(RELIST_SPREAD_MS + 2);
  assert.deepEqual(api.kinds, ["stream", "stream"]);
  assert.deepEqual(listener.take(), []);
  end();
});

test("a listener that throws is logged, and hears the next event", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  const listener = new Listener();
  const onChanges = listener.onChanges.bind(listener);
  listener.onChanges = (changes, isSynced) => {
    onChanges(changes, isSynced);
    throw new Error("a bug");
  };
  const { log, end } = reflect(api, seededRng(1), listener);
  clock.advance(1);
  api.set("a");
  assert.deepEqual(listener.take(), ["synced", "+a synced"]);
  assert.deepEqual(log.lines, [
    "error: a listener of objects failed",
    "error: a listener of objects failed",
  ]);
  end();
});

test("a listener that closes its subscription hears nothing more", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  for (const name of ["a", "b", "c", "d"]) api.set(name);
  api.hasStreamLists = false;
  const listener = new Listener();
  const onChanges = listener.onChanges.bind(listener);
  listener.onChanges = (changes, isSynced) => {
    onChanges(changes, isSynced);
    made.reflector.close();
  };
  const made = reflect(api, seededRng(1), listener);
  clock.advance(60_000);
  assert.deepEqual(listener.take(), ["+a +b +c"]);
  made.end();
});
