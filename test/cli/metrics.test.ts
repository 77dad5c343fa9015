/**
 * docs/metrics.md says what is so: running proxies and a control plane show these metrics with
 * these labels, and the sources make no others.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startProcess, stopAll } from "../peers/processes.ts";
import { ask, FAIRLEAD, logLines, startProxy, startUpstream } from "./harness.ts";

after(() => stopAll());

interface Metric {
  readonly type: string;
  readonly labels: string;
  readonly help: string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The rows of the document. */
function documented(): Map<string, Metric> {
  const text = readFileSync(join(root, "docs", "metrics.md"), "utf8");
  const rows = text.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm);
  return new Map(
    [...rows].map(([, name, type, labels, help]) => [
      name!,
      { type: type!, labels: labels!.replaceAll("`", "").replace("-", ""), help: help! },
    ]),
  );
}

/** What an admin endpoint shows. */
function shown(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  for (const [, name, help] of text.matchAll(/^# HELP (\w+) (.*)$/gm)) {
    const [, type] = new RegExp(`^# TYPE ${name} (\\w+)$`, "m").exec(text)!;
    const suffix = type === "histogram" ? "_count" : "";
    const [, series = ""] = new RegExp(`^${name}${suffix}(?:\\{(.*)\\})? `, "m").exec(text)!;
    const labels = [...series.matchAll(/(\w+)="/g)].map(([, label]) => label).join(" ");
    metrics.set(name!, { type: type!, labels, help: help! });
  }
  return metrics;
}

test("what a proxy with workers shows is documented as it is", async (t) => {
  const upstream = await startUpstream("a");
  t.after(() => upstream.close());
  const args = ["--listen", "127.0.0.1:0", "--admin", "0", "--workers", "2"];
  const proxy = await startProxy(...args, "--to", upstream.address);
  const metrics = shown((await ask(proxy.admin, "/metrics")).body);
  await proxy.process.stop();
  assert.ok(metrics.size > 20);
  const known = documented();
  for (const [name, metric] of metrics) assert.deepEqual(known.get(name), metric, name);
});

const OBJECTS = `
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: prod }
spec: { clusterIP: 10.96.0.10, ports: [{ name: grpc, port: 50051 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: prod }
spec:
  gatewayClassName: fairlead
  listeners: [{ name: grpc, port: 8080, protocol: HTTP }]
`;

/** A directory of objects that is gone after the test. */
function objectsDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-metrics-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "objects.yaml"), OBJECTS);
  return directory;
}

test("what a proxy of many targets shows is documented as it is", async (t) => {
  const args = ["--gateway", "prod/edge", "--objects", objectsDirectory(t), "--admin", "0"];
  const proxy = await startProxy(...args, "--listen", "8080=127.0.0.1:0");
  const metrics = shown((await ask(proxy.admin, "/metrics")).body);
  await proxy.process.stop();
  assert.ok(metrics.has("fairlead_route_refusals_total"));
  const known = documented();
  for (const [name, metric] of metrics) assert.deepEqual(known.get(name), metric, name);
});

test("what a control plane shows is documented as it is", async (t) => {
  const args = ["--objects", objectsDirectory(t), "--listen", "127.0.0.1:0", "--admin", "0"];
  const control = startProcess(FAIRLEAD, ["control", ...args]);
  await control.waitFor(/"msg":"admin"/);
  const admin = logLines(control).find(({ msg }) => msg === "admin")!.address as string;
  const metrics = shown((await ask(admin, "/metrics")).body);
  await control.stop();
  assert.ok(metrics.has("fairlead_xds_nodes"));
  const known = documented();
  for (const [name, metric] of metrics) assert.deepEqual(known.get(name), metric, name);
});

/** Names as they stand in the sources; those of one file are put together there. */
function namesInSources(): Set<string> {
  const names = new Set<string>();
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  for (const file of files) {
    if (!file.endsWith(".ts") || /\.(test|fixture)\.ts$/.test(file)) continue;
    const text = readFileSync(join(root, "src", file), "utf8");
    for (const [, name] of text.matchAll(/"((?:fairlead|grpc_client|grpc_lb)_[a-z0-9_]+)"/g)) {
      names.add(name!);
    }
    if (!/`fairlead_kubernetes_\$\{name\}_total`/.test(text)) continue;
    for (const [, name] of text.matchAll(/#counter\(\s*"(\w+)"/g)) {
      names.add(`fairlead_kubernetes_${name}_total`);
    }
  }
  return names;
}

test("no metric of the sources is left out, and none is made up", () => {
  assert.deepEqual([...documented().keys()].sort(), [...namesInSources()].sort());
});
