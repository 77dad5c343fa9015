/** Tests that a process with an idle cluster in it ends by itself, with real time and sockets. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { createAuthority } from "../../test/support/certificates.ts";
import { TestListener } from "../../test/support/http2-sockets.ts";
import { silentLogger, VirtualClock } from "../base/index.ts";
import { ServerTls } from "../transport/index.ts";

const PROGRAM = join(import.meta.dirname, "../../test/support/idle-client.ts");

/** One that does not end is ended, and the test has failed. */
const TIMEOUT_MS = 60_000;

/** Runs the program to its end, which must come by itself and in good order. */
async function run(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], {
    timeout: TIMEOUT_MS,
  });
  return stdout;
}

test("with connections that stand and nothing in flight a process ends", async () => {
  const server = await new TestListener().listen();
  assert.equal(await run(server.address), "READY\n");
  await server.close();
});

test("so it does with connections that are secure", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fairlead-idle-"));
  const authority = await createAuthority("a test CA");
  const pair = await authority.issue({ names: ["127.0.0.1"] });
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const deps = { clock: new VirtualClock(), log: silentLogger, onReload() {} };
  const certFile = put("tls.crt", pair.cert);
  const keyFile = put("tls.key", pair.key);
  const tls = ServerTls.load({ certFile, keyFile, clientCaFile: null }, deps);
  const server = await new TestListener({ tls }).listen();
  assert.equal(await run(server.address, put("ca.crt", authority.cert)), "READY\n");
  await server.close();
  tls.close();
  rmSync(folder, { recursive: true });
});
