/**
 * Tests of the reflector through outages: long ones, many clients at once, and any history with
 * any faults.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng, VirtualClock } from "../../../../base/index.ts";
import { newFailure } from "../http/failure.ts";
import { failureOfStatus } from "../http/status.ts";
import { RELIST_SPREAD_MS, RETRY_MS_FIRST, RETRY_MS_MAX } from "./backoff.ts";
import { LIST_TOLD_MS } from "./endings.ts";
import { expired, FakeApi, reflect, stateText } from "./fake-api-suite.ts";
import { HURRY_MS, LIST_MS_MAX, RECOVERED_AFTER_MS } from "./reflector.ts";

const REFUSED = newFailure({ reason: "api:6443: connection refused" });
const TEN_MINUTES_MS = 600_000;
const CLIENTS = 100;

/** What the API server has, as `Listener.known` tells it. */
function truth(api: FakeApi): string[] {
  return [...api.objects.values()].map(stateText).sort();
}

function crowd() {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  for (let i = 0; i < 10; i += 1) api.set(`slice-${i}`);
  const clients = Array.from({ length: CLIENTS }, (_, i) => reflect(api, seededRng(i + 1)));
  clock.advance(60_000);
  return { clock, api, clients };
}

/** How many requests came in each of `count` spans of time. */
function histogram(api: FakeApi, fromMs: number, spanMs: number, count: number): number[] {
  const bins = new Array<number>(count).fill(0);
  for (const { atMs } of api.requests) {
    const bin = Math.floor((atMs - fromMs) / spanMs);
    if (bin >= 0 && bin < count) bins[bin] += 1;
  }
  return bins;
}

test("ten minutes without the server: nothing is lost, the watch resumes, nothing is listed", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  for (let i = 0; i < 10; i += 1) api.set(`slice-${i}`);
  const { listener, counters, end } = reflect(api);
  clock.advance(60_000);
  const before = listener.known;
  api.failure = REFUSED;
  api.cut();
  for (let second = 0; second < TEN_MINUTES_MS / 1000; second += 1) {
    clock.advance(1000);
    assert.deepEqual(listener.known, before);
  }
  assert.ok(api.requests.length < 80, `${api.requests.length} requests in ten minutes`);
  api.set("slice-3", "changed meanwhile");
  api.failure = null;
  listener.take();
  clock.advance(RETRY_MS_MAX + RECOVERED_AFTER_MS + 1);
  assert.deepEqual(listener.take(), ["+slice-3 synced", "recovered"]);
  assert.deepEqual(listener.known, truth(api));
  assert.equal(counters.relists.value, 0);
  assert.equal(api.kinds.filter((kind) => !kind.startsWith("watch@")).length, 1);
  end();
});

/**
 * kube-apiserver answers 429 "storage is (re)initializing" with `Retry-After: 1` while it starts.
 * Each such answer doubled a step that the outage had grown already, and a watch was back only half
 * a minute after the server was.
 */
test("a server that is back and asks for a second is asked again in that time", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  api.set("slice-0");
  const { listener, end } = reflect(api);
  clock.advance(60_000);
  api.failure = REFUSED;
  api.cut();
  clock.advance(TEN_MINUTES_MS);
  api.failure = { ...failureOfStatus(null, 429), retryAfterMs: 1000 };
  const first = api.requests.length;
  while (api.requests.length === first) clock.advance(100);
  clock.advance(8000);
  const times = api.requests.slice(first).map(({ atMs }) => atMs);
  assert.ok(times.length >= 6, `${times.length} requests in 8 s`);
  for (const [i, atMs] of times.slice(1).entries()) {
    const gapMs = atMs - times[i]!;
    assert.ok(gapMs >= 1000 && gapMs <= 1000 + RETRY_MS_FIRST + api.latencyMs, `${gapMs} ms`);
  }
  api.set("slice-1", "made meanwhile");
  api.failure = null;
  listener.take();
  clock.advance(1000 + RETRY_MS_FIRST + RECOVERED_AFTER_MS);
  assert.deepEqual(listener.take(), ["+slice-1 synced", "recovered"]);
  end();
});

