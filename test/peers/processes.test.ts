/**
 * Child processes are waited for by line and by port, measured with their children, and never left.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { recipesDir } from "./paths.ts";
import {
  freePort,
  freePorts,
  processTree,
  readUsage,
  runProcess,
  startProcess,
  waitForPort,
} from "./processes.ts";

const isLinux = process.platform === "linux";
const node = process.execPath;

/** Whether it runs: one that has ended and waits to be reaped does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isLinux || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function wantGone(pid: number): Promise<void> {
  for (let tries = 0; isAlive(pid) && tries < 500; tries += 1) await sleep(10);
  assert.ok(!isAlive(pid), `process ${pid} is still there`);
}

test("a line is waited for, also one that came before", async () => {
  const child = startProcess(node, ["-e", "console.log('port=7'); setInterval(() => {}, 1e3)"]);
  assert.equal((await child.waitFor(/port=(\d+)/))[1], "7");
  assert.equal((await child.waitFor(/port=(\d+)/))[1], "7");
  assert.deepEqual(await child.stop(), { code: null, signal: "SIGTERM" });
});

test("waiting for a line that never comes tells what the program said instead", async () => {
  const child = startProcess(node, ["-e", "console.error('no such file'); process.exit(3)"]);
  await assert.rejects(child.waitFor(/ready/), /ended without \/ready\/\nno such file/);
  assert.deepEqual(await child.exited, { code: 3, signal: null });
});

test("a program that does not exist is reported, not awaited", async () => {
  await assert.rejects(async () => {
    const { code, stderr } = await runProcess("/no/such/program", []);
    throw new Error(`exit ${code}: ${stderr}`);
  }, /\/no\/such\/program/);
});

test("input reaches the program, and its output is collected", async () => {
  const echo = "process.stdin.pipe(process.stdout)";
  const run = await runProcess(node, ["-e", echo], { input: "ahoy" });
  assert.deepEqual(run, { code: 0, signal: null, stdout: "ahoy", stderr: "" });
});

test("a program that runs too long is killed, and said so", async () => {
  const run = runProcess(node, ["-e", "setInterval(() => {}, 1e3)"], { timeoutMs: 300 });
  await assert.rejects(run, /did not end within 300 ms/);
});

test("a program that ignores SIGTERM is killed with its children", async () => {
  const stubborn = `
    process.on("SIGTERM", () => {});
    const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e3)"]);
    console.log("child=" + c.pid);
    setInterval(() => {}, 1e3);`;
  const parent = startProcess(node, ["-e", stubborn]);
  const child = Number((await parent.waitFor(/child=(\d+)/))[1]);
  assert.deepEqual(await parent.stop(100), { code: null, signal: "SIGKILL" });
  await wantGone(child);
});

test("what was started ends with the process that started it", { skip: !isLinux }, async () => {
  const module = pathToFileURL(`${recipesDir}/processes.ts`);
  const starter = `
    const { startProcess } = await import("${module}");
    const up = "console.log('up'); setInterval(() => {}, 1e3)";
    const c = startProcess(process.execPath, ["-e", up]);
    // Before, the kernel may not know yet with whom it is to end.
    await c.waitFor(/up/);
    console.log("started=" + c.pid);
    if (process.argv[1] === "stay") setInterval(() => {}, 1e3); else process.exit(0);`;
  const args = ["--input-type=module", "-e", starter];
  const leaving = startProcess(node, args);
  await wantGone(Number((await leaving.waitFor(/started=(\d+)/))[1]));
  const killed = startProcess(node, [...args, "stay"]);
  const orphan = Number((await killed.waitFor(/started=(\d+)/))[1]);
  process.kill(killed.pid, "SIGKILL");
  if (existsSync("/usr/bin/setpriv")) await wantGone(orphan);
  await Promise.all([leaving.exited, killed.exited]);
});

test("free ports differ, and a port is waited for until somebody listens", async () => {
  assert.equal(new Set(await freePorts(5)).size, 5);
  const port = await freePort();
  await assert.rejects(waitForPort(port, "127.0.0.1", 50), /nobody listens on 127\.0\.0\.1:/);
  const listen = `require("net").createServer().listen(${port}, "127.0.0.1")`;
  const child = startProcess(node, ["-e", `setTimeout(() => ${listen}, 100)`]);
  await waitForPort(port);
  await child.stop();
});

test("CPU time and memory include the children", { skip: !isLinux }, async () => {
  const busy = "const end = Date.now() + 400; while (Date.now() < end); console.log('done');";
  const parent = startProcess(node, [
    "-e",
    `const c = require("child_process").spawn(process.execPath,
       ["-e", ${JSON.stringify(`${busy} setInterval(() => {}, 1e3)`)}], { stdio: "inherit" });
     setInterval(() => {}, 1e3);`,
  ]);
  await parent.waitFor(/done/);
  const tree = processTree(parent.pid);
  assert.equal(tree.length, 2);
  assert.equal(tree[0], parent.pid);
  const usage = readUsage(parent.pid);
  const alone = readUsage(tree[1] as number);
  assert.ok(alone.cpuUs > 0 && usage.cpuUs > alone.cpuUs, JSON.stringify({ usage, alone }));
  assert.ok(usage.rssBytes > alone.rssBytes && alone.rssBytesMax >= alone.rssBytes);
  await parent.stop();
  assert.deepEqual(readUsage(parent.pid), { cpuUs: 0, rssBytes: 0, rssBytesMax: 0, pids: [] });
});
