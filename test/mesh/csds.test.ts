/**
 * CSDS of a proxy that an xDS server drives, on `--admin-grpc`: asked by `proxy-status --xds`, by a
 * stock gRPC client, and by grpcdebug where it is on the PATH.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import {
  type ClientConfig,
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  shortTypeName,
} from "../../src/xds/index.ts";
import { FAIRLEAD, logLines } from "../cli/harness.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import {
  freePort,
  type RunningProcess,
  runProcess,
  startProcess,
  stopAll,
} from "../peers/processes.ts";
import { Edge } from "./edge.ts";
import { apiListener, cluster, endpoints, type Json, routes, routeTo } from "./resources.ts";
import { XdsServer } from "./xds-server.ts";

const NAME = "echo.prod:50051";
const TARGET = `xds:///${NAME}`;
const PATH = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const closers: (() => unknown)[] = [];

after(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await stopAll();
});

/** What a stock client is answered. */
async function fetchStatus(address: string): Promise<{ bytes: Buffer; config: ClientConfig }> {
  const client = new Client(address, credentials.createInsecure());
  const request = toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema));
  const same = (bytes: Buffer): Buffer => bytes;
  try {
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(PATH, same, same, Buffer.from(request), (error, value) =>
        error === null ? resolve(value!) : reject(error),
      );
    });
    return { bytes, config: fromBinary(ClientStatusResponseSchema, bytes).config[0]! };
  } finally {
    client.close();
  }
}

function statesOf({ genericXdsConfigs }: ClientConfig): string[] {
  return genericXdsConfigs.map(({ typeUrl, name, clientStatus, versionInfo }) => {
    const state = ClientResourceStatus[clientStatus];
    return `${shortTypeName(typeUrl)} ${name} ${state} ${versionInfo}`;
  });
}

async function adminOf(proxy: RunningProcess): Promise<string> {
  await proxy.waitFor(/"msg":"admin over gRPC"/);
  return String(logLines(proxy).find(({ msg }) => msg === "admin over gRPC")?.address);
}

test("a proxy of an xds target shows its resources, their versions, and what it refused", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const server = await XdsServer.start(program);
  closers.push(() => server.kill());
  const rest: Json[] = [apiListener(NAME), routes(NAME, [routeTo("one")])];
  const whole = [...rest, cluster("one"), endpoints("one", ["127.0.0.1:1"])];
  await server.serve(whole, "first");
  const xds_servers = [{ server_uri: server.address, channel_creds: [{ type: "insecure" }] }];
  const text = JSON.stringify({ xds_servers, node: { id: "shown" } });
  const env = { ...process.env, GRPC_XDS_BOOTSTRAP: "", GRPC_XDS_BOOTSTRAP_CONFIG: text };
  const flags = ["--to", TARGET, "--listen", "127.0.0.1:0", "--admin-grpc", "127.0.0.1:0"];
  const proxy = startProcess(FAIRLEAD, ["proxy", ...flags], { env });
  closers.push(() => proxy.stop());
  const admin = await adminOf(proxy);
  const all = [`LDS ${NAME}`, `RDS ${NAME}`, "CDS one", "EDS one"];
  await eventually("all resources", async () => {
    const { config } = await fetchStatus(admin);
    return statesOf(config).join() === all.map((each) => `${each} ACKED first`).join();
  });
  const { config } = await fetchStatus(admin);
  assert.deepEqual([config.node?.id, config.clientScope], ["shown", TARGET]);
  assert.equal(config.node?.userAgentName, "fairlead");

  const bad = cluster("one", { lbPolicy: "RING_HASH", ringHashLbConfig: { hashFunction: 1 } });
  await server.serve([...rest, bad, endpoints("one", ["127.0.0.1:1"])], "second");
  await eventually("what it refused", async () => {
    return statesOf((await fetchStatus(admin)).config).includes("CDS one NACKED first");
  });
  const after = await fetchStatus(admin);
  const refused = after.config.genericXdsConfigs.find(({ errorState }) => errorState)!;
  const { details, versionInfo } = refused.errorState!;
  const words = "ring_hash_lb_config.hash_function must be XX_HASH";
  assert.deepEqual([details, versionInfo], [words, "second"]);

  const status = await runProcess(FAIRLEAD, ["proxy-status", "--xds", admin]);
  assert.match(status.stdout, /^shown .* NACKED +SYNCED +SYNCED +SYNCED/m);
  assert.match(status.stdout, new RegExp(`^shown CDS was refused: one: ${words}`, "m"));
  assert.equal(status.code, 1);
  const paths = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "grpcdebug"));
  const grpcdebug = paths.find(existsSync);
  if (grpcdebug === undefined) {
    t.diagnostic("grpcdebug is not on the PATH");
    return;
  }
  const shown = await runProcess(grpcdebug, [admin, "xds", "status"]);
  assert.match(shown.stdout, /^one +NACKED +first /m);
  assert.match(shown.stdout, /^echo\.prod:50051 +ACKED +second /m);
});

test("a Gateway of our control plane: certificates are named, and no key is shown", async () => {
  const edge = new Edge();
  closers.push(() => edge.close());
  await edge.startPods(1);
  await edge.writeObjects();
  const address = `127.0.0.1:${await freePort()}`;
  const control = startProcess(FAIRLEAD, ["control", "--objects", edge.dir, "--listen", address]);
  closers.push(() => control.stop());
  await control.waitFor(/"msg":"listening"/);
  const flags = ["--gateway", "prod/edge", "--control", address, "--admin-grpc", "127.0.0.1:0"];
  await edge.startProxyOf(flags);
  const { bytes, config } = await fetchStatus(await adminOf(edge.proxy));
  const states = statesOf(config);
  assert.ok(
    states.every((state) => / ACKED [0-9a-f]{16}$/.test(state)),
    states.join("\n"),
  );
  const secret = config.genericXdsConfigs.find(({ typeUrl }) => typeUrl.endsWith(".Secret"))!;
  assert.match(secret.name, /edge-tls/);
  assert.equal(secret.xdsConfig, undefined);
  assert.doesNotMatch(bytes.toString("latin1"), /PRIVATE KEY/);
  const listener = config.genericXdsConfigs.find(({ typeUrl }) => typeUrl.endsWith(".Listener"))!;
  assert.ok(listener.xdsConfig!.value.length > 100, "what is not secret is shown");
});
