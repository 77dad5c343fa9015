/**
 * What a pod answers, asked as tools ask that know nothing of it: reflection first, and then calls
 * by what that says, with stock grpc-js and proto-loader.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { realClock } from "../../src/base/index.ts";
import type { Pod } from "../../src/lab/pods/pod.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { PodProcesses } from "../../src/lab/pods/pod-processes.ts";
import { podNames, startPods } from "../../src/lab/pods/pods.ts";
import { field, fieldsOf } from "../../src/lab/pods/wire.ts";
import { Children } from "../../src/lab/system/children.ts";

async function start(t: TestContext): Promise<Pod> {
  const children = new Children(realClock());
  t.after(() => children.close());
  const { pods } = await startPods(new PodProcesses(children), podNames(1), LOOPBACK);
  return pods[0]!;
}

/** Answers to requests of reflection, given as field and text: the field that each has, and it. */
async function reflect(
  { address }: Pod,
  version: string,
  requests: readonly (readonly [number, string])[],
): Promise<readonly { readonly number: number; readonly value: Buffer }[]> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const asIs = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(path, asIs, asIs);
  for (const [number, text] of requests) stream.write(field(number, text));
  stream.end();
  const answers = [];
  for await (const bytes of stream) {
    const answer = fieldsOf(bytes as Buffer).findLast(({ number }) => number >= 4)!;
    answers.push({ number: answer.number, value: answer.value as Buffer });
  }
  client.close();
  return answers;
}

/** The services by name, as reflection tells of them. */
async function load(pod: Pod, version: string): Promise<grpc.GrpcObject> {
  const [listed] = await reflect(pod, version, [[7, ""]]);
  const names = fieldsOf(listed!.value).map(({ value }) =>
    String(fieldsOf(value as Buffer)[0]!.value),
  );
  const files = await reflect(
    pod,
    version,
    names.map((name) => [4, name] as const),
  );
  const set = files.map(({ value }) => field(1, fieldsOf(value)[0]!.value as Buffer));
  return grpc.loadPackageDefinition(
    loadFileDescriptorSetFromBuffer(Buffer.concat(set), { defaults: true }),
  );
}

type Answer = Readonly<Record<string, unknown>> & { readonly hostname: grpc.MetadataValue };

function call(
  { address }: Pod,
  services: grpc.GrpcObject,
  name: string,
  method: string,
  request: object,
): Promise<Answer> {
  let found: unknown = services;
  for (const part of name.split(".")) found = (found as grpc.GrpcObject)[part];
  const Service = found as grpc.ServiceClientConstructor;
  const client = new Service(address, grpc.credentials.createInsecure());
  return new Promise((resolve, reject) => {
    let hostname: grpc.MetadataValue = "";
    const done = (error: Error | null, answer: object): void => {
      client.close();
      if (error) reject(error);
      else resolve({ ...answer, hostname });
    };
    client[method]!(request, done).on("metadata", (headers: grpc.Metadata) => {
      hostname = headers.get("hostname")[0] ?? "";
    });
  });
}

test("by reflection, of either version, a tool finds and calls every method", async (t) => {
  const pod = await start(t);
  for (const version of ["v1", "v1alpha"]) {
    const services = await load(pod, version);
    const ask = (name: string, method: string, request: object): Promise<Answer> =>
      call(pod, services, name, method, request);
    assert.deepEqual(await ask("fairlead.lab.Echo", "Say", {}), { pod: "echo-1", hostname: "" });
    const content = "Gruß 🐟 ".repeat(40);
    const echoed = await ask("api.Echo", "Echo", { content });
    assert.deepEqual(echoed, { content, hostname: "echo-1" });
    const { content: reversed } = await ask("api.Reverse", "Reverse", { content: "Gruß 🐟" });
    assert.equal(reversed, "🐟 ßurG");
    assert.deepEqual(await ask("api.Echo", "Echo", {}), { content: "", hostname: "echo-1" });
    // The line of the pets: "resp: <client host>, <second>, <server host>".
    const { id } = await ask("pet.service.v1.PetService", "Ping", { id: "laptop, 42" });
    assert.equal(`resp: ${id}`, "resp: laptop, 42, echo-1");
    const health = await ask("grpc.health.v1.Health", "Check", {});
    assert.equal(health.status, 1);
  }
});

test("reflection of what is not there is an error by name, and the stream goes on", async (t) => {
  const pod = await start(t);
  const answers = await reflect(pod, "v1", [
    [4, "api.Nothing"],
    [3, "nothing.proto"],
    [6, "api.EchoRequest"],
    [9, "no such request"],
    [3, "pet.proto"],
  ]);
  const errors = answers.slice(0, 4).map(({ number, value }) => {
    assert.equal(number, 7);
    return fieldsOf(value).map((one) => String(one.value));
  });
  assert.deepEqual(errors, [
    ["5", 'no symbol "api.Nothing" here'],
    ["5", 'no file "nothing.proto" here'],
    ["5", "no extension is known here"],
    ["3", "a request of nothing"],
  ]);
  assert.equal(answers[4]!.number, 4);
});
