/**
 * Programs that are not Node's on the lab's leash: they and their workers end with the lab, however
 * it ends, and are known by their own process id.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { realClock } from "../../src/base/index.ts";
import { type Child, Children } from "../../src/lab/system/children.ts";
import { processTree, startProcess } from "../peers/processes.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Two processes, the second a child of the first, that end by no signal of politeness. */
const STUBBORN = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo up >&2; wait";

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[]): Promise<void> {
  for (let tries = 0; pids.some(isAlive); tries += 1) {
    assert.ok(tries < 3000, `${pids.filter(isAlive)} are there after 60 s`);
    await sleep(20);
  }
}

function start(t: TestContext) {
  const children = new Children(realClock());
  t.after(() => children.close());
  return children;
}

test("it has its own process id, environment and exit code, and says why it ended", async (t) => {
  const children = start(t);
  const program = 'echo "$$ $GREETING" >&2; exit 3';
  const child = children.foreign("one", ["sh", "-c", program], { GREETING: "good day" });
  await child.ended;
  assert.equal(child.endReason, `ended with exit code 3: ${child.pid} good day`);
  const missing = children.foreign("two", ["/nowhere/nginx"]);
  await missing.ended;
  assert.match(missing.endReason, /^ended with exit code 127: .*\/nowhere\/nginx/);
});

test("at its end its workers go too: told to, killed, or when all are closed", async (t) => {
  const children = start(t);
  const polite = "(while :; do sleep 1; done) & echo up >&2; wait";
  const ends: readonly [string, (child: Child) => void | Promise<void>][] = [
    [polite, (child) => children.end(child)],
    [STUBBORN, (child) => child.kill()],
    [polite, () => children.close()],
  ];
  for (const [program, end] of ends) {
    const child = children.foreign("program", ["sh", "-c", program]);
    await new Promise<void>((resolve) => child.onStderr(resolve));
    const pids = processTree(child.pid!);
    assert.ok(pids.length >= 3, "program, worker, watcher");
    await end(child);
    await gone(pids);
  }
});

// A stand-in for a lab that crashes: nothing of it runs that could end its children.
const OWNER = `
  import { realClock } from "./src/base/index.ts";
  import { Children } from "./src/lab/system/children.ts";
  const child = new Children(realClock()).foreign("program", ["sh", "-c", process.argv[1]]);
  child.onStderr(() => console.error("child", child.pid));
`;

test("when the lab is killed by SIGKILL, the program and its worker are killed too", async (t) => {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--input-type=module", "--eval", OWNER, STUBBORN];
  const owner = startProcess(process.execPath, args, { cwd });
  t.after(() => owner.stop());
  await owner.waitFor(/child \d+/);
  const pids = processTree(owner.pid);
  assert.ok(pids.length >= 4, "owner, program, worker, watcher");
  owner.signal("SIGKILL");
  await gone(pids);
});
