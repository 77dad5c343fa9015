/** Tests of what keeps a program alive: calls in flight, and nothing else of ours. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { realClock } from "../../base/index.ts";

const MODULE = JSON.stringify(new URL("process.ts", import.meta.url).href);

/** Runs a program with the client side of a process as `deps`; its output and how it ended. */
async function run(body: string): Promise<{ code: number | null; out: string }> {
  const program = `
    import { clientProcess } from ${MODULE};
    const { deps, pool } = clientProcess();
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (part) => {
    out += part;
  });
  const killer = realClock().setTimer(20_000, () => child.kill("SIGKILL"));
  const [code] = await once(child, "close");
  killer.cancel();
  return { code, out };
}

test("a program whose timers are all ours ends at once", async () => {
  const { code, out } = await run(`
    deps.clock.setTimer(3_600_000, () => {});
    deps.retain(); deps.retain(); deps.release(); deps.release();
    process.on("exit", () => console.log("over"));`);
  assert.deepEqual({ code, out }, { code: 0, out: "over\n" });
});

test("a call in flight keeps it alive until the last is over", async () => {
  const { code, out } = await run(`
    deps.retain(); deps.retain();
    deps.clock.setTimer(20, () => { console.log("first"); deps.release(); });
    deps.clock.setTimer(60, () => { console.log("second"); deps.release(); });
    deps.clock.setTimer(3_600_000, () => console.log("never"));`);
  assert.deepEqual({ code, out }, { code: 0, out: "first\nsecond\n" });
});

test("there is one client side a process", async () => {
  const { out } = await run("console.log(clientProcess().pool === pool);");
  assert.equal(out, "true\n");
});
