/**
 * `fairlead proxy --to kubernetes:///...`: by one process and by workers, from an API server and
 * from files; the API server goes and returns; what the admin endpoint says of all that.
 */
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import http2, { type ClientHttp2Session } from "node:http2";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { runProcess, stopAll } from "../peers/processes.ts";
import { createAuthority } from "../support/certificates.ts";
import { type EchoCluster, startEchoCluster } from "../support/lab-cluster.ts";
import {
  ask,
  call,
  FAIRLEAD,
  startProxy,
  startUpstream,
  type Upstream,
  until,
  withSession,
} from "./harness.ts";

const TARGET = "kubernetes:///echo.prod:grpc";
let lab: EchoCluster;
const upstreams: Upstream[] = [];

before(async () => {
  lab = await startEchoCluster();
  for (const name of ["a", "b", "c"]) upstreams.push(await startUpstream(name));
  upstreams.slice(0, 2).forEach((_, i) => void addPod(i));
});

afterEach(() => stopAll());

after(async () => {
  await lab.close();
  for (const each of upstreams) await each.close();
});

function addPod(i: number): void {
  const port = Number(upstreams[i]!.address.split(":")[1]);
  const name = `echo-${"abc"[i]}`;
  const spec = { name, labels: { app: "echo" }, node: "node-1" };
  lab.workload.addPod({ ...spec, ips: ["127.0.0.1"], ports: { grpc: port } });
  lab.workload.setReady(name, true);
}

/** Who answers, over enough calls that each one is asked. */
async function answering(session: ClientHttp2Session): Promise<string> {
  const names = new Set<string>();
  for (let i = 0; i < 12; i += 1) names.add((await call(session)).name);
  return [...names].sort().join("");
}

interface Seen {
  readonly stale: boolean;
  readonly endpoints: readonly { readonly pod: string | null; readonly source: string }[];
}

async function cluster(admin: string): Promise<Seen> {
  const { body } = await ask(admin, "/clusters?format=json");
  return (JSON.parse(body) as { clusters: Seen[] }).clusters[0]!;
}

for (const workers of ["1", "2"]) {
  test(`with ${workers} workers pods come and go, and an API server that is away costs nothing`, async () => {
    const flags = ["--kubeconfig", lab.kubeconfig, "--policy", "round_robin"];
    const proxy = await startProxy(
      ...["--listen", "127.0.0.1:0", "--to", TARGET, "--admin", "0", "--workers", workers],
      ...flags,
    );
    await withSession(`http://${proxy.addresses[0]}`, async (session) => {
      await until("both pods answer", async () => (await answering(session)) === "ab");
      addPod(2);
      await until("the third answers too", async () => (await answering(session)) === "abc");
      const { endpoints } = await cluster(proxy.admin);
      assert.deepEqual(endpoints.map(({ pod }) => pod).sort(), ["echo-a", "echo-b", "echo-c"]);
      assert.match(endpoints[0]!.source, /^EndpointSlice prod\/echo-[a-z0-9]{5}$/);
      lab.cluster.faults.set({ kind: "reset" });
      lab.cluster.server.resetConnections();
      await until("it is stale", async () => (await cluster(proxy.admin)).stale);
      assert.equal(await answering(session), "abc");
      const { body } = await ask(proxy.admin, "/metrics");
      assert.match(body, /^fairlead_discovery_stale_seconds\{[^}]*\} [0-9.e-]*[1-9]/m);
      lab.workload.terminatePod("echo-c");
      lab.cluster.faults.clear();
      await until("it is back", async () => !(await cluster(proxy.admin)).stale);
      await until("who left while it was away is gone", async () => {
        return (await answering(session)) === "ab";
      });
      lab.workload.removePod("echo-c");
    });
    assert.deepEqual(await proxy.process.stop(10_000), { code: 0, signal: null });
  });
}

