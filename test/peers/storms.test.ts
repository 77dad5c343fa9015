/**
 * The storm and interop clients themselves: against a good server every call is in order, and
 * against one that misbehaves they notice. Without this, a storm that finds nothing would mean
 * nothing.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type CertificateFiles, writeCertificates } from "../support/certificates.ts";
import { startInteropServer } from "./interop-servers.ts";
import { freePort } from "./processes.ts";
import { INTEROP_CASES, LANGUAGES, runInterop, runStorm, startEchoServer } from "./storms.ts";

const CALLS = 600;

let dir: string;
let tls: CertificateFiles;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "fairlead-storms-"));
  tls = await writeCertificates(dir, ["127.0.0.1"]);
});

after(() => rmSync(dir, { recursive: true }));

/** What the echo server does to one call in twenty, and how the clients count such calls. */
const FAULTS = { cross: "crossed", drop: "lost", damage: "lost", hang: "hung" } as const;

for (const language of LANGUAGES) {
  test(`storm client (${language}): every call to a good server ends as planned`, async (t) => {
    const server = await startEchoServer(t, ["127.0.0.1:0"], ["-name", "echo-1"]);
    if (server === null) return;
    const target = server.addresses[0] as string;
    const storm = await runStorm(t, language, { target, calls: CALLS, seed: 7 });
    if (storm === null) return;
    const { summary, isGood } = storm;
    assert.ok(isGood, JSON.stringify(summary.problems));
    assert.equal(summary.calls, CALLS);
    assert.equal(summary.ok + summary.cancelled + summary.deadline + summary.earlyEnd, CALLS);
    assert.deepEqual(Object.keys(summary.servers), ["echo-1"]);
    assert.deepEqual(Object.keys(summary.kinds).sort(), [
      "bidi",
      "clientStream",
      "serverStream",
      "unary",
    ]);
    // The plan holds some of each fate, and all of them came about.
    for (const count of [summary.cancelled, summary.deadline, summary.earlyEnd]) {
      assert.ok(count > 0, JSON.stringify(summary));
    }
  });

  test(`storm client (${language}): over TLS, and never to a server of another CA`, async (t) => {
    const args = ["-tls-cert", tls.certFile, "-tls-key", tls.keyFile];
    const server = await startEchoServer(t, ["127.0.0.1:0"], args);
    if (server === null) return;
    const target = server.addresses[0] as string;
    const good = await runStorm(t, language, { target, calls: CALLS, caFile: tls.caFile });
    if (good === null) return;
    assert.ok(good.isGood, JSON.stringify(good.summary.problems));
    const other = await writeCertificates(mkdtempSync(join(dir, "other-")), ["127.0.0.1"]);
    const bad = await runStorm(t, language, { target, calls: 20, caFile: other.caFile });
    assert.equal(bad?.summary.ok, 0, "not one call went to it");
  });

  for (const [fault, outcome] of Object.entries(FAULTS)) {
    test(`storm client (${language}): notices a server with the fault ${fault}`, async (t) => {
      const server = await startEchoServer(t, ["127.0.0.1:0"], ["-fault", fault]);
      if (server === null) return;
      const target = server.addresses[0] as string;
      const options = { target, calls: CALLS, boundSeconds: 1.5 };
      const storm = await runStorm(t, language, options);
      server.process.kill(); // Hanging calls would hold it up.
      if (storm === null) return;
      assert.equal(storm.isGood, false);
      assert.ok(storm.summary[outcome] > 0, JSON.stringify(storm.summary));
      assert.ok(storm.summary.problems.some((problem) => problem.outcome === outcome));
    });
  }

  test(`storm client (${language}): a server that is gone is unavailable, nothing worse`, async (t) => {
    const target = `127.0.0.1:${await freePort()}`;
    const storm = await runStorm(t, language, { target, calls: 20, isUnavailableAllowed: true });
    if (storm === null) return;
    assert.ok(storm.isGood, JSON.stringify(storm.summary.problems));
    assert.ok(storm.summary.unavailable > 10, JSON.stringify(storm.summary));
  });

  test(`interop client (${language}): all cases pass against grpc-go's server`, async (t) => {
    const server = await startInteropServer(t, "go");
    if (server === null) return;
    assert.deepEqual(await runInterop(t, language, server.address), {});
  });

  test(`interop client (${language}): cases fail against a server that has none`, async (t) => {
    const server = await startEchoServer(t);
    if (server === null) return;
    const target = server.addresses[0] as string;
    const failures = await runInterop(t, language, target, ["empty_unary", "custom_metadata"]);
    if (failures === null) return;
    assert.deepEqual(Object.keys(failures), ["empty_unary", "custom_metadata"]);
  });
}

test("the list of interop cases has no doubles", () => {
  assert.equal(new Set(INTEROP_CASES).size, INTEROP_CASES.length);
});
