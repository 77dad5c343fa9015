/**
 * An API server that dies, and one that stands still, under `fairlead control` with nodes that are
 * connected: they keep what they have, those that come get the same, the plane says it, and what
 * happened meanwhile reaches all when the server is back.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { type Answer, RawNode } from "../../src/control/ads/ads-suite.ts";
import { ask, FAIRLEAD, logLines, until } from "../cli/harness.ts";
import { freePort, type RunningProcess, startProcess } from "../peers/processes.ts";

const PROGRAM = fileURLToPath(new URL("../../src/lab/programs/apiserver.ts", import.meta.url));
const NAME = "prod/echo:80";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices";

let directory: string;
let apiPort: number;
let api: RunningProcess;
let control: RunningProcess | null = null;
let address: string;
let admin: string;
const clients: grpc.Client[] = [];

async function startApi(): Promise<void> {
  const args = [PROGRAM, "--journal", join(directory, "journal"), "--port", String(apiPort)];
  api = startProcess(process.execPath, args);
  await api.waitFor(/\{"url":.*\}/);
}

async function write(method: "POST" | "PUT", path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const url = `http://127.0.0.1:${apiPort}${path}`;
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
}

/** Pods of the Service, from now on. */
async function say(method: "POST" | "PUT", ips: readonly string[]): Promise<void> {
  const metadata = { name: "echo-1", labels: { "kubernetes.io/service-name": "echo" } };
  const endpoints = ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } }));
  const ports = [{ name: "grpc", port: 50_051, protocol: "TCP" }];
  const path = method === "PUT" ? `${SLICES}/echo-1` : SLICES;
  await write(method, path, { metadata, addressType: "IPv4", endpoints, ports });
}

function node(isDelta: boolean, id: string): RawNode {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  clients.push(client);
  const made = new RawNode(client, isDelta, { id });
  made.ask({ type: "EDS", names: [NAME] });
  return made;
}

/** The pods that an answer tells of. */
function ipsOf({ resources }: Answer): string[] {
  return [...resources.join().matchAll(/127\.0\.9\.\d+/g)].map(([ip]) => ip);
}

/** What a node is told next, which it acknowledges. */
async function told(one: RawNode): Promise<string[]> {
  const answer = await one.next();
  one.ack(answer, [NAME]);
  return ipsOf(answer);
}

async function staleSeconds(): Promise<number> {
  const { body } = await ask(admin, "/metrics");
  return Number(/^fairlead_control_objects_stale_seconds (\S+)$/m.exec(body)![1]);
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "fairlead-api-outage-"));
  apiPort = await freePort();
  await startApi();
  await write("POST", "/api/v1/namespaces", { metadata: { name: "prod" } });
  const ports = [{ name: "grpc", port: 80, appProtocol: "kubernetes.io/h2c" }];
  await write("POST", "/api/v1/namespaces/prod/services", {
    metadata: { name: "echo" },
    spec: { ports },
  });
  await say("POST", ["127.0.9.1"]);
  const kubeconfig = join(directory, "kubeconfig");
  const cluster = { name: "c", cluster: { server: `http://127.0.0.1:${apiPort}` } };
  const context = { name: "c", context: { cluster: "c", user: "u", namespace: "prod" } };
  const users = [{ name: "u", user: {} }];
  const parts = { clusters: [cluster], contexts: [context], users, "current-context": "c" };
  writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", ...parts }));
  address = `127.0.0.1:${await freePort()}`;
  admin = `127.0.0.1:${await freePort()}`;
  const flags = ["--kubeconfig", kubeconfig, "--listen", address, "--admin", admin];
  control = startProcess(FAIRLEAD, ["control", ...flags]);
  await control.waitFor(/"msg":"listening"/);
});

after(async () => {
  for (const client of clients) client.close();
  await control?.stop();
  api.signal("SIGCONT");
  await api.stop();
  rmSync(directory, { recursive: true });
});

test("it dies, and comes back with news", async () => {
  const nodes = [node(false, "sotw"), node(true, "delta")];
  for (const one of nodes) assert.deepEqual(await told(one), ["127.0.9.1"]);
  api.signal("SIGKILL");
  await api.exited;
  await until("the plane knows", async () => (await staleSeconds()) > 0);
  await until("the log says so", () =>
    logLines(control!).some(({ level, reason }) => level === "warn" && /refused/.test(`${reason}`)),
  );
  assert.equal((await ask(admin, "/ready")).status, 200, "nodes can be served");
  assert.deepEqual(await told(node(true, "late")), ["127.0.9.1"], "one that comes meanwhile");
  for (const one of nodes) await one.silence();

  await startApi();
  await say("PUT", ["127.0.9.1", "127.0.9.2"]);
  for (const one of nodes) assert.deepEqual(await told(one), ["127.0.9.1", "127.0.9.2"]);
  await until("all is well", async () => (await staleSeconds()) === 0);
  for (const one of nodes) one.end();
});

test("it stands still, and goes on", async () => {
  const nodes = [node(false, "sotw"), node(true, "delta")];
  const before = await told(nodes[0]!);
  assert.ok(before.length > 0);
  assert.deepEqual(await told(nodes[1]!), before);
  api.signal("SIGSTOP");
  for (const one of nodes) await one.silence();
  assert.deepEqual(await told(node(false, "late")), before, "one that comes meanwhile");
  assert.equal((await ask(admin, "/ready")).status, 200);
  // Renewing its Lease is what a plane does most often; that its watches are silent it asks later.
  await control!.waitFor(/"reason":"[^"]*no answer within/, 40_000);
  const written = say("PUT", ["127.0.9.3"]);
  for (const one of nodes) await one.silence();
  api.signal("SIGCONT");
  await written;
  for (const one of nodes) assert.deepEqual(await told(one), ["127.0.9.3"]);
});
