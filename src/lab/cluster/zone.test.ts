/**
 * The cluster as its DNS server sees it, asked over real sockets as grpc-js does.
 */
import assert from "node:assert/strict";
import dns from "node:dns";
import { test } from "node:test";
import { realClock } from "../../base/index.ts";
import { LabDns } from "../dns/index.ts";
import { startTestCluster } from "./cluster.fixture.ts";
import { StoreZone, Workload } from "./index.ts";

test("a headless name has the ready pods, the other one its ClusterIP", async (t) => {
  const cluster = await startTestCluster(t);
  const zone = new StoreZone(cluster.objects.store);
  const server = new LabDns({ clock: realClock(), zone });
  t.after(() => server.close());
  const resolver = new dns.promises.Resolver();
  resolver.setServers([await server.listen()]);
  const lookUp = (name: string): Promise<readonly string[]> =>
    resolver.resolve4(`${name}.lab.svc.cluster.local`).then(
      (addresses) => addresses.sort(),
      (error: NodeJS.ErrnoException) => [error.code!],
    );
  const workload = new Workload(cluster.objects, "lab");
  workload.addNode("n1");
  const ports = [{ name: "grpc", port: 50_051, targetPort: "grpc" }];
  const selector = { app: "echo" };
  workload.addService("echo", { ports, selector, clusterIP: "127.0.96.1" });
  workload.addService("echo-headless", { ports, selector, clusterIP: "None" });
  for (const n of [1, 2]) {
    workload.addPod({
      ...{ name: `echo-${n}`, labels: selector, node: "n1" },
      ...{ ips: [`127.0.1.${n}`], ports: { grpc: 50_051 } },
    });
  }
  const slices = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  await slices();
  assert.deepEqual(await lookUp("echo"), ["127.0.96.1"]);
  assert.deepEqual(await lookUp("echo-headless"), ["ENOTFOUND"]);
  workload.setReady("echo-1", true);
  workload.setReady("echo-2", true);
  await slices();
  assert.deepEqual(await lookUp("echo-headless"), ["127.0.1.1", "127.0.1.2"]);
  workload.terminatePod("echo-1");
  await slices();
  assert.deepEqual(await lookUp("echo-headless"), ["127.0.1.2"]);
  assert.deepEqual(await lookUp("none"), ["ENOTFOUND"]);
  assert.equal(zone.hasNamespace("nowhere"), false);
});
