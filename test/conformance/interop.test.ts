/**
 * gRPC's interop cases through `fairlead proxy`: clients of three languages, grpc-go's server.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { ask, startProxy } from "../cli/harness.ts";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import { startInteropServer } from "../peers/interop-servers.ts";
import { stopAll } from "../peers/processes.ts";
import { INTEROP_CASES, LANGUAGES, runGoCase, runInterop } from "../peers/storms.ts";
import { createAuthority } from "../support/certificates.ts";

after(() => stopAll());

/** Runs with a proxy in front of two interop servers; its address and admin address. */
async function withInterop(
  t: SkippableTest,
  proxyFlags: readonly string[],
  body: (address: string, admin: string) => Promise<void>,
): Promise<void> {
  const servers = [];
  for (let n = 0; n < 2; n += 1) {
    const server = await startInteropServer(t, "go");
    if (server === null) return;
    servers.push(server);
  }
  const to = servers.map(({ address }) => address).join(",");
  const args = ["--listen", "127.0.0.1:0", "--admin", "0", "--to", to, "--policy", "round_robin"];
  const proxy = await startProxy(...args, ...proxyFlags);
  try {
    await body(proxy.addresses[0], proxy.admin);
    assert.deepEqual(await proxy.process.stop(), { code: 0, signal: null });
  } finally {
    await proxy.process.stop();
    for (const server of servers) await server.process.stop();
  }
}

for (const language of LANGUAGES) {
  test(`interop: all cases of the ${language} client pass through the proxy`, async (t) => {
    await withInterop(t, [], async (address, admin) => {
      const failures = await runInterop(t, language, address);
      if (failures === null) return;
      assert.deepEqual(failures, {});
      const { body } = await ask(admin, "/clusters?format=json");
      const [{ endpoints }] = JSON.parse(body).clusters;
      for (const { address: endpoint, calls, activeCalls } of endpoints) {
        assert.ok(calls > 0, `${endpoint} had calls`);
        assert.equal(activeCalls, 0);
      }
    });
  });
}

test("interop: all cases of the go client pass through the proxy over TLS", async (t) => {
  const client = requirePeer(t, "grpc-go-interop-client");
  if (client === null) return;
  const directory = mkdtempSync(join(tmpdir(), "fairlead-interop-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  try {
    const authority = await createAuthority("interop CA");
    const pair = await authority.issue({ names: ["interop.test"] });
    const flags = ["--tls-cert", file("tls.crt", pair.cert), "--tls-key", file("k", pair.key)];
    const ca = file("ca.crt", authority.cert);
    await withInterop(t, flags, async (address) => {
      const [host, port] = address.split(":");
      for (const name of INTEROP_CASES) {
        const failure = await runGoCase(client, name, [
          ...[`-server_host=${host}`, `-server_port=${port}`, "-use_test_ca"],
          ...["-use_tls", `-ca_file=${ca}`, "-server_host_override=interop.test"],
        ]);
        assert.equal(failure, null, name);
      }
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
