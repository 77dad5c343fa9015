/**
 * `fairlead/testing`: whatever is promised is kept or broken, also when it is asked twice, taken
 * back, or overtaken by the end; and after the end nothing runs on.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startApiServer, startTestCluster, type TestCluster } from "../../src/testing/public.ts";

/** Without it a promise that never settles would hold up the run for ever. */
const timeout = 60_000;
const entry = fileURLToPath(new URL("../../src/testing/public.ts", import.meta.url));

const CLUSTER_CLOSED = /^Error: the cluster is closed$/;
const API_CLOSED = /^Error: the API server is closed$/;

async function start(t: TestContext, pods: number): Promise<TestCluster> {
  const cluster = await startTestCluster({ pods });
  t.after(() => cluster.close());
  return cluster;
}

/** What a program says on stdout until it ends by itself, and its exit code. */
async function run(t: TestContext, program: string): Promise<{ said: string; code: number }> {
  const imports = `import * as testing from ${JSON.stringify(entry)};\n`;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e"];
  const child = spawn(process.execPath, [...flags, imports + program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { said, code };
}

const names = ({ pods }: TestCluster): readonly string[] => pods.map(({ name }) => name).sort();

// One waiter was kept for a pod: the second call took the place of the first, which never ended.
test("a pod that is killed twice has one successor, and both hear of it", {
  timeout,
}, async (t) => {
  const cluster = await start(t, 2);
  const killed = [cluster.kill("echo-1"), cluster.kill("echo-1")];
  assert.deepEqual(await Promise.all(killed), ["echo-3", "echo-3"]);
  // A pod that is on its way out dies no death that the deployment would tell of.
  assert.deepEqual(await Promise.all([cluster.kill("echo-2"), cluster.scale(1)]), [
    null,
    undefined,
  ]);
  assert.deepEqual(names(cluster), ["echo-3"]);
});

// The slice never changes, because the probes have seen nothing: it was waited for all the same.
test("notServing ends when it is taken back before the slice follows", { timeout }, async (t) => {
  const cluster = await start(t, 1);
  const first = cluster.notServing("echo-1");
  await cluster.notServing("echo-1", false);
  await first;
  const second = cluster.notServing("echo-1");
  cluster.heal();
  await second;
  assert.deepEqual(names(cluster), ["echo-1"]);
});

// The deployment looks away from deaths at the end, and nobody spoke to those who waited for one.
test("what is under way when a cluster is closed is refused, and all after it", {
  timeout,
}, async (t) => {
  const cluster = await start(t, 3);
  const underWay = [
    ...[cluster.kill("echo-1"), cluster.notServing("echo-2"), cluster.drain("echo-3")],
    ...[cluster.scale(4), cluster.roll()],
  ];
  // Nobody listens to this one: it must not end the process of the test.
  void cluster.notServing("echo-2");
  const closed = cluster.close();
  assert.deepEqual(cluster.pods, []);
  for (const each of underWay) await assert.rejects(each, CLUSTER_CLOSED);
  const refused = async (): Promise<void> => {
    const late = [
      cluster.scale(2),
      cluster.roll(),
      cluster.kill("echo-2"),
      cluster.drain("echo-2"),
    ];
    for (const each of [...late, cluster.notServing("echo-2")]) {
      await assert.rejects(each, CLUSTER_CLOSED);
    }
    assert.throws(() => cluster.slow("echo-2", 2), CLUSTER_CLOSED);
    assert.throws(() => cluster.sick("echo-2"), CLUSTER_CLOSED);
    assert.throws(() => cluster.heal(), CLUSTER_CLOSED);
    assert.throws(() => cluster.onChange(() => {}), CLUSTER_CLOSED);
  };
  await refused();
  await closed;
  await refused();
  assert.deepEqual(cluster.pods, []);
});

// It was thrown through the deployment, which had not begun to replace the pod by then.
test("a listener that throws is the test's affair, and stops no pod", { timeout }, async (t) => {
  const { said, code } = await run(
    t,
    `process.on("uncaughtException", (error) => console.log("thrown: " + error.message));
    const cluster = await testing.startTestCluster({ pods: 2 });
    let heard = 0;
    cluster.onChange(() => { throw new Error("mine"); });
    cluster.onChange(() => { heard += 1; });
    console.log(await cluster.kill("echo-1"), heard > 0);
    console.log(cluster.pods.map(({ name }) => name).sort().join());
    await cluster.close();`,
  );
  const lines = said.trim().split("\n");
  assert.deepEqual(
    lines.filter((line) => line !== "thrown: mine"),
    ["echo-3 true", "echo-2,echo-3"],
  );
  assert.ok(lines.includes("thrown: mine"));
  assert.equal(code, 0);
});

// Each left a server that listened, and with it a process that did not end.
test("what is started around the end of an API server ends with it", { timeout }, async (t) => {
  const { said, code } = await run(
    t,
    `const tell = (done) => done.then(() => console.log("done"), (error) => console.log(error.message));
    const one = await testing.startApiServer();
    await Promise.all([one.close(), tell(one.startDns())]);
    const other = await testing.startApiServer();
    const dns = other.startDns();
    await other.close();
    await tell(dns);
    const third = await testing.startApiServer();
    await third.stop();
    const back = third.restart();
    await third.close();
    await tell(back);
    await tell(fetch(third.url).then(() => console.log("it answers"), () => {}));`,
  );
  const closed = "the API server is closed\n";
  assert.equal(said, `${closed.repeat(3)}done\n`);
  assert.equal(code, 0);
});

// Both began to listen on the port, and one got "listen EADDRINUSE" from the system.
test("stops and restarts of an API server take turns", { timeout }, async (t) => {
  const api = await startApiServer();
  t.after(() => api.close());
  const answers = async (): Promise<number> => (await fetch(`${api.url}/readyz`)).status;
  const running = /^Error: the API server is running: stop it first$/;
  await api.stop();
  const [first, second] = await Promise.allSettled([api.restart(), api.restart()]);
  assert.equal(first.status, "fulfilled");
  assert.match(String(second.status === "rejected" && second.reason), running);
  assert.equal(await answers(), 200);
  await Promise.all([api.stop(), api.restart(), api.stop(), api.restart()]);
  assert.equal(await answers(), 200);
  await api.close();
  await assert.rejects(api.stop(), API_CLOSED);
  await assert.rejects(api.restart(), API_CLOSED);
  await assert.rejects(api.startDns(), API_CLOSED);
});