test("objects from files are followed, and a broken file keeps what was good", async () => {
  const file = join(lab.directory, "echo.json");
  const write = (...ports: number[]): void => {
    writeFileSync(`${file}.new`, objects(ports));
    renameSync(`${file}.new`, file);
  };
  const [a, b] = upstreams.map(({ address }) => Number(address.split(":")[1])) as [number, number];
  write(a);
  const args = ["--listen", "127.0.0.1:0", "--to", "kubernetes:///echo.prod", "--admin", "0"];
  const proxy = await startProxy(...args, "--objects", lab.directory);
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    await until("a answers", async () => (await answering(session)) === "a");
    writeFileSync(file, '{"kind": "List", "items": [');
    await until("it is stale", async () => (await cluster(proxy.admin)).stale);
    assert.equal(await answering(session), "a");
    write(a, b);
    await until("b answers too", async () => (await answering(session)) === "ab");
  });
});

/** A slice for each port, as a Service with a named port of several numbers has. */
function objects(ports: readonly number[]): string {
  const items = ports.map((port) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `echo-${port}`,
      namespace: "prod",
      labels: { "kubernetes.io/service-name": "echo" },
    },
    addressType: "IPv4",
    ports: [{ name: "grpc", port, protocol: "TCP" }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  }));
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

test("an API server that is not known yet is no error of start, one that is not named is", async () => {
  const env = { KUBECONFIG: undefined, HOME: lab.directory, KUBERNETES_SERVICE_HOST: undefined };
  const args = ["proxy", "--listen", "127.0.0.1:0", "--to", TARGET];
  const none = await runProcess(FAIRLEAD, args, { env });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^fairlead: no Kubernetes API server is known: .*$/m);
  assert.doesNotMatch(none.stderr, /"msg":"listening"/);
});

test("the name in certificates is the Service's, wherever the namespace came from", async (t) => {
  const authority = await createAuthority("service");
  const pair = await authority.issue({ names: ["secure.prod.svc"] });
  const secure = await startUpstream("secure", http2.createSecureServer(pair));
  t.after(() => secure.close());
  const ca = join(lab.directory, "ca.crt");
  writeFileSync(ca, authority.cert);
  lab.workload.addService("secure", {
    selector: { app: "secure" },
    ports: [{ name: "grpc", port: 80, targetPort: "grpc" }],
  });
  const port = Number(secure.address.split(":")[1]);
  const spec = { name: "secure-a", labels: { app: "secure" }, node: "node-1" };
  lab.workload.addPod({ ...spec, ips: ["127.0.0.1"], ports: { grpc: port } });
  lab.workload.setReady("secure-a", true);
  // The namespace of the kubeconfig's context, of a flag, of the target.
  for (const [target, ...more] of [
    ["kubernetes:///secure:grpc"],
    ["kubernetes:///secure:grpc", "-n", "prod"],
    ["kubernetes:///secure.prod:grpc"],
  ] as const) {
    const flags = ["--kubeconfig", lab.kubeconfig, "--to-tls", "--to-ca", ca, ...more];
    const { code, stdout } = await runProcess(FAIRLEAD, ["why", target, ...flags]);
    assert.equal(code, 0, stdout);
  }
  const flags = ["--kubeconfig", lab.kubeconfig, "--to-tls", "--to-ca", ca];
  const to = ["--to", "kubernetes:///secure:grpc", "--workers", "2"];
  const proxy = await startProxy("--listen", "127.0.0.1:0", ...to, ...flags);
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    assert.equal((await call(session)).name, "secure");
  });
});

test("why names the rule of a pod that is not ready", async () => {
  const port = Number(upstreams[2]!.address.split(":")[1]);
  const spec = { name: "echo-late", labels: { app: "echo" }, node: "node-2" };
  lab.workload.addPod({ ...spec, ips: ["127.0.0.1"], ports: { grpc: port } });
  const args = ["why", TARGET, "--kubeconfig", lab.kubeconfig, "-o", "json"];
  const { code, stdout } = await runProcess(FAIRLEAD, args);
  assert.equal(code, 0);
  const { endpoints, notes } = JSON.parse(stdout);
  const late = endpoints.find(({ pod }: { pod: string }) => pod === "echo-late");
  assert.deepEqual(
    [late.usable, late.reason, late.node, late.zone],
    [false, "not ready", "node-2", "b"],
  );
  assert.match(late.decision[0].effect, /^no: not ready, says EndpointSlice prod\/echo-/);
  assert.match(notes[0], /port "grpc"/);
  lab.workload.removePod("echo-late");
});
