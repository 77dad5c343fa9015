/** What a proxy serves: one target, or what a mesh's configuration says. */
import type { Socket } from "node:net";
import type { Cluster, ClusterView, Readiness } from "../../cluster/index.ts";
import type { ListenerSpec } from "../../mesh/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { SocketConnection } from "../../transport/index.ts";
import type { ListenerView, RouteView } from "./views.ts";

/** Listeners and what is behind them. */
export interface Serving {
  /** See `Proxy.listen`. */
  listen(): Promise<string[]>;
  /** See `Proxy.accept`. */
  accept(socket: Socket, first: Buffer, listener: ListenerSpec | null): void;
  /** Listeners close; connections stay. */
  stop(): void;
  /** Clusters end; connections stay. */
  close(): void;
  /** Open client connections. */
  connections(): SocketConnection[];
  /** Calls that are not over. */
  readonly activeCalls: number;
  /** Clusters that calls went to, or may go to. */
  clustersInUse(): Iterable<Cluster>;
  clusters(): ClusterView[];
  listeners(): ListenerView[];
  routes(): RouteView[];
  readiness(): Readiness;
  /** Figures that are not in the proxy's registry; null: there are none. */
  figures(): MetricsSnapshot | null;
  /** About once a second. */
  onTick(nowMs: number): void;
}
