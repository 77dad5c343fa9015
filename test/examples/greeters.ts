/**
 * A cluster for the examples: the lab's API server with the objects of an example's own manifest,
 * and servers of this machine as its pods. Clients are given the ServiceAccount of the manifest, so
 * that what it may do is what its Role says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { realClock, realRng } from "../../src/base/index.ts";
import { startCluster, Workload } from "../../src/lab/cluster/index.ts";
import { freePort, type RunningProcess, startProcess } from "../peers/processes.ts";

/** As the manifests have it. */
const NAMESPACE = "default";

/** A Kubernetes object of a manifest. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly template: { readonly spec: { readonly serviceAccountName?: string } };
  };
}

/** A server of an example: how it is started on an address. */
export interface ServerCommand {
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  /** How it is told the address: the arguments for it, or variables of its environment. */
  at(address: string): { readonly args?: readonly string[]; readonly env?: Env };
}

type Env = Readonly<Record<string, string>>;

/** A running cluster with servers. */
export interface Greeters {
  /** The environment of a client that runs in it. */
  readonly env: Env;
  /** "ip:port" of each server, in the order of their names. */
  readonly addresses: readonly string[];
  /** Adds one more pod; resolves when it listens and is ready. Its name is PREFIX-N. */
  add(server: ServerCommand): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the API server with the Service and the rights of `manifest`, without a pod.
 *
 * @param directory for its kubeconfig; somebody else's to remove.
 */
export async function startGreeters(manifest: string, directory: string): Promise<Greeters> {
  const cluster = await startCluster({ clock: realClock(), rng: realRng() });
  const workload = new Workload(cluster.objects, NAMESPACE);
  workload.addNode("node-1", "a");
  const objects = readManifest(manifest);
  for (const each of objects) {
    if (each.kind !== "Deployment") cluster.objects.create(each.kind, NAMESPACE, each);
  }
  const account = objects.find((each) => each.kind === "ServiceAccount")!.metadata.name;
  const service = objects.find((each) => each.kind === "Service")!;
  const kubeconfig = join(directory, `${account}.kubeconfig`);
  writeFileSync(kubeconfig, kubeconfigText(cluster.url, await tokenOf(cluster.url, account)));
  const servers: RunningProcess[] = [];
  const addresses: string[] = [];
  return {
    env: { KUBECONFIG: kubeconfig },
    addresses,
    async add(server) {
      const n = servers.length + 1;
      const name = `${service.metadata.name}-${n}`;
      const ip = `127.0.7.${n}`;
      const port = await freePort(ip);
      const { args = [], env = {} } = server.at(`${ip}:${port}`);
      const [program, ...first] = server.command;
      const child = startProcess(program, [...first, ...args], {
        ...{ name, env: { HOSTNAME: name, ...env } },
        ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
      });
      servers.push(child);
      await child.waitFor(/listens on/);
      addresses.push(`${ip}:${port}`);
      const labels = service.spec.selector;
      workload.addPod({ name, labels, node: "node-1", ips: [ip], ports: { grpc: port } });
      workload.setReady(name, true);
    },
    async close() {
      await Promise.all(servers.map((each) => each.stop()));
      await cluster.close();
    },
  };
}

/** The objects of a file of manifests. */
export function readManifest(path: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(path, "utf8")).map((each) => each.toJS() as Manifest);
}

async function tokenOf(url: string, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      spec: {},
    }),
  });
  const { status } = (await answer.json()) as { status: { token: string } };
  return status.token;
}

function kubeconfigText(server: string, token: string): string {
  return JSON.stringify({
    ...{ apiVersion: "v1", kind: "Config", "current-context": "test" },
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: NAMESPACE } }],
    clusters: [{ name: "test", cluster: { server } }],
    users: [{ name: "test", user: { token } }],
  });
}
