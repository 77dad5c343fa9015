/** Tests of TLS towards an API server, on real sockets: trust, names, certificates, rotation. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import {
  type Authority,
  createAuthority,
  type IssuedPair,
} from "../../../../../test/support/certificates.ts";
import { RecordingLogger, VirtualClock } from "../../../../base/index.ts";
import type { ClusterEntry, UserEntry } from "../config/entries.ts";
import { accessTo, clientOf, failureOf, fetchOf, pemData, ScriptedServer } from "./server-suite.ts";
import { ApiTls, TLS_STAT_MS } from "./tls.ts";

const directory = mkdtempSync(join(tmpdir(), "fairlead-api-tls-"));
let ca: Authority;
let other: Authority;
let pair: IssuedPair;
let alice: IssuedPair;
let bob: IssuedPair;
let server: ScriptedServer;

before(async () => {
  [ca, other] = await Promise.all([createAuthority("kube-ca"), createAuthority("other-ca")]);
  pair = await ca.issue({ names: ["127.0.0.1", "kubernetes.default.svc"] });
  [alice, bob] = await Promise.all([
    ca.issue({ names: ["alice"], commonName: "alice" }),
    ca.issue({ names: ["bob"], commonName: "bob" }),
  ]);
  server = await new ScriptedServer(
    (request, response) => {
      const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject ?? {};
      const name = (request.socket as TLSSocket).servername;
      response.end(JSON.stringify({ user: CN ?? null, name: name || null }));
    },
    { cert: pair.cert, key: pair.key, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
  ).listen();
});

after(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** Asks the server once, and leaves. */
async function asked(cluster: Partial<ClusterEntry>, user: Partial<UserEntry> = {}) {
  const access = accessTo(`https://127.0.0.1:${server.port}`, cluster, user);
  const { client } = clientOf(access);
  try {
    return await fetchOf(client, "/x");
  } finally {
    client.close();
    await server.deserted();
  }
}

async function refused(cluster: Partial<ClusterEntry>): Promise<string> {
  const access = accessTo(`https://127.0.0.1:${server.port}`, cluster);
  const { client } = clientOf(access);
  const { reason } = await failureOf(client);
  client.close();
  return reason.replace(`127.0.0.1:${server.port}: `, "");
}

test("a server of the given CA is trusted, by address and by tls-server-name", async () => {
  assert.deepEqual(await asked({ ca: pemData(ca.cert) }), { user: null, name: null });
  const tlsServerName = "kubernetes.default.svc";
  assert.deepEqual(await asked({ ca: pemData(ca.cert), tlsServerName }), {
    user: null,
    name: tlsServerName,
  });
});

test("a server of another CA, or of another name, is not", async () => {
  const untrusted =
    "the server's certificate is not signed by a trusted CA (certificate-authority)";
  assert.equal(await refused({ ca: pemData(other.cert) }), untrusted);
  assert.equal(await refused({}), untrusted);
  assert.match(
    await refused({ ca: pemData(ca.cert), tlsServerName: "elsewhere" }),
    /^the server's certificate is for another name \(tls-server-name\): .*elsewhere/,
  );
});

test("insecure-skip-tls-verify takes any server", async () => {
  assert.deepEqual(await asked({ isInsecure: true }), { user: null, name: null });
});

test("a server without TLS on an https address is named as such", async () => {
  const plain = await new ScriptedServer((_request, response) => response.end("{}")).listen();
  const { client } = clientOf(accessTo(`https://127.0.0.1:${plain.port}`, { isInsecure: true }));
  const { reason } = await failureOf(client);
  assert.match(reason, /: the server does not speak TLS on this port$/);
  client.close();
  await plain.close();
});

test("a client certificate is shown, and its files are read again when they change", async () => {
  const cert = join(directory, "client.crt");
  const key = join(directory, "client.key");
  const write = (issued: IssuedPair) => {
    writeFileSync(cert, issued.cert);
    writeFileSync(key, issued.key);
  };
  write(alice);
  const clock = new VirtualClock();
  const user = {
    certificate: { name: cert, path: cert, data: null },
    key: { name: key, path: key, data: null },
  };
  const access = accessTo(`https://127.0.0.1:${server.port}`, { ca: pemData(ca.cert) }, user);
  const { client, log } = clientOf(access, { clock });
  const whoami = async () => ((await fetchOf(client, "/")) as { user: string }).user;
  assert.equal(await whoami(), "alice");
  write(bob);
  assert.equal(await whoami(), "alice", "no look closer than two seconds");
  clock.advance(TLS_STAT_MS);
  assert.equal(await whoami(), "bob");
  writeFileSync(key, alice.key);
  clock.advance(TLS_STAT_MS);
  assert.equal(await whoami(), "bob");
  assert.deepEqual(log.lines, [
    "info: certificate files of the API server changed and are in use",
    "warn: certificate files changed but cannot be used; the last good ones stay",
  ]);
  client.close();
  await server.deserted();
  assert.equal(clock.pendingCount, 0);
});

test("a certificate of a plugin is shown as the user's own would be", async () => {
  const plugin = {
    kind: "exec plugin",
    name: "x",
    userName: "u",
    config: pemData('{"exec":{}}').data,
  };
  class KubeConfig {
    loadFromOptions() {}
    async applyToHTTPSOptions(options: Record<string, unknown>) {
      Object.assign(options, { cert: alice.cert, key: alice.key });
    }
  }
  const access = accessTo(
    `https://127.0.0.1:${server.port}`,
    { ca: pemData(ca.cert) },
    { plugin: plugin as UserEntry["plugin"] },
  );
  const { client } = clientOf(access, { loadClientNode: async () => ({ KubeConfig }) });
  assert.deepEqual(await fetchOf(client, "/"), { user: "alice", name: null });
  client.close();
  await server.deserted();
});

test("certificates and keys that are of no use are one sentence at start", () => {
  const make = (cluster: Partial<ClusterEntry>, user: Partial<UserEntry> = {}) => {
    const access = accessTo("https://a", cluster, user);
    const deps = { clock: new VirtualClock(), log: new RecordingLogger() };
    return () => new ApiTls(access.cluster, access.user, deps);
  };
  const own = (cert: string, key: string) => ({
    certificate: pemData(cert, "CERT"),
    key: pemData(key, "KEY"),
  });
  const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  const message = (text: string) => ({ name: "ApiAccessError", message: text });
  assert.throws(
    make({ ca: pemData("x", "CA") }),
    message("CA: must hold a PEM certificate (BEGIN CERTIFICATE)"),
  );
  assert.throws(
    make({ ca: pemData(damaged, "CA") }),
    message("CA: holds a certificate that cannot be parsed"),
  );
  assert.throws(
    make({ ca: { name: "/none", path: "/none", data: null } }),
    message("/none: cannot be read: no such file"),
  );
  assert.throws(
    make({}, own(alice.cert, "x")),
    message("KEY: must be a PEM private key without a passphrase"),
  );
  assert.throws(
    make({}, own(alice.cert, bob.key)),
    message("KEY: does not belong to the certificate CERT"),
  );
});
