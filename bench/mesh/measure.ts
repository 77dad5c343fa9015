/**
 * How soon a new pod gets calls of those that a control plane drives, with a real kube-apiserver in
 * the loop: a stock Envoy as sidecar, whose client dials the cluster IP, and stock grpc-go by xDS.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { envoyArgs } from "../../test/control/envoy.ts";
import type { TestCluster } from "../../test/kubernetes/cluster.ts";
import type { Objects } from "../../test/kubernetes/objects.ts";
import { findPeer } from "../../test/peers/find.ts";
import { rootDir } from "../../test/peers/paths.ts";
import type { RunningProcess } from "../../test/peers/processes.ts";
import { launch, measurePods, type Reaction, type Stoppable } from "../reaction/measure.ts";

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
export function measureMesh(
  client: MeshClient,
  cluster: TestCluster,
  objects: Objects,
  count: number,
  directory: string,
): Promise<Reaction> {
  const start = async (running: Stoppable[]): Promise<RunningProcess> => {
    running.push(await startControl(cluster));
    if (client === "envoy") return startEnvoy(cluster, objects, running);
    return startGo(cluster, objects, directory);
  };
  return measurePods(cluster, objects, count, start, PAUSE_MS);
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
