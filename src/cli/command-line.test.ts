/** The end of a verb that failed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FAIRLEAD } from "../../test/cli/harness.ts";
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

test("endpoints and why of an xds target: what to use instead, in one sentence", async () => {
  for (const verb of ["endpoints", "why"]) {
    const { code, stderr } = await runProcess(FAIRLEAD, [verb, "xds:///echo.prod:50051"]);
    const said =
      /^fairlead: target "xds:\/\/\/echo\.prod:50051" has routes .*: run fairlead proxy .*\n$/;
    assert.match(stderr, said);
    assert.equal(code, 2);
  }
});
