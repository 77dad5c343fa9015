/** Tests of captured connections: how their listeners are shown, and what outlives them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterSpec,
  configOf,
  forward,
  listenerOf,
  ManualSource,
  route,
  tableOf,
} from "../../../test/support/mesh-proxy.ts";
import { RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import type { ListenerSpec } from "../../mesh/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { renderListeners } from "../admin/mesh-text.ts";
import { PROXY_DEFAULTS } from "../config.ts";
import { createCapturedProxy } from "../proxy.ts";
import { ReadyTables } from "./ready-tables.ts";
import type { ListenerView } from "./views.ts";

/** A listener that is captured at a ClusterIP. */
function captured(name: string, host: string) {
  const table = tableOf([route("", forward({ a: 1 }))]);
  return { ...listenerOf(name, table), address: { host, port: 50051 } };
}

/** What a capturing proxy shows of these. */
async function viewsOf(listeners: readonly ListenerSpec[]): Promise<ListenerView[]> {
  const [clock, log, source] = [new VirtualClock(), new RecordingLogger(), new ManualSource()];
  const config = {
    ...PROXY_DEFAULTS,
    ...{ serves: "a test", places: [], policy: null, isEager: false, drainTimeoutMs: 1_000 },
  };
  const proxy = createCapturedProxy(config, {
    ...{ clock, log, source, rng: seededRng(7), registry: new Registry() },
    onListening: () => {},
  });
  await proxy.listen();
  source.listener!.onConfig(configOf(listeners, [clusterSpec("a", "static:///127.0.0.1:1")]));
  const views = proxy.listeners();
  await proxy.drain("a test");
  return views;
}

/**
 * `/listeners` wrote the host and the port of IPv6 as one run of colons, which no tool reads and
 * whose port nobody could tell.
 */
test("a captured listener of IPv6 is shown with brackets", async () => {
  const views = await viewsOf([captured("four", "10.96.0.7"), captured("six", "fd00:10:96::7")]);
  assert.deepEqual(
    views.map(({ name, wanted }) => [name, wanted]),
    [
      ["four", "10.96.0.7:50051"],
      ["six", "[fd00:10:96::7]:50051"],
    ],
  );
});

/** All of a healthy sidecar's were "not bound: captured", and so in `proxy-config`. */
test("a captured listener is shown as one that clients reach, where they do", async () => {
  const listeners = await viewsOf([
    captured("prod/echo:50051", "10.96.0.7"),
    { ...captured("nowhere", ""), address: null },
  ]);
  assert.deepEqual(
    listeners.map(({ address, reason }) => [address, reason]),
    [
      ["10.96.0.7:50051", "captured"],
      [null, "it has no address"],
    ],
  );
  assert.match(renderListeners(listeners), /^prod\/echo:50051::10\.96\.0\.7:50051$/m);
});

/** They were kept for every Service that was ever called, for as long as the sidecar ran. */
test("tables of listeners that are gone are not kept", () => {
  const tables = new ReadyTables();
  for (let round = 0; round < 50; round += 1) {
    const names = [`stays`, `service-${round}`];
    tables.configure(names.map((name) => captured(name, "10.96.0.7")));
    for (const name of names) assert.equal(tables.of(name)?.name, name);
    assert.equal(tables.size, 2, `in round ${round}`);
  }
  assert.equal(tables.of("service-0"), undefined);
});

test("a table is made ready once for as long as its listener is the same", () => {
  const tables = new ReadyTables();
  const [one, other] = [captured("one", "10.96.0.7"), captured("other", "10.96.0.8")];
  tables.configure([one]);
  const first = tables.of("one");
  tables.configure([other, one]);
  assert.equal(tables.of("one"), first);
  tables.configure([captured("one", "10.96.0.7")]);
  assert.notEqual(tables.of("one"), first, "another spec of that name");
  tables.configure([{ ...one, chains: [] }]);
  assert.equal(tables.of("one"), null, "nothing of it is plaintext");
});