test("a hundred clients of a server that is away and comes back are spread over the backoff", () => {
  const { clock, api, clients } = crowd();
  api.failure = REFUSED;
  api.cut();
  clock.advance(TEN_MINUTES_MS);
  const backAtMs = clock.nowMs();
  api.failure = null;
  clock.advance(RETRY_MS_MAX + 1);
  const seconds = histogram(api, backAtMs, 1000, RETRY_MS_MAX / 1000);
  assert.equal(
    seconds.reduce((a, b) => a + b),
    CLIENTS,
    "each came back once, within the longest delay",
  );
  assert.ok(Math.max(...seconds) <= 15, `at most 15 in a second: ${seconds}`);
  assert.ok(seconds.filter((count) => count > 0).length >= 15, `over many seconds: ${seconds}`);
  for (const { reflector } of clients) reflector.close();
  assert.equal(clock.pendingCount, 0);
});

test("a hundred clients that are told 410 at once are spread over the first two seconds", () => {
  const { clock, api, clients } = crowd();
  const goneAtMs = clock.nowMs();
  api.cut(expired());
  clock.advance(RELIST_SPREAD_MS + 2);
  const bins = histogram(api, goneAtMs, 200, RELIST_SPREAD_MS / 200);
  assert.equal(
    bins.reduce((a, b) => a + b),
    CLIENTS,
    "each listed once",
  );
  assert.ok(Math.max(...bins) <= 25, `at most a quarter in a tenth of the time: ${bins}`);
  assert.ok(Math.min(...bins) >= 1, `spread over all of it: ${bins}`);
  for (const { reflector } of clients) reflector.close();
});

test("when one watch is back, others of the same server hurry; those that were refused do not", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  const { reflector, listener, end } = reflect(api);
  clock.advance(60_000);
  reflector.hurry();
  assert.equal(api.requests.length, 1, "nothing is waiting");
  api.failure = REFUSED;
  api.cut();
  clock.advance(TEN_MINUTES_MS);
  const count = api.requests.length;
  api.failure = null;
  reflector.hurry();
  clock.advance(HURRY_MS + 1002);
  assert.equal(api.requests.length, count + 1);
  assert.equal(listener.problem, null);
  api.failure = failureOfStatus(null, 403);
  api.cut();
  clock.advance(TEN_MINUTES_MS);
  const refusedCount = api.requests.length;
  reflector.hurry();
  clock.advance(1);
  assert.equal(api.requests.length, refusedCount);
  end();
});

test("a server that says 410 for ever is asked ever more seldom", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  api.failure = expired();
  const { end } = reflect(api);
  clock.advance(TEN_MINUTES_MS);
  assert.ok(api.requests.length < 80, `${api.requests.length} requests in ten minutes`);
  end();
});

test("410 once is no news; again with no list between, it is told, and that it ended", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  api.set("a");
  const { listener, end } = reflect(api);
  clock.advance(60_000);
  listener.take();
  for (let i = 0; i < 3; i += 1) {
    api.cut(expired());
    clock.advance(60_000);
  }
  assert.deepEqual(listener.take(), []);
  api.failure = expired();
  api.cut(expired());
  clock.advance(TEN_MINUTES_MS);
  assert.match(listener.take().join(), /^! \w+: [^!]*too old/);
  api.failure = null;
  clock.advance(RETRY_MS_MAX + 1);
  assert.deepEqual(listener.take(), ["recovered"]);
  end();
});

test("LIST_TOLD_MS: a streaming list that comes drop by drop is told, and comes in pages", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  api.set("a");
  api.sendsListEnd = false;
  const { listener, end } = reflect(api);
  const drip = () => {
    clock.advance(3000);
    api.inject([{ type: "ADDED", object: api.objects.get("a") }]);
  };
  for (let i = 3000; i < LIST_TOLD_MS; i += 3000) drip();
  assert.equal(listener.problem, null);
  drip();
  assert.deepEqual(api.kinds.slice(0, 2), ["stream", "list"]);
  assert.deepEqual(listener.take(), [
    "+a",
    "! unreachable: the API server does not end a list within 60 s",
  ]);
  clock.advance(2);
  assert.ok(listener.isSynced);
  assert.equal(listener.problem, null);
  end();
});

