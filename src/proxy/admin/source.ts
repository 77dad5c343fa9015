/**
 * What the admin server asks: a process that relays by itself, or one that answers for its workers.
 */

import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { ScopedStatus } from "../../mesh/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { CaptureView } from "../capture/index.ts";
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
  /** What was captured; absent in a proxy that captures nothing. */
  readonly capture?: (() => CaptureView) | undefined;
  /** How its xDS client stands; absent in a proxy that no xDS server tells anything. */
  readonly xds?: (() => ScopedStatus) | undefined;
  /** Begins to drain; the process stays. Repeated calls are harmless. */
  drain(): void;
  /** The same as SIGTERM. */
  quit(): void;
}
