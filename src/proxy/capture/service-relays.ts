/**
 * A relay for each Service that is called: made by the first connection to it, ended when none was
 * open for a while.
 *
 * What a pod never calls costs it nothing, however many Services there are.
 */
import type { Socket } from "node:net";
import type { Clock, Logger, Rng } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import type { ClusterSpec } from "../../mesh/index.ts";
import { type MetricsSnapshot, Registry } from "../../telemetry/index.ts";
import type { ProxyConfig } from "../config.ts";
import { type DownstreamsView, mergeDownstreams } from "../nesting/index.ts";
import { createProxy, type Proxy as RelayProxy } from "../proxy.ts";
import { Figures } from "../workers/figures.ts";

/** How long a Service's connections stay when nobody has a connection to us for it. */
export const SERVICE_IDLE_MS = 600_000;

/** The real things that relays need. */
export interface RelaySystem {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
}

interface ServiceRelay {
  readonly key: string;
  /** Under which its figures are kept. */
  readonly slot: number;
  readonly proxy: RelayProxy;
  idleSinceMs: number;
}

/** See the head of this file. */
export class ServiceRelays {
  readonly #config: ProxyConfig;
  readonly #system: RelaySystem;
  /** By the name of the cluster. */
  readonly #relays = new Map<string, ServiceRelay>();
  readonly #figures = new Figures();
  #slots = 0;

  /** @param config what all relays have in common; its listeners and target are not used. */
  constructor(config: ProxyConfig, system: RelaySystem) {
    this.#config = config;
    this.#system = system;
  }

  /** Gives a captured connection to the relay of its Service. */
  accept(socket: Socket, first: Buffer, cluster: ClusterSpec): void {
    const relay = this.#relays.get(cluster.name) ?? this.#start(cluster);
    relay.idleSinceMs = this.#system.clock.nowMs();
    relay.proxy.accept(socket, first);
  }

  #start(cluster: ClusterSpec): ServiceRelay {
    this.#slots += 1;
    const resolver = cluster.newResolver();
    const config = { ...this.#config, listeners: [], target: cluster.key, workers: 1 };
    const proxy = createProxy(config, { ...this.#system, resolver, registry: new Registry() });
    // There is nothing to bind: it connects.
    void proxy.listen();
    const relay = { key: cluster.key, slot: this.#slots, proxy, idleSinceMs: 0 };
    this.#relays.set(cluster.name, relay);
    return relay;
  }

  /** Relays of Services that are gone, or mean something else now, end in order. */
  keep(clusters: ReadonlyMap<string, ClusterSpec>): void {
    for (const [name, relay] of this.#relays) {
      if (clusters.get(name)?.key !== relay.key) this.#end(name, relay);
    }
  }

  /** About once a second. */
  onTick(): void {
    const nowMs = this.#system.clock.nowMs();
    for (const [name, relay] of this.#relays) {
      if (relay.proxy.downstreams().connections.length > 0) relay.idleSinceMs = nowMs;
      else if (nowMs - relay.idleSinceMs >= SERVICE_IDLE_MS) this.#end(name, relay);
    }
  }

  #end(name: string, relay: ServiceRelay): void {
    this.#relays.delete(name);
    void relay.proxy.drain("its Service is gone, or nobody calls it").then(() => {
      this.#figures.noteMetrics(relay.slot, relay.proxy.metrics());
      this.#figures.onEnded(relay.slot);
      relay.proxy.close();
    });
  }

  /** All end in order. */
  async drain(by: string): Promise<void> {
    await Promise.all([...this.#relays.values()].map(({ proxy }) => proxy.drain(by)));
  }

  /** All end at once. */
  close(): void {
    for (const { proxy } of this.#relays.values()) proxy.close();
    this.#relays.clear();
  }

  clusters(): ClusterView[] {
    return [...this.#relays.values()].flatMap(({ proxy }) => proxy.clusters());
  }

  metrics(): MetricsSnapshot {
    for (const { slot, proxy } of this.#relays.values()) {
      this.#figures.noteMetrics(slot, proxy.metrics());
    }
    return this.#figures.metrics();
  }

  downstreams(): DownstreamsView {
    return mergeDownstreams([...this.#relays.values()].map(({ proxy }) => proxy.downstreams()));
  }
}
