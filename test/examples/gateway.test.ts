/**
 * The Gateway's example without a cluster: the commands of its README, as they stand there but for
 * ports and addresses, which are free ones here.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ask, startProxy, until } from "../cli/harness.ts";
import { requirePeer } from "../peers/find.ts";
import { rootDir } from "../peers/paths.ts";
import { runProcess, startProcess, stopAll } from "../peers/processes.ts";

const EXAMPLE = join(rootDir, "examples/gateway");
const ADDRESS = "127.0.0.1:0";
const PODS = ["127.0.78.2", "127.0.78.3"];

after(() => stopAll());

test("gateway: both Services are reached behind TLS, pod after pod", async (t) => {
  const python = requirePeer(t, "python-grpcio");
  if (python === null) return;
  const readme = readFileSync(join(EXAMPLE, "README.md"), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "fairlead-gateway-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(EXAMPLE, folder, { recursive: true });
  const slices = join(folder, "local/slices.yaml");
  writeFileSync(slices, readFileSync(slices, "utf8").replaceAll("127.0.0.", "127.0.78."));
  const cwd = folder;
  assert.match(readme, /^local\/objects\.sh$/m);
  const made = await runProcess(join(folder, "local/objects.sh"), [], { cwd });
  assert.equal(made.code, 0, made.stderr);
  for (const pod of PODS) startProcess(python, ["local/pod.py", `${pod}:50051`], { cwd });
  const [, flags] = /^fairlead proxy (.*)$/m.exec(readme) ?? [];
  const given = flags!.replace(/127\.0\.0\.1:8443|9901/g, (it) => (it === "9901" ? "0" : ADDRESS));
  const words = given.replace("./objects", join(folder, "objects")).split(" ");
  const proxy = await startProxy(...words);
  await until("all pods are ready, for both Services", async () => {
    const { body } = await ask(proxy.admin, "/clusters?format=json");
    return body.match(/"state":"READY"/g)?.length === 2 * PODS.length;
  });
  const client = ["local/client.py", proxy.addresses[0]!, "tls.crt"];
  const { code, stdout, stderr } = await runProcess(python, client, { cwd });
  assert.equal(code, 0, stderr);
  const shown = [...readme.matchAll(/^(hello|olleh) from /gm)].map(([, word]) => word);
  const lines = stdout.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split(" ")[0]),
    shown,
  );
  for (const pod of PODS) {
    assert.equal(lines.filter((line) => line.includes(`from ${pod}:`)).length, 4, stdout);
  }
  proxy.process.signal("SIGTERM");
  await proxy.process.exited;
});
