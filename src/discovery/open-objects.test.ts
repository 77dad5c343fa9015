/** Tests of the way to all objects: where they come from, and who may write. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RecordingLogger, seededRng, VirtualClock } from "../base/index.ts";
import { DiscoveryError, type DiscoveryOptions, OptionsError, openObjects } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "fairlead-open-"));
after(() => rmSync(root, { recursive: true, force: true }));

const kubeconfig = join(root, "config");
writeFileSync(
  kubeconfig,
  JSON.stringify({
    "current-context": "x",
    clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:9" } }],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "prod" } }],
  }),
);
const objects = join(root, "objects");
mkdirSync(objects);

function open(options: DiscoveryOptions, mayWrite: boolean) {
  const clock = new VirtualClock();
  const system = { clock, rng: seededRng(1), log: new RecordingLogger(), env: {} };
  return openObjects(options, system, mayWrite);
}

test("an API server is written to when that is asked for; nothing is contacted before", async () => {
  for (const mayWrite of [true, false]) {
    const opened = await open({ kubeconfig }, mayWrite);
    assert.equal(opened.writer !== null, mayWrite);
    assert.equal(opened.source.defaultNamespace, "prod");
    assert.equal(opened.source.description, "http://127.0.0.1:9 as context x");
    opened.close();
    opened.close();
  }
});

test("files are the user's: they are never written", async () => {
  const opened = await open({ objects, namespace: "dev" }, true);
  assert.equal(opened.writer, null);
  assert.equal(opened.source.description, `directory ${objects}`);
  opened.close();
});

test("what excludes each other, or cannot be, is refused", async () => {
  await assert.rejects(open({ objects, kubeconfig }, true), OptionsError);
  await assert.rejects(open({ objects: join(root, "none") }, true), DiscoveryError);
  await assert.rejects(open({ kubeconfig: join(root, "none") }, true), DiscoveryError);
});
