/**
 * What every way of serving many targets has: the clusters that a configuration names, and the
 * calls that are routed to them. Not how connections come: see `mesh-serving.ts` and
 * `captured-serving.ts`.
 */

import { silentLogger, TimerWheel } from "../../base/index.ts";
import { type Cluster, type ClusterView, DEFAULT_CLUSTER_CONFIG } from "../../cluster/index.ts";
import { MeshClusters, type MeshConfig, type MeshListener } from "../../mesh/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { TransportLoop } from "../../transport/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import { ConfigurationLog } from "../configuration-log.ts";
import type { Front } from "../front.ts";
import { chosenConfig } from "../policy-choice.ts";
import type { MeshProxySystem } from "../proxy.ts";
import { RoutedCalls } from "../routing/routed-calls.ts";

/** See the head of this file. */
export abstract class RoutedServing implements MeshListener {
  protected readonly config: MeshProxyConfig;
  protected readonly system: MeshProxySystem;
  protected readonly meshClusters: MeshClusters;
  protected readonly calls: RoutedCalls;
  protected readonly configurationLog: ConfigurationLog;
  protected isConfigured = false;

  /** @param isSourceLogged whether what sources of endpoints say is logged here. */
  constructor(
    config: MeshProxyConfig,
    system: MeshProxySystem,
    front: Front,
    loop: TransportLoop,
    isSourceLogged: boolean,
  ) {
    const { clock, rng, log, registry } = system;
    this.config = config;
    this.system = system;
    this.configurationLog = new ConfigurationLog(log, config.serves);
    this.meshClusters = new MeshClusters({
      ...{ clock, rng, log, loop, quiet: silentLogger, wheel: new TimerWheel(clock) },
      settings: {
        ...DEFAULT_CLUSTER_CONFIG,
        maxConnectionsPerEndpoint: config.maxConnectionsPerEndpoint,
        readyTimeoutMs: config.readyTimeoutMs,
        isSourceLogged,
      },
      serviceConfig: chosenConfig(config.policy),
      isEager: config.isEager,
      listener: null,
    });
    this.calls = new RoutedCalls(front, this.meshClusters, rng, registry);
  }

  /** Addresses are told as they are bound, by who binds them. */
  async listen(): Promise<string[]> {
    this.system.source.start(this);
    return [];
  }

  /** Clusters come before the routes that name them. */
  onConfig(config: MeshConfig): void {
    this.isConfigured = true;
    this.configurationLog.onConfig(config);
    this.meshClusters.configure(config.clusters);
  }

  onError(reason: string): void {
    this.configurationLog.onError(reason);
  }

  close(): void {
    this.system.source.close();
    this.calls.mirrors.close();
    this.meshClusters.close();
  }

  get activeCalls(): number {
    return this.meshClusters.activeCalls - this.calls.mirrors.size;
  }

  clustersInUse(): Iterable<Cluster> {
    return this.meshClusters.used();
  }

  clusters(): ClusterView[] {
    return this.meshClusters.views();
  }

  figures(): MetricsSnapshot {
    return this.meshClusters.snapshot();
  }

  onTick(nowMs: number): void {
    this.calls.mirrors.onTick(nowMs);
  }
}
