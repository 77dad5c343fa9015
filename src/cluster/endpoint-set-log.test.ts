/** Tests of what the log says of endpoints that come and go, and of a source that is away. */
import assert from "node:assert/strict";
import test from "node:test";
import { withCluster } from "../../test/support/cluster.ts";
import { RecordingLogger, VirtualClock } from "../base/index.ts";
import { newEndpoint, newEndpointSet } from "../discovery/index.ts";
import { EndpointSetLog, LOGGED_ADDRESSES_MAX, SET_LOG_INTERVAL_MS } from "./endpoint-set-log.ts";

function newLog() {
  const clock = new VirtualClock();
  const recorder = new RecordingLogger();
  const log = new EndpointSetLog("echo.test:1", recorder, clock);
  const set = (...addresses: string[]) =>
    log.onEndpoints(newEndpointSet(addresses.map((address) => newEndpoint(address, "dns"))));
  return { clock, log, set, entries: recorder.entries };
}

const change = (
  endpoints: number,
  addedFirst: string[],
  removedFirst: string[],
  added = addedFirst.length,
) => ({
  level: "info",
  msg: "endpoints changed",
  fields: {
    ...{ target: "echo.test:1", endpoints, added, removed: removedFirst.length },
    ...{ addedFirst, removedFirst },
  },
});

test("a change is told at once, those of the next second in one line", () => {
  const { clock, log, set, entries } = newLog();
  set("a:1", "b:1");
  set("a:1", "b:1", "c:1");
  set("b:1", "c:1");
  log.tell();
  assert.deepEqual(entries, [change(2, ["a:1", "b:1"], [])]);
  clock.advance(SET_LOG_INTERVAL_MS);
  log.tell();
  log.tell();
  assert.deepEqual(entries.slice(1), [change(2, ["c:1"], ["a:1"])]);
});

test("what came and went within the second is not told", () => {
  const { clock, log, set, entries } = newLog();
  set("a:1");
  set("a:1", "b:1");
  set("a:1");
  clock.advance(SET_LOG_INTERVAL_MS);
  log.tell();
  assert.equal(entries.length, 1);
});

test("of many only the first are named", () => {
  const { set, entries } = newLog();
  const many = Array.from({ length: 1_000 }, (_, i) => `127.0.0.1:${10_000 + i}`);
  set(...many);
  assert.deepEqual(entries, [change(1_000, many.slice(0, LOGGED_ADDRESSES_MAX), [], 1_000)]);
});

test("a source that is away while endpoints are in use is not told as an outage", () => {
  const { log, set, entries } = newLog();
  set("127.0.0.1:1");
  entries.length = 0;
  log.onError("SERVFAIL");
  assert.deepEqual(
    entries.map(({ msg }) => msg),
    ["endpoints may be out of date"],
  );
});

test("an empty set is told with its reason, once, and a source that is away and back", () => {
  const { log, entries } = newLog();
  const empty = newEndpointSet([], "no A or AAAA record");
  log.onEndpoints(empty);
  log.onError("SERVFAIL");
  log.onEndpoints(empty);
  const target = "echo.test:1";
  assert.deepEqual(entries, [
    { level: "warn", msg: "no endpoints", fields: { target, reason: "no A or AAAA record" } },
    { level: "warn", msg: "cannot resolve", fields: { target, reason: "SERVFAIL" } },
    { level: "info", msg: "the source of endpoints is back", fields: { target } },
  ]);
});

test("a cluster tells of a change that was held back without another one", async () => {
  await withCluster({}, async (harness) => {
    const [a, b] = [await harness.server(), await harness.server()];
    harness.resolve(a);
    harness.resolve(a, b);
    const lines = () => harness.log.entries.filter(({ msg }) => msg === "endpoints changed");
    assert.equal(lines().length, 1);
    await harness.pass(3_000);
    assert.deepEqual(lines()[1]?.fields.addedFirst, [b.address]);
  });
});
