/**
 * fairlead's two depths under what users of gRPC in Node have: static stubs of two generators,
 * stubs made at run time, NestJS, nice-grpc; and OpenTelemetry's instrumentation above them.
 *
 * Each program (`ecosystem/`) is a process with the published package and grpc-go's servers.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { type Greeters, startGreeters } from "../examples/greeters.ts";
import { openWorkspace, type Workspace } from "../examples/workspace.ts";
import { findPeer, requirePeer } from "../peers/find.ts";
import { rootDir } from "../peers/paths.ts";
import { runProcess } from "../peers/processes.ts";
import { startListener } from "./listener.ts";

const STUBS = ["grpc-tools", "ts-proto", "proto-loader", "nest", "nice-grpc"];
const DEPTHS = ["register", "channel"];
const PODS = ["greeter-1", "greeter-2", "greeter-3"];
const CALLS = 300;
/** Of calls one after the other, chosen at random; a fair share is 100, sigma 8. */
const SHARE_MIN = 60;
const TARGET = "kubernetes:///greeter:grpc";
const SERVICE = "grpc.greet.v1.Greeter";
const FOLDERS = ["test/client/ecosystem", "examples/nice-grpc"];

interface Outcome {
  readonly servers: Readonly<Record<string, number>>;
  readonly sayHellos: readonly string[];
  readonly greetAll: string;
  readonly chat: readonly string[];
  readonly spans: readonly { readonly name: string; readonly traceparent: string }[];
}

let place: { readonly workspace: Workspace; readonly cluster: Greeters } | null = null;

before(async () => {
  const go = findPeer("greeter")?.path;
  if (go === undefined || findPeer("ecosystem") === null) return;
  const workspace = await openWorkspace({ skip: () => {} }, FOLDERS);
  const manifest = workspace!.path("nice-grpc", "kubernetes.yaml");
  const cluster = await startGreeters(manifest, workspace!.path());
  place = { workspace: workspace!, cluster };
  const at = (address: string) => ({ args: ["--listen", address] });
  for (const _ of PODS) await cluster.add({ command: [go], at });
});
after(async () => {
  await place?.cluster.close();
  place?.workspace.remove();
});

/** Runs a program; null when the test is skipped. */
async function run(
  t: TestContext,
  stub: string,
  depth: string,
  target: string = TARGET,
  flags: readonly string[] = [],
): Promise<Outcome | null> {
  for (const name of ["greeter", "ecosystem"]) if (requirePeer(t, name) === null) return null;
  const { workspace, cluster } = place!;
  const program = await runProcess(process.execPath, [...flags, "main.ts", stub, depth, target], {
    ...{ name: `${stub} ${depth}`, cwd: workspace.path("ecosystem"), timeoutMs: 60_000 },
    env: { ...cluster.env },
  });
  assert.equal(program.code, 0, program.stdout + program.stderr);
  return JSON.parse(program.stdout) as Outcome;
}

for (const stub of STUBS) {
  for (const depth of DEPTHS) {
    test(`${stub}, ${depth}: all kinds of call, shared by all pods`, async (t) => {
      const outcome = await run(t, stub, depth);
      if (outcome === null) return;
      const counts = PODS.map((pod) => outcome.servers[pod] ?? 0);
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        CALLS,
      );
      assert.ok(Math.min(...counts) >= SHARE_MIN, JSON.stringify(outcome.servers));
      assert.deepEqual(outcome.sayHellos, Array(3).fill("hello all"));
      assert.equal(outcome.greetAll, "hello ann and bob");
      assert.deepEqual(outcome.chat, ["hello ann", "hello bob", "hello cid"]);
      assert.deepEqual(outcome.spans, []);
    });
  }
}

for (const stub of STUBS) {
  for (const depth of DEPTHS) {
    test(`${stub}, ${depth}: one client span a call, and the server is told of it`, async (t) => {
      const server = await startListener();
      t.after(() => server.close());
      const outcome = await run(t, stub, depth, server.address, ["--import", "./otel.ts"]);
      if (outcome === null) return;
      const counts: Record<string, number> = {};
      for (const { name } of outcome.spans) counts[name] = (counts[name] ?? 0) + 1;
      const methods = { SayHello: CALLS, SayHellos: 1, GreetAll: 1, Chat: 1 };
      const wanted = Object.entries(methods).map(([name, count]) => [`${SERVICE}/${name}`, count]);
      assert.deepEqual(counts, Object.fromEntries(wanted));
      const told = outcome.spans.map(
        ({ name, traceparent }) => `/${name.slice("grpc.".length)} ${traceparent}`,
      );
      assert.deepEqual(server.heard().toSorted(), told.toSorted());
    });
  }
}

test("the programs' TypeScript is right", async (t) => {
  if (requirePeer(t, "ecosystem") === null || place === null) return;
  const flags = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2024"];
  const modules = ["--module", "nodenext", "--allowImportingTsExtensions", "--types", "node"];
  const files = ["main", "otel", ...STUBS].map((name) =>
    place!.workspace.path("ecosystem", `${name}.ts`),
  );
  const lenient = ["--noImplicitAny", "false", "--allowJs", "--lib", "esnext"];
  const tsc = join(rootDir, "node_modules/.bin/tsc");
  const check = await runProcess(tsc, [...flags, ...modules, ...lenient, ...files]);
  assert.equal(check.code, 0, check.stdout);
});
