/**
 * Tests of how the page finds its port. The lab behind it is not asked for anything.
 */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { realClock } from "../../base/index.ts";
import type { Lab } from "../core/lab.ts";
import { LabError } from "../error.ts";
import { openPage } from "./page.ts";

const noLab = (): Lab => {
  throw new Error("nobody asked for the lab");
};

async function takenPort(t: TestContext): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("none is no page and needs no word", async () => {
  assert.deepEqual(await openPage(null, noLab, "", realClock()), { url: null, notice: null });
});

test("the default port in use: a later one is taken, and that is said", async (t) => {
  const port = await takenPort(t);
  const page = await openPage(
    { host: "127.0.0.1", port, isExplicit: false },
    noLab,
    "",
    realClock(),
  );
  assert.ok(page.url);
  t.after(() => page.close());
  const taken = Number(new URL(page.url).port);
  assert.ok(taken > port && taken <= port + 10);
  assert.equal(page.notice, `port ${port} is in use, so the page is on ${page.url}`);
});

test("a named port in use is an error that says so", async (t) => {
  const port = await takenPort(t);
  await assert.rejects(
    openPage({ host: "127.0.0.1", port, isExplicit: true }, noLab, "", realClock()),
    new LabError(`--page 127.0.0.1:${port}: the port is in use; give another one, or none`),
  );
});

test("a named address that is not ours is an error with the system's reason", async () => {
  const address = { host: "192.0.2.1", port: 80, isExplicit: true };
  await assert.rejects(
    openPage(address, noLab, "", realClock()),
    /--page 192\.0\.2\.1:80: cannot listen there/,
  );
});
