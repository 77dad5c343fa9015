/**
 * Service config from where targets are resolved, on our channel: a TXT record (gRFC A2), and
 * the annotation of a Service, which may change while calls are made.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { type Answer, decode, encode, type Question } from "dns-packet";
import { RecordingLogger } from "../../src/base/index.ts";
import {
  type FairleadChannelOptions,
  fairleadChannel,
  viewOf,
} from "../../src/client/grpc-js/public.ts";
import { eventually } from "../support/raw-http2.ts";
import { startServer } from "./stock.ts";

const METHOD = "/test.Echo/Call";
const same = (bytes: Buffer): Buffer => bytes;

/** A DNS server that knows "echo.test" and its service config; what it was asked. */
async function startDns(t: TestContext, txt: string) {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  const answersOf = ({ type, name }: Question): Answer[] => {
    if (type === "A" && name === "echo.test") return [{ type, name, ttl: 60, data: "127.0.0.1" }];
    if (type !== "TXT" || name !== "_grpc_config.echo.test") return [];
    return [{ type, name, ttl: 60, data: [txt] }];
  };
  socket.on("message", (bytes, { address, port }) => {
    const { id, questions = [] } = decode(bytes);
    asked.push(...questions.map(({ type, name }) => `${type} ${name}`));
    const answers = questions.flatMap(answersOf);
    const flags = 0x8400; // an answer, with authority
    socket.send(
      encode({ type: "response", id: id ?? 0, flags, questions, answers }),
      port,
      address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.after(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

function open(t: TestContext, target: string, options: FairleadChannelOptions, args = {}) {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
    ...args,
    channelFactoryOverride: fairleadChannel(options),
  });
  t.after(() => client.close());
  return client;
}

function call(client: grpc.Client): Promise<grpc.ServiceError | null> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(METHOD, same, same, Buffer.from("x"), (error) => resolve(error));
  });
}

const TIMED = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [{ name: [{ service: "test.Echo" }], timeout: "0.05s" }],
};

test("a TXT record is the service config of a name, unless that is switched off", async (t) => {
  const server = await startServer("127.0.0.1:20951");
  t.after(() => server.close());
  server.delayMs = 1_000;
  const choice = JSON.stringify([{ clientLanguage: ["node"], serviceConfig: TIMED }]);
  const dns = await startDns(t, `grpc_config=${choice}`);
  const target = `dns://${dns.address}/echo.test:20951`;
  const client = open(t, target, {});
  assert.equal((await call(client))?.code, grpc.status.DEADLINE_EXCEEDED, "its timeout holds");
  assert.equal(viewOf(client)?.policy, "round_robin");
  const questions = dns.asked.length;
  server.delayMs = 0;
  const without = open(t, target, {}, { "grpc.service_config_disable_resolution": 1 });
  assert.equal(await call(without), null);
  assert.equal(viewOf(without)?.policy, "least_request");
  const later = dns.asked.slice(questions);
  assert.ok(!later.some((each) => each.startsWith("TXT")), `nothing is asked of TXT: ${later}`);
});

/** Objects of a Service with one endpoint, in a directory. */
function writeObjects(directory: string, port: number, serviceConfig: string): void {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "echo",
      namespace: "prod",
      annotations: { "fairlead.dev/service-config": serviceConfig },
    },
    spec: { clusterIP: "None", ports: [{ name: "grpc", port, protocol: "TCP" }] },
  };
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "echo-1",
      namespace: "prod",
      labels: { "kubernetes.io/service-name": "echo" },
    },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "grpc", port, protocol: "TCP" }],
  };
  const file = join(directory, "objects.json");
  writeFileSync(
    `${file}.new`,
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [service, slice] }),
  );
  renameSync(`${file}.new`, file);
}

test("a Service's annotation is, while calls go on; a mistake leaves the last good one", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const server = await startServer("127.0.0.1:20952");
  t.after(() => server.close());
  writeObjects(directory, 20_952, JSON.stringify(TIMED));
  const log = new RecordingLogger();
  const client = open(t, "kubernetes:///echo.prod:grpc", {
    kubernetes: { objects: directory },
    log,
  });
  server.delayMs = 1_000;
  assert.equal((await call(client))?.code, grpc.status.DEADLINE_EXCEEDED);
  assert.equal(viewOf(client)?.policy, "round_robin");
  server.delayMs = 0;

  writeObjects(directory, 20_952, '{"loadBalancingConfig":[{"random":{}}],"methodConfig":7}');
  const told = (): boolean => log.entries.some(({ level }) => level === "warn");
  await eventually("the mistake is told", told);
  const { fields, msg } = log.entries.find(({ level }) => level === "warn")!;
  assert.match(`${msg} ${JSON.stringify(fields)}`, /methodConfig is 7, must be a list/);
  assert.equal(viewOf(client)?.policy, "round_robin", "nothing of it is applied");
  assert.equal(await call(client), null);

  writeObjects(directory, 20_952, '{"loadBalancingConfig":[{"random":{}}]}');
  await eventually("the new policy", () => viewOf(client)?.policy === "random");
  server.delayMs = 100;
  assert.equal(await call(client), null, "and the time-out is gone");
  assert.equal(server.connectionCount, 1, "the connection stayed");
});
