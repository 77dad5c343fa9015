/**
 * The figures of a proxy's downstream side, bound once.
 */

import type { CallFailure } from "../cluster/index.ts";
import { overloadFigures } from "../http2/index.ts";
import type { Counter, Registry } from "../telemetry/index.ts";
import type { RefusedWhy } from "../transport/index.ts";

/** Ways in which a call ends without a response of the server: label values. */
const FAILURE_KINDS = ["refused", "reset", "lost", "deadline", "drained", "stalled"] as const;

/** Why a connection is not accepted: label values. */
const REFUSED_WHYS: readonly RefusedWhy[] = ["limit", "tls", "system"];

/** See the head of this file. */
export class ProxyMetrics {
  readonly accepted: Counter;
  readonly #refusedConnections: ReadonlyMap<RefusedWhy, Counter>;
  readonly calls: Counter;
  readonly oversized: Counter;
  readonly glitched: Counter;
  readonly stalled: Counter;
  readonly #failures: ReadonlyMap<CallFailure["kind"], Counter>;

  constructor(registry: Registry, connections: () => number, active: () => number) {
    this.accepted = registry.counter(
      "fairlead_downstream_connections_total",
      "Connections accepted from clients.",
    );
    this.#refusedConnections = new Map(
      REFUSED_WHYS.map((reason) => [
        reason,
        registry.counter(
          "fairlead_downstream_connections_refused_total",
          "Connections not accepted: over the limit, a failed TLS handshake, or the system's.",
          { reason },
        ),
      ]),
    );
    this.glitched = registry.counter(
      "fairlead_downstream_connections_cut_total",
      "Connections that fairlead ended because of what the client sent.",
    );
    this.calls = registry.counter("fairlead_downstream_calls_total", "Calls started by clients.");
    this.oversized = registry.counter(
      "fairlead_downstream_oversized_total",
      "Calls refused because their header list is too large.",
    );
    this.stalled = registry.counter(
      "fairlead_downstream_stalled_total",
      "Calls cut because their answer was not read while others waited for a stream.",
    );
    this.#failures = new Map(
      FAILURE_KINDS.map((kind) => [
        kind,
        registry.counter(
          "fairlead_downstream_failures_total",
          "Calls that ended without a response of the server.",
          { kind },
        ),
      ]),
    );
    registry.gauge("fairlead_downstream_connections", "Open client connections.", {}, connections);
    const figures = overloadFigures;
    registry.gauge("fairlead_buffered_bytes", "Bytes buffered by all connections.", {}, () =>
      Math.max(0, figures().bufferedBytes),
    );
    registry.counterFrom(
      "fairlead_overload_refusals_total",
      "Streams refused for memory.",
      {},
      () => figures().refused,
    );
    registry.gauge("fairlead_calls_active", "Calls in flight, waiting ones included.", {}, active);
  }

  /** Counts a connection that was not accepted. */
  refusedConnection(why: RefusedWhy): void {
    this.#refusedConnections.get(why)!.add();
  }

  /** Counts a call that ended without a response of the server. */
  failed(kind: CallFailure["kind"]): void {
    this.#failures.get(kind)!.add();
  }
}
