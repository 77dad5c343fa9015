/**
 * The same question put to stock grpc-js with `dns:///` and round_robin, against the lab's DNS
 * server, which answers at once with what is: a pod comes, and the client is given its time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { realClock } from "../../src/base/index.ts";
import type { EndpointSlice, Service } from "../../src/discovery/index.ts";
import { type DnsZone, LabDns } from "../../src/lab/dns/index.ts";
import type { TestCluster } from "../../test/kubernetes/cluster.ts";
import { BenchPods, endOf, launch, PODS, type Reaction } from "./measure.ts";

/** grpc-js asks DNS again 30 s after the last time at the earliest. */
const WAIT_MS = 35_000;
const RATE = 300;
const ROUND_ROBIN = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

const metadata = (name: string) => ({
  ...{ name, namespace: "prod", uid: name, resourceVersion: "1" },
  ...{ labels: { "kubernetes.io/service-name": "echo" } },
});

const SERVICE: Service = {
  kind: "Service",
  metadata: metadata("echo"),
  ...{ type: "ClusterIP", clusterIp: "None", clusterIps: [], ports: [], externalName: "" },
  ...{ internalTrafficPolicy: "Cluster", trafficDistribution: "", publishNotReadyAddresses: false },
  serviceConfig: null,
};

function sliceOf(ips: readonly string[]): EndpointSlice {
  const endpoints = ips.map((ip) => ({
    ...{ addresses: [ip], ready: true, serving: true, terminating: false },
    ...{ nodeName: null, zone: null, targetRef: null, forNodes: [], forZones: [] },
  }));
  return {
    ...{ kind: "EndpointSlice", metadata: metadata("echo-1"), addressType: "IPv4", endpoints },
    ports: [{ name: "grpc", port: 50_051, protocol: "TCP" }],
  };
}

/** One pod that comes; its time is Infinity when it has no call within 35 s. */
export async function measureStock(cluster: TestCluster): Promise<Reaction> {
  const pods = new BenchPods(cluster, PODS + 1);
  await pods.ready();
  let ips: readonly string[] = pods.ips.slice(0, PODS);
  const zone: DnsZone = {
    domain: "cluster.local",
    hasNamespace: (namespace) => namespace === "prod",
    service: (namespace, name) => (namespace === "prod" && name === "echo" ? SERVICE : null),
    slices: () => [sliceOf(ips)],
  };
  const dns = new LabDns({ clock: realClock(), zone });
  const server = await dns.listen("127.0.0.1", 0);
  const target = `dns://${server}/echo.prod.svc.cluster.local:50051`;
  const caller = launch(cluster, "caller.ts", [target, String(RATE), ROUND_ROBIN]);
  try {
    await caller.waitFor(/^ready$/m, 30_000);
    await sleep(500);
    const beganNs = process.hrtime.bigint();
    ips = pods.ips;
    let atNs: bigint | null = null;
    const last = pods.ips.at(-1) as string;
    for (let waitedMs = 0; atNs === null && waitedMs < WAIT_MS; waitedMs += 50) {
      await sleep(50);
      atNs = pods.firstCallNs(last);
    }
    const tookMs = atNs === null ? Number.POSITIVE_INFINITY : Number(atNs - beganNs) / 1e6;
    return { samplesMs: [tookMs], ...(await endOf(caller)) };
  } finally {
    await Promise.all([caller.stop(), pods.stop(), dns.close()]);
  }
}
