/** Tests of `register()`: stock grpc-js clients, real servers, the lab's API server and its DNS. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../src/base/index.ts";
import { clientProcess } from "../../src/client/core/index.ts";
import { fairleadChannel } from "../../src/client/grpc-js/public.ts";
import { type RegisterOptions, register } from "../../src/client/grpc-js/register/index.ts";
import { StoreZone } from "../../src/lab/cluster/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import { type EchoCluster, startEchoCluster } from "../support/lab-cluster.ts";
import { call, type EchoServer, newClient, sleep, startServer, until } from "./stock.ts";

let lab: EchoCluster;
let dns: LabDns;
let dnsServer = "";
const asked: string[] = [];
const servers: EchoServer[] = [];
const clients: grpc.Client[] = [];

before(async () => {
  lab = await startEchoCluster();
  lab.workload.addService("headless", {
    selector: { app: "echo" },
    clusterIP: "None",
    ports: [{ name: "grpc", port: 50_051, targetPort: "grpc" }],
  });
  dns = new LabDns({
    clock: realClock(),
    zone: new StoreZone(lab.cluster.objects.store),
    onQuestion: ({ type, name }) => asked.push(`${type} ${name}`),
  });
  dnsServer = await dns.listen();
  for (let n = 1; n <= 4; n += 1) servers.push(await startServer(`127.0.2.${n}:50051`));
  for (let n = 1; n <= 3; n += 1) lab.addPod(n);
  register({ kubernetes: { kubeconfig: lab.kubeconfig } });
});
after(async () => {
  for (const client of clients) client.close();
  for (const server of servers) server.close();
  await dns.close();
  await lab.close();
});

function client(...args: Parameters<typeof newClient>): grpc.Client {
  const one = newClient(...args);
  clients.push(one);
  return one;
}

/** How many calls each server gets of `count` that are made one after the other. */
async function spread(one: grpc.Client, count: number): Promise<number[]> {
  for (const server of servers) server.callCount = 0;
  for (let i = 0; i < count; i += 1) await call(one);
  return servers.map(({ callCount }) => callCount);
}

const ready = (one: grpc.Client, count: number) =>
  until(async () => {
    const calls = await spread(one, 40);
    return calls.filter((each) => each > 0).length === count;
  }, `${count} servers get calls`);

test("register says what it registered, and says it again", () => {
  const registered = register({ kubernetes: { kubeconfig: lab.kubeconfig } });
  assert.deepEqual(registered.schemes, ["kubernetes", "static", "dns"]);
  for (const name of ["least_request", "least_request_experimental", "random"]) {
    assert.ok(registered.policies.includes(name), name);
    assert.ok(grpc.experimental.isLoadBalancerNameRegistered(name), name);
  }
  for (const name of ["pick_first", "round_robin"]) {
    assert.ok(!registered.policies.includes(name), "grpc-js' own stays");
  }
  assert.equal(register({ kubernetes: { kubeconfig: lab.kubeconfig } }), registered);
});

test("what register refuses, it names", () => {
  const refused = (options: object, message: RegExp) =>
    assert.throws(() => register(options as RegisterOptions), message);
  refused({ policy: "x" }, /^RangeError: register\(\): unknown option policy: allowed are kuber/);
  refused({ kubeconfig: "/a" }, /^RangeError: register\(\): unknown option kubeconfig: allowed/);
  refused({ dns: "yes" }, /^RangeError: register\(\): dns is "yes", must be true or false$/);
  refused({ grpc: {} }, /^RangeError: register\(\): grpc must be @grpc\/grpc-js of version/);
  const kubernetes = (given: unknown, message: RegExp) => refused({ kubernetes: given }, message);
  kubernetes("/a", /^RangeError: register\(\): kubernetes is "\/a", must be an object$/);
  kubernetes({ pods: "x" }, /^RangeError: register\(\): kubernetes: unknown option pods: allowed/);
  kubernetes({ zone: 1 }, /^RangeError: register\(\): kubernetes\.zone is 1, must be a string/);
  kubernetes({ objects: "/a", kubeconfig: "/b" }, /objects and kubeconfig exclude each other/);
  refused({ dns: false }, /^Error: register\(\) was called before with other options/);
});

