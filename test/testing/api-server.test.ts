/**
 * `fairlead/testing` without pods of its own: a user's servers behind a Service of the API server,
 * and what a client of theirs meets.
 */
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { Server, ServerCredentials, type sendUnaryData } from "@grpc/grpc-js";
import { type Channel, createChannel } from "../../src/client/plain/public.ts";
import { say, startApiServer, type TestApiServer } from "../../src/testing/public.ts";

const TIMEOUT_MS = 60_000;

async function start(t: TestContext): Promise<TestApiServer> {
  const api = await startApiServer();
  t.after(() => api.close());
  return api;
}

/** A server of the user's: answers with its name. Its "IP:PORT". */
async function startServer(t: TestContext, name: string): Promise<string> {
  const server = new Server();
  const definition = {
    ...{ path: say.path, requestStream: false, responseStream: false },
    ...{ requestSerialize: say.encode, requestDeserialize: say.decode },
    ...{ responseSerialize: say.encode, responseDeserialize: say.decode },
  } as const;
  const handler = (_call: unknown, reply: sendUnaryData<string>): void => reply(null, name);
  server.addService({ say: definition }, { say: handler });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

function open(t: TestContext, api: TestApiServer, target: string): Channel {
  const kubernetes = { kubeconfig: api.kubeconfig };
  const channel = createChannel(target, { policy: "round_robin", kubernetes });
  t.after(() => channel.close());
  return channel;
}

/** Calls until the last calls went to exactly these servers. */
async function untilSeen(channel: Channel, ...names: readonly string[]): Promise<void> {
  const wanted = [...names].sort().join();
  const endMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    const seen = new Set<string>();
    for (let i = 0; i < 3 * names.length; i += 1) seen.add(await channel.unary(say, "me"));
    const got = [...seen].sort().join();
    if (got === wanted) return;
    assert.ok(performance.now() < endMs, `${got} instead of ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("servers of a test stand behind a Service, each on a port of its own", async (t) => {
  const api = await start(t);
  const orders = api.addService("orders", { namespace: "prod" });
  assert.equal(orders.target, "kubernetes:///orders.prod:grpc");
  const first = orders.addPod(await startServer(t, "a"));
  const channel = open(t, api, orders.target);
  await untilSeen(channel, "a");
  const second = orders.addPod({ address: await startServer(t, "b"), name: "b", zone: "z" });
  await untilSeen(channel, "a", "b");
  first.setReady(false);
  await untilSeen(channel, "b");
  first.setReady(true);
  await untilSeen(channel, "a", "b");
  second.terminate();
  await untilSeen(channel, "a");
  second.remove();
  second.remove();
  assert.deepEqual(orders.pods, [first]);
  const byNumber = open(t, api, "kubernetes:///orders.prod:50051");
  await untilSeen(byNumber, "a");
  orders.remove();
  assert.deepEqual(orders.pods, []);
});

test("an API server that is away, cut, expired or silent costs no call, and is found again", async (t) => {
  const api = await start(t);
  const service = api.addService("orders");
  service.addPod(await startServer(t, "a"));
  const channel = open(t, api, service.target);
  await untilSeen(channel, "a");
  assert.ok(api.watchCount > 0);

  const url = `${api.url}/readyz`;
  await api.stop();
  await assert.rejects(fetch(url));
  service.addPod(await startServer(t, "b"));
  await untilSeen(channel, "a");
  await assert.rejects(api.stop(), /^Error: the API server is stopped already$/);
  await api.restart();
  assert.equal((await fetch(url)).status, 200);
  await untilSeen(channel, "a", "b");
  await assert.rejects(api.restart(), /^Error: the API server is running: stop it first$/);

  api.expireWatches();
  service.addPod(await startServer(t, "c"));
  await untilSeen(channel, "a", "b", "c");
  api.cutConnections();
  service.addPod(await startServer(t, "d"));
  await untilSeen(channel, "a", "b", "c", "d");

  api.setFault({ kind: "throttle", count: 1, retryAfterSeconds: 7 });
  const refused = await fetch(url);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "7"]);
  api.setFault({ kind: "error" });
  assert.equal((await fetch(url)).status, 500);
  api.clearFaults("throttle");
  assert.equal((await fetch(url)).status, 500);
  api.clearFaults();
  assert.equal((await fetch(url)).status, 200);
});

test("DNS answers for the Services, fails and lies on command, and ends with the API server", async (t) => {
  const api = await start(t);
  const dns = await api.startDns();
  const resolver = new Resolver({ timeout: 300, tries: 1 });
  resolver.setServers([dns.address]);
  const lookUp = (name: string): Promise<readonly string[] | string> =>
    resolver.resolve4(name).then(
      (found) => found.sort(),
      (error: NodeJS.ErrnoException) => String(error.code),
    );
  const orders = api.addService("orders", { namespace: "prod" });
  orders.addPod("127.0.7.1:50051");
  orders.addPod("127.0.7.2:50051");
  api.addService("virtual", { clusterIp: "127.0.7.9" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { dnsName } = orders;
  assert.equal(dns.target(dnsName, 80), `dns://${dns.address}/${dnsName}:80`);
  assert.deepEqual(await lookUp(dnsName), ["127.0.7.1", "127.0.7.2"]);
  assert.deepEqual(await lookUp("virtual.default.svc.cluster.local"), ["127.0.7.9"]);

  dns.lie("orders.prod", ["127.0.7.3"]);
  dns.lie("virtual.default", []);
  assert.deepEqual(await lookUp(dnsName), ["127.0.7.3"]);
  assert.equal(await lookUp("virtual.default.svc.cluster.local"), "ENOTFOUND");
  dns.tellTruth("orders.prod");
  assert.deepEqual(await lookUp(dnsName), ["127.0.7.1", "127.0.7.2"]);
  dns.tellTruth();
  assert.deepEqual(await lookUp("virtual.default.svc.cluster.local"), ["127.0.7.9"]);

  dns.setFault({ kind: "servfail", name: `${dnsName.toUpperCase()}.` });
  assert.equal(await lookUp(dnsName), "ESERVFAIL");
  assert.deepEqual(await lookUp("virtual.default.svc.cluster.local"), ["127.0.7.9"]);
  dns.clearFaults();
  assert.deepEqual(await lookUp(dnsName), ["127.0.7.1", "127.0.7.2"]);
  await api.close();
  assert.match(String(await lookUp(dnsName)), /^E(CONNREFUSED|TIMEOUT)$/);
});

test("any object is applied: created, and then replaced", async (t) => {
  const api = await start(t);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
  const path = `${api.url}/api/v1/namespaces/default/secrets/s`;
  for (const value of ["MQ==", "Mg=="]) {
    api.apply({ ...secret, data: { value } });
    assert.deepEqual(((await (await fetch(path)).json()) as { data: unknown }).data, { value });
  }
  api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "prod" } });
  api.apply({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "prod", labels: { a: "b" } },
  });
});

test("closed, nothing is left: no port, no file; and twice is once", async () => {
  const api = await startApiServer();
  assert.ok(existsSync(api.kubeconfig));
  await api.stop();
  const both = [api.close(), api[Symbol.asyncDispose]()];
  await Promise.all(both);
  assert.equal(existsSync(api.kubeconfig), false);
  await assert.rejects(fetch(api.url));
  await assert.rejects(api.restart(), /the API server is closed$/);
});
