/** `fairlead endpoints`: forms of output, watching, files, and its exit codes. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { runProcess, startProcess, stopAll } from "../peers/processes.ts";
import { type EchoCluster, kubeconfigText, startEchoCluster } from "../support/lab-cluster.ts";
import { FAIRLEAD, until } from "./harness.ts";

let lab: EchoCluster;

before(async () => {
  lab = await startEchoCluster();
  lab.addPod(1);
  lab.addPod(2, false);
});

after(async () => {
  await stopAll();
  await lab.close();
});

const endpoints = (...args: string[]) => runProcess(FAIRLEAD, ["endpoints", ...args]);
const inLab = () => ["--kubeconfig", lab.kubeconfig];

test("JSON has every endpoint, used or not, with what its slice says", async () => {
  const target = "kubernetes:///echo.prod:grpc";
  const { code, stdout, stderr } = await endpoints(target, "-o", "json", ...inLab());
  assert.equal(code, 0, stderr);
  const { target: named, endpoints: rows } = JSON.parse(stdout);
  assert.equal(named, target);
  assert.deepEqual(
    rows.map((row: { address: string }) => row.address),
    ["127.0.2.1:50051", "127.0.2.2:50051"],
  );
  const [ready, other] = rows;
  const { addresses, serving, terminating, usable, pod, node, zone, hints } = ready;
  assert.deepEqual([addresses, serving, terminating], [["127.0.2.1:50051"], true, false]);
  assert.deepEqual([ready.ready, usable, ready.reason], [true, true, "ready"]);
  assert.deepEqual([pod, node, zone], ["echo-1", "node-1", "a"]);
  assert.deepEqual(hints, { nodes: [], zones: [] });
  assert.match(ready.uid, /^[0-9a-f-]{36}$/);
  assert.match(ready.slice, /^echo-[a-z0-9]{5}$/);
  assert.deepEqual([other.ready, other.usable, other.reason], [false, false, "not ready"]);
});

test("the table names the slice and the rule, and wide has more", async () => {
  const { code, stdout } = await endpoints("kubernetes:///echo:80", ...inLab());
  assert.equal(code, 0);
  assert.match(stdout, /^target kubernetes:\/\/\/echo:80 {3}1 of 2 endpoints usable$/m);
  assert.match(stdout, /^ADDRESS +READY +SERVING +TERMINATING +ZONE +HINT +NODE +SLICE +POD/m);
  assert.match(stdout, /^127\.0\.2\.2:50051 +no +no +no +b +- +node-2 +echo-\w+ +echo-2 +no +not/m);
  const wide = await endpoints("kubernetes:///echo:80", "-o", "wide", ...inLab());
  assert.match(wide.stdout, /REASON +UID +OTHER ADDRESSES$/m);
});

test("with -w each change is a document, and a signal ends it with 0", async () => {
  const args = ["endpoints", "kubernetes:///echo.prod:grpc", "-w", "-o", "json", ...inLab()];
  const watching = startProcess(FAIRLEAD, args);
  const documents = () => watching.stdout.trim().split("\n").filter(Boolean);
  await until("the first set", () => documents().length === 1);
  lab.workload.setReady("echo-2", true);
  await until("the change", () => documents().length === 2);
  const usable = documents().map(
    (line) => JSON.parse(line).endpoints.filter((row: { usable: boolean }) => row.usable).length,
  );
  assert.deepEqual(usable, [1, 2]);
  const { code } = await watching.stop();
  assert.equal(code, 0);
  lab.workload.setReady("echo-2", false);
});

test("with -w it ends when nobody reads any more", async () => {
  const line = '"$0" endpoints kubernetes:///echo:80 -w -o json --kubeconfig "$1" | head -n 1';
  const watching = startProcess("/bin/sh", ["-c", line, FAIRLEAD, lab.kubeconfig]);
  await watching.waitFor(/\n/);
  let hasEnded = false;
  watching.exited.then(() => {
    hasEnded = true;
  });
  let isReady = false;
  await until("the end", () => {
    isReady = !isReady;
    lab.workload.setReady("echo-2", isReady);
    return hasEnded;
  });
  lab.workload.setReady("echo-2", false);
});

test("with -w and a table only rows that changed are printed again", async () => {
  const watching = startProcess(FAIRLEAD, ["endpoints", "kubernetes:///echo:80", "-w", ...inLab()]);
  await watching.waitFor(/^127\.0\.2\.1:50051/m);
  lab.workload.setReady("echo-2", true);
  const [change] = await watching.waitFor(/^~ {3}127\.0\.2\.2:50051 .*$/m);
  assert.match(change, /yes +ready$/);
  assert.match(watching.stdout, /^\d{4}-\d\d-\d\dT[\d:.]+Z {3}target .* 2 of 2 endpoints usable$/m);
  assert.doesNotMatch(watching.stdout, /^~ {3}127\.0\.2\.1/m);
  await watching.stop();
  lab.workload.setReady("echo-2", false);
});

test("a Service that does not exist exits 1 and says so", async () => {
  const { code, stdout } = await endpoints("kubernetes:///nope.prod:80", "-o", "json", ...inLab());
  assert.equal(code, 1);
  const { endpoints: rows, reason } = JSON.parse(stdout);
  assert.deepEqual([rows, reason], [[], "service prod/nope does not exist"]);
});

test("an API server that is not there is told after five seconds, exit 1", async () => {
  const file = `${lab.directory}/dead.yaml`;
  writeFileSync(file, kubeconfigText("http://127.0.0.1:9"));
  const { code, stderr, stdout } = await endpoints("kubernetes:///echo:80", "--kubeconfig", file);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^fairlead: kubernetes:\/\/\/echo:80 cannot be resolved: .*refused/m);
});

test("a list is shown without asking anybody", async () => {
  const { code, stdout } = await endpoints("127.0.0.2:1,127.0.0.1:1", "-o", "json");
  assert.equal(code, 0);
  const rows = JSON.parse(stdout).endpoints;
  assert.deepEqual(
    rows.map((row: Record<string, unknown>) => [row.address, row.usable, row.slice, row.source]),
    [
      ["127.0.0.1:1", true, null, "static"],
      ["127.0.0.2:1", true, null, "static"],
    ],
  );
});

test("mistakes are one line and exit 2", async () => {
  for (const [args, line] of [
    [[], /missing required argument 'target'/],
    [["kubernetes:///"], /^fairlead: target "kubernetes:\/\/\/"/],
    [["127.0.0.1:1", "-o", "yaml"], /--output "yaml": must be one of table, wide, json/],
    [["a:1", "--objects", "x", "--context", "y"], /--objects and --context exclude each other/],
  ] as const) {
    const { code, stderr } = await endpoints(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, line);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});
