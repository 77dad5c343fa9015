/** `npm run chaos` with values that it does not take. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { runProcess, stopAll } from "../peers/processes.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

after(() => stopAll());

for (const [flag, value, allowed] of [
  ["--seed", "x", "a whole number"],
  ["--seed", "1.5", "a whole number"],
  ["--minutes", "0", "a number above 0"],
  ["--seconds", "ten", "a number above 0"],
] as const) {
  test(`${flag} ${value} is refused in one line, and nothing is run`, async () => {
    const args = [MAIN, flag, value];
    const { code, stdout, stderr } = await runProcess(process.execPath, args, {
      timeoutMs: 20_000,
    });
    assert.equal(stderr.trim(), `${flag} ${value}: must be ${allowed}`);
    assert.deepEqual([code, stdout], [2, ""]);
  });
}
