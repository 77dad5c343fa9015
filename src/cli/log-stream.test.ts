/**
 * Where log lines go: all of them in order, none to a reader that is gone, and no process that
 * waits for one. The story: a proxy with lines to write, whose supervisor had been killed, never
 * ended, because at exit it tried again and again to write to nobody.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const MODULE = new URL("./log-stream.ts", import.meta.url).href;
const CLOCK = new URL("../base/index.ts", import.meta.url).href;

/** A process that logs `count` lines and exits when its stdin ends, or at once. */
function start(count: number, waits: boolean) {
  const script = `
    import { LogStream } from ${JSON.stringify(MODULE)};
    import { realClock } from ${JSON.stringify(CLOCK)};
    const stream = new LogStream(2, 1 << 20, realClock());
    process.on("exit", () => stream.flushSync());
    const log = () => {
      for (let i = 0; i < ${count}; i += 1) stream.write("line " + i + "\\n");
      process.exit(0);
    };
    if (${waits}) process.stdin.resume().on("end", log); else log();
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["pipe", "ignore", "pipe"],
  });
}

test("lines that wait at exit are written, all and in order", async () => {
  const child = start(2_000, false);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (some: string) => {
    text += some;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  const lines = text.trimEnd().split("\n");
  assert.deepEqual([lines.length, lines[0], lines.at(-1)], [2_000, "line 0", "line 1999"]);
});

test("a process ends although the reader of its log is gone", async () => {
  const child = start(2_000, true);
  child.stderr.destroy();
  await once(child.stderr, "close");
  child.stdin.end();
  const [code, signal] = await once(child, "exit", { signal: AbortSignal.timeout(10_000) });
  assert.deepEqual([code, signal], [0, null]);
});

test("a process ends although the reader of its log takes nothing", async () => {
  const child = start(60_000, true);
  child.stderr.pause();
  child.stdin.end();
  const [code] = await once(child, "exit", { signal: AbortSignal.timeout(10_000) });
  assert.equal(code, 0);
  child.stderr.destroy();
});