test("stock channels and ours share discovery, and so its watches", async () => {
  const kubernetes = { kubeconfig: lab.kubeconfig };
  const stock = client("kubernetes:///echo.prod:grpc", "least_request");
  await call(stock);
  assert.equal(clientProcess().pool.size, 1);
  const own = new grpc.Client("kubernetes:///echo.prod:grpc", grpc.credentials.createInsecure(), {
    channelFactoryOverride: fairleadChannel({ kubernetes }),
  });
  clients.push(own);
  assert.match(await call(own), /^127\.0\.2\.[123]:50051$/);
  assert.equal(clientProcess().pool.size, 1);
});

test("kubernetes: every form of a target reaches the pods", async () => {
  for (const target of [
    "kubernetes:///echo.prod:grpc",
    "kubernetes:///echo.prod:80",
    "kubernetes:///echo.prod",
    "kubernetes:///echo:grpc",
    "kubernetes:///echo",
    "kubernetes://prod/echo:grpc",
    "kubernetes://prod/echo",
    "kubernetes:///echo.prod.svc.cluster.local:grpc",
    "kubernetes://echo.prod:grpc/",
    "kubernetes://echo.prod:grpc",
    "kubernetes:echo.prod:80",
  ]) {
    for (const policy of ["least_request", "round_robin", null]) {
      const one = client(target, policy);
      assert.match(await call(one), /^127\.0\.2\.[123]:50051$/, `${target} ${policy}`);
    }
  }
});

test("least_request spreads evenly, alone and in a burst", async () => {
  const one = client("kubernetes:///echo.prod:grpc", "least_request");
  await ready(one, 3);
  const calls = (await spread(one, 600)).slice(0, 3);
  assert.ok(Math.max(...calls) / 200 < 1.3, `one after the other: ${calls}`);
  for (const server of servers) server.callCount = 0;
  await Promise.all(Array.from({ length: 600 }, () => call(one)));
  const burst = servers.slice(0, 3).map(({ callCount }) => callCount);
  // By chance alone it would be off by 10 % or more in most bursts.
  assert.ok(Math.max(...burst) / 200 < 1.05, `at once: ${burst}`);
});

test("calls that queue at a cold start are spread evenly, not sent to the first that is ready", async () => {
  for (let i = 0; i < 20; i += 1) {
    const one = client("kubernetes:///echo.prod:grpc", "least_request");
    for (const server of servers) server.callCount = 0;
    await Promise.all(Array.from({ length: 60 }, () => call(one)));
    const calls = servers.slice(0, 3).map(({ callCount }) => callCount);
    assert.ok(Math.max(...calls) / 20 <= 1.2, `${calls}`);
  }
});

test("peak_ewma gives way to a slow server", async () => {
  servers[0].delayMs = 100;
  const one = client("kubernetes:///echo.prod:grpc", "peak_ewma");
  for (let i = 0; i < 20; i += 1) await call(one);
  const calls = await spread(one, 300);
  servers[0].delayMs = 0;
  assert.ok(calls[0] < 15, `${calls}`);
});

for (const policy of ["ring_hash_experimental", "ring_hash", "maglev"]) {
  test(`${policy}: calls with the same header go to the same server`, async () => {
    const config = { loadBalancingConfig: [{ [policy]: { requestHashHeader: "x-session" } }] };
    const one = client("kubernetes:///echo.prod:grpc", null, {
      "grpc.service_config": JSON.stringify(config),
    });
    const callOf = (session: string) => call(one, 10_000, { "x-session": session });
    if (policy === "maglev") await ready(one, 3);
    const chosen = new Set<string>();
    for (let i = 0; i < 30; i += 1) {
      const [first, ...others] = [await callOf(`s${i}`), await callOf(`s${i}`)];
      assert.deepEqual(others, [first]);
      chosen.add(first);
    }
    assert.equal(chosen.size, 3);
  });
}

function ring(parameters: object) {
  return { loadBalancingConfig: [{ ring_hash: parameters }] };
}

test("ring_hash connects only to servers that are picked, and tells when none can be", async () => {
  const options = {
    "grpc.service_config": JSON.stringify(ring({ requestHashHeader: "x-session" })),
  };
  const one = client("kubernetes:///echo.prod:grpc", null, options);
  const before = servers.map(({ connectionCount }) => connectionCount);
  for (let i = 0; i < 10; i += 1) await call(one, 10_000, { "x-session": "the same" });
  const opened = servers.map(({ connectionCount }, i) => connectionCount - before[i]);
  assert.deepEqual([...opened].sort(), [0, 0, 0, 1]);
  const dead = client("static:///127.0.2.9:1,127.0.2.10:1", null, options);
  await assert.rejects(call(dead, 10_000, { "x-session": "a" }), { code: grpc.status.UNAVAILABLE });
});

