/**
 * Many targets: what a source of configurations says, taken whole or not at all. Clusters come
 * before the routes that name them, and go after them.
 */
import type { Socket } from "node:net";
import { silentLogger, TimerWheel } from "../../base/index.ts";
import { type ClusterView, DEFAULT_CLUSTER_CONFIG, type Readiness } from "../../cluster/index.ts";
import { type MeshListener as Listener, MeshClusters, type MeshConfig } from "../../mesh/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { SocketConnection, TransportLoop } from "../../transport/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import type { Front } from "../front.ts";
import { chosenConfig } from "../policy-choice.ts";
import type { MeshProxySystem } from "../proxy.ts";
import { RoutedCalls } from "../routing/routed-calls.ts";
import { MeshListeners } from "./mesh-listeners.ts";
import type { Serving } from "./serving.ts";
import type { ListenerView, RouteView } from "./views.ts";

/** See the head of this file. */
export class MeshServing implements Serving, Listener {
  readonly #config: MeshProxyConfig;
  readonly #system: MeshProxySystem;
  readonly #clusters: MeshClusters;
  readonly #calls: RoutedCalls;
  readonly #listeners: MeshListeners;
  #isConfigured = false;
  #problem: string | null = null;

  constructor(config: MeshProxyConfig, system: MeshProxySystem, front: Front, loop: TransportLoop) {
    const { clock, rng, log, registry } = system;
    this.#config = config;
    this.#system = system;
    const isAlone = config.workers === 1;
    this.#clusters = new MeshClusters({
      ...{ clock, rng, log, loop, quiet: silentLogger, wheel: new TimerWheel(clock) },
      settings: {
        ...DEFAULT_CLUSTER_CONFIG,
        maxConnectionsPerEndpoint: config.maxConnectionsPerEndpoint,
        readyTimeoutMs: config.readyTimeoutMs,
        isSourceLogged: isAlone,
      },
      serviceConfig: chosenConfig(config.policy),
      isEager: config.isEager,
      listener: null,
    });
    this.#calls = new RoutedCalls(front, this.#clusters, rng, registry);
    this.#listeners = new MeshListeners({
      ...{ log, front, loop, calls: this.#calls, removesStaleSocket: isAlone },
      places: config.places,
      drainTimeoutMs: config.drainTimeoutMs,
      nowMs: () => clock.nowMs(),
      onListening: (address, name) => system.onListening(address, name),
    });
  }

  async listen(): Promise<string[]> {
    this.#system.source.start(this);
    return [];
  }

  // MeshListener

  onConfig({ listeners, clusters }: MeshConfig): void {
    this.#isConfigured = true;
    this.#problem = null;
    this.#clusters.configure(clusters);
    this.#listeners.configure(listeners);
    if (this.#config.workers > 1) return;
    const counts = { listeners: listeners.length, clusters: clusters.size };
    this.#system.log.info("configuration", { serves: this.#config.serves, ...counts });
  }

  onError(reason: string): void {
    this.#problem = reason;
    if (this.#config.workers > 1) return;
    const { serves } = this.#config;
    const what = this.#isConfigured
      ? "configuration: the last good one stays"
      : "no configuration yet";
    this.#system.log.warn(what, { serves, reason });
  }

  /** A socket whose destination is not known has no table. */
  accept(socket: Socket): void {
    socket.destroy();
  }

  stop(): void {
    this.#listeners.stop();
  }

  close(): void {
    this.#system.source.close();
    this.#calls.mirrors.close();
    this.#clusters.close();
  }

  connections(): SocketConnection[] {
    return this.#listeners.connections();
  }

  get activeCalls(): number {
    return this.#clusters.activeCalls - this.#calls.mirrors.size;
  }

  get callsWaitingForCapacity(): number {
    return this.#clusters.callsWaitingForCapacity;
  }

  clusters(): ClusterView[] {
    return this.#clusters.views();
  }

  listeners(): ListenerView[] {
    return this.#listeners.all.map((listener) => listener.view());
  }

  routes(): RouteView[] {
    return this.#listeners.all.flatMap((listener) => listener.routes());
  }

  readiness(): Readiness {
    const { serves } = this.#config;
    const problem = this.#problem === null ? "" : `: ${this.#problem}`;
    if (!this.#isConfigured) {
      return { ready: false, reason: `no configuration of ${serves} yet${problem}` };
    }
    if (this.#listeners.size === 0) {
      return { ready: false, reason: `${serves} has no listener${problem}` };
    }
    if (this.#listeners.openCount === 0) {
      const [{ reason }] = this.listeners();
      return { ready: false, reason: `no listener of ${serves} is bound: ${reason}` };
    }
    return this.#clusters.readiness();
  }

  figures(): MetricsSnapshot {
    return this.#clusters.snapshot();
  }

  onTick(nowMs: number): void {
    this.#listeners.onTick(nowMs);
    this.#calls.mirrors.onTick(nowMs);
  }
}
