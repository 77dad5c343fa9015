/**
 * What `npm pack` packs, in an empty directory without the sources and without node_modules: the
 * command, the lab and `fairlead/proxy` run from `dist/`.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runProcess, startProcess, stopAll } from "../peers/processes.ts";
import { type Packed, packPackage } from "../support/packed.ts";
import { call, logLines, startUpstream, withSession } from "./harness.ts";

let packed: Packed;
let dir: string;
let root: string;
let command: string;

before(async () => {
  packed = await packPackage();
  dir = packed.directory;
  root = packed.root;
  command = join(root, "bin", "fairlead");
});

after(async () => {
  await stopAll();
  packed.remove();
});

test("it has no sources and no dependencies, and the licences of what is inside", () => {
  assert.equal(existsSync(join(root, "src")), false);
  const { dependencies, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.equal(dependencies, undefined);
  assert.match(version, /^\d+\.\d+\.\d+/);
  const licences = readFileSync(join(root, "dist", "LICENSES.txt"), "utf8");
  for (const name of ["@grpc/grpc-js", "commander", "pino", "preact", "uplot"]) {
    assert.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"));
  }
});

test("--version and the help of every verb", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { code, stdout } = await runProcess(command, ["--version"], { cwd: dir });
  assert.deepEqual([code, stdout], [0, `${version}\n`]);
  for (const verb of ["proxy", "why", "lab"]) {
    assert.equal((await runProcess(command, [verb, "--help"], { cwd: dir })).code, 0);
  }
});

for (const workers of ["1", "2"]) {
  test(`the proxy relays with ${workers} workers`, async (t) => {
    const upstream = await startUpstream("a");
    t.after(() => upstream.close());
    const args = ["--listen", "127.0.0.1:0", "--to", upstream.address, "--workers", workers];
    const proxy = startProcess(command, ["proxy", ...args], { cwd: dir });
    await proxy.waitFor(/"msg":"listening"/);
    const listening = logLines(proxy).find(({ msg }) => msg === "listening");
    await withSession(`http://${listening?.address}`, async (session) => {
      assert.equal((await call(session)).name, "a");
    });
    assert.deepEqual(await proxy.stop(), { code: 0, signal: null });
  });
}

test("the lab runs, and serves its page", async () => {
  const args = ["lab", "--once", "--seconds", "2", "--pods", "2", "--page", "127.0.0.1:0"];
  const lab = startProcess(command, [...args, "-o", "json"], { cwd: dir });
  const [, url] = await lab.waitFor(/"address":"(http:[^"]+)"/);
  const page = await fetch(url!);
  assert.match(await page.text(), /<script[\s\S]*<\/script>/);
  assert.deepEqual(await lab.exited, { code: 0, signal: null }, lab.output);
  const { lanes } = JSON.parse(lab.stdout);
  // The lab's own copy of grpc-js is under this one: there is none to be found here.
  assert.ok(lanes.some(({ name }: { name: string }) => name === "client"));
  assert.deepEqual(
    lanes.map(({ failed }: { failed: number }) => failed),
    lanes.map(() => 0),
  );
});

test("a proxy loads none of the libraries inside Node that it does not use", async () => {
  const entry = pathToFileURL(join(root, "dist", "proxy", "index.js")).href;
  const script = `await import(${JSON.stringify(entry)});
    console.log(process.moduleLoadList.filter((name) => /undici|webcrypto/.test(name)).join());`;
  const args = ["--input-type=module", "--eval", script];
  const { code, stdout, stderr } = await runProcess(process.execPath, args, { cwd: dir });
  assert.deepEqual([code, stdout], [0, "\n"], stderr);
});

test("fairlead/proxy can be imported, and has types", async () => {
  const entry = join(root, "dist", "proxy", "index.js");
  assert.ok(existsSync(join(root, "dist", "types", "proxy", "public.d.ts")));
  const script = join(dir, "use.mjs");
  writeFileSync(
    script,
    `import { startProxy } from ${JSON.stringify(pathToFileURL(entry).href)};
     const proxy = await startProxy({ listen: "127.0.0.1:0", to: "127.0.0.1:50051" });
     console.log(proxy.addresses[0]);
     proxy.close();`,
  );
  const { code, stdout, stderr } = await runProcess(process.execPath, [script], { cwd: dir });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^127\.0\.0\.1:\d+\n$/);
});