/** Without a header all calls stayed with the server that happened to be connected first. */
test("ring_hash without a header brings in all servers (A76)", async () => {
  const options = { "grpc.service_config": JSON.stringify(ring({})) };
  const one = client("kubernetes:///echo.prod:grpc", null, options);
  const used = new Set<string>();
  await until(
    async () => {
      used.add(await call(one));
      return used.size === 3;
    },
    "every server is called",
    10_000,
  );
});

test("least_request gives way to a slow server; random does not", async () => {
  servers[0].delayMs = 100;
  const shares: number[] = [];
  for (const policy of ["least_request_experimental", "random"]) {
    const one = client("kubernetes:///echo.prod:grpc", policy);
    for (let i = 0; i < 20; i += 1) await call(one);
    for (const server of servers) server.callCount = 0;
    const caller = async () => {
      for (let i = 0; i < 30; i += 1) await call(one);
    };
    await Promise.all(Array.from({ length: 10 }, caller));
    shares.push(servers[0].callCount / 300);
  }
  servers[0].delayMs = 0;
  assert.ok(shares[0] < 0.2, `least_request: ${shares[0]}`);
  assert.ok(shares[1] > 0.25, `random: ${shares[1]}`);
});

test("a new pod gets calls within a second; what was there is not connected to anew", async () => {
  const policies = ["least_request", "random", "round_robin"];
  const all = policies.map((policy) => client("kubernetes:///echo.prod:grpc", policy));
  for (const one of all) await ready(one, 3);
  const connections = servers.slice(0, 3).map(({ connectionCount }) => connectionCount);
  lab.addPod(4);
  for (const [index, one] of all.entries()) {
    servers[3].callCount = 0;
    await until(
      async () => {
        await call(one);
        return servers[3].callCount > 0;
      },
      `${policies[index]}: the new pod is called`,
      1000,
    );
  }
  for (const one of all) await spread(one, 40);
  const now = servers.slice(0, 3).map(({ connectionCount }) => connectionCount);
  assert.deepEqual(now, connections);
});

test("a pod that terminates loses no call", async () => {
  const one = client("kubernetes:///echo.prod:grpc", "least_request");
  await ready(one, 4);
  for (const server of servers) server.delayMs = 20;
  let isOver = false;
  let count = 0;
  const caller = async () => {
    while (!isOver) {
      await call(one);
      count += 1;
    }
  };
  const callers = Array.from({ length: 20 }, caller);
  await sleep(200);
  lab.workload.terminatePod("echo-4");
  await until(async () => {
    const before = servers[3].callCount;
    await sleep(100);
    return servers[3].callCount === before;
  }, "it gets no calls");
  await sleep(200);
  isOver = true;
  await Promise.all(callers); // rejects when a call fails
  assert.ok(count > 100, `${count}`);
  for (const server of servers) server.delayMs = 0;
  lab.workload.removePod("echo-4");
});

test("dns: a new pod is noticed by the TTL, though no connection was lost", async () => {
  const target = `dns://${dnsServer}/headless.prod.svc.cluster.local:50051`;
  const one = client(target, "least_request");
  await ready(one, 3);
  lab.addPod(4);
  await ready(one, 4);
  lab.workload.removePod("echo-4");
  await ready(one, 3);
});

test("10,000 calls to a dead name fail UNAVAILABLE, and DNS is asked once a second", async () => {
  asked.length = 0;
  const clock = realClock();
  const target = `dns://${dnsServer}/nobody.prod.svc.cluster.local:50051`;
  const startMs = clock.nowMs();
  const many = Array.from({ length: 100 }, () => client(target, "round_robin"));
  const errors = await Promise.all(
    many.flatMap((one) => Array.from({ length: 100 }, () => call(one).catch((error) => error))),
  );
  await sleep(1500);
  for (const one of many) one.close();
  const seconds = (clock.nowMs() - startMs) / 1000;
  for (const error of errors) assert.equal(error.code, grpc.status.UNAVAILABLE);
  assert.match(errors[0].details, /nobody\.prod\.svc\.cluster\.local has no addresses in DNS/);
  const queries = asked.filter((question) => question.includes("nobody.")).length;
  // A and AAAA, once at the start and once a second; of no name that is there, no TXT.
  assert.ok(queries <= 2 * (1 + Math.ceil(seconds)), `${queries} queries in ${seconds} s`);
});

