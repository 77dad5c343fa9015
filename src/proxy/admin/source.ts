/**
 * What the admin server asks: a process that relays by itself, or one that answers for its workers.
 */

import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { ConnectionsView } from "../nesting/index.ts";
import type { ListenerView, RouteView } from "../serving/views.ts";

/** Answers for a whole proxy. A promise may be late, but it settles. */
export interface AdminSource {
  clusters(): Promise<readonly ClusterView[]>;
  listeners(): Promise<readonly ListenerView[]>;
  routes(): Promise<readonly RouteView[]>;
  metrics(): Promise<MetricsSnapshot>;
  readiness(): Promise<Readiness>;
  connections(): Promise<ConnectionsView>;
  /** Begins to drain; the process stays. Repeated calls are harmless. */
  drain(): void;
  /** The same as SIGTERM. */
  quit(): void;
}
