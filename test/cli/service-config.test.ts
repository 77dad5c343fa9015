/**
 * The annotation `fairlead.dev/service-config` of a Service, on a proxy with workers: it applies in
 * each of them, a wrong one is told of once and leaves the last good one, and retries are made.
 */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { stopAll } from "../peers/processes.ts";
import { ask, call, logLines, startProxy, startUpstream, until, withSession } from "./harness.ts";

after(() => stopAll());

const RETRYING = {
  name: [{}],
  retryPolicy: {
    ...{ maxAttempts: 3, initialBackoff: "0.01s", maxBackoff: "0.01s", backoffMultiplier: 1 },
    retryableStatusCodes: ["UNAVAILABLE"],
  },
};

/** A server that fails the first two attempts of each call. */
function failingTwice(): http2.Http2Server {
  const server = http2.createServer();
  server.prependListener("stream", (stream, headers) => {
    if (Number(headers["grpc-previous-rpc-attempts"] ?? 0) >= 2) return;
    const head = { ":status": 200, "content-type": "application/grpc" };
    stream.respond({ ...head, "grpc-status": "14" }, { endStream: true });
    // Who listens behind this answers nothing more.
    headers[":path"] = "/hang";
  });
  return server;
}

/** A Service with this annotation, and its one pod. */
function objects(port: number, serviceConfig: string): string {
  const labels = { "kubernetes.io/service-name": "echo" };
  const service = {
    ...{ apiVersion: "v1", kind: "Service" },
    metadata: {
      ...{ name: "echo", namespace: "prod" },
      annotations: { "fairlead.dev/service-config": serviceConfig },
    },
    spec: { ports: [{ name: "grpc", port: 50_051 }] },
  };
  const slice = {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
    ...{ metadata: { name: "echo-1", namespace: "prod", labels }, addressType: "IPv4" },
    ports: [{ name: "grpc", port, protocol: "TCP" }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  };
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [service, slice] });
}

test("a Service's service config applies in each worker; the last good one stays", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const upstream = await startUpstream("a", failingTwice());
  t.after(() => upstream.close());
  const port = Number(upstream.address.split(":")[1]);
  const file = join(directory, "echo.json");
  const say = (serviceConfig: object | string): void => {
    const text = typeof serviceConfig === "string" ? serviceConfig : JSON.stringify(serviceConfig);
    writeFileSync(`${file}.new`, objects(port, text));
    renameSync(`${file}.new`, file);
  };
  say({ loadBalancingConfig: [{ round_robin: {} }], methodConfig: [RETRYING] });
  const args = ["--listen", "127.0.0.1:0", "--to", "kubernetes:///echo.prod:grpc", "--admin", "0"];
  const proxy = await startProxy(...args, "--objects", directory, "--workers", "2");
  const shown = async () => {
    const { body } = await ask(proxy.admin, "/clusters?format=json");
    return JSON.parse(body).clusters[0];
  };
  await until("both connected", async () => (await shown()).endpoints[0]?.connections === 2);
  assert.equal((await shown()).policy, "round_robin");
  for (let worker = 0; worker < 2; worker += 1) {
    await withSession(`http://${proxy.addresses[0]}`, async (session) => {
      const { grpcStatus, name } = await call(session, "/a.B/C");
      assert.deepEqual([grpcStatus, name], ["0", "a"]);
    });
  }
  assert.equal(upstream.count(), 6, "three attempts each");
  const told = () => logLines(proxy.process).filter(({ msg }) => msg.startsWith("service config"));
  say({ loadBalancingConfig: [{ nonsense: {} }] });
  await until("it is told", () => told().some(({ level }) => level === "warn"));
  assert.equal((await shown()).policy, "round_robin");
  say({ loadBalancingConfig: [{ random: {} }] });
  await until("the next good one", async () => (await shown()).policy === "random");
  const lines = told().map(({ level, msg, policy }) => [level, msg, policy]);
  assert.deepEqual(lines, [
    ["info", "service config", "round_robin"],
    ["warn", "service config of the resolver is not used", undefined],
    ["info", "service config", "random"],
  ]);
  await proxy.process.stop();
});
