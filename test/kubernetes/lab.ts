/**
 * The lab's cluster for tests: its API server and endpointslice controller in this process, behind
 * the same interface as a real one, so that the same suite judges both.
 *
 * All on loopback, no root: pods have addresses of 127.0.0.0/8, which the lab's API server allows
 * in EndpointSlices. Accounts are ServiceAccounts, as in a real cluster.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { realClock, realRng } from "../../src/base/index.ts";
import {
  ADMIN_RULES,
  type CertificatePair,
  createLabAuthority,
  installGatewayApi,
  type LabCluster,
  StoreZone,
  startCluster,
} from "../../src/lab/cluster/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import {
  freePorts,
  type RunningProcess,
  type StartOptions,
  startProcess,
} from "../peers/processes.ts";
import { type Account, type KubeconfigSpec, ServiceAccount, writeKubeconfig } from "./accounts.ts";
import { Api } from "./api.ts";
import type { TestCluster } from "./cluster.ts";
import { createNode, Objects } from "./objects.ts";
import { temporaryDirectory } from "./temporary.ts";

/** All on 127.0.0.1. */
interface LabPorts {
  readonly port: number;
  /** Of the API server that stands in while the other is away. */
  readonly spare: number;
  readonly dns: number;
}

/** Addresses that were given out in this process: its clusters share one net. */
let ipCount = 0;

/** Starts one. It is gone with `close`, or with this process. */
export async function startLabCluster(): Promise<LabTestCluster> {
  const authority = await createLabAuthority(realClock().wallMs());
  const pair = await authority.issueServer(["kubernetes", "127.0.0.1"]);
  const [port, spare, dns] = await freePorts(3);
  const cluster = new LabTestCluster(authority.cert, pair, { port, spare, dns });
  await cluster.start();
  return cluster;
}

/** See the head of this file. */
export class LabTestCluster implements TestCluster {
  readonly kind = "lab";
  readonly api: Api;
  readonly kubeconfig: string;
  readonly #temporary = temporaryDirectory();
  readonly #directory = this.#temporary.path;
  readonly #pair: CertificatePair;
  readonly #ports: LabPorts;
  readonly #config: KubeconfigSpec;
  /** Of one who may do all. */
  readonly #token = randomUUID();
  readonly #processes = new Set<RunningProcess>();
  #apiPort: number;
  #cluster: LabCluster | null = null;
  #dns: LabDns | null = null;
  #hasGatewayApi = false;

  constructor(ca: string, pair: CertificatePair, ports: LabPorts) {
    this.#pair = pair;
    this.#ports = ports;
    this.#apiPort = ports.port;
    const caFile = join(this.#directory, "ca.crt");
    writeFileSync(caFile, ca);
    this.#config = { server: `https://127.0.0.1:${ports.port}`, caFile, namespace: "default" };
    const token = this.#token;
    this.kubeconfig = writeKubeconfig(this.#directory, "admin", token, this.#config).kubeconfig;
    const dial = () => connect(this.#apiPort, "127.0.0.1");
    this.api = new Api({ dial, ca: () => ca, token });
  }

  /** Starts the API server and the controller. */
  async start(): Promise<void> {
    await this.#run(this.#ports.port);
  }

  async #run(port: number): Promise<void> {
    this.#apiPort = port;
    this.api.closeConnections();
    this.#cluster = await startCluster({
      clock: realClock(),
      rng: realRng(),
      port,
      tls: this.#pair,
      users: [{ name: "admin", tokens: [this.#token], rules: ADMIN_RULES }],
      journalFile: join(this.#directory, "journal"),
    });
    const zone = new StoreZone(this.#cluster.objects.store);
    this.#dns = new LabDns({ clock: realClock(), zone });
    await this.#dns.listen("127.0.0.1", this.#ports.dns);
  }

  async node(name: string, zone: string): Promise<void> {
    await createNode(this.api, name, zone);
  }

  async namespace(name: string): Promise<Objects> {
    const objects = new Objects(this.api, name);
    await objects.create();
    return objects;
  }

  async installGatewayApi(): Promise<boolean> {
    const { objects } = this.#cluster!;
    if (!this.#hasGatewayApi) installGatewayApi(objects);
    this.#hasGatewayApi = true;
    return true;
  }

  nextIp(): string {
    ipCount += 1;
    // Clusters of other processes are in another net of loopback.
    const net = 64 + (process.pid % 128);
    return `127.${net}.${ipCount >> 8}.${ipCount & 255}`;
  }

  nextIpv6(): string {
    ipCount += 1;
    return `2001:db8::${ipCount.toString(16)}`;
  }

  launch(path: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
    const started = startProcess(path, args, { name: path, ...options });
    this.#processes.add(started);
    const forget = () => this.#processes.delete(started);
    started.exited.then(forget, forget);
    return started;
  }

  dial(host: string, port: number): Socket {
    return connect(port, host);
  }

  dnsTarget(name: string, port: string | number): string {
    return `dns://127.0.0.1:${this.#ports.dns}/${name}:${port}`;
  }

  account({ namespace }: Objects, name: string): Promise<Account> {
    const config = { ...this.#config, namespace };
    return ServiceAccount.create(this.api, name, this.#directory, config);
  }

  pause(): void {
    this.#cluster?.faults.set({ kind: "hang" });
  }

  resume(): void {
    this.#cluster?.faults.clear("hang");
  }

  async #stop(): Promise<void> {
    await this.#dns?.close();
    await this.#cluster?.close();
  }

  async outage(whileAway: () => Promise<void> = async () => {}): Promise<void> {
    await this.#stop();
    await this.#run(this.#ports.spare);
    await whileAway();
    this.#cluster?.compact();
    await this.#stop();
    await this.#run(this.#ports.port);
  }

  async close(): Promise<void> {
    this.api.closeConnections();
    for (const each of this.#processes) each.kill();
    await Promise.allSettled([...this.#processes].map(({ exited }) => exited));
    await this.#stop();
    this.#temporary.release();
  }
}
