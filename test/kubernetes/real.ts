/**
 * A real cluster for tests: etcd, kube-apiserver, the endpointslice controller and CoreDNS, in a
 * network namespace of its own.
 *
 * No kubelet and no scheduler: the test plays them. Each cluster is alone in its namespace, so
 * that all use the same ports, side by side. Everything ends with `close`, or with this process.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import type { RunningProcess, StartOptions } from "../peers/processes.ts";
import { type Account, type KubeconfigSpec, ServiceAccount, writeKubeconfig } from "./accounts.ts";
import { Api } from "./api.ts";
import type { TestCluster } from "./cluster.ts";
import { NetworkNamespace, whyNoNamespace } from "./netns.ts";
import { createNode, Objects } from "./objects.ts";
import { eventually } from "./wait.ts";

const ETCD_PORT = 2379;
const API_PORT = 6443;
/** Of the API server that stands in for the other while that is away. */
const SPARE_PORT = 6444;
/** Where CoreDNS listens, as `kube-dns` does. */
const DNS_ADDRESS = "10.96.0.10";
/** An address of the namespace that is no pod's; the API server wants one that is not loopback. */
const ADVERTISED = "10.244.255.254";
const SERVICE_RANGES = "10.96.0.0/24,fd00:10:96::/112";
const READY_TIMEOUT_MS = 60_000;
/** The kinds of the Gateway API that are read. */
const GATEWAY_PLURALS = ["gatewayclasses", "gateways", "grpcroutes", "referencegrants"];

const RESOLV_CONF = `nameserver ${DNS_ADDRESS}
search prod.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
`;

/** Paths of the programs. */
interface Programs {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllers: string;
  readonly coredns: string;
}

/**
 * The programs, when a real cluster can be made. Otherwise the test is skipped by name with the
 * reason, and null is returned.
 *
 * @throws Error instead of skipping when FAIRLEAD_REQUIRE_PEERS=1.
 */
function requirePrograms(t: SkippableTest): Programs | null {
  const reason = whyNoNamespace();
  if (reason !== null) {
    if (process.env.FAIRLEAD_REQUIRE_PEERS === "1") throw new Error(reason);
    t.skip(reason);
    return null;
  }
  const etcd = requirePeer(t, "etcd");
  const apiServer = etcd && requirePeer(t, "kube-apiserver");
  const controllers = apiServer && requirePeer(t, "kube-controller-manager");
  const coredns = controllers && requirePeer(t, "coredns");
  return etcd && apiServer && controllers && coredns
    ? { etcd, apiServer, controllers, coredns }
    : null;
}

