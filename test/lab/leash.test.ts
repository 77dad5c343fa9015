/**
 * However a lab goes, its processes go too: pods that have one each, pods that share, clients,
 * proxies, and programs that are not Node's.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { whyNoPeer } from "../../src/lab/lanes/peer-program.ts";
import { podProgram } from "../../src/lab/pods/pod-language.ts";
import { processTree, startProcess } from "../peers/processes.ts";

const FAIRLEAD = fileURLToPath(new URL("../../bin/fairlead", import.meta.url));

function isAlive(pid: number): boolean {
  try {
    // A zombie is gone: its parent has yet to read its end.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** A test that fails leaves nothing, either. */
function killAll(pids: readonly number[]): void {
  for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
}

async function untilGone(pids: readonly number[]): Promise<void> {
  // On a machine with time to spare it takes a tenth of a second.
  for (let tries = 0; pids.some(isAlive); tries += 1) {
    assert.ok(tries < 3000, `${pids.filter(isAlive)} are there after 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Case {
  readonly args: string;
  /** What Ctrl-C sends, what a crash of Node ends with, and what nobody can catch. */
  readonly signal: "SIGINT" | "SIGABRT" | "SIGKILL";
  /** At least so many: pods (of 25 and more up to 8 share one), kubelet, clients, proxies. */
  readonly processes: number;
}
const CASES: readonly Case[] = [
  { args: "--pods 12 --lanes clusterip,proxy", signal: "SIGKILL", processes: 12 + 1 + 2 + 2 },
  { args: "--pods 30 --lanes client", signal: "SIGKILL", processes: 4 + 1 + 1 },
  { args: "--pods 26 --lanes client", signal: "SIGINT", processes: 4 + 1 + 1 },
  { args: "--pods 3 --lanes client", signal: "SIGABRT", processes: 3 + 1 + 1 },
  {
    args: "--pods 2 --lanes client --pod-language python",
    signal: "SIGKILL",
    processes: 2 + 1 + 1,
  },
];

for (const { args, signal, processes } of CASES) {
  test(`after ${signal} to a lab of ${args} nothing of it is left`, async (t) => {
    const needs = args.endsWith("python") ? podProgram("python") : null;
    if (needs !== null && "why" in needs) return t.skip(needs.why);
    const lab = startProcess(FAIRLEAD, ["lab", "--page", "127.0.0.1:0", ...args.split(" ")]);
    t.after(() => lab.stop());
    await lab.waitFor(/"address":"http/);
    const [, kubeconfig = ""] = await lab.waitFor(/"kubeconfig":"([^"]+)"/);
    const pids = processTree(lab.pid);
    t.after(() => killAll(pids));
    assert.ok(pids.length >= 1 + processes, `${pids.length} processes`);
    lab.signal(signal);
    await lab.exited;
    await untilGone(pids);
    // After SIGKILL it stayed, one for each lab that ever ended so.
    assert.ok(!existsSync(dirname(kubeconfig)), `${kubeconfig} is there`);
  });
}

// Figures of a proxy that was stopped were waited for, and the lab never ended.
test("Ctrl-C ends a lab all of whose processes hang", async (t) => {
  const lanes = ["client", "nested", ...(whyNoPeer("nginx") === null ? ["nginx"] : [])];
  const args = ["lab", "--page", "127.0.0.1:0", "--pods", "2", "--lanes", lanes.join()];
  const lab = startProcess(FAIRLEAD, args);
  t.after(() => lab.stop());
  await lab.waitFor(/"address":"http/);
  const pids = processTree(lab.pid);
  t.after(() => killAll(pids));
  for (const pid of pids.filter((each) => each !== lab.pid)) process.kill(pid, "SIGSTOP");
  lab.signal("SIGINT");
  assert.deepEqual(await lab.exited, { code: 0, signal: null });
  await untilGone(pids);
});
