/** Tests of resolvers whose way to Kubernetes opens late, fails first, and is shared. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { kubeconfigText, startEchoCluster } from "../../../test/support/lab-cluster.ts";
import { realClock, realRng, silentLogger, VirtualClock } from "../../base/index.ts";
import { OptionsError } from "../../discovery/index.ts";
import { renderPrometheus } from "../../telemetry/index.ts";
import { DiscoveryPool, OPEN_RETRY_MS_FIRST, OPEN_RETRY_MS_MAX } from "./discovery-pool.ts";
import { createLazyResolver } from "./lazy-resolver.ts";

const TARGET = "kubernetes:///echo.prod:grpc";
/** Chance that makes no jitter. */
const STEADY = { next: () => 0.5, int: () => 0 };

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "fairlead-test-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A pool on virtual time whose kubeconfig does not exist yet. */
function setup() {
  const clock = new VirtualClock();
  const pool = new DiscoveryPool({ clock, rng: STEADY, log: silentLogger, env: {} });
  const kubeconfig = join(directory, "kubeconfig");
  const heard: string[] = [];
  const listener = {
    onEndpoints: () => heard.push("+"),
    onError: (reason: string) => heard.push(`! ${reason}`),
  };
  const newResolver = () => createLazyResolver(TARGET, { kubeconfig }, { pool });
  return { clock, pool, kubeconfig, heard, listener, newResolver };
}

