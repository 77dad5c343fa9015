/**
 * `fairlead lab run` and `fairlead lab list` as a user has them: every scenario that comes with
 * fairlead in its short form, on real pods, clients and proxies; each seen to fail where its truth
 * is broken; and what is said of mistakes.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FAIRLEAD } from "../cli/harness.ts";
import { rootDir } from "../peers/paths.ts";
import { runProcess, stopAll } from "../peers/processes.ts";
import { processTree } from "../peers/usage.ts";

const TIMEOUT_MS = 300_000;
const BUILT_IN = join(rootDir, "src/lab/scenario/built-in");

interface Finding {
  readonly lane: string;
  readonly measure: string;
  readonly documented: string;
  readonly seen: string;
  readonly value: number | null;
  readonly isMet: boolean;
}

interface Scenario {
  readonly name: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly isInNetns: boolean;
  readonly findings: readonly Finding[];
}

let directory = "";
before(() => {
  directory = mkdtempSync(join(tmpdir(), "fairlead-scenarios-"));
});
after(async () => {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
});

function run(...args: string[]) {
  return runProcess(FAIRLEAD, ["lab", "run", ...args], { timeoutMs: TIMEOUT_MS });
}

/** What was seen and is not as it is documented. */
function told({ name, outcome, reason, findings }: Scenario): string {
  const not = findings.filter(({ isMet }) => !isMet);
  const lines = not.map(({ lane, seen, documented }) => `${lane}: ${seen}; not ${documented}`);
  return [`${name}: ${outcome}`, reason ?? "", ...lines].join("\n");
}

test("every scenario shows what it says, or says what it needs", async () => {
  const { code, stdout, stderr } = await run("--all", "--short", "--jobs", "3", "-o", "json");
  const { scenarios } = JSON.parse(stdout) as { scenarios: Scenario[] };
  for (const scenario of scenarios) {
    if (scenario.outcome !== "skipped") assert.equal(scenario.outcome, "shown", told(scenario));
    else assert.match(scenario.reason!, /./, scenario.name);
  }
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    scenarios.map(({ name }) => name),
    [
      ...["clusterip", "luck-200-300", "http1", "headless", "scale-up-gap", "envoy-tutorial"],
      ...["nginx", "nesting", "sidecar", "slow-pod", "pool", "rollout", "proxyless"],
    ],
  );
  // Those need nothing that is not everywhere.
  for (const name of ["clusterip", "headless", "scale-up-gap", "rollout"]) {
    assert.equal(scenarios.find((scenario) => scenario.name === name)!.outcome, "shown");
  }
});

