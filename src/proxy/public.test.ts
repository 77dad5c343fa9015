/** `fairlead/proxy` as another program uses it: real sockets, a stock server and client. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { call, startUpstream, until, withSession } from "../../test/cli/harness.ts";
import { freePorts, runProcess } from "../../test/peers/processes.ts";
import { startProxy } from "./public.ts";

test("it relays, shows its endpoints and figures, and drains", async (t) => {
  const upstream = await startUpstream("a");
  t.after(() => upstream.close());
  const proxy = await startProxy({ listen: "127.0.0.1:0", to: upstream.address });
  t.after(() => proxy.close());
  await until("ready", () => proxy.readiness().ready);
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    assert.equal((await call(session)).name, "a");
  });
  assert.equal(proxy.clusters()[0].endpoints[0].calls, 1);
  assert.match(proxy.metricsText(), /^# TYPE fairlead_overload_refusals_total counter$/m);
  await proxy.drain();
  assert.equal(proxy.readiness().ready, false);
});

test("two of them find each other, and show their connections", async (t) => {
  const upstream = await startUpstream("a");
  t.after(() => upstream.close());
  const ports = await freePorts(2);
  const peers = { target: ports.map((port) => `127.0.0.1:${port}`).join(",") };
  const proxies = await Promise.all(
    ports.map((port) => {
      const own = { ...peers, listen: `127.0.0.1:${port}` };
      return startProxy({ listen: "127.0.0.1:0", to: upstream.address, peers: own });
    }),
  );
  t.after(() => {
    for (const proxy of proxies) proxy.close();
  });
  assert.deepEqual(
    proxies.map(({ peerAddress }) => peerAddress),
    ports.map((port) => `127.0.0.1:${port}`),
  );
  await withSession(`http://${proxies[0]!.addresses[0]}`, async (session) => {
    await call(session);
    await until("they know each other", () =>
      proxies.every((proxy) => proxy.connections().balance?.replicas === 2),
    );
    await until("the other one knows of the connection", () =>
      proxies[1]!.connections().peers.some(({ connections }) => connections === 1),
    );
    assert.match(proxies[0]!.connections().connections[0]!.reason, /^kept: /);
  });
  await Promise.all(proxies.map((proxy) => proxy.drain()));
});

test("of its connections those with most calls come first", async (t) => {
  const upstream = await startUpstream("a");
  t.after(() => upstream.close());
  const proxy = await startProxy({ listen: "127.0.0.1:0", to: upstream.address });
  t.after(() => proxy.close());
  const url = `http://${proxy.addresses[0]}`;
  await withSession(url, async (first) => {
    await call(first);
    await withSession(url, async (second) => {
      for (let i = 0; i < 20; i += 1) await call(second);
      await until("the later one leads", () => {
        const rates = proxy.connections().connections.map(({ callsPerSecond }) => callsPerSecond);
        return rates.length === 2 && rates[0]! > rates[1]!;
      });
    });
  });
});

test("what it cannot use is an error with one sentence, and nothing stays open", async () => {
  const good = { listen: "127.0.0.1:0", to: "127.0.0.1:50051" };
  await assert.rejects(startProxy({ ...good, listen: "8080" }), { name: "RangeError" });
  await assert.rejects(startProxy({ ...good, to: "orders" }), { name: "TargetError" });
  await assert.rejects(startProxy({ ...good, policy: "best" }), { name: "PolicyError" });
  const tls = { certFile: "/no/file", keyFile: "/no/file", clientCaFile: null };
  await assert.rejects(startProxy({ ...good, tls }), { name: "TlsFileError" });
  const peers = { target: "127.0.0.1:1", listen: "9902" };
  await assert.rejects(startProxy({ ...good, peers }), { name: "RangeError" });
  const elsewhere = { ...peers, listen: "192.0.2.1:1" };
  await assert.rejects(startProxy({ ...good, peers: elsewhere }), { name: "ListenError" });
  const files = { certFile: "/no/file", keyFile: "/no/file", caFile: "/no/file" };
  const secure = { ...peers, listen: "127.0.0.1:0", tls: { ...files, serverName: null } };
  await assert.rejects(startProxy({ ...good, peers: secure }), { name: "TlsFileError" });
  const listen = ["127.0.0.1:0", "192.0.2.1:1"];
  await assert.rejects(startProxy({ ...good, listen }), { name: "ListenError" });
});

test("a program whose proxy could not start is not kept from ending", async (t) => {
  const objects = mkdtempSync(join(tmpdir(), "fairlead-public-"));
  t.after(() => rmSync(objects, { recursive: true }));
  const to = "kubernetes:///echo.prod:grpc";
  const kubernetes = { objects };
  const tls = { certFile: "/no/file", keyFile: "/no/file", clientCaFile: null };
  for (const bad of [{ listen: "192.0.2.1:1" }, { listen: "127.0.0.1:0", tls }]) {
    const program = `
      import { startProxy } from ${JSON.stringify(new URL("./public.ts", import.meta.url).href)};
      const options = ${JSON.stringify({ to, kubernetes, ...bad })};
      await startProxy(options).catch(({ name }) => console.log(name));`;
    const args = ["--input-type=module", "--eval", program];
    const { code, stdout } = await runProcess(process.execPath, args, { timeoutMs: 20_000 });
    assert.equal(code, 0);
    assert.match(stdout, /^(ListenError|TlsFileError)$/m);
  }
});
