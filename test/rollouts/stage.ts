/**
 * Where rollouts take place: the lab's API server, controller and DNS in this process, pods that
 * are processes on addresses of loopback, and callers and proxies that are processes too.
 *
 * It starts and ends things and writes down what became of them; what happens when is its user's.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realClock, realRng } from "../../src/base/index.ts";
import { type LabCluster, StoreZone, startCluster, Workload } from "../../src/lab/cluster/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import { temporaryDirectory } from "../kubernetes/temporary.ts";
import { freePorts, type RunningProcess, startProcess } from "../peers/processes.ts";
import { kubeconfigText } from "../support/lab-cluster.ts";
import { CallerProcess } from "./caller-process.ts";
import type { CallerPlan, Load, Way } from "./plan.ts";
import { Pod } from "./pod.ts";
import { WatchedProxy } from "./watched-proxy.ts";

/** The namespace of everything. */
export const NAMESPACE = "prod";
/** The Service that fairlead is given. */
export const SERVICE = "echo";
const HEADLESS = "echo-headless";
const LABELS = { app: "echo" };
/** All pods listen on it: DNS tells no ports. */
const PORT = 50_051;
const ROUND_ROBIN = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/** See the head of this file. */
export class Stage {
  readonly cluster: LabCluster;
  readonly workload: Workload;
  readonly directory: string;
  readonly kubeconfig: string;
  /** Every pod that ever was. */
  readonly pods: Pod[] = [];
  readonly #temporary = temporaryDirectory();
  readonly #dns: LabDns;
  readonly #dnsAddress: string;
  readonly #processes = new Set<RunningProcess>();
  #ipCount = 0;

  private constructor(cluster: LabCluster, dns: LabDns, dnsAddress: string) {
    this.cluster = cluster;
    this.#dns = dns;
    this.#dnsAddress = dnsAddress;
    this.workload = new Workload(cluster.objects, NAMESPACE);
    this.directory = this.#temporary.path;
    this.kubeconfig = join(this.directory, "kubeconfig.yaml");
    writeFileSync(this.kubeconfig, kubeconfigText(cluster.url));
    this.workload.addNode("node-1", "a");
    const spec = {
      selector: LABELS,
      ports: [{ name: "grpc", port: PORT, targetPort: "grpc" }],
    };
    this.workload.addService(SERVICE, spec);
    this.workload.addService(HEADLESS, { ...spec, clusterIP: "None" });
  }

  /** Starts the API server and DNS; no pod yet. */
  static async start(): Promise<Stage> {
    const cluster = await startCluster({ clock: realClock(), rng: realRng() });
    const dns = new LabDns({ clock: realClock(), zone: new StoreZone(cluster.objects.store) });
    return new Stage(cluster, dns, await dns.listen());
  }

  /** An address of loopback that no pod here had; other processes have another net. */
  nextHost(): string {
    this.#ipCount += 1;
    return `127.${64 + (process.pid % 128)}.${this.#ipCount >> 8}.${this.#ipCount & 255}`;
  }

  /**
   * A pod that serves and is not ready yet.
   *
   * @param listenHost where its server listens, when something stands before it on `host`.
   */
  async addPod(name: string, host: string, listenHost = host): Promise<Pod> {
    const object = this.workload.addPod({
      ...{ name, labels: LABELS, node: "node-1", ips: [host] },
      ports: { grpc: PORT },
    });
    const pod = new Pod(this, name, `${host}:${PORT}`, object.metadata.uid, listenHost, PORT);
    this.pods.push(pod);
    await pod.start();
    return pod;
  }

  /** Starts one of `programs/`, for as long as the stage stands. */
  program(name: string, program: string, args: readonly string[]): RunningProcess {
    const path = fileURLToPath(new URL(`./programs/${program}.ts`, import.meta.url));
    // grpc-js asks the DNS server that a target names only when it is told so.
    const env = { GRPC_NODE_USE_ALTERNATIVE_RESOLVER: "true", NODE_OPTIONS: undefined };
    return this.keep(startProcess(process.execPath, [path, ...args], { name, env }));
  }

  /** A process that is to end with the stage. */
  keep(started: RunningProcess): RunningProcess {
    this.#processes.add(started);
    const forget = (): void => void this.#processes.delete(started);
    started.exited.then(forget, forget);
    return started;
  }

  /** A `fairlead proxy` in front of all pods, ready for calls. */
  async proxy(policy: string, listen = "127.0.0.1:0"): Promise<WatchedProxy> {
    return WatchedProxy.start(this, [
      ...["--listen", listen, "--admin", "0", "--to", this.target],
      ...["--kubeconfig", this.kubeconfig, "--policy", policy, "--drain-timeout", "20"],
    ]);
  }

  /** The pods, to whoever reads EndpointSlices. */
  get target(): string {
    return `kubernetes:///${SERVICE}.${NAMESPACE}:grpc`;
  }

  /** A caller that makes calls by a way; through `proxyAddress` where the way is that. */
  async caller(
    name: string,
    { way, load, seed, proxyAddress = "" }: CallerOptions,
  ): Promise<CallerProcess> {
    const targets: Record<Way, Pick<CallerPlan, "channel" | "target" | "serviceConfig">> = {
      headless: {
        ...{ channel: "stock", serviceConfig: ROUND_ROBIN },
        target: `dns://${this.#dnsAddress}/${HEADLESS}.${NAMESPACE}.svc.cluster.local:${PORT}`,
      },
      client: { channel: "fairlead", target: this.target, serviceConfig: "" },
      plain: { channel: "plain", target: this.target, serviceConfig: ROUND_ROBIN },
      proxy: { channel: "stock", target: proxyAddress, serviceConfig: "" },
    };
    const plan: CallerPlan = {
      ...targets[way],
      ...{ way: name, kubeconfig: this.kubeconfig, seed, load },
      journal: join(this.directory, `${name}.calls`),
    };
    return CallerProcess.start(this, plan);
  }

  /** A port of 127.0.0.1 that is free now. */
  async freeAddress(): Promise<string> {
    const [port] = await freePorts(1);
    return `127.0.0.1:${port}`;
  }

  /** Ends all that still runs. */
  async close(): Promise<void> {
    const all = [...this.#processes];
    for (const each of all) each.kill();
    await Promise.allSettled(all.map(({ exited }) => exited));
    await this.#dns.close();
    await this.cluster.close();
    this.#temporary.release();
  }
}

/** How a caller calls. */
export interface CallerOptions {
  readonly way: Way;
  readonly load: Load;
  readonly seed: number;
  readonly proxyAddress?: string;
}