test("dns: what is malformed fails calls UNAVAILABLE, and throws nothing", async () => {
  const one = client("dns:///bad..name:1", "round_robin");
  await assert.rejects(call(one), (error: grpc.ServiceError) => {
    assert.equal(error.code, grpc.status.UNAVAILABLE);
    assert.match(error.details, /"bad\.\.name" is not a host name/);
    return true;
  });
});

test("addresses without a scheme, and lists, work with grpc-js' own policies", async () => {
  const [first, second] = servers;
  assert.equal(await call(client(first.address, null)), first.address);
  const one = client(`static:///${first.address},${second.address}`, "round_robin");
  await until(async () => {
    const calls = await spread(one, 10);
    return calls[0] === 5 && calls[1] === 5;
  }, "both get the same");
  assert.throws(() => client("static:///nowhere", null), /port is missing/);
  assert.throws(() => client("kubernetes:///a.b.c", null), /after SERVICE\.NAMESPACE may come/);
});

test("a channel that was idle finds its endpoints again", async () => {
  const one = client("kubernetes:///echo.prod:grpc", "least_request", {
    "grpc.client_idle_timeout_ms": 1000,
  });
  await call(one);
  const channel = one.getChannel();
  await until(
    () => channel.getConnectivityState(false) === grpc.connectivityState.IDLE,
    "it is idle",
  );
  assert.match(await call(one), /^127\.0\.2\./);
});

test("the Service's annotation configures its clients while they run; a wrong one keeps the last", async () => {
  const spec = {
    selector: { app: "echo" },
    ports: [{ name: "grpc", port: 80, targetPort: "grpc" }],
  };
  lab.workload.addService("annotated", spec);
  const at = { kind: "Service", namespace: "prod", name: "annotated" };
  const annotate = (text: string | null) =>
    lab.cluster.objects.patch(at, {
      metadata: { annotations: { "fairlead.dev/service-config": text } },
    });
  const policies = (...names: string[]) =>
    JSON.stringify({ loadBalancingConfig: names.map((name) => ({ [name]: {} })) });
  annotate(policies("unheard_of", "least_request"));
  const one = client("kubernetes:///annotated.prod:grpc", null);
  await ready(one, 3);
  annotate(policies("pick_first"));
  await ready(one, 1);
  annotate(policies("least_request"));
  await ready(one, 3);
  annotate("{");
  lab.addPod(4);
  await ready(one, 4); // grpc-js by itself would drop the endpoints that come with it
  annotate(null);
  await ready(one, 1);
  lab.workload.removePod("echo-4");
  const deaf = client("kubernetes:///annotated.prod:grpc", null, {
    "grpc.service_config_disable_resolution": 1,
  });
  annotate(policies("least_request"));
  await ready(one, 3);
  await ready(deaf, 1);
});

test("calls to a Service whose annotation was wrong from the start say where it is", async () => {
  const spec = {
    selector: { app: "echo" },
    ports: [{ name: "grpc", port: 80, targetPort: "grpc" }],
  };
  const created = lab.workload.addService("wrong", spec);
  assert.ok(created);
  const at = { kind: "Service", namespace: "prod", name: "wrong" };
  const patch = (config: object) =>
    lab.cluster.objects.patch(at, {
      metadata: { annotations: { "fairlead.dev/service-config": JSON.stringify(config) } },
    });
  patch({ loadBalancingConfig: [{ least_request: { choiceCount: 1 } }] });
  const one = client("kubernetes:///wrong.prod:grpc", null);
  await assert.rejects(call(one), (error: grpc.ServiceError) => {
    assert.equal(error.code, grpc.status.UNAVAILABLE);
    assert.match(
      error.details,
      /loadBalancingConfig\[0\]: least_request: choiceCount is 1, must be 2 or more/,
    );
    return true;
  });
  patch({});
  await until(
    () =>
      call(one).then(
        () => true,
        () => false,
      ),
    "mended",
  );
});