/** Starts a cluster; null when that cannot be done here: the test is then skipped by name. */
export async function startRealCluster(t: SkippableTest): Promise<RealCluster | null> {
  const programs = requirePrograms(t);
  if (programs === null) return null;
  const netns = await NetworkNamespace.create(RESOLV_CONF);
  const cluster = new RealCluster(programs, netns);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** See the head of this file. */
export class RealCluster implements TestCluster {
  readonly kind = "real";
  readonly api: Api;
  readonly kubeconfig: string;
  readonly #programs: Programs;
  readonly #netns: NetworkNamespace;
  readonly #etcdApi: Api;
  #apiPort = API_PORT;
  #apiServer: RunningProcess | null = null;
  #controllers: RunningProcess | null = null;
  #hasGatewayApi = false;
  #ipCount = 0;

  constructor(programs: Programs, netns: NetworkNamespace) {
    this.#programs = programs;
    this.#netns = netns;
    const token = randomUUID();
    this.#write("tokens.csv", `${token},admin,admin,system:masters\n`);
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#write("sa.pub", publicKey.export({ type: "spki", format: "pem" }).toString());
    this.#write("sa.key", privateKey.export({ type: "sec1", format: "pem" }).toString());
    const { kubeconfig } = writeKubeconfig(netns.directory, "admin", token, this.#config);
    this.kubeconfig = kubeconfig;
    this.api = new Api({
      dial: () => this.dial("127.0.0.1", this.#apiPort),
      // The API server makes it when it starts.
      ca: () => readFileSync(this.#path("apiserver.crt"), "utf8"),
      token,
    });
    const dialEtcd = () => this.dial("127.0.0.1", ETCD_PORT);
    this.#etcdApi = new Api({ dial: dialEtcd, ca: null, token: "" });
  }

  /** Starts all programs and waits until they work. */
  async start(): Promise<void> {
    const { etcd, coredns } = this.#programs;
    const client = `http://127.0.0.1:${ETCD_PORT}`;
    this.launch(etcd, [
      `--data-dir=${this.#path("etcd")}`,
      "--unsafe-no-fsync",
      "--listen-peer-urls=http://127.0.0.1:0",
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
    ]);
    await this.#runApiServer(API_PORT);
    this.#controllers = this.#launchControllers();
    this.launch(coredns, ["-conf", this.#write("Corefile", this.#corefile())]);
  }

  #launchControllers(): RunningProcess {
    return this.launch(this.#programs.controllers, [
      `--kubeconfig=${this.kubeconfig}`,
      "--controllers=endpointslice-controller",
      "--leader-elect=false",
      "--use-service-account-credentials=false",
      "--secure-port=0",
      // Rollouts of a test are faster than people's.
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
    ]);
  }

  #launchApiServer(port: number): RunningProcess {
    return this.launch(this.#programs.apiServer, [
      `--etcd-servers=http://127.0.0.1:${ETCD_PORT}`,
      `--cert-dir=${this.#netns.directory}`,
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      `--advertise-address=${ADVERTISED}`,
      `--service-cluster-ip-range=${SERVICE_RANGES}`,
      "--authorization-mode=RBAC",
      "--disable-admission-plugins=ServiceAccount",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${this.#path("sa.pub")}`,
      `--service-account-signing-key-file=${this.#path("sa.key")}`,
      `--token-auth-file=${this.#path("tokens.csv")}`,
    ]);
  }

  async #untilReady(server: RunningProcess): Promise<void> {
    const look = async () => {
      if (server.exit !== null) throw new Error(`${server.name} ended: ${server.output}`);
      return this.api.get("/readyz").then(yes, no);
    };
    await eventually(`${server.name} is ready`, look, READY_TIMEOUT_MS);
  }

  async node(name: string, zone: string): Promise<void> {
    await createNode(this.api, name, zone);
  }

  async namespace(name: string): Promise<Objects> {
    const objects = new Objects(this.api, name);
    await objects.create();
    return objects;
  }

  async installGatewayApi(t: SkippableTest): Promise<boolean> {
    const found = requirePeer(t, "gateway-api");
    if (found === null) return false;
    if (this.#hasGatewayApi) return true;
    this.#hasGatewayApi = true;
    for (const plural of GATEWAY_PLURALS) {
      const file = join(dirname(found), `gateway.networking.k8s.io_${plural}.yaml`);
      const definition = parse(readFileSync(file, "utf8"));
      await this.api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
    }
    for (const plural of GATEWAY_PLURALS) {
      const version = plural === "referencegrants" ? "v1beta1" : "v1";
      const path = `/apis/gateway.networking.k8s.io/${version}/${plural}`;
      await eventually(`${plural} are served`, () => this.api.get(path).then(yes, no));
    }
    return true;
  }

  nextIp(): string {
    this.#ipCount += 1;
    return `10.244.${this.#ipCount >> 8}.${this.#ipCount & 255}`;
  }

  nextIpv6(): string {
    this.#ipCount += 1;
    return `fd00:10:244::${this.#ipCount.toString(16)}`;
  }

  launch(path: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
    return this.#netns.start(path, args, options);
  }

  dial(host: string, port: number): Socket {
    return this.#netns.dial(host, port);
  }

  /** The name server of resolv.conf is the cluster's. */
  dnsTarget(name: string, port: string | number): string {
    return `dns:///${name}:${port}`;
  }

  account({ namespace }: Objects, name: string): Promise<Account> {
    const config = { ...this.#config, namespace };
    return ServiceAccount.create(this.api, name, this.#netns.directory, config);
  }

  pause(): void {
    this.#apiServer?.signal("SIGSTOP");
  }

  resume(): void {
    this.#apiServer?.signal("SIGCONT");
  }

  async outage(whileAway: () => Promise<void> = async () => {}): Promise<void> {
    // The controllers go with it, as in a control plane of one node: no back-off to wait for.
    await Promise.all([end(this.#apiServer), end(this.#controllers)]);
    await this.#runApiServer(SPARE_PORT);
    await whileAway();
    await this.#compact();
    await end(this.#apiServer);
    await this.#runApiServer(API_PORT);
    this.#controllers = this.#launchControllers();
  }

  async #runApiServer(port: number): Promise<void> {
    this.#apiPort = port;
    this.api.closeConnections();
    this.#apiServer = this.#launchApiServer(port);
    await this.#untilReady(this.#apiServer);
  }

  /** Has etcd forget all revisions but the last (its JSON gateway). */
  async #compact(): Promise<void> {
    const key = Buffer.from("/").toString("base64");
    const found = (await this.#etcdApi.post("/v3/kv/range", { key })) as {
      header: { revision: string };
    };
    const { revision } = found.header;
    await this.#etcdApi.post("/v3/kv/compaction", { revision, physical: true });
  }

  #corefile(): string {
    return `cluster.local:53 {
  bind ${DNS_ADDRESS}
  errors
  kubernetes cluster.local {
    kubeconfig ${this.kubeconfig}
    ttl 1
  }
}
`;
  }

  get #config(): KubeconfigSpec {
    const server = `https://127.0.0.1:${API_PORT}`;
    return { server, caFile: this.#path("apiserver.crt"), namespace: "default" };
  }

  #write(name: string, text: string): string {
    writeFileSync(this.#path(name), text, { mode: 0o600 });
    return this.#path(name);
  }

  #path(name: string): string {
    return join(this.#netns.directory, name);
  }

  async close(): Promise<void> {
    this.api.closeConnections();
    this.#etcdApi.closeConnections();
    await this.#netns.close();
  }
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** SIGKILL, and waits. */
async function end(process: RunningProcess | null): Promise<void> {
  process?.kill();
  await process?.exited;
}
