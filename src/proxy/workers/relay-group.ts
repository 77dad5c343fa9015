/**
 * One proxy, or several in processes of their own, behind the same questions: what the command
 * sees of either.
 */
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import {
  type DownstreamsView,
  mergeDownstreams,
  type WorkerLoad,
  type WorkerOrder,
} from "../nesting/index.ts";
import type { Proxy as RelayProxy } from "../proxy.ts";
import type { ListenerView, RouteView } from "../serving/views.ts";

/** See the head of this file. */
export interface RelayGroup {
  /** See `Proxy.listen`; with several, each address once. */
  listen(): Promise<string[]>;
  /** See `Proxy.drain`. */
  drain(by: string): Promise<void>;
  /** Closes everything; resolves when no worker process is left. */
  close(): Promise<void>;
  clusters(): Promise<ClusterView[]>;
  listeners(): Promise<readonly ListenerView[]>;
  routes(): Promise<readonly RouteView[]>;
  metrics(): Promise<MetricsSnapshot>;
  readiness(): Promise<Readiness>;
  /** See `Proxy.load`; of each process. */
  loads(): Promise<readonly WorkerLoad[]>;
  /** See `Proxy.shed`; an order that names no process of ours is passed over. */
  shed(orders: readonly WorkerOrder[]): Promise<number>;
  /** See `Proxy.downstreams`. */
  downstreams(): Promise<DownstreamsView>;
}

/** The group of a proxy that relays in the command's own process. */
export function singleRelay(proxy: RelayProxy): RelayGroup {
  return {
    listen: () => proxy.listen(),
    drain: (by) => proxy.drain(by),
    close: async () => proxy.close(),
    clusters: async () => proxy.clusters(),
    listeners: async () => proxy.listeners(),
    routes: async () => proxy.routes(),
    metrics: async () => proxy.metrics(),
    readiness: async () => proxy.readiness(),
    loads: async () => [{ worker: 0, ...proxy.load() }],
    shed: async (orders) => orders.reduce((sum, { order }) => sum + proxy.shed(order), 0),
    downstreams: async () => mergeDownstreams([proxy.downstreams()]),
  };
}
