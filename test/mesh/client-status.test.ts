/**
 * CSDS of a program's own `xds` channels, as one of grpc-js' admin services: registered by one
 * line, served by a stock server, asked by a stock client.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  addAdminServicesToServer,
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { registerClientStatus } from "../../src/client/grpc-js/public.ts";
import { createChannel } from "../../src/client/plain/public.ts";
import {
  type ClientConfig,
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  shortTypeName,
} from "../../src/xds/index.ts";
import { ControlPlane } from "../control/control-plane.ts";
import { ObjectsDirectory } from "../control/objects-directory.ts";
import { SAY, startPod } from "./pods.ts";

const TARGET = "xds:///echo.prod:50051";
const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService/";
const closers: (() => unknown)[] = [];
let client: Client;

before(async () => {
  registerClientStatus();
  registerClientStatus();
  const server = new Server();
  addAdminServicesToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closers.push(
    () => server.forceShutdown(),
    () => client.close(),
  );
});

after(async () => {
  for (const close of closers.reverse()) await close();
});

const same = (bytes: Buffer): Buffer => bytes;
const requestOf = (fields: object) =>
  Buffer.from(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, fields)));
const configOf = (bytes: Buffer) => fromBinary(ClientStatusResponseSchema, bytes).config;

function fetchStatus(fields: object = {}): Promise<ClientConfig[]> {
  return new Promise((resolve, reject) => {
    const path = `${SERVICE}FetchClientStatus`;
    client.makeUnaryRequest(path, same, same, requestOf(fields), (error, value) =>
      error === null ? resolve(configOf(value!)) : reject(error),
    );
  });
}

test("each channel in use is told with its target, resources and versions; one that is closed is not", async () => {
  const objects = new ObjectsDirectory();
  closers.push(() => objects.close());
  objects.service("echo");
  const pod = await startPod("127.0.0.2");
  closers.push(() => pod.stop());
  objects.slice("echo", Number(pod.address.split(":")[1]), [{ ip: "127.0.0.2" }]);
  const control = await ControlPlane.start(objects.path);
  closers.push(() => control.kill());
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
    xds_servers: [{ server_uri: control.address, channel_creds: [{ type: "insecure" }] }],
    node: { id: "program" },
  });
  const channel = createChannel(TARGET);
  assert.deepEqual(await fetchStatus(), [], "it has not been used");
  assert.equal(await channel.unary(SAY, "hello", { timeoutMs: 10_000 }), pod.address);
  const [config] = await fetchStatus();
  assert.deepEqual([config!.clientScope, config!.node?.id], [TARGET, "program"]);
  const states = config!.genericXdsConfigs.map(({ typeUrl, clientStatus, versionInfo }) => {
    const isVersion = /^[0-9a-f]{16}$/.test(versionInfo);
    return [shortTypeName(typeUrl), ClientResourceStatus[clientStatus], isVersion].join(" ");
  });
  assert.deepEqual(
    states,
    ["LDS", "RDS", "CDS", "EDS"].map((type) => `${type} ACKED true`),
  );
  channel.close();
  assert.deepEqual(await fetchStatus(), []);
});

test("a stream is answered request by request, and a wrong one is refused", async () => {
  const stream = client.makeBidiStreamRequest(`${SERVICE}StreamClientStatus`, same, same);
  const answers: number[] = [];
  stream.on("data", (bytes: Buffer) => answers.push(configOf(bytes).length));
  for (let i = 0; i < 3; i += 1) stream.write(requestOf({}));
  stream.end();
  await new Promise((resolve) => stream.on("end", resolve));
  assert.deepEqual(answers, [0, 0, 0]);
  await assert.rejects(fetchStatus({ nodeMatchers: [{}] }), (error: ServiceError) => {
    assert.deepEqual(
      [error.code, error.details],
      [3, "node_matchers: a client has one node, itself"],
    );
    return true;
  });
  const wrong = client.makeBidiStreamRequest(`${SERVICE}StreamClientStatus`, same, same);
  wrong.write(Buffer.from([0xff]));
  wrong.on("data", () => {});
  const error = await new Promise<ServiceError>((resolve) => wrong.on("error", resolve));
  assert.deepEqual([error.code, error.details], [3, "not a ClientStatusRequest"]);
});
