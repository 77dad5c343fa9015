/**
 * `fairlead/testing` with pods: one cluster for all that can be done to it, seen by a client of
 * fairlead's and by plain connections; and what is left when a test dies.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Channel, createChannel } from "../../src/client/plain/public.ts";
import { say, startTestCluster, type TestCluster } from "../../src/testing/public.ts";
import { processTree } from "../peers/processes.ts";

const TIMEOUT_MS = 60_000;
const entry = fileURLToPath(new URL("../../src/testing/public.ts", import.meta.url));

let cluster: TestCluster;
let channel: Channel;

before(async () => {
  cluster = await startTestCluster({ pods: 2 });
  const kubernetes = { kubeconfig: cluster.kubeconfig };
  channel = createChannel(cluster.target, { policy: "round_robin", kubernetes });
});

after(async () => {
  channel.close();
  await cluster.close();
});

/** Who answers six calls, sorted; a failed call is its message. */
async function answers(): Promise<readonly string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < 6; i += 1) {
    seen.add(await channel.unary(say, "me").catch((error: Error) => error.message));
  }
  return [...seen].sort();
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + TIMEOUT_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, "in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Until six calls are answered by exactly these. */
const untilAnswered = (...names: readonly string[]): Promise<void> =>
  until(async () => (await answers()).join() === [...names].sort().join());

const names = (): readonly string[] => cluster.pods.map(({ name }) => name).sort();

test("three ways lead to the pods: API server, DNS, ClusterIP", async () => {
  assert.deepEqual(names(), ["echo-1", "echo-2"]);
  assert.deepEqual(
    cluster.pods.map(({ isReady }) => isReady),
    [true, true],
  );
  await untilAnswered("echo-1", "echo-2");
  const [, server, name] = /^dns:\/\/([^/]+)\/(.+):\d+$/.exec(cluster.dnsTarget)!;
  const resolver = new Resolver();
  resolver.setServers([server!]);
  const ips = cluster.pods.map(({ address }) => address.replace(/:\d+$/, ""));
  assert.deepEqual((await resolver.resolve4(name!)).sort(), [...new Set(ips)].sort());
  const stuck = createChannel(cluster.clusterIp);
  const first = await stuck.unary(say, "me");
  assert.ok(names().includes(first));
  assert.equal(await stuck.unary(say, "me"), first, "one connection, one pod");
  stuck.close();
});

test("more pods, a dead one, a drained one, and all of them replaced", async () => {
  let changeCount = 0;
  const stop = cluster.onChange(() => {
    changeCount += 1;
  });
  await cluster.scale(3);
  assert.ok(changeCount > 0);
  stop();
  await untilAnswered("echo-1", "echo-2", "echo-3");
  assert.equal(await cluster.kill("echo-1"), "echo-4");
  await untilAnswered("echo-2", "echo-3", "echo-4");
  await cluster.drain("echo-2");
  await untilAnswered("echo-3", "echo-4", "echo-5");
  await cluster.scale(1);
  const left = names();
  await cluster.roll();
  assert.notDeepEqual(names(), left);
  await untilAnswered(...names());
});

test("a pod that is slow, sick, or NOT_SERVING, until it is healed", async () => {
  await cluster.scale(2);
  const [one, other] = names() as [string, string];
  await untilAnswered(one, other);
  cluster.sick(one);
  await untilAnswered(`UNAVAILABLE: ${one} is sick`, other);
  cluster.sick(one, false);
  await untilAnswered(one, other);
  cluster.slow(one, 100);
  await until(async () => {
    const startMs = performance.now();
    return (await channel.unary(say, "me")) === one && performance.now() - startMs >= 200;
  });
  cluster.heal();
  await cluster.notServing(one);
  const isReady = cluster.pods.map(({ name, isReady }) => isReady === (name !== one));
  assert.deepEqual(isReady, [true, true]);
  await untilAnswered(other);
  await cluster.notServing(one, false);
  await untilAnswered(one, other);
});

test("what is wrong is said in a sentence", async () => {
  const range = (what: string) => new RangeError(`${what}, must be a whole number from 1 to 100`);
  await assert.rejects(startTestCluster({ pods: 0 }), range("pods: 0"));
  await assert.rejects(startTestCluster({ pods: "3" } as never), range('pods: "3"'));
  const unknown = "startTestCluster: unknown option pod: allowed are pods";
  await assert.rejects(startTestCluster({ pod: 3 } as never), new RangeError(unknown));
  await assert.rejects(cluster.scale(101), range("scale: 101"));
  const none = /^Error: echo-99: no pod of this name serves$/;
  await assert.rejects(cluster.kill("echo-99"), none);
  await assert.rejects(cluster.drain("echo-99"), none);
  await assert.rejects(cluster.notServing("echo-99"), none);
  assert.throws(() => cluster.sick("echo-99"), none);
  const factor = "slow: 0.5, must be a number from 1 to 10000";
  assert.throws(() => cluster.slow("echo-1", 0.5), new RangeError(factor));
});

// A test runner kills a test file that takes too long, with whatever runs in it.
test("of a test that is killed nothing is left; of one that ends, nothing either", async (t) => {
  const program = `
    const { startTestCluster } = await import(${JSON.stringify(entry)});
    const cluster = await startTestCluster({ pods: 2 });
    console.log(JSON.stringify([cluster.kubeconfig, cluster.pods]));
    if (process.argv[1] === "close") await cluster.close();`;
  for (const way of ["kill", "close"]) {
    const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program];
    const child = spawn(process.execPath, [...flags, way], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    const ended = once(child, "exit");
    const [line] = await once(child.stdout.setEncoding("utf8"), "data");
    const [kubeconfig, pods] = JSON.parse(line);
    const children = processTree(child.pid!).filter((pid) => pid !== child.pid);
    if (way === "kill") {
      assert.ok(children.length >= pods.length, `${children}`);
      child.kill("SIGKILL");
    }
    const [code] = await ended;
    assert.equal(code, way === "kill" ? null : 0);
    await until(() => children.every((pid) => !existsSync(`/proc/${pid}`)));
    // A process that is killed has somebody who removes its file.
    if (way === "close") assert.equal(existsSync(kubeconfig), false);
    else await until(() => !existsSync(dirname(kubeconfig)));
  }
});
