/**
 * One pod as a process, asked by stock grpc-js: its name, its pace, and its health.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../src/base/index.ts";
import { ECHO_SERVICE } from "../../src/lab/pods/echo.ts";
import { HEALTH_SERVICE, type Serving, ServingStatus } from "../../src/lab/pods/health.ts";
import type { Pod } from "../../src/lab/pods/pod.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { PodProcesses } from "../../src/lab/pods/pod-processes.ts";
import { podNames, startPods } from "../../src/lab/pods/pods.ts";
import { Children } from "../../src/lab/system/children.ts";

async function start(t: TestContext) {
  const children = new Children(realClock());
  const { pods } = await startPods(new PodProcesses(children), podNames(1), LOOPBACK);
  const client = new grpc.Client(pods[0]!.address, grpc.credentials.createInsecure());
  t.after(() => {
    client.close();
    return children.close();
  });
  return { pod: pods[0]!, client };
}

const behave = (pod: Pod, slowFactor: number, isServing: boolean, isSick = false): void =>
  pod.behave({ slowFactor, isServing, isSick });

interface Said {
  readonly pod: string;
  readonly ms: number;
  /** The load report in the trailers, if there is one. */
  readonly report: Buffer | undefined;
}

function say(client: grpc.Client): Promise<Said> {
  const { path, requestSerialize, responseDeserialize } = ECHO_SERVICE.say;
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    let pod = "";
    const done = (error: Error | null, value?: string): void => {
      if (error) reject(error);
      else pod = value!;
    };
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, "test", done);
    call.on("status", ({ metadata }: grpc.StatusObject) => {
      const [report] = metadata.get("endpoint-load-metrics-bin") as Buffer[];
      // The callback comes after this event.
      setImmediate(() => resolve({ pod, ms: performance.now() - startMs, report }));
    });
  });
}

function check(client: grpc.Client, service: string): Promise<Serving | undefined> {
  const { path, requestSerialize, responseDeserialize } = HEALTH_SERVICE.check;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, status?: Serving): void =>
      error ? reject(error) : resolve(status);
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, done);
  });
}

function watch(client: grpc.Client, service: string) {
  const { path, requestSerialize, responseDeserialize } = HEALTH_SERVICE.watch;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
    service,
  });
  const told: Serving[] = [];
  call.on("data", (status: Serving) => told.push(status));
  call.on("error", () => {});
  const ended = new Promise<number>((resolve) => {
    call.on("status", ({ code }: grpc.StatusObject) => resolve(code));
  });
  return { told, ended, cancel: () => call.cancel() };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries += 1) {
    assert.ok(tries < 3000, "it did not come to be within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a slow pod takes ten times its 2 ms, and no longer once it is told so", async (t) => {
  const { pod, client } = await start(t);
  assert.equal((await say(client)).pod, "echo-1");
  // Timers of Node are never early by more than a millisecond.
  behave(pod, 10, true);
  await until(async () => (await say(client)).ms >= 19);
  for (let count = 0; count < 5; count += 1) assert.ok((await say(client)).ms >= 19);
  behave(pod, 1, true);
  await until(async () => (await say(client)).ms < 19);
});

test("a sick pod answers each call UNAVAILABLE, and its health service says SERVING", async (t) => {
  const { pod, client } = await start(t);
  behave(pod, 10, true, true);
  await until(() =>
    say(client).then(
      () => false,
      () => true,
    ),
  );
  const startMs = performance.now();
  const sick = { code: grpc.status.UNAVAILABLE, details: "echo-1 is sick" };
  await assert.rejects(say(client), sick);
  assert.ok(performance.now() - startMs >= 19, "not before its usual time");
  assert.equal(await check(client, ""), ServingStatus.SERVING);
  behave(pod, 1, true);
  await until(() =>
    say(client).then(
      () => true,
      () => false,
    ),
  );
});

test("after its first second a pod reports its load with each answer", async (t) => {
  const { client } = await start(t);
  let report: Buffer | undefined;
  await until(async () => {
    report = (await say(client)).report;
    return report !== undefined;
  });
  // Field 6 is calls per second, field 9 the utilization: both above 0 by the calls made here.
  assert.deepEqual([report!.length, report![0], report![9]], [18, 0x31, 0x49]);
  assert.ok(report!.readDoubleLE(1) > 0);
  const utilization = report!.readDoubleLE(10);
  assert.ok(utilization > 0 && utilization < 1, `${utilization}`);
});

test("Check tells the status; of a service that is not there it is NOT_FOUND", async (t) => {
  const { pod, client } = await start(t);
  assert.equal(await check(client, ""), ServingStatus.SERVING);
  assert.equal(await check(client, "fairlead.lab.Echo"), ServingStatus.SERVING);
  await assert.rejects(check(client, "other"), { code: grpc.status.NOT_FOUND });
  behave(pod, 1, false);
  await until(async () => (await check(client, "")) === ServingStatus.NOT_SERVING);
  assert.equal((await say(client)).pod, "echo-1", "calls are answered all the same");
});

test("Watch tells the status at once and each change, and SERVICE_UNKNOWN", async (t) => {
  const { pod, client } = await start(t);
  const known = watch(client, "fairlead.lab.Echo");
  const unknown = watch(client, "other");
  await until(() => known.told.length === 1 && unknown.told.length === 1);
  behave(pod, 1, false);
  await until(() => known.told.length === 2);
  behave(pod, 3, false);
  behave(pod, 1, true);
  await until(() => known.told.length === 3);
  const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;
  assert.deepEqual(known.told, [SERVING, NOT_SERVING, SERVING]);
  assert.deepEqual(unknown.told, [SERVICE_UNKNOWN]);
  for (const one of [known, unknown]) {
    one.cancel();
    assert.equal(await one.ended, grpc.status.CANCELLED);
  }
});

test("at SIGTERM watchers hear NOT_SERVING, their calls end, and so does the pod", async (t) => {
  const { pod, client } = await start(t);
  const known = watch(client, "");
  const unknown = watch(client, "other");
  await until(() => known.told.length === 1 && unknown.told.length === 1);
  await pod.end();
  assert.deepEqual(known.told, [ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  assert.equal(await known.ended, grpc.status.OK);
  assert.equal(await unknown.ended, grpc.status.OK);
  await pod.ended;
});

test("over HTTP/1.1 it tells its name, too, and on SIGTERM it finishes what was asked", async (t) => {
  const { pod } = await start(t);
  const url = `http://${pod.http1Address}/`;
  const first = await fetch(url);
  assert.deepEqual([first.status, await first.text()], [200, "echo-1\n"]);
  behave(pod, 1, true, true);
  let sick = first;
  while (sick.status === 200) sick = await fetch(url);
  assert.deepEqual([sick.status, await sick.text()], [503, "echo-1 is sick\n"]);

  behave(pod, 100, true);
  const slow = fetch(url);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const ended = pod.end();
  assert.equal((await slow).headers.get("connection"), "close");
  await ended;
  await pod.ended;
});
