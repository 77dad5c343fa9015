/**
 * Pods in other languages: the same answers, the same orders, by servers of their own gRPC.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../src/base/index.ts";
import { LabError } from "../../src/lab/error.ts";
import { HEALTH_SERVICE, type Serving, ServingStatus } from "../../src/lab/pods/health.ts";
import type { Pod } from "../../src/lab/pods/pod.ts";
import { type PodLanguage, podProgram } from "../../src/lab/pods/pod-language.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { PodProcesses } from "../../src/lab/pods/pod-processes.ts";
import { podNames, startPods } from "../../src/lab/pods/pods.ts";
import { decodeText, encodeText } from "../../src/lab/pods/wire.ts";
import { Children } from "../../src/lab/system/children.ts";

const USUAL = { slowFactor: 1, isServing: true, isSick: false };

interface Said {
  readonly text: string;
  readonly code: grpc.status;
  readonly details: string;
  readonly ms: number;
  readonly hostname: unknown;
  readonly hasLoadReport: boolean;
}

function call({ address }: Pod, path: string, text: string): Promise<Said> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const startMs = performance.now();
  return new Promise((resolve) => {
    let answer = "";
    let hostname: unknown;
    const done = (_error: Error | null, value?: string): void => {
      answer = value ?? "";
    };
    const made = client.makeUnaryRequest(path, encodeText, decodeText, text, done);
    made.on("metadata", (headers: grpc.Metadata) => {
      hostname = headers.get("hostname")[0];
    });
    made.on("status", ({ code, details, metadata }: grpc.StatusObject) => {
      const ms = performance.now() - startMs;
      const hasLoadReport = metadata.get("endpoint-load-metrics-bin").length > 0;
      client.close();
      // The callback comes after this event.
      setImmediate(() => resolve({ text: answer, code, details, ms, hostname, hasLoadReport }));
    });
  });
}

const say = (pod: Pod): Promise<Said> => call(pod, "/fairlead.lab.Echo/Say", "");

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries += 1) {
    assert.ok(tries < 3000, "it did not come to be within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What Watch of the whole server tells, and how it ends. */
function watch({ address }: Pod) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = HEALTH_SERVICE.watch;
  const request = { service: "" };
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
  );
  const told: Serving[] = [];
  stream.on("data", (status: Serving) => told.push(status));
  stream.on("error", () => {});
  const ended = new Promise<void>((resolve) => {
    stream.on("status", () => {
      client.close();
      resolve();
    });
  });
  return { told, ended };
}

async function start(t: TestContext, language: PodLanguage): Promise<Pod | null> {
  const found = podProgram(language);
  if (found !== null && "why" in found) {
    if (process.env.FAIRLEAD_REQUIRE_PEERS === "1") throw new Error(found.why);
    t.skip(found.why);
    return null;
  }
  const children = new Children(realClock());
  t.after(() => children.close());
  const { pods } = await startPods(new PodProcesses(children, language), podNames(2), LOOPBACK);
  assert.notEqual(pods[0]!.pid, pods[1]!.pid);
  assert.equal((await say(pods[1]!)).text, "echo-2");
  return pods[0]!;
}

for (const language of ["python", "go"] as const) {
  test(`a pod in ${language} answers and obeys as one in Node does`, async (t) => {
    const pod = await start(t, language);
    if (pod === null) return;
    assert.equal((await say(pod)).text, "echo-1");
    const reversed = await call(pod, "/api.Reverse/Reverse", "Gruß 🐟");
    assert.deepEqual([reversed.text, reversed.hostname], ["🐟 ßurG", "echo-1"]);
    const long = "x".repeat(5000);
    assert.equal((await call(pod, "/api.Echo/Echo", long)).text, long);
    const ping = await call(pod, "/pet.service.v1.PetService/Ping", "laptop, 42");
    assert.equal(ping.text, "laptop, 42, echo-1");
    const web = await fetch(`http://${pod.http1Address}/`);
    assert.deepEqual([web.status, await web.text()], [200, "echo-1\n"]);
    await until(async () => (await say(pod)).hasLoadReport);

    pod.behave({ ...USUAL, slowFactor: 10, isSick: true });
    await until(async () => (await say(pod)).code !== grpc.status.OK);
    const { code, details, ms } = await say(pod);
    assert.deepEqual([code, details], [grpc.status.UNAVAILABLE, "echo-1 is sick"]);
    assert.ok(ms >= 19, "after its usual time, ten times as long");

    const { told, ended } = watch(pod);
    await until(() => told.length === 1);
    pod.behave({ ...USUAL, slowFactor: 100, isServing: false });
    await until(() => told.length === 2);
    const slow = say(pod);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pod.end();
    assert.equal((await slow).text, "echo-1", "its open call is answered");
    await ended;
    assert.deepEqual(told, [ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    assert.equal((await say(pod)).code, grpc.status.UNAVAILABLE);
  });
}

test("25 pods in another language are too many: one sentence", async (t) => {
  const children = new Children(realClock());
  t.after(() => children.close());
  await assert.rejects(
    startPods(new PodProcesses(children, "python"), podNames(25), LOOPBACK, async () => ""),
    new LabError("at most 24 pods in python: each is a process"),
  );
});