test("LIST_MS_MAX: a list in pages that does not end is told, given up and begun again", () => {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  api.set("a");
  api.hasStreamLists = false;
  const { listener, end } = reflect(api);
  api.latencyMs = TEN_MINUTES_MS; // from the second request on
  clock.advance(LIST_TOLD_MS + 1);
  assert.match(listener.problem ?? "", /does not end a list within 60 s$/);
  assert.deepEqual(api.kinds, ["stream", "list"]);
  api.latencyMs = 1;
  clock.advance(LIST_MS_MAX - LIST_TOLD_MS + RETRY_MS_MAX);
  assert.deepEqual(api.kinds.slice(0, 3), ["stream", "list", "list"]);
  assert.ok(listener.isSynced);
  assert.equal(listener.problem, null);
  end();
});

test("a cut of a hundred watches is mended within the first delay, not in one moment", () => {
  const { clock, api, clients } = crowd();
  const cutAtMs = clock.nowMs();
  api.cut();
  clock.advance(RETRY_MS_FIRST + 1);
  const bins = histogram(api, cutAtMs, 50, RETRY_MS_FIRST / 50);
  assert.equal(
    bins.reduce((a, b) => a + b),
    CLIENTS,
  );
  assert.ok(Math.max(...bins) <= 30, `not in one moment: ${bins}`);
  for (const { reflector } of clients) reflector.close();
});

/** One step of a history: what happens to the objects, or to the way to them. */
type Step = readonly [what: string, which: number];
const STEPS = [
  ...["set", "set", "set", "delete", "delete", "replace", "wait", "wait", "waitLong"],
  ...["cut", "end", "compact", "gone", "down", "up", "bookmark", "error", "duplicate", "noStream"],
];

function take(api: FakeApi, clock: VirtualClock, [what, which]: Step): void {
  const name = `slice-${which % 6}`;
  const known = api.objects.get(name);
  const run: Record<string, () => void> = {
    set: () => api.set(name),
    delete: () => api.delete(name),
    replace: () => {
      api.delete(name);
      api.set(name);
    },
    wait: () => clock.advance(which),
    waitLong: () => clock.advance(which * 200),
    cut: () => api.cut(),
    end: () => api.end(),
    compact: () => api.compact(),
    gone: () => api.cut(expired()),
    down: () => {
      api.failure = REFUSED;
      api.cut();
    },
    up: () => {
      api.failure = null;
    },
    bookmark: () => api.bookmark(),
    error: () => api.inject([{ type: "ERROR", object: { kind: "Status", code: 500 } }]),
    duplicate: () => known !== undefined && api.inject([{ type: "MODIFIED", object: known }]),
    noStream: () => {
      api.hasStreamLists = which % 2 === 0;
    },
  };
  run[what]();
}

test("any history of changes and faults ends in the state of the final list", () => {
  const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat(1000));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
      const clock = new VirtualClock();
      const api = new FakeApi(clock);
      for (let i = 0; i < 5; i += 1) api.set(`slice-${i}`);
      const { listener, end } = reflect(api, seededRng(seed));
      const mentioned = new Set(truth(api));
      for (const one of steps) {
        take(api, clock, one);
        for (const text of truth(api)) mentioned.add(text);
        for (const text of listener.known) assert.ok(mentioned.has(text), `${text} never was`);
      }
      api.failure = null;
      clock.advance(3 * RETRY_MS_MAX);
      assert.ok(listener.isSynced);
      assert.equal(listener.problem, null);
      assert.deepEqual(listener.known, truth(api));
      end();
    }),
    { numRuns: 1500 },
  );
});
