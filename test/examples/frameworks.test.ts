/**
 * The examples of the frameworks, each as a user runs it: its own client and servers, the rights of
 * its own manifest, and calls that three pods share. And clients of servers in other languages.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { findPeer, requirePeer } from "../peers/find.ts";
import { rootDir } from "../peers/paths.ts";
import { runProcess } from "../peers/processes.ts";
import { type Greeters, type ServerCommand, startGreeters } from "./greeters.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

const EXAMPLES = ["nest", "nice-grpc", "connect", "plain"];
const FOLDERS = EXAMPLES.map((name) => `examples/${name}`);
const CALLS = 300;
const PODS = ["greeter-1", "greeter-2", "greeter-3"];
/** Three pods, calls one after the other, chosen at random: a fair share is 100, sigma 8. */
const SHARE_MIN = 60;
const TSC = join(rootDir, "node_modules/.bin/tsc");

let workspace: Workspace | null = null;

before(async () => {
  if (findPeer("ecosystem") === null) return;
  workspace = await openWorkspace({ skip: () => {} }, FOLDERS);
});
after(() => workspace?.remove());

/** The workspace with the example in it compiled if need be; null when the test is skipped. */
async function open(t: TestContext, name: string): Promise<Workspace | null> {
  if (requirePeer(t, "ecosystem") === null || workspace === null) return null;
  if (name === "nest") {
    const build = await runProcess(TSC, ["-p", workspace.path(name)]);
    assert.equal(build.code, 0, build.stdout);
  }
  return workspace;
}

/** How the servers in Go and Python are told where to listen. */
const byFlag = (address: string) => ({ args: ["--listen", address] });

/** A program of an example that runs by Node. */
function program(name: string, which: string): string {
  return name === "nest" ? `dist/${which}.js` : `${which}.ts`;
}

/** The example's own server; those in Go where it has none. */
function serverOf(name: string, cwd: string, go: string): ServerCommand {
  if (name === "plain") return { command: [go], at: byFlag };
  const at = (address: string) => ({ env: { LISTEN: address } });
  return { command: [process.execPath, program(name, "server")], cwd, at };
}

/** Runs the client of an example; what it printed. */
async function runClient(name: string, cwd: string, { env }: Greeters): Promise<string> {
  const run = await runProcess(process.execPath, [program(name, "client")], {
    ...{ name: `${name} client`, cwd, env: { ...env, CALLS: String(CALLS) }, timeoutMs: 30_000 },
  });
  assert.equal(run.code, 0, run.stdout + run.stderr);
  return run.stdout;
}

/** Checks that all pods answered, none of them much less than its share. */
function assertShared(output: string, pods: readonly string[]): void {
  const counts = pods.map((pod) => Number(new RegExp(`'${pod}': (\\d+)`).exec(output)?.[1] ?? 0));
  const sum = counts.reduce((total, count) => total + count, 0);
  assert.equal(sum, CALLS, output);
  assert.ok(Math.min(...counts) >= SHARE_MIN, output);
}

for (const name of EXAMPLES) {
  test(`${name}: calls are shared by the pods of its Service`, async (t) => {
    const go = requirePeer(t, "greeter");
    const place = await open(t, name);
    if (go === null || place === null) return;
    const cwd = place.path(name);
    const cluster = await startGreeters(join(cwd, "kubernetes.yaml"), place.path());
    t.after(() => cluster.close());
    for (const _ of PODS) await cluster.add(serverOf(name, cwd, go));
    const output = await runClient(name, cwd, cluster);
    assertShared(output, PODS);
    assert.match(output, /a stream of 3: hello \w+/);
    if (name !== "nest") assert.match(output, /all at once: hello ann and bob/);
  });
}

test("servers in Go and Python behind one Node client", async (t) => {
  const go = requirePeer(t, "greeter");
  const python = requirePeer(t, "python-grpcio-tools");
  if (go === null || python === null) return;
  const place = await open(t, "nice-grpc");
  if (place === null) return;
  const cwd = place.path("nice-grpc");
  const cluster = await startGreeters(join(cwd, "kubernetes.yaml"), place.path());
  t.after(() => cluster.close());
  await cluster.add({ command: [go], at: byFlag });
  const pythonDir = join(rootDir, "examples/servers/python");
  await cluster.add({ command: [python, "server.py"], cwd: pythonDir, at: byFlag });
  await cluster.add({ command: [python, "server.py"], cwd: pythonDir, at: byFlag });
  const output = await runClient("nice-grpc", cwd, cluster);
  assertShared(output, PODS);
  assert.match(output, /all at once: hello ann and bob/);
});

test("the examples' TypeScript is right", async (t) => {
  const place = await open(t, "connect");
  if (place === null) return;
  const flags = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2023"];
  const modules = ["--module", "nodenext", "--allowImportingTsExtensions", "--types", "node"];
  for (const name of EXAMPLES.filter((each) => each !== "nest")) {
    const files = ["client.ts", "server.ts"]
      .map((file) => place.path(name, file))
      .filter((path) => existsSync(path));
    const run = await runProcess(TSC, [...flags, ...modules, ...files]);
    assert.equal(run.code, 0, run.stdout);
  }
});

test("all examples speak of one greet.proto", () => {
  const read = (path: string) =>
    readFileSync(join(rootDir, "examples", path, "greet.proto"), "utf8");
  const first = read("nest");
  for (const path of ["nice-grpc", "connect", "plain", "servers/go/greet", "servers/python"]) {
    assert.equal(read(path), first, path);
  }
});

test("what an example depends on is what it is tested with", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(rootDir, path), "utf8"));
  const installed = read("test/peers/ecosystem/package-lock.json").packages;
  const ours = read("package.json");
  for (const folder of [...FOLDERS, "examples/pets"]) {
    for (const [name, range] of Object.entries(read(`${folder}/package.json`).dependencies)) {
      const version =
        name === "fairlead" ? ours.version : installed[`node_modules/${name}`].version;
      assert.equal(range, `^${version}`, `${folder}: ${name}`);
    }
  }
});