/** A built-in one under another name, with its truth broken. */
function broken(name: string, ...changes: readonly (readonly [found: string, now: string])[]) {
  let text = readFileSync(join(BUILT_IN, `${name}.yaml`), "utf8");
  for (const [found, now] of changes) {
    assert.ok(text.includes(found), `${name}: ${found}`);
    text = text.replace(found, now);
  }
  const path = join(directory, `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}

test("what is not as documented is told, and the exit code is 1", async () => {
  const files = [
    // Who sees the pod that comes, and who does not, change places.
    broken("scale-up-gap", ["lane: headless", "lane: client"], ["[client, proxy]", "[headless]"]),
    broken("clusterip", ["lanes: [clusterip]", "lanes: [{lane: static, name: clusterip}]"]),
  ];
  const { code, stdout, stderr } = await run(...files, "--short", "--jobs", "2", "-o", "json");
  assert.equal(code, 1, stderr);
  const { scenarios, notShown } = JSON.parse(stdout) as { scenarios: Scenario[]; notShown: number };
  assert.equal(notShown, 2);
  const not = scenarios.map(({ findings }) =>
    findings.filter(({ isMet }) => !isMet).map(({ lane, documented }) => `${lane}: ${documented}`),
  );
  assert.deepEqual(not[0]!.slice(0, 2), ["client: pods used: 3", "client: share of echo-4: 0"]);
  assert.ok(not[0]!.includes("headless: pods used: 4"));
  assert.ok(not[1]!.includes("clusterip: pods used: 1"));
  assert.ok(not[1]!.includes("clusterip: connections: 1"));
});

test("a scenario whose need is missing is skipped; with --require that is a failure", async () => {
  const path = join(directory, "needs.yaml");
  const text = `version: 1
name: needs
title: In a network of its own
needs: [netns]
pods: 1
lanes: [clusterip]
seconds: 1
expect: [{lane: clusterip, that: {failed: 0}}]
`;
  writeFileSync(path, text);
  const env = { PATH: "/nonexistent" };
  const node = [process.execPath, join(rootDir, "src/cli/main.ts"), "lab", "run", path];
  const skipped = await runProcess(node[0]!, node.slice(1), { env });
  assert.equal(skipped.code, 0, skipped.stderr);
  assert.match(skipped.stdout, /needs: In a network of its own\n {4}skipped: --netns: /);
  assert.match(skipped.stdout, /^1 scenario: 0 as documented, 1 skipped$/m);
  const required = await runProcess(node[0]!, [...node.slice(1), "--require"], { env });
  assert.equal(required.code, 1);
  // Asked for on the command line, it is no reason to skip.
  const asked = [process.execPath, join(rootDir, "src/cli/main.ts"), "lab", "run", "http1"];
  const refused = await runProcess(asked[0]!, [...asked.slice(1), "--netns"], { env });
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /^fairlead: --netns: /);
});

test("mistakes are told with line and column before anything runs, and the exit code is 2", async () => {
  const path = join(directory, "bad.yaml");
  writeFileSync(path, "version: 1\nname: bad\nlanes: [clusterp]\n");
  const { code, stdout, stderr } = await run("clusterip", path);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(
    stderr.replace(/one of clusterip, [\w, ]+/, "one of LANES"),
    [
      `fairlead: ${path}:1:1: missing: title, pods, seconds, expect\n`,
      `fairlead: ${path}:3:9: lanes[0] "clusterp": must be one of LANES: did you mean clusterip?\n`,
    ].join(""),
  );
  const unknown = await run("clusterp");
  assert.equal(unknown.code, 2);
  assert.match(
    unknown.stderr,
    /^fairlead: clusterp: no scenario of this name and no file; .*: did you mean clusterip\?\n$/,
  );
  const none = await run();
  assert.deepEqual([none.code, none.stdout], [2, ""]);
  assert.match(none.stderr, /^fairlead: run: which scenarios\?/);
  // It was dropped without a word: the scenario ran with the pods of its file.
  const before = await runProcess(FAIRLEAD, ["lab", "--pods", "3", "run", "clusterip"]);
  assert.deepEqual([before.code, before.stdout], [2, ""]);
  assert.match(
    before.stderr,
    /^fairlead: --pods before run: is an option of fairlead lab, not of /,
  );
  const absent = await run("./absent.yaml");
  assert.equal(absent.stderr, "fairlead: ./absent.yaml: cannot be read: no such file\n");
});

test("Ctrl-C ends it in order, with what is known by then; no process is left", async () => {
  const lab = spawn(FAIRLEAD, ["lab", "run", "rollout", "headless", "-o", "json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  lab.stdout.on("data", (data) => (stdout += data));
  const ended = new Promise<number | null>((resolve) => lab.once("exit", resolve));
  await new Promise<void>((resolve) =>
    lab.stderr.on("data", (data) => {
      stderr += data;
      if (stderr.includes('"scenario":"rollout"')) resolve();
    }),
  );
  const pids = processTree(lab.pid!);
  lab.kill("SIGINT");
  assert.equal(await ended, 1, stderr);
  const { scenarios, stopped } = JSON.parse(stdout) as { scenarios: Scenario[]; stopped: number };
  assert.deepEqual(
    scenarios.map(({ name, outcome, reason }) => [name, outcome, reason]),
    [["rollout", "stopped", "stopped before its end"]],
  );
  assert.equal(stopped, 1);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/, String(pid));
});

test("list names scenarios and lanes; one of them is a file to start from", async () => {
  const all = await runProcess(FAIRLEAD, ["lab", "list"]);
  assert.match(all.stdout, /^scenarios \(fairlead lab run NAME\):\n {2}clusterip +One connection/);
  assert.match(all.stdout, /\nlanes:\n {2}clusterip +ClusterIP Service: stock grpc-js/);
  const one = await runProcess(FAIRLEAD, ["lab", "list", "slow-pod", "-o", "yaml"]);
  assert.equal(one.stdout, readFileSync(join(BUILT_IN, "slow-pod.yaml"), "utf8"));
  const none = await runProcess(FAIRLEAD, ["lab", "list", "slow-pot"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /slow-pot: no scenario of this name .*: did you mean slow-pod\?\n$/);
});