/** Waits until something is so. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  const clock = realClock();
  const endMs = clock.nowMs() + 10_000;
  while (!isSo()) {
    assert.ok(clock.nowMs() < endMs, `in time: ${what}`);
    await new Promise<void>((resolve) => clock.setTimer(5, resolve));
  }
}

test("a malformed target and options that exclude each other throw at once", () => {
  const { pool } = setup();
  assert.throws(
    () => createLazyResolver("kubernetes:///a.b.c", {}, { pool }),
    /target "kubernetes:\/\/\/a\.b\.c": after SERVICE\.NAMESPACE may come \.svc/,
  );
  assert.throws(
    () => createLazyResolver(TARGET, { objects: "/x", kubeconfig: "/y" }, { pool }),
    (error) => error instanceof OptionsError,
  );
  assert.equal(pool.size, 0);
});

test("a list of addresses is handed over within start, and opens nothing", () => {
  const { pool } = setup();
  const resolver = createLazyResolver("static:///127.0.0.1:1", {}, { pool });
  const sets: string[][] = [];
  resolver.start({
    onEndpoints: (set) => sets.push(set.endpoints.map(({ address }) => address)),
    onError: assert.fail,
  });
  assert.deepEqual(sets, [["127.0.0.1:1"]]);
  assert.equal(pool.size, 0);
  resolver.close();
});

test("no way to the API server is told once per reason, and tried again ever later", async () => {
  const { clock, pool, heard, listener, newResolver } = setup();
  const resolver = newResolver();
  resolver.start(listener);
  let delayMs = OPEN_RETRY_MS_FIRST;
  for (let i = 0; i < 8; i += 1) {
    await until(() => clock.pendingCount === 1, "a retry is waited for");
    assert.equal(clock.nextDueMs - clock.nowMs(), delayMs);
    clock.advance(delayMs);
    delayMs = Math.min(delayMs * 2, OPEN_RETRY_MS_MAX);
  }
  assert.equal(heard.length, 1);
  assert.match(heard[0], /^! .*kubeconfig/);
  resolver.close();
  assert.equal(pool.size, 0);
  await until(() => clock.pendingCount === 0, "nothing is waited for");
});

test("a hint makes the next attempt come a second after the last", async () => {
  const { clock, newResolver, listener } = setup();
  const resolver = newResolver();
  resolver.start(listener);
  for (const delayMs of [1000, 2000]) {
    await until(() => clock.pendingCount === 1, "a retry is waited for");
    clock.advance(delayMs);
  }
  await until(() => clock.pendingCount === 1, "a retry is waited for");
  assert.equal(clock.nextDueMs - clock.nowMs(), 4000);
  resolver.resolveNow();
  resolver.resolveNow();
  assert.equal(clock.nextDueMs - clock.nowMs(), 1000);
  resolver.close();
  assert.equal(clock.pendingCount, 0);
});

test("who joins later is told at once why; the last to leave ends the attempts", async () => {
  const { clock, pool, heard, listener, newResolver } = setup();
  const [first, second] = [newResolver(), newResolver()];
  first.start(listener);
  await until(() => heard.length === 1, "the first is told");
  second.start(listener);
  assert.equal(heard.length, 2);
  assert.equal(heard[1], heard[0]);
  assert.equal(pool.size, 1);
  first.close();
  first.close();
  assert.equal(pool.size, 1);
  assert.equal(clock.pendingCount, 1);
  second.close();
  assert.equal(pool.size, 0);
  assert.equal(clock.pendingCount, 0);
});

test("a resolver closed while discovery opens hears nothing", async () => {
  const { clock, pool, kubeconfig, heard, listener, newResolver } = setup();
  writeFileSync(kubeconfig, kubeconfigText("http://127.0.0.1:1"));
  const resolver = newResolver();
  resolver.start(listener);
  resolver.close();
  assert.equal(pool.size, 0);
  await new Promise<void>((resolve) => realClock().setTimer(200, resolve));
  assert.deepEqual(heard, []);
  assert.equal(clock.pendingCount, 0);
});

test("a kubeconfig that comes late is found, and a hundred resolvers share its watch", async (t) => {
  const lab = await startEchoCluster();
  t.after(() => lab.close());
  lab.addPod(1);
  const pool = new DiscoveryPool({
    clock: realClock(),
    rng: realRng(),
    log: silentLogger,
    env: {},
  });
  const kubeconfig = join(directory, "kubeconfig");
  let count = 0;
  let failures = 0;
  const resolvers = Array.from({ length: 100 }, () =>
    createLazyResolver(TARGET, { kubeconfig }, { pool }),
  );
  for (const resolver of resolvers) {
    resolver.start({
      onEndpoints: (set) => {
        if (set.endpoints.length === 1) count += 1;
      },
      onError: () => {
        failures += 1;
      },
    });
  }
  await until(() => failures === 100, "all are told that there is no kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText(lab.cluster.url));
  await until(() => count === 100, "all have the pod");
  assert.equal(pool.size, 1);
  // Of slices, of the Service, and of Nodes when the zone is asked for.
  const watches = /^fairlead_kubernetes_watches (\d+)$/m.exec(renderPrometheus(pool.snapshot()));
  assert.ok(Number(watches?.[1]) <= 3, `watches: ${watches?.[1]}`);
  for (const resolver of resolvers) resolver.close();
  assert.equal(pool.size, 0);
});

// The second one's series were those of the first, and its calls ended with that as their reason.
test("resolvers with other options have watches and figures of their own", async (t) => {
  const lab = await startEchoCluster();
  t.after(() => lab.close());
  lab.addPod(1);
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText(lab.cluster.url));
  const system = { clock: realClock(), rng: realRng(), log: silentLogger, env: {} };
  const pool = new DiscoveryPool(system);
  const heard: string[] = [];
  const open = (zone: string) => {
    const resolver = createLazyResolver(TARGET, { kubeconfig, zone }, { pool });
    resolver.start({
      onEndpoints: ({ endpoints }) => heard.push(`${zone}: ${endpoints.length}`),
      onError: (reason) => heard.push(`${zone}: ${reason}`),
    });
    return resolver;
  };
  const resolvers = [open("a"), open("b")];
  await until(() => heard.length >= 2, "both have the pod");
  assert.deepEqual(heard.sort(), ["a: 1", "b: 1"]);
  assert.match(renderPrometheus(pool.snapshot()), /^fairlead_kubernetes_watches 4$/m);
  for (const resolver of resolvers) resolver.close();
});
