/**
 * The lab's API server in the process of a test, with a workload in namespace `prod` and a
 * kubeconfig that leads there. Pods are objects; who wants one to answer starts a server on its
 * address.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock, realRng } from "../../src/base/index.ts";
import {
  type ClusterOptions,
  type LabCluster,
  startCluster,
  Workload,
} from "../../src/lab/cluster/index.ts";

/** A cluster for a test. */
export interface EchoCluster {
  readonly cluster: LabCluster;
  readonly workload: Workload;
  /** A kubeconfig file whose context has namespace `prod`. */
  readonly kubeconfig: string;
  /** A directory of the test's own, gone with `close`. */
  readonly directory: string;
  /** A pod of Service `echo` on 127.0.2.N. */
  addPod(n: number, isReady?: boolean): void;
  close(): Promise<void>;
}

/** Starts one with nodes `node-1` (zone a) and `node-2` (zone b), and Service `echo`. */
export async function startEchoCluster(
  options: Partial<ClusterOptions> & { readonly token?: string } = {},
): Promise<EchoCluster> {
  const { token = "", ...given } = options;
  const cluster = await startCluster({ clock: realClock(), rng: realRng(), ...given });
  const workload = new Workload(cluster.objects, "prod");
  workload.addNode("node-1", "a");
  workload.addNode("node-2", "b");
  workload.addService("echo", {
    selector: { app: "echo" },
    ports: [{ name: "grpc", port: 80, targetPort: "grpc" }],
  });
  const directory = mkdtempSync(join(tmpdir(), "fairlead-test-"));
  const kubeconfig = join(directory, "kubeconfig.yaml");
  writeFileSync(kubeconfig, kubeconfigText(cluster.url, token));
  return {
    cluster,
    workload,
    kubeconfig,
    directory,
    addPod(n, isReady = true) {
      const name = `echo-${n}`;
      const labels = { app: "echo" };
      const node = `node-${2 - (n % 2)}`;
      workload.addPod({ name, labels, node, ips: [`127.0.2.${n}`], ports: { grpc: 50_051 } });
      if (isReady) workload.setReady(name, true);
    },
    async close() {
      await cluster.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A kubeconfig for one API server; a token of "" is none. */
export function kubeconfigText(server: string, token = ""): string {
  const user = token === "" ? {} : { token };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "prod" } }],
    clusters: [{ name: "test", cluster: { server } }],
    users: [{ name: "test", user }],
  });
}
