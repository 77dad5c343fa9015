/**
 * `fairlead lab` as its user runs it: exit codes, what goes to stdout, and that no process is left
 * however it ends.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseLabOptions } from "../../src/lab/index.ts";
import { processTree, runProcess, startProcess } from "../peers/processes.ts";

const FAIRLEAD = fileURLToPath(new URL("../../bin/fairlead", import.meta.url));

/**
 * Pods, a client a lane, a ClusterIP stand-in, a proxy, the kubelet, and who takes the kubeconfig
 * away.
 */
const childrenOf = (pods: number): number => pods + 4 + 1 + 1 + 1 + 1;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Those of `pids` that are still there. A zombie is gone: its parent has yet to read its end. */
function alive(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}

/** Starts a lab without an end and resolves once its load runs. */
async function startLab(t: TestContext, ...args: string[]) {
  const lab = startProcess(FAIRLEAD, ["lab", "--pods", "3", "--page", "127.0.0.1:0", ...args]);
  t.after(() => lab.stop());
  const [, url] = await lab.waitFor(/"address":"(http:[^"]+)"/);
  return { lab, url: url!, pids: processTree(lab.pid) };
}

test("the help names the lanes that run by default", async () => {
  const { stdout } = await runProcess(FAIRLEAD, ["lab", "--help"]);
  const [, names] = /which ways to compare\s+\(default:\s+(\S+)\)/.exec(stdout) ?? [];
  assert.equal(names, parseLabOptions({}).lanes.join());
});

test("while it runs, other programs find its pods by the kubeconfig that it names", async (t) => {
  const { lab } = await startLab(t, "--lanes", "static");
  const [, kubeconfig = "", target = ""] = await lab.waitFor(
    /"kubeconfig":"([^"]+)","target":"([^"]+)"/,
  );
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, ["endpoints", target], {
    env: { KUBECONFIG: kubeconfig },
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /3 of 3 endpoints usable/);
});

test("--once -o json prints one document and exits 0", async () => {
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, [
    ...["lab", "--once", "--seconds", "2", "--pods", "3", "-o", "json", "--page", "none"],
  ]);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.pods, 3);
  const lanes = new Map<string, Record<string, unknown>>();
  for (const lane of report.lanes) lanes.set(lane.name, lane);
  assert.match(
    String(lanes.get("clusterip")!.verdict),
    /^1 of 3 pods used: one connection, so every call went to/,
  );
  assert.deepEqual([...lanes.keys()], ["clusterip", "headless", "client", "proxy"]);
  for (const name of ["headless", "client", "proxy"]) {
    const lane = lanes.get(name)!;
    assert.match(String(lane.verdict), /^3 of 3 pods used evenly: /);
    assert.equal(lane.failed, 0);
  }
  assert.equal(lanes.get("client")!.connections, 3);
  assert.equal(lanes.get("proxy")!.connections, 1);
});

test("--scale: client and proxy follow the pods, and no call fails", async () => {
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, [
    ...["lab", "--once", "--scale", "2,4,1", "--scale-every", "4"],
    ...["--lanes", "headless,client,proxy", "-o", "json", "--page", "none"],
  ]);
  assert.equal(code, 0, stderr);
  const { pods, lanes } = JSON.parse(stdout) as {
    pods: number;
    lanes: { failed: number; verdict: string; steps: { pods: number; podsUsed: number }[] }[];
  };
  assert.equal(pods, 1);
  const used = lanes.map(({ steps }) => steps.map((step) => `${step.podsUsed} of ${step.pods}`));
  assert.deepEqual(used, [
    ["2 of 2", "2 of 4", "1 of 1"],
    ["2 of 2", "4 of 4", "1 of 1"],
    ["2 of 2", "4 of 4", "1 of 1"],
  ]);
  for (const { failed, verdict } of lanes) assert.equal(failed, 0, verdict);
});

test("--once prints a table without escape codes into a pipe", async () => {
  const args = ["lab", "--once", "--seconds", "1", "--pods", "2", "--lanes", "static"];
  const { code, stdout } = await runProcess(FAIRLEAD, [...args, "--page", "none"]);
  assert.equal(code, 0);
  assert.ok(!stdout.includes("\x1b"));
  const shares = [1, 2].map((pod) => {
    // Below the fair share the bar ends in a part of a block, and the mark may stand off it.
    const row = new RegExp(`^echo-${pod} +█+[▏▎▍▌▋▊▉]? *┊? +(\\d+\\.\\d)%$`, "m");
    return Number(row.exec(stdout)?.[1]);
  });
  assert.ok(Math.abs(shares[0]! + shares[1]! - 100) < 0.11, stdout);
  assert.match(stdout, /^. static {2}2 of 2 pods used evenly: /m);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends the load, prints the verdicts, and leaves no process`, async (t) => {
    const { lab, pids } = await startLab(t);
    assert.equal(pids.length, 1 + childrenOf(3));
    await sleep(700);
    lab.signal(signal);
    assert.deepEqual(await lab.exited, { code: 0, signal: null });
    assert.deepEqual(alive(pids), []);
    assert.match(
      lab.stdout,
      /^. clusterip {2}1 of 3 pods used: one connection, so every call went to echo-\d$/m,
    );
    assert.match(lab.stdout, /^. proxy {6}3 of 3 pods used evenly: /m);
  });
}

// Its exit code was that of a run in which all went well.
test("a lab of which a lane breaks off while it runs ends with 1", async (t) => {
  const { lab, pids } = await startLab(t, "--lanes", "client,static", "-o", "json");
  const isClient = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("fairlead-lab caller kubernetes:");
  process.kill(pids.find(isClient)!, "SIGKILL");
  await sleep(1000);
  lab.signal("SIGINT");
  assert.deepEqual(await lab.exited, { code: 1, signal: null });
  const [client, listed] = JSON.parse(lab.stdout).lanes;
  assert.equal(client.failure, "its client ended by SIGKILL");
  assert.equal(listed.failure, null);
});

// It went on for ever, and wrote to nobody.
test("a lab without an end ends when nobody reads it any more", async () => {
  const line = '"$0" lab --pods 2 --lanes static --page none | head -n 1';
  const { code, stdout } = await runProcess("/bin/sh", ["-c", line, FAIRLEAD]);
  assert.equal(code, 0);
  assert.match(stdout, /^starting 2 pods/);
});

// It ended with Node's own words and a stack.
test("no directory for its files: one clear line, exit 1", async () => {
  const env = { TMPDIR: "/no/such/place" };
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, ["lab", "--once"], { env });
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  const said = /^fairlead: no file can be written under \/no\/such\/place \(TMPDIR .*ENOENT.*\n$/;
  assert.match(stderr, said);
});

test("a named page port in use: one clear line, exit 1, nothing started", async (t) => {
  const other = http.createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  const page = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, ["lab", "--page", page]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`--page ${page}: the port is in use`));
});

for (const [args, message] of [
  [["--pods", "many"], /--pods "many": must be a whole number from 1 to 100/],
  [["--lanes", "bogus"], /--lanes "bogus": no such lane/],
  [["--seconds", "-1"], /--seconds "-1"/],
  [["--events", "3s:explode"], /--events "explode": must be one of slow/],
] as const) {
  test(`${args.join(" ")}: one clear line, exit 2`, async () => {
    const { code, stdout, stderr } = await runProcess(FAIRLEAD, ["lab", ...args]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  });
}
