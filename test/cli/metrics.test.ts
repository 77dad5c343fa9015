/**
 * docs/metrics.md says what is so: a running proxy shows these metrics with these labels, and the
 * sources make no others.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stopAll } from "../peers/processes.ts";
import { ask, startProxy, startUpstream } from "./harness.ts";

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
