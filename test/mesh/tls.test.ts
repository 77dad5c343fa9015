/**
 * TLS to an xDS server as `channel_creds` of type "tls" say it (gRFC A65): whom the client trusts,
 * what it shows, and files that are replaced while it runs. Against `fairlead control`, and a
 * server that tells who came.
 */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Logger, RecordingLogger, realClock, silentLogger } from "../../src/base/index.ts";
import { ServerTls } from "../../src/transport/index.ts";
import { RESOURCE_TYPES } from "../../src/xds/index.ts";
import { ControlPlane } from "../control/control-plane.ts";
import { ObjectsDirectory } from "../control/objects-directory.ts";
import { eventually } from "../kubernetes/wait.ts";
import { createAuthority } from "../support/certificates.ts";
import { AdsServer } from "./ads-server.ts";
import { sotwBytes } from "./json-bytes.ts";
import { apiListener, type Json, routes } from "./resources.ts";
import { WatchedMesh } from "./watched-mesh.ts";

const NAME = "echo.prod:50051";

/** Writes files as Kubernetes does: each is whole at any time. */
function filesOf(t: TestContext): (name: string, text: string) => string {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-xds-tls-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return (name, text) => {
    const path = join(dir, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    return path;
  };
}

async function openMesh(
  t: TestContext,
  server: string,
  config: object | null,
  log: Logger = silentLogger,
) {
  const credentials = config === null ? { type: "insecure" } : { type: "tls", config };
  const options = { server, protocol: "sotw", target: NAME, credentials, log } as const;
  const mesh = await WatchedMesh.open(options);
  t.after(() => mesh.close());
  return mesh;
}

/** What a client that is refused is told at first. */
async function refusalOf(t: TestContext, server: string, config: object | null): Promise<string> {
  const mesh = await openMesh(t, server, config);
  await eventually("a refusal", () => mesh.errors.length > 0);
  assert.equal(mesh.config, undefined);
  return mesh.errors[0]!.replace(/^LDS \S+: xDS server \S+: /, "");
}

/** `fairlead control` with one Service, behind TLS. */
async function controlOf(t: TestContext, flags: readonly string[]): Promise<ControlPlane> {
  const objects = new ObjectsDirectory();
  t.after(() => objects.close());
  objects.service("echo");
  objects.slice("echo", 1, [{ ip: "127.0.0.2" }]);
  const control = await ControlPlane.startWith(objects.path, flags);
  t.after(() => control.kill());
  return control;
}

const isServed = ({ clusters }: { clusters: ReadonlyMap<string, unknown> }) =>
  clusters.has("prod/echo:50051");

test("TLS: the server's certificate must be of the CA that the bootstrap names", async (t) => {
  const put = filesOf(t);
  const [authority, other] = [await createAuthority("ours"), await createAuthority("another")];
  const own = await authority.issue({ names: ["127.0.0.1"] });
  const flags = ["--tls-cert", put("tls.crt", own.cert), "--tls-key", put("tls.key", own.key)];
  const control = await controlOf(t, flags);
  const [ours, theirs] = [put("ca.crt", authority.cert), put("other.crt", other.cert)];
  const mesh = await openMesh(t, control.address, { ca_certificate_file: ours });
  await mesh.until("the Service", isServed);
  const refusals = await Promise.all([
    refusalOf(t, control.address, { ca_certificate_file: theirs }),
    refusalOf(t, control.address, {}),
    refusalOf(t, control.address, null),
    refusalOf(t, control.address, { ca_certificate_file: `${ours}.nowhere` }),
  ]);
  const untrusted = "the server's certificate is not signed by a trusted CA";
  // Without a file the well-known CAs are trusted, and this is none of theirs.
  assert.deepEqual(refusals.slice(0, 2), [untrusted, untrusted]);
  assert.match(refusals[2]!, /^the peer closed .*; does it want TLS \(.*channel_creds of type tls/);
  assert.match(refusals[3]!, /^CA file .*ca\.crt\.nowhere cannot be read: no such file$/);
});

test("mTLS: a server that asks for certificates lets in who shows one of its CA", async (t) => {
  const put = filesOf(t);
  const [authority, other] = [await createAuthority("ours"), await createAuthority("another")];
  const own = await authority.issue({ names: ["127.0.0.1"] });
  const ca = put("ca.crt", authority.cert);
  const flags = ["--tls-cert", put("tls.crt", own.cert), "--tls-key", put("tls.key", own.key)];
  const control = await controlOf(t, [...flags, "--tls-client-ca", ca]);
  const configOf = async (of: typeof authority, name: string) => {
    const { cert, key } = await of.issue({ names: [`spiffe://mesh/${name}`] });
    return {
      ca_certificate_file: ca,
      certificate_file: put(`${name}.crt`, cert),
      private_key_file: put(`${name}.key`, key),
    };
  };
  const mesh = await openMesh(t, control.address, await configOf(authority, "web"));
  await mesh.until("the Service", isServed);
  const none = await refusalOf(t, control.address, { ca_certificate_file: ca });
  const wrong = await refusalOf(t, control.address, await configOf(other, "stranger"));
  assert.equal(none, "the server asks for a client certificate");
  // In TLS 1.3 the handshake is over for a client before its certificate is judged.
  assert.match(wrong, /^(the peer closed|connection reset by the peer) before it spoke HTTP\/2/);
});

test("files that are replaced are used by the next connection; bad ones leave the last good", async (t) => {
  const put = filesOf(t);
  const log = new RecordingLogger();
  const [first, second] = [await createAuthority("first"), await createAuthority("second")];
  const issue = async (of: typeof first, names: string[], at: string) => {
    const { cert, key } = await of.issue({ names });
    return { certFile: put(`${at}.crt`, cert), keyFile: put(`${at}.key`, key) };
  };
  const serve = async (of: typeof first) => ({
    ...(await issue(of, ["127.0.0.1"], "server")),
    clientCaFile: put("client-ca.crt", of.cert),
  });
  const deps = { clock: realClock(), log: silentLogger, pollMs: 50 };
  const tls = ServerTls.load(await serve(first), deps);
  const server = await AdsServer.start({ tls });
  t.after(() => {
    server.close();
    tls.close();
  });
  const { certFile, keyFile } = await issue(first, ["spiffe://mesh/one"], "client");
  const config = {
    ca_certificate_file: put("ca.crt", first.cert),
    certificate_file: certFile,
    private_key_file: keyFile,
  };
  const mesh = await openMesh(t, server.address, config, log);
  const peers = () => [...server.calls].flatMap(({ peerNames }) => peerNames ?? []);
  const isThere = (name: string) =>
    eventually(name, () => peers()[0] === `URI:spiffe://mesh/${name}`);
  const say = (type: "LDS" | "RDS", resource: Json) =>
    server.say(sotwBytes(RESOURCE_TYPES[type], [resource]));
  await isThere("one");
  const [stream] = server.calls;
  // Nothing of the old ones is left on either side.
  await serve(second);
  await issue(second, ["spiffe://mesh/two"], "client");
  put("ca.crt", second.cert);
  await eventually("new files", () => /changed and are in use/.test(log.lines.join()));
  await eventually("what is said on the stream that stands", () => {
    say("LDS", apiListener(NAME, "table"));
    say("RDS", routes("table", [])); // which is asked for once the listener is known
    return mesh.config?.listeners.length === 1;
  });
  assert.deepEqual([...server.calls], [stream], "it goes on with what it began with");
  server.endStreams();
  await isThere("two");
  put("client.crt", (await second.issue({ names: ["spiffe://mesh/three"] })).cert);
  await eventually("a pair that does not fit", () =>
    /the last good ones stay/.test(log.lines.join()),
  );
  const asked = server.asked.length;
  server.endStreams();
  await eventually("another stream", () => server.asked.length > asked);
  await isThere("two");
});
