/**
 * One proxy, or several in processes of their own, behind the same questions: what the command
 * sees of either.
 */
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { Proxy as RelayProxy } from "../proxy.ts";

/** See the head of this file. */
export interface RelayGroup {
  /** See `Proxy.listen`; with several, each address once. */
  listen(): Promise<string[]>;
  /** See `Proxy.drain`. */
  drain(by: string): Promise<void>;
  /** Closes everything; resolves when no worker process is left. */
  close(): Promise<void>;
  clusters(): Promise<ClusterView[]>;
  metrics(): Promise<MetricsSnapshot>;
  readiness(): Promise<Readiness>;
}

/** The group of a proxy that relays in the command's own process. */
export function singleRelay(proxy: RelayProxy): RelayGroup {
  return {
    listen: () => proxy.listen(),
    drain: (by) => proxy.drain(by),
    close: async () => proxy.close(),
    clusters: async () => proxy.clusters(),
    metrics: async () => proxy.metrics(),
    readiness: async () => proxy.readiness(),
  };
}
