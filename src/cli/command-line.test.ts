/** The end of a verb that failed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runProcess } from "../../test/peers/processes.ts";

test("a verb that fails ends the process, whatever it left behind", async () => {
  const url = new URL("./command-line.ts", import.meta.url).href;
  const args = ["why", "127.0.0.1:1", "--service-config", "@/no/file"];
  // As a lookup that nobody can take back.
  const program = `
    import { runCommandLine } from ${JSON.stringify(url)};
    setInterval(() => {}, 1000);
    process.exitCode = await runCommandLine(${JSON.stringify(args)});`;
  const { code, stderr } = await runProcess(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { timeoutMs: 20_000 },
  );
  assert.equal(stderr, "fairlead: --service-config @/no/file: cannot be read: no such file\n");
  assert.equal(code, 1);
});
