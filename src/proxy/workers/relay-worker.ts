/**
 * One relay as its process sees it, and a group of them as the command sees it: the two interfaces
 * between the relay, the workers and the command.
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { Resolver } from "../../discovery/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { ProxyConfig } from "../config.ts";

/** A relay in this process. */
export interface RelayWorker {
  /** Binds every listener or none; resolves with the addresses in use, in the config's order. */
  listen(): Promise<string[]>;
  /**
   * Stops accepting and lets calls finish; resolves when all have, or at `drainTimeoutMs`.
   * Repeated calls share one drain.
   */
  drain(): Promise<void>;
  /** Closes everything at once, the resolver too. Harmless when repeated. */
  close(): void;
  clusters(): ClusterView[];
  metrics(): MetricsSnapshot;
  readiness(): Readiness;
}

/** What a relay needs from its process. */
export interface RelaySystem {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Not started yet; the relay starts and closes it. */
  readonly resolver: Resolver;
}

/**
 * Makes a relay; nothing is bound or connected yet.
 * @throws TlsFileError when a certificate file cannot be used.
 */
export type CreateRelay = (config: ProxyConfig, system: RelaySystem) => RelayWorker;

/** One relay, or several in processes of their own, behind the same questions. */
export interface RelayGroup {
  /** See `RelayWorker.listen`; with several, each address once. */
  listen(): Promise<string[]>;
  /** See `RelayWorker.drain`. */
  drain(): Promise<void>;
  /** Closes everything; resolves when no worker process is left. */
  close(): Promise<void>;
  clusters(): Promise<ClusterView[]>;
  metrics(): Promise<MetricsSnapshot>;
  readiness(): Promise<Readiness>;
}

/** The group of a proxy that relays in the command's own process. */
export function singleRelay(relay: RelayWorker): RelayGroup {
  return {
    listen: () => relay.listen(),
    drain: () => relay.drain(),
    close: async () => relay.close(),
    clusters: async () => relay.clusters(),
    metrics: async () => relay.metrics(),
    readiness: async () => relay.readiness(),
  };
}
