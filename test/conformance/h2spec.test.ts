/**
 * h2spec against `fairlead proxy`, in plaintext and over TLS, and h2specd against our client role.
 *
 * Both are programs of others and judge what they see on the wire; here their verdicts are read.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { startProxy } from "../cli/harness.ts";
import { requirePeer } from "../peers/find.ts";
import { runProcess, stopAll } from "../peers/processes.ts";
import { createAuthority } from "../support/certificates.ts";

/** Cases of h2spec 2.6 with `-S`. */
const H2SPEC_CASES = 146;
/** Cases of h2specd with `-S`, each on a port of its own. */
const H2SPECD_CASES = 57;
/**
 * What h2specd asks for by RFC 7540 §5.1 (a connection error) where RFC 9113 §6.1 has another
 * answer: "the recipient MUST respond with a stream error of type STREAM_CLOSED".
 */
const H2SPECD_OUTDATED = ["8: closed: Sends a DATA frame"];

after(() => stopAll());

/** A stock server with a short answer for everything. */
async function startAnswering(): Promise<{ address: string; close: () => void }> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    stream.respond({ ":status": 200, "content-type": "text/plain" });
    stream.end("an answer that is longer than a few bytes\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** Without colours. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replaceAll(/\x1b\[[0-9;]*m/g, "");
}

/** Runs h2spec -S against a proxy with these flags, and asserts that all went well. */
async function assertConforms(program: string, proxyFlags: string[], flags: string[]) {
  const upstream = await startAnswering();
  const proxy = await startProxy(
    ...["--listen", "127.0.0.1:0", "--to", upstream.address],
    ...proxyFlags,
  );
  try {
    const port = proxy.addresses[0].split(":")[1];
    const args = ["-h", "127.0.0.1", "-p", port, "-S", "-o", "5", ...flags];
    const { stdout } = await runProcess(program, args, { timeoutMs: 300_000 });
    const report = plain(stdout);
    assert.match(
      report,
      new RegExp(`${H2SPEC_CASES} tests, ${H2SPEC_CASES} passed, 0 skipped, 0 failed`),
      report,
    );
    assert.equal(proxy.process.exit, null, "the proxy is still there");
    assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
  } finally {
    await proxy.process.stop();
    upstream.close();
  }
}

test("h2spec -S passes whole against the proxy in plaintext", async (t) => {
  const program = requirePeer(t, "h2spec");
  if (program !== null) await assertConforms(program, [], []);
});

test("h2spec -S passes whole against the proxy over TLS", async (t) => {
  const program = requirePeer(t, "h2spec");
  if (program === null) return;
  const directory = mkdtempSync(join(tmpdir(), "fairlead-h2spec-"));
  try {
    const authority = await createAuthority("h2spec CA");
    const pair = await authority.issue({ names: ["127.0.0.1"] });
    const [cert, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key);
    await assertConforms(program, ["--tls-cert", cert, "--tls-key", key], ["-t", "-k"]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** The first of `count` ports in a row on which nothing listens. */
async function freeRow(count: number): Promise<number> {
  for (let from = 21_000; from < 31_000; from += count) {
    const isFree = await Promise.all(Array.from({ length: count }, (_, i) => canListen(from + i)));
    if (isFree.every(Boolean)) return from;
  }
  throw new Error(`no ${count} free ports in a row`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

test("h2specd's client cases pass against our connector and engine", async (t) => {
  const program = requirePeer(t, "h2specd");
  if (program === null) return;
  const client = fileURLToPath(new URL("h2specd-client.ts", import.meta.url));
  const command = `${process.execPath} --disable-warning=ExperimentalWarning ${client}`;
  let report = "";
  // It gives up as a whole when one start of our client takes above three seconds.
  for (let i = 0; i < 3 && !report.includes("Finished in"); i += 1) {
    const from = await freeRow(H2SPECD_CASES + 3);
    const args = ["-S", "-o", "1", "-f", String(from), "-e", command];
    report = plain((await runProcess(program, args, { timeoutMs: 300_000 })).stdout);
  }
  const verdicts = report.split(/Failures:|Finished in/)[0];
  const verdictsWith = (sign: string) =>
    [...verdicts.matchAll(new RegExp(`${sign} (.*)`, "g"))].map(([, what]) => what.trim());
  const failed = verdictsWith("×");
  assert.equal(verdictsWith("✔").length + failed.length, H2SPECD_CASES, report);
  const unexpected = failed.filter((what) => !H2SPECD_OUTDATED.includes(what));
  assert.deepEqual(unexpected, [], report);
});
