/**
 * Scaling, rolling, killing and NOT_SERVING with real pod processes: what the API server is told,
 * in which order, and what is left.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { realClock, realRng } from "../../src/base/index.ts";
import { type Objects, startCluster } from "../../src/lab/cluster/index.ts";
import { LabError } from "../../src/lab/error.ts";
import { Deployment } from "../../src/lab/pods/deployment.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { Children } from "../../src/lab/system/children.ts";
import { processTree } from "../peers/usage.ts";

async function start(t: TestContext, count: number) {
  const clock = realClock();
  const children = new Children(clock);
  const cluster = await startCluster({ clock, rng: realRng() });
  const { objects } = cluster;
  const deployment = new Deployment(count, { children, clock, objects, network: LOOPBACK });
  t.after(async () => {
    await Promise.all([children.close(), cluster.close()]);
    deployment.release();
  });
  await deployment.start();
  const ready: string[] = [];
  const unsubscribe = deployment.onChange(() => {
    ready.push(deployment.ready.map(({ name }) => name).join(" "));
  });
  return { deployment, objects, ready, unsubscribe };
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: Readonly<Record<"ready" | "serving" | "terminating", boolean>>;
  readonly targetRef: { readonly name: string; readonly uid: string };
}

/** What the slice of the Service says of a pod, or undefined when it has no such endpoint. */
function endpointOf(objects: Objects, pod: string): Endpoint | undefined {
  const slices = [...objects.store.all("EndpointSlice")].filter(
    ({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "echo",
  );
  const endpoints = slices.flatMap((slice) => (slice.endpoints ?? []) as readonly Endpoint[]);
  return endpoints.find(({ targetRef }) => targetRef.name === pod);
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    assert.ok(tries < 3000, "it did not come to be within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("pods come and go as objects and as processes, and come back with their addresses", async (t) => {
  const { deployment, objects, ready, unsubscribe } = await start(t, 1);
  const told: string[] = [];
  objects.store.onEvent(({ type, kind, object }) => {
    if (kind !== "Pod") return;
    const isTerminating = object.metadata.deletionTimestamp !== undefined;
    told.push(`${type} ${object.metadata.name}${isTerminating ? " terminating" : ""}`);
  });
  const address = (index: number): string => deployment.ready[index]!.address;
  const first = address(0);

  await deployment.scale(2);
  const second = address(1);
  assert.deepEqual(told.splice(0), ["ADDED echo-2", "MODIFIED echo-2", "MODIFIED echo-2"]);
  assert.equal(processTree(process.pid).length, 1 + 1 + 2, "kubelet and pods");

  await deployment.scale(1);
  assert.deepEqual(told.splice(0), ["MODIFIED echo-2 terminating", "DELETED echo-2 terminating"]);
  assert.deepEqual(deployment.states, ["ready", "gone"]);
  assert.deepEqual(deployment.names, ["echo-1", "echo-2"]);
  assert.equal(processTree(process.pid).length, 1 + 1 + 1);

  await deployment.scale(2);
  assert.equal(address(0), first);
  assert.equal(address(1), second);
  // Before a pod comes its name is told, with those that are ready still the same.
  const all = ["echo-1", "echo-1 echo-2", "echo-1", "echo-1", "echo-1 echo-2"];
  assert.deepEqual(ready, all);
  unsubscribe();
  await deployment.scale(1);
  assert.deepEqual(ready, all, "who has left hears nothing");
});

/** Takes a port; it may be somebody's already. */
async function occupy(t: TestContext, host: string, port: number): Promise<void> {
  const server = net.createServer();
  const code = await new Promise<string>((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen(port, host, () => resolve(""));
  });
  if (code === "") t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  else assert.equal(code, "EADDRINUSE");
}

// Two labs at a time: the first has rolled its pods and is no more on the addresses that the second
// looked at when it took the same port, but on the next ones, where the second's pods are to come.
test("a pod whose address somebody else has by now comes on another", async (t) => {
  const { deployment } = await start(t, 1);
  const [host, port] = deployment.ready[0]!.address.split(":") as [string, string];
  assert.equal(host, "127.0.1.1");
  await occupy(t, "127.0.1.2", Number(port));
  await deployment.scale(2);
  assert.match(deployment.ready[1]!.address, new RegExp(`^127\\.0\\.[2-5]\\.2:${port}$`));
});

test("a pod that finds no address: one sentence, and as many as there were", async (t) => {
  const { deployment } = await start(t, 1);
  const port = deployment.ready[0]!.address.split(":")[1]!;
  const hosts = [1, 2, 3, 4, 5].map((net) => `127.0.${net}.2`);
  for (const host of hosts) await occupy(t, host, Number(port));
  await assert.rejects(
    deployment.scale(2),
    new LabError(`echo-2: port ${port} is taken on ${hosts.join(", ")}`),
  );
  assert.equal(deployment.wanted, 1);
  assert.deepEqual(deployment.states, ["ready", "gone"]);
});

test("of numbers that follow each other at once, the last one counts", async (t) => {
  const { deployment } = await start(t, 2);
  await Promise.all([deployment.scale(4), deployment.scale(1), deployment.scale(3)]);
  assert.deepEqual(deployment.states.slice(0, 3), ["ready", "ready", "ready"]);
  assert.equal(deployment.ready.length, 3);
  assert.equal(deployment.wanted, 3);
});

test("a pod that is killed is replaced by one with a name, a uid and an address of its own", async (t) => {
  const { deployment, objects } = await start(t, 2);
  await until(() => endpointOf(objects, "echo-1") !== undefined);
  const before = endpointOf(objects, "echo-1")!;
  const died = new Promise<[string, Promise<string | null>]>((resolve) => {
    deployment.onDeath((name, replaced) => resolve([name, replaced]));
  });
  deployment.kill("echo-1");
  const [name, replaced] = await died;
  assert.equal(name, "echo-1");
  assert.deepEqual(deployment.states, ["killed", "ready"]);
  assert.equal(endpointOf(objects, "echo-1")!.conditions.ready, true, "nobody knows yet");
  assert.equal(await replaced, "echo-3");
  assert.deepEqual(deployment.names, ["echo-3", "echo-2"]);
  await until(() => endpointOf(objects, "echo-3")?.conditions.ready === true);
  assert.equal(endpointOf(objects, "echo-1"), undefined);
  const after = endpointOf(objects, "echo-3")!;
  assert.notEqual(after.targetRef.uid, before.targetRef.uid);
  assert.notDeepEqual(after.addresses, before.addresses);
  assert.throws(() => deployment.kill("echo-1"), LabError);

  // One that was scaled away could come back, and is no successor of one that died.
  await deployment.scale(1);
  const diedLater = new Promise<Promise<string | null>>((resolve) => {
    deployment.onDeath((_, then) => resolve(then));
  });
  deployment.kill("echo-3");
  assert.equal(await await diedLater, "echo-4");
  assert.deepEqual(deployment.names, ["echo-4", "echo-2"]);
  assert.deepEqual(deployment.states, ["ready", "gone"]);
});

test("a pod that is killed by somebody else is replaced as well", async (t) => {
  const { deployment } = await start(t, 1);
  process.kill(deployment.ready[0]!.pid, "SIGKILL");
  await until(() => deployment.names[0] === "echo-2" && deployment.states[0] === "ready");
});

test("a pod that dies when fewer are wanted by then is replaced by none", async (t) => {
  const { deployment } = await start(t, 2);
  const died = new Promise<[string, Promise<string | null>]>((resolve) => {
    deployment.onDeath((name, replaced) => resolve([name, replaced]));
  });
  deployment.kill("echo-2");
  const [name, replaced] = await died;
  assert.equal(name, "echo-2");
  await deployment.scale(1);
  assert.equal(await replaced, null);
  assert.deepEqual(deployment.states, ["ready", "gone"]);
});

test("NOT_SERVING: the readiness probe sees it, the slice follows, and back", async (t) => {
  const { deployment, objects } = await start(t, 2);
  const conditions = () => endpointOf(objects, "echo-2")?.conditions;
  await until(() => conditions()?.ready === true);
  deployment.setServing("echo-2", false);
  assert.deepEqual(deployment.notServing, ["echo-2"]);
  await until(() => conditions()!.ready === false);
  assert.deepEqual(conditions(), { ready: false, serving: false, terminating: false });
  assert.deepEqual(deployment.states, ["ready", "not-ready"]);
  assert.deepEqual(
    deployment.ready.map(({ name }) => name),
    ["echo-1"],
  );
  deployment.setServing("echo-2", true);
  await until(() => conditions()!.ready === true);
  assert.deepEqual(deployment.states, ["ready", "ready"]);
  assert.equal(endpointOf(objects, "echo-1")!.conditions.ready, true);
});

test("a pod that stops answering its probe is not ready, though it says nothing", async (t) => {
  const { deployment, objects } = await start(t, 1);
  const pid = deployment.ready[0]!.pid;
  process.kill(pid, "SIGSTOP");
  await until(() => endpointOf(objects, "echo-1")?.conditions.ready === false);
  process.kill(pid, "SIGCONT");
  await until(() => endpointOf(objects, "echo-1")!.conditions.ready === true);
});

// Nobody heard of its end: no probe failed any more, and no pod was ever not ready.
test("a kubelet that ends is there again, and goes on where it was", async (t) => {
  const { deployment, objects } = await start(t, 2);
  deployment.setServing("echo-1", false);
  await until(() => endpointOf(objects, "echo-1")?.conditions.ready === false);
  const isKubelet = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("fairlead-lab kubelet");
  process.kill(processTree(process.pid).find(isKubelet)!, "SIGKILL");
  deployment.setServing("echo-1", true);
  deployment.setServing("echo-2", false);
  await until(() => endpointOf(objects, "echo-2")!.conditions.ready === false);
  await until(() => endpointOf(objects, "echo-1")!.conditions.ready === true);
});

test("rolling: one more first, then one less; no pod of before is left", async (t) => {
  const { deployment, objects } = await start(t, 2);
  const told: string[] = [];
  objects.store.onEvent(({ type, kind, object }) => {
    const { name, deletionTimestamp } = object.metadata;
    if (kind !== "Pod" || (type === "MODIFIED" && deletionTimestamp === undefined)) return;
    told.push(`${type === "MODIFIED" ? "TERMINATING" : type} ${name}`);
  });
  let fewest = deployment.ready.length;
  deployment.onChange(() => {
    fewest = Math.min(fewest, deployment.ready.length);
  });
  await deployment.roll();
  assert.deepEqual(told, [
    ...["ADDED echo-3", "TERMINATING echo-1", "DELETED echo-1"],
    ...["ADDED echo-4", "TERMINATING echo-2", "DELETED echo-2"],
  ]);
  assert.equal(fewest, 2);
  assert.deepEqual(deployment.ready.map(({ name }) => name).toSorted(), ["echo-3", "echo-4"]);
  assert.equal(deployment.wanted, 2);
});

test("a pod that dies while others are rolled is replaced all the same", async (t) => {
  const { deployment } = await start(t, 3);
  const rolled = deployment.roll();
  deployment.kill("echo-3");
  await rolled;
  await until(() => deployment.ready.length === 3);
  for (const { name } of deployment.ready) {
    assert.ok(!["echo-1", "echo-2", "echo-3"].includes(name), name);
  }
});

// As `kubectl delete pod` does it: the pod is Terminating for its grace, serving all the while, and
// the ReplicaSet counts it out at once, so that the next one starts beside it.
test("a pod that is drained is Terminating while another starts, and gone after its grace", async (t) => {
  const { deployment, objects } = await start(t, 2);
  await until(() => endpointOf(objects, "echo-1")?.conditions.ready === true);
  const { pid } = deployment.ready[0]!;
  const told: string[] = [];
  objects.store.onEvent(({ type, kind, object: { metadata } }) => {
    if (kind !== "Pod") return;
    const isFresh = type !== "MODIFIED" || metadata.deletionTimestamp !== undefined;
    if (isFresh) told.push(`${type === "MODIFIED" ? "TERMINATING" : type} ${metadata.name}`);
  });
  const deaths: string[] = [];
  deployment.onDeath((name) => deaths.push(name));
  // Seen as it happens: on a busy machine the grace is over before a poll looks again.
  const beside = new Promise<readonly [string, boolean]>((resolve) => {
    deployment.onChange(() => {
      if (!deployment.names.includes("echo-3")) return;
      resolve([deployment.states[0]!, processTree(process.pid).includes(pid)]);
    });
  });
  const terminating = new Promise<void>((resolve) => {
    objects.store.onEvent(({ kind }) => {
      if (kind !== "EndpointSlice") return;
      if (endpointOf(objects, "echo-1")?.conditions.terminating === true) resolve();
    });
  });
  const drained = deployment.drain("echo-1");
  assert.equal(deployment.states[0], "terminating");
  assert.throws(() => deployment.kill("echo-1"), LabError);
  assert.deepEqual(await beside, ["terminating", true], "the other starts while it serves");
  await Promise.all([drained, terminating]);
  assert.equal(told.shift(), "TERMINATING echo-1");
  assert.deepEqual(told.toSorted(), ["ADDED echo-3", "DELETED echo-1"]);
  assert.deepEqual(deployment.names, ["echo-1", "echo-2", "echo-3"]);
  assert.deepEqual(deployment.states, ["gone", "ready", "ready"]);
  assert.deepEqual(deaths, []);
  assert.ok(!processTree(process.pid).includes(pid));
  await assert.rejects(deployment.drain("echo-1"), LabError);

  await deployment.drain("echo-2");
  assert.deepEqual(deployment.names, ["echo-4", "echo-2", "echo-3"], "its row is free again");
});

test("restored, every pod is fast, SERVING and well again", async (t) => {
  const { deployment } = await start(t, 2);
  deployment.slow("echo-1", 10);
  deployment.setSick("echo-2", true);
  deployment.setServing("echo-2", false);
  assert.deepEqual([deployment.slowed, deployment.sick], [["echo-1"], ["echo-2"]]);
  await until(() => deployment.states[1] === "not-ready");
  deployment.restore();
  const { slowed, sick, notServing } = deployment;
  assert.deepEqual([slowed, sick, notServing], [[], [], []]);
  await until(() => deployment.states[1] === "ready");
});

// A pod that is drained or killed leaves an empty row where another has come in a further one by
// then. What is in a row must not be taken for the successor of what was there.
test("rows of pods that are gone are taken away once those that end have gone", async (t) => {
  const { deployment } = await start(t, 3);
  const drained = deployment.drain("echo-1");
  deployment.kill("echo-3");
  await until(() => deployment.states[2] === "killed");
  await deployment.forgetGone(() => {
    assert.ok(deployment.states.includes("gone"), deployment.states.join());
  });
  const ended = ["echo-1", "echo-3"];
  assert.ok(!deployment.names.some((name) => ended.includes(name)), deployment.names.join());
  await Promise.all([drained, deployment.scale(3)]);
  await deployment.forgetGone(() => {});
  assert.deepEqual(deployment.states, ["ready", "ready", "ready"]);
  await deployment.forgetGone(() => assert.fail("there is none"));
});
