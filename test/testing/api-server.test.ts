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

/** What is wrong, and the sentence about it. */
const WRONG: readonly (readonly [(api: TestApiServer) => unknown, string])[] = [
  [
    (api) => api.addService("a", { prt: 80 } as object),
    'addService("a"): unknown option prt: allowed are namespace, port, portName, clusterIp',
  ],
  [(api) => api.addService("a", { port: 0 }), "port: 0, must be a whole number from 1 to 65535"],
  [
    (api) => api.addService("A"),
    'Service "A" is invalid: metadata.name: Invalid value: "A": a lowercase RFC 1123 label',
  ],
  [
    (api) => api.addService("b").addPod("localhost:80"),
    'addPod: "localhost:80", must be IP:PORT or [IPV6]:PORT',
  ],
  [(api) => api.addService("c").addPod({} as never), "addPod: undefined, must be IP:PORT"],
  [
    (api) => {
      const service = api.addService("d");
      service.addPod({ address: "127.0.0.1:80", name: "twice" });
      service.addPod({ address: "127.0.0.1:81", name: "twice" });
    },
    'pods "twice" already exists',
  ],
  [
    (api) => api.setFault({ kind: "explode" } as never),
    'fault "explode": must be one of hang, reset, gone, throttle, error, slow, reorder',
  ],
  [
    (api) => api.setFault({ kind: "gone", times: 1 } as never),
    "setFault: unknown option times: allowed are kind, verbs",
  ],
  [(api) => api.setFault("gone" as never), 'setFault: "gone", must be an object'],
  [(api) => api.apply({ kind: "Pod" }), "apply: the object must have a kind and a metadata.name"],
];

test("what is wrong is said in a sentence, and nothing is half done", async (t) => {
  const api = await start(t);
  for (const [use, message] of WRONG) {
    assert.throws(
      () => use(api),
      (error: Error) => {
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      },
    );
  }
  const dns = await api.startDns();
  const lie = () => dns.lie("orders", []);
  assert.throws(lie, new RangeError('lie: "orders", must be SERVICE.NAMESPACE'));
  const noIp = () => dns.lie("orders.prod", ["localhost"]);
  assert.throws(noIp, new RangeError('lie: "localhost", must be an IP address'));
  const fault = () => dns.setFault({ kind: "slow", delayMs: -1 });
  assert.throws(fault, new RangeError("delayMs: -1, must be a whole number from 0 to 600000"));
  const other = () => dns.setFault({ kind: "gone" } as never);
  const kinds = "servfail, refused, timeout, slow, truncate";
  assert.throws(other, new RangeError(`fault "gone": must be one of ${kinds}`));
  // Every fault of the declarations is one that the server knows.
  for (const kind of ["hang", "reset", "slow", "reorder", "no-bookmarks", "no-streaming-list"]) {
    api.setFault({ kind } as never);
  }
});
