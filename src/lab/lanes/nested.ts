/**
 * The lane `nested`: clients that hold long connections to a ClusterIP of proxy replicas.
 *
 * It begins with one replica. A second one gets nothing, because every connection is on the first:
 * a ClusterIP chooses per connection, and here nobody makes a new one. With `hasPeers` the replicas
 * find each other and close connections until they are even (`fairlead proxy --peers`).
 */
import type { Timer } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { ReplicaView } from "../view.ts";
import type { Chooses } from "../why/index.ts";
import { breaksWithout } from "./broken.ts";
import { freePorts } from "./free-ports.ts";
import type { Dial, Lane, LaneEnv } from "./lane.ts";
import { type ProxyProcess, proxyFigures, startProxy, WITH_ADMIN } from "./proxy-process.ts";
import { type ServiceIp, startServiceIp } from "./service-ip.ts";

/** Clients of the proxies: so many that half of them is a figure, so few that each has work. */
const CHANNELS = 8;
/** As many replicas as the lane can have. */
const REPLICAS_MAX = 2;
const REFRESH_MS = 500;
/** Their ClusterIP, and where pods of proxies are, in a network namespace of the lab's own. */
const VIRTUAL = { host: "10.96.0.20", port: 50_051 };
const PROXY_HOSTS = "10.244.200";

/** The lane. */
export const NESTED: Lane = {
  name: "nested",
  title: "Proxy replicas",
  how: `${CHANNELS} channels of stock grpc-js to a ClusterIP of fairlead proxies`,
  hasPolicy: true,
  async open(env) {
    const peerPorts = env.hasPeers ? await freePorts(REPLICAS_MAX) : [];
    const replicas = new ProxyReplicas(env, peerPorts);
    await replicas.add();
    const target = await replicas.listen();
    await env.podsReady;
    return {
      ...{ target, serviceConfig: "", connections: CHANNELS, channels: CHANNELS, replicas },
      chooser: { by: "proxies", all: () => replicas.choosing },
      close: () => replicas.end(),
    };
  },
};

/** The replicas of the lane, and the ClusterIP before them. */
class ProxyReplicas implements NonNullable<Dial["replicas"]> {
  readonly #env: LaneEnv;
  /** A port for each replica that may be; empty when they are not to find each other. */
  readonly #peerPorts: readonly number[];
  readonly #proxies: ProxyProcess[] = [];
  readonly #gone = new Set<ProxyProcess>();
  readonly #views: ReplicaView[] = [];
  /** When each was looked at. */
  readonly #seenAtMs: number[] = [];
  #service: ServiceIp | null = null;
  #started = 0;
  #refresh: Timer | null = null;
  #isClosed = false;

  constructor(env: LaneEnv, peerPorts: readonly number[]) {
    this.#env = env;
    this.#peerPorts = peerPorts;
  }

  get views(): readonly ReplicaView[] {
    return this.#views;
  }

  /** Those that can be asked why. */
  get choosing(): readonly Chooses[] {
    return this.#proxies
      .map((proxy, index) => ({ proxy, name: `proxy-${index + 1}`, admin: proxy.admin }))
      .filter(({ proxy }) => !this.#gone.has(proxy));
  }

  async add(): Promise<string> {
    if (this.#started >= REPLICAS_MAX) throw new LabError("both proxy replicas run already");
    this.#started += 1;
    const { kubernetes } = this.#env;
    const name = `proxy-${this.#started}`;
    const isVirtual = this.#env.clusterIpBy === "nftables";
    const host = isVirtual ? `${PROXY_HOSTS}.${this.#started}` : "127.0.0.1";
    const setup = { ...this.#env, kubeconfig: kubernetes.kubeconfig, listenHost: host };
    const more = [...WITH_ADMIN, ...this.#peerFlags(this.#started - 1)];
    const proxy = await startProxy(`fairlead ${name}`, setup, more).catch((error: unknown) => {
      this.#started -= 1;
      throw error;
    });
    breaksWithout(proxy.child, this.#env);
    proxy.child.ended.then(() => this.#onGone(proxy));
    this.#proxies.push(proxy);
    this.#views.push({ name, connections: 0, calls: 0, callsPerSecond: 0 });
    this.#seenAtMs.push(this.#env.clock.nowMs());
    this.#service?.follow(this.#addresses());
    return name;
  }

  /** Starts the ClusterIP before them; resolves with its address. */
  async listen(): Promise<string> {
    const { clock, clusterIpBy } = this.#env;
    const label = "the ClusterIP of the proxies";
    const at = clusterIpBy === "nftables" ? VIRTUAL : { host: "127.0.0.1", port: 0 };
    const service = await startServiceIp(label, at, this.#addresses(), this.#env);
    this.#service = service;
    const again = (): void => {
      if (this.#isClosed) return;
      this.#refresh = clock.setTimer(REFRESH_MS, () => void this.refresh().then(again));
      this.#refresh.unref();
    };
    again();
    return service.address;
  }

  /** Asks all replicas for their figures; one that does not answer in time keeps its old ones. */
  async refresh(): Promise<void> {
    await Promise.all(
      this.#proxies.map(async ({ admin }, index) => {
        const figures = await proxyFigures(admin, this.#env.clock);
        const nowMs = this.#env.clock.nowMs();
        if (!figures || nowMs === this.#seenAtMs[index]) return;
        const { name, calls } = this.#views[index]!;
        const rate = ((figures.calls - calls) * 1000) / (nowMs - this.#seenAtMs[index]!);
        this.#views[index] = { name, ...figures, callsPerSecond: Math.round(rate) };
        this.#seenAtMs[index] = nowMs;
      }),
    );
  }

  /** No more questions. */
  close(): void {
    this.#isClosed = true;
    this.#refresh?.cancel();
  }

  /** It is over, its ClusterIP too. */
  async end(): Promise<void> {
    this.close();
    await this.#service?.close();
  }

  /** As endpoints whose readiness probe fails, it gets no new connection. */
  #onGone(proxy: ProxyProcess): void {
    this.#gone.add(proxy);
    if (!this.#isClosed) this.#service?.follow(this.#addresses());
  }

  #addresses(): string[] {
    return this.#proxies.filter((proxy) => !this.#gone.has(proxy)).map(({ address }) => address);
  }

  #peerFlags(index: number): readonly string[] {
    if (this.#peerPorts.length === 0) return [];
    const peers = this.#peerPorts.map((port) => `127.0.0.1:${port}`);
    return ["--peers", `static:///${peers.join()}`, "--peer-listen", peers[index]!];
  }
}
