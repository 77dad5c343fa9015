/**
 * How soon a new pod gets calls of those that a control plane drives, with a real kube-apiserver in
 * the loop: a stock Envoy as sidecar, whose client dials the cluster IP, and stock grpc-go by xDS.
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
  addOne,
  BenchPods,
  HandMadeSlice,
  launch,
  PODS,
  type Reaction,
} from "../reaction/measure.ts";

const CONTROL = "127.0.0.1:18000";
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
    ip daddr 10.96.0.0/24 tcp dport 50051 redirect to :15001
  }
}`;

/** Who is measured. */
export type MeshClient = "envoy" | "grpc-go";

/** @param directory for files of the programs. */
export async function measureMesh(
  client: MeshClient,
  cluster: TestCluster,
  objects: Objects,
  count: number,
  directory: string,
): Promise<Reaction> {
  const pods = new BenchPods(cluster, PODS + count);
  await pods.ready();
  const slice = new HandMadeSlice(objects);
  await slice.create(pods.ips.slice(0, PODS));
  const control = await startControl(cluster);
  const running: RunningProcess[] = [control];
  try {
    const caller =
      client === "envoy"
        ? await startEnvoy(cluster, objects, running)
        : startGo(cluster, objects, directory);
    running.push(caller);
    await caller.waitFor(/^ready$/m, 30_000);
    await sleep(1_000);
    const samplesMs: number[] = [];
    for (let i = 0; i < count; i += 1) samplesMs.push(await addOne(pods, slice, i, PAUSE_MS));
    await caller.stop();
    const [, line] = await caller.waitFor(/^(\{"calls".*\})$/m);
    return { samplesMs, ...(JSON.parse(line as string) as { calls: number; failed: number }) };
  } finally {
    await Promise.all([...running.map((each) => each.stop()), pods.stop()]);
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
  cluster: TestCluster,
  objects: Objects,
  running: RunningProcess[],
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
  return launch(cluster, "caller.ts", [`dns:///${clusterIp}:50051`, String(RATE), ""]);
}

function startGo(cluster: TestCluster, objects: Objects, directory: string): RunningProcess {
  const bootstrap = join(directory, "bootstrap.json");
  const server = { server_uri: CONTROL, channel_creds: [{ type: "insecure" }] };
  writeFileSync(bootstrap, JSON.stringify({ xds_servers: [server], node: { id: "bench" } }));
  const target = `xds:///echo.${objects.namespace}:50051`;
  const args = ["-target", target, "-interval", "1ms", "-summary"];
  return cluster.launch(peer("xds-client"), args, { env: { GRPC_XDS_BOOTSTRAP: bootstrap } });
}

function peer(name: string): string {
  const found = findPeer(name);
  if (found === null) throw new Error(`peer ${name} is missing: run npm run peers`);
  return found.path;
}
