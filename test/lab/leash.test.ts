/**
 * However a lab goes, its processes go too: pods that have one each, pods that share, clients,
 * proxies, and programs that are not Node's.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
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
    const pids = processTree(lab.pid);
    assert.ok(pids.length >= 1 + processes, `${pids.length} processes`);
    lab.signal(signal);
    await lab.exited;
    // On a machine with time to spare it takes a tenth of a second.
    for (let tries = 0; pids.some(isAlive); tries += 1) {
      assert.ok(tries < 3000, `${pids.filter(isAlive)} are there after 60 s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
}
