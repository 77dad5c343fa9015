/** Tests of the limits on what an API server can make grow in a reflector. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLogger, scriptedRng, VirtualClock } from "../../../../base/index.ts";
import {
  cleanText,
  failureOfStatus,
  MESSAGE_CHARS_MAX,
  RETRY_AFTER_MS_MAX,
} from "../http/status.ts";
import type { ApiTransport } from "../http/transport.ts";
import { ApiMetrics } from "../metrics.ts";
import { RETRY_AFTER_COUNT_MAX, RETRY_MS_FIRST, RetryDelay } from "./backoff.ts";
import { decode, json, QUERY } from "./fake-api-suite.ts";
import { MALFORMED_NAMES_MAX, OBJECTS_MAX, ReflectedObjects } from "./objects.ts";
import { PAGES_MAX, PagedList } from "./paged-list.ts";

function setup() {
  const log = new RecordingLogger();
  const counters = new ApiMetrics(null, () => 0).of("EndpointSlice");
  return { log, counters, objects: new ReflectedObjects("EndpointSlice", decode, counters, log) };
}

test("OBJECTS_MAX: more objects are passed over, known ones are still kept up to date", () => {
  const { objects, counters, log } = setup();
  for (let i = 0; i < OBJECTS_MAX + 3; i += 1) objects.list(json(`o${i}`, "u", 1));
  assert.equal(objects.store.size, OBJECTS_MAX);
  assert.equal(counters.malformed.value, 3);
  assert.deepEqual(
    log.entries.map(({ fields }) => fields.reason),
    ["more than 250000 objects"],
  );
  objects.store.takeChanges();
  objects.list(json("o7", "u", 2));
  assert.equal(objects.store.takeChanges().length, 1);
});

test("MALFORMED_NAMES_MAX: more malformed objects are counted, but not named", () => {
  const { objects, counters, log } = setup();
  for (let i = 0; i < MALFORMED_NAMES_MAX + 5; i += 1) {
    objects.list(json(`o${i}`, "u", 1, "malformed"));
  }
  assert.equal(counters.malformed.value, MALFORMED_NAMES_MAX + 5);
  assert.equal(log.entries.length, MALFORMED_NAMES_MAX);
});

test("parts of an object that were left out are counted and named once; the object counts", () => {
  const { log, counters } = setup();
  const dropping = (kind: "EndpointSlice", value: unknown) => {
    const decoded = decode(kind, value);
    return decoded.object === null ? decoded : { ...decoded, dropped: "endpoint 3 has no address" };
  };
  const objects = new ReflectedObjects("EndpointSlice", dropping as typeof decode, counters, log);
  objects.list(json("a", "u", 1));
  objects.list(json("a", "u", 2));
  assert.equal(objects.store.size, 1);
  assert.equal(counters.malformed.value, 2);
  assert.deepEqual(
    log.entries.map(({ fields }) => fields),
    [{ object: "prod/a", reason: "endpoint 3 has no address" }],
  );
});

test("PAGES_MAX: a list without an end is given up", () => {
  const clock = new VirtualClock();
  const metadata = { resourceVersion: "1", continue: "more" };
  const transport: ApiTransport = {
    get(_path, handler) {
      const timer = clock.setTimer(1, () => handler.onDocument({ metadata, items: [] }));
      return { close: () => timer.cancel() };
    },
    watch: () => assert.fail("it lists"),
  };
  let pages = 0;
  let failure = "";
  new PagedList(transport, QUERY, 500, {
    onPage: () => {
      pages += 1;
    },
    onListed: () => assert.fail("it never ends"),
    onFailure: ({ reason }) => {
      failure = reason;
    },
  });
  clock.advance(PAGES_MAX + 10);
  assert.equal(pages, PAGES_MAX);
  assert.equal(failure, "the API server answers a list with pages without an end");
  assert.equal(clock.pendingCount, 0);
});

test("RETRY_AFTER_MS_MAX: a server cannot send us away for hours", () => {
  const details = { retryAfterSeconds: 3_600_000 };
  const { retryAfterMs } = failureOfStatus({ kind: "Status", details }, 503);
  assert.equal(retryAfterMs, RETRY_AFTER_MS_MAX);
  const delay = new RetryDelay(scriptedRng(0.999));
  const delayMs = delay.nextMs(retryAfterMs);
  assert.ok(delayMs >= RETRY_AFTER_MS_MAX && delayMs <= RETRY_AFTER_MS_MAX + RETRY_MS_FIRST);
});

test("RETRY_AFTER_COUNT_MAX: a server that puts us off for ever is asked ever more seldom", () => {
  const rolls = Array.from({ length: RETRY_AFTER_COUNT_MAX + 3 }, () => 1);
  const delay = new RetryDelay(scriptedRng(...rolls));
  for (let i = 0; i < RETRY_AFTER_COUNT_MAX; i += 1) {
    assert.equal(delay.nextMs(1000), 1000 + RETRY_MS_FIRST);
  }
  const later = [1, 2, 4].map((factor) => 1000 + factor * RETRY_MS_FIRST);
  assert.deepEqual([delay.nextMs(1000), delay.nextMs(1000), delay.nextMs(1000)], later);
});

test("MESSAGE_CHARS_MAX: texts of a server are cut, and fit for a line", () => {
  const text = cleanText(`a\r\nb\u001b${"x".repeat(10_000)}`);
  assert.ok(text.startsWith("a b xxx"));
  assert.ok(text.length <= MESSAGE_CHARS_MAX + 3);
});
