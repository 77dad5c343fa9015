/**
 * How soon a new pod, and a new Service that a route leads to, gets calls of those that a control
 * plane drives, with a real kube-apiserver in the loop: a stock Envoy as sidecar, whose client
 * dials the cluster IP, and stock grpc-go by xDS.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { envoyArgs } from "../../test/control/envoy.ts";
import type { TestCluster } from "../../test/kubernetes/cluster.ts";
import type { Objects } from "../../test/kubernetes/objects.ts";
import { findPeer } from "../../test/peers/find.ts";
import { rootDir } from "../../test/peers/paths.ts";
import type { RunningProcess } from "../../test/peers/processes.ts";
import {
  BenchPods,
  endOf,
  firstCallMs,
  launch,
  measurePods,
  type Reaction,
  type Stoppable,
} from "../reaction/measure.ts";

const CONTROL = "127.0.0.1:18000";
const PORT = 50_051;
const ADMIN_PORT = 15_000;
const PROXY_UID = "1337";
/** Longer than the control plane waits in a burst: each pod that comes is a change by itself. */
const PAUSE_MS = 200;
/** Calls per second of the client. */
const RATE = 1_000;

const CAPTURE = `
table ip mesh {
  chain output {
    type nat hook output priority -100;
    meta skuid ${PROXY_UID} return
    ip daddr 10.96.0.0/24 tcp dport ${PORT} redirect to :15001
  }
}`;

/** Who is measured. */
export type MeshClient = "envoy" | "grpc-go";

/** What comes one by one. */
export type MeshEvent = "pod" | "Service";

/** What is measured with. */
export interface MeshPlace {
  readonly cluster: TestCluster;
  /** Of a namespace of its own. */
  readonly objects: Objects;
  /** For files of the programs. */
  readonly directory: string;
}

/** Measures so many events. */
export function measureMesh(
  client: MeshClient,
  event: MeshEvent,
  place: MeshPlace,
  count: number,
): Promise<Reaction> {
  const { cluster, objects } = place;
  const start = async (running: Stoppable[]): Promise<RunningProcess> => {
    running.push(await startControl(cluster));
    return client === "envoy" ? startEnvoy(place, running) : startGo(place);
  };
  return event === "pod"
    ? measurePods(cluster, objects, count, start, PAUSE_MS)
    : measureServices(place, count, start);
}

/** Each Service has a pod of its own, which gets calls when the route leads to it. */
async function measureServices(
  { cluster, objects }: MeshPlace,
  count: number,
  start: (running: Stoppable[]) => Promise<RunningProcess>,
): Promise<Reaction> {
  const pods = new BenchPods(cluster, 1 + count);
  const running: Stoppable[] = [pods];
  const { namespace } = objects;
  const add = async (name: string, i: number): Promise<void> => {
    await objects.service(name, [{ name: "grpc", port: PORT }], { selector: null });
    const ports = [{ name: "grpc", port: PORT, protocol: "TCP" }];
    const endpoints = [{ addresses: [pods.ips[i]], conditions: { ready: true } }];
    await objects.slice(`${name}-bench`, name, { ports, endpoints });
  };
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/grpcroutes`;
  const specOf = (name: string) => ({
    parentRefs: [{ group: "", kind: "Service", name: "echo" }],
    rules: [{ backendRefs: [{ name, port: PORT }] }],
  });
  try {
    await pods.ready();
    await add("echo", 0);
    const route = { apiVersion: "gateway.networking.k8s.io/v1", kind: "GRPCRoute" };
    await cluster.api.post(path, { ...route, metadata: { name: "echo" }, spec: specOf("echo") });
    const caller = await start(running);
    running.push(caller);
    await caller.waitFor(/^ready$/m, 30_000);
    await sleep(1_000);
    const samplesMs: number[] = [];
    for (let i = 1; i <= count; i += 1) {
      const beganNs = process.hrtime.bigint();
      await add(`fresh-${i}`, i);
      await cluster.api.patch(`${path}/echo`, { spec: specOf(`fresh-${i}`) });
      samplesMs.push(await firstCallMs(pods, pods.ips[i]!, beganNs));
      await sleep(PAUSE_MS);
    }
    return { samplesMs, ...(await endOf(caller)) };
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

async function startControl(cluster: TestCluster): Promise<RunningProcess> {
  const program = join(rootDir, "src/cli/main.ts");
  const args = [program, "control", "--kubeconfig", cluster.kubeconfig, "--listen", CONTROL];
  const control = cluster.launch(process.execPath, args, { name: "control" });
  await control.waitFor(/listening/);
  return control;
}

/** Envoy beside its client: what goes to cluster IPs is captured. */
async function startEnvoy(
  { cluster, objects }: MeshPlace,
  running: Stoppable[],
): Promise<RunningProcess> {
  const nft = cluster.launch(peer("nft"), ["-f", "-"], { input: CAPTURE });
  await nft.exited;
  if (nft.exit?.code !== 0) throw new Error(`nft: ${nft.output}`);
  const uid = ["--reuid", PROXY_UID, "--regid", PROXY_UID, "--clear-groups"];
  const args = envoyArgs({ control: CONTROL, adminPort: ADMIN_PORT, isDelta: false });
  const envoy = cluster.launch("setpriv", [...uid, peer("envoy"), ...args], { name: "envoy" });
  running.push(envoy);
  const path = `/api/v1/namespaces/${objects.namespace}/services/echo`;
  const { spec } = await cluster.api.get<{ spec: { clusterIP: string } }>(path);
  const { clusterIP: clusterIp } = spec;
  return launch(cluster, "caller.ts", [`dns:///${clusterIp}:${PORT}`, String(RATE), ""]);
}

function startGo({ cluster, objects, directory }: MeshPlace): RunningProcess {
  const bootstrap = join(directory, "bootstrap.json");
  const server = { server_uri: CONTROL, channel_creds: [{ type: "insecure" }] };
  writeFileSync(bootstrap, JSON.stringify({ xds_servers: [server], node: { id: "bench" } }));
  const target = `xds:///echo.${objects.namespace}:${PORT}`;
  const args = ["-target", target, "-interval", "1ms", "-summary"];
  return cluster.launch(peer("xds-client"), args, { env: { GRPC_XDS_BOOTSTRAP: bootstrap } });
}

function peer(name: string): string {
  const found = findPeer(name);
  if (found === null) throw new Error(`peer ${name} is missing: run npm run peers`);
  return found.path;
}
