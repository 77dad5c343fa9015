/**
 * `fairlead proxy` with TLS on both sides, stock clients and servers around it: who is trusted, and
 * certificates that are renewed while connections stand.
 */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { runProcess, stopAll } from "../peers/processes.ts";
import { type Authority, createAuthority, type IssuedPair } from "../support/certificates.ts";
import {
  ask,
  call,
  FAIRLEAD,
  logLines,
  startProxy,
  startUpstream,
  type Upstream,
  until,
  withSession,
} from "./harness.ts";

let dir: string;
let authority: Authority;
let upstream: Upstream;
let first: IssuedPair;
let second: IssuedPair;
let client: IssuedPair;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "fairlead-tls-"));
  authority = await createAuthority("cli");
  const names = ["127.0.0.1"];
  first = await authority.issue({ names, commonName: "first" });
  second = await authority.issue({ names, commonName: "second" });
  client = await authority.issue({ names: ["client"] });
  const pod = await authority.issue({ names: ["echo.test"] });
  put("ca.crt", authority.cert);
  put("client.crt", client.cert);
  put("client.key", client.key);
  const options = { ...pod, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
  upstream = await startUpstream("a", http2.createSecureServer(options));
});

after(async () => {
  await stopAll();
  await upstream.close();
  rmSync(dir, { recursive: true });
});

function put(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return path;
}

const file = (name: string): string => join(dir, name);

function upstreamFlags(authorityName: string): string[] {
  const pair = ["--to-cert", file("client.crt"), "--to-key", file("client.key")];
  const trust = ["--to-tls", "--to-ca", file("ca.crt"), "--to-authority", authorityName];
  return ["--to", upstream.address, ...trust, ...pair];
}

function listenerFlags(): string[] {
  put("tls.crt", first.cert);
  put("tls.key", first.key);
  const pair = ["--tls-cert", file("tls.crt"), "--tls-key", file("tls.key")];
  return ["--listen", "127.0.0.1:0", "--admin", "0", ...pair];
}

test("calls go through TLS on both sides, and a renewed certificate is taken up", async () => {
  const proxy = await startProxy(...listenerFlags(), ...upstreamFlags("echo.test"));
  const url = `https://${proxy.addresses[0]}`;
  const ca = authority.cert;
  await withSession(
    url,
    async (session) => {
      assert.deepEqual((await call(session)).name, "a");
      put("tls.crt", second.cert);
      put("tls.key", second.key);
      await until("the second certificate", () =>
        withSession(url, async (other) => (await subjectOf(other)) === "second", { ca }),
      );
      assert.equal((await call(session)).grpcStatus, "0", "the first connection still stands");
      assert.equal(await subjectOf(session), "first");
    },
    { ca },
  );
  assert.ok(logLines(proxy.process).some(({ msg }) => msg.includes("changed and are in use")));
  await proxy.process.stop();
});

test("a wrong name of the upstream is the reason of the refusal", async () => {
  const args = [...listenerFlags(), ...upstreamFlags("other.test"), "--ready-timeout", "0.3"];
  const proxy = await startProxy(...args);
  const ready = await ask(proxy.admin, "/ready");
  assert.equal(ready.status, 503);
  await withSession(
    `https://${proxy.addresses[0]}`,
    async (session) => {
      const { grpcStatus, grpcMessage } = await call(session);
      assert.equal(grpcStatus, "14");
      assert.match(grpcMessage, /certificate is for another name: .*other\.test/);
    },
    { ca: authority.cert },
  );
  await proxy.process.stop();
});

test("with a client CA only clients that show a certificate of it are served", async () => {
  const ca = ["--tls-client-ca", file("ca.crt")];
  const proxy = await startProxy(...listenerFlags(), ...ca, ...upstreamFlags("echo.test"));
  const url = `https://${proxy.addresses[0]}`;
  const trust = { ca: authority.cert };
  await withSession(url, (session) => assert.rejects(call(session)), trust);
  await until("the refusal in the log", () => {
    const line = logLines(proxy.process).find(({ msg }) => msg === "connection refused");
    if (line === undefined) return false;
    assert.match(String(line.remote), /^127\.0\.0\.1:\d+$/);
    assert.equal(line.reason, "the client showed no certificate, and one is asked for");
    return true;
  });
  const { body } = await ask(proxy.admin, "/metrics");
  assert.match(body, /^fairlead_downstream_connections_refused_total\{reason="tls"\} 1$/m);
  await withSession(url, async (session) => assert.equal((await call(session)).grpcStatus, "0"), {
    ...trust,
    cert: client.cert,
    key: client.key,
  });
  await proxy.process.stop();
});

test("a client that speaks HTTP/1.1 is answered, not left to hang", async () => {
  const proxy = await startProxy(...listenerFlags(), ...upstreamFlags("echo.test"));
  const options = { ca: authority.cert, agent: false };
  const status = await new Promise((resolve, reject) => {
    const request = https.get(`https://${proxy.addresses[0]}/`, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject);
  });
  assert.equal(status, 505);
  await proxy.process.stop();
});

test("why connects with TLS too", async () => {
  const flags = ["--to-tls", "--to-ca", file("ca.crt"), "--to-authority", "wrong.test"];
  const { code, stdout } = await runProcess(FAIRLEAD, ["why", upstream.address, ...flags]);
  assert.equal(code, 1);
  assert.match(stdout, /certificate is for another name/);
});

test("why shows a certificate to an upstream that asks for one", async () => {
  const flags = ["--to-tls", "--to-ca", file("ca.crt"), "--to-authority", "echo.test"];
  const none = await runProcess(FAIRLEAD, ["why", upstream.address, ...flags]);
  assert.equal(none.code, 1);
  assert.match(none.stdout, /the server asks for a client certificate/);
  const pair = ["--to-cert", file("client.crt"), "--to-key", file("client.key")];
  const shown = await runProcess(FAIRLEAD, ["why", upstream.address, ...flags, ...pair]);
  assert.equal(shown.code, 0, shown.stdout);
  const bad = [...flags, "--to-cert", file("client.crt"), "--to-key", file("ca.crt")];
  const { code, stderr } = await runProcess(FAIRLEAD, ["why", upstream.address, ...bad]);
  assert.equal(code, 1);
  assert.match(stderr, /^fairlead: --to-key: key file /);
});

async function subjectOf(session: http2.ClientHttp2Session): Promise<string> {
  if (session.connecting) await new Promise((resolve) => session.once("connect", resolve));
  return String((session.socket as TLSSocket).getPeerCertificate().subject.CN);
}
