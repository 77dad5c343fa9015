/** Figures of the discovery service, for Prometheus. */

import type { Registry } from "../../telemetry/index.ts";
import { type Counter, type Histogram, latencySecondsBoundaries } from "../../telemetry/index.ts";
import { RESOURCE_TYPES, type ResourceType, shortTypeName } from "../../xds/index.ts";

interface TypeMetrics {
  readonly pushes: Counter;
  readonly bytes: Counter;
  readonly nacks: Counter;
  readonly ackLag: Histogram;
}

/** What is asked for when somebody looks. */
export interface AdsGauges {
  nodes(): number;
  generation(): number;
  bytesInFlight(): number;
}

/** See the head of this file. */
export class AdsMetrics {
  /** Streams that ended because of what the node sent. */
  readonly refusedStreams: Counter;
  readonly #types = new Map<ResourceType, TypeMetrics>();

  constructor(registry: Registry, gauges: AdsGauges) {
    for (const type of Object.values(RESOURCE_TYPES)) {
      const labels = { type: shortTypeName(type)! };
      const count = (name: string, help: string) => registry.counter(name, help, labels);
      this.#types.set(type, {
        pushes: count("fairlead_xds_pushes_total", "Discovery responses that were sent."),
        bytes: count("fairlead_xds_push_bytes_total", "Bytes of discovery responses."),
        nacks: count("fairlead_xds_nacks_total", "Discovery responses that nodes rejected."),
        ackLag: registry.histogram(
          "fairlead_xds_ack_lag_seconds",
          "From sending a discovery response to its acknowledgement.",
          latencySecondsBoundaries,
          labels,
        ),
      });
    }
    const gauge = (name: string, help: string, read: () => number) =>
      registry.gauge(name, help, {}, read);
    gauge("fairlead_xds_nodes", "Connected streams of discovery.", gauges.nodes);
    gauge(
      "fairlead_xds_snapshot_generation",
      "Generation of the newest snapshot.",
      gauges.generation,
    );
    gauge(
      "fairlead_xds_bytes_in_flight",
      "Sent and not taken by connections.",
      gauges.bytesInFlight,
    );
    this.refusedStreams = registry.counter(
      "fairlead_xds_refused_streams_total",
      "Streams of discovery that were ended for what the node sent, or for a limit.",
    );
  }

  /** Those of one type. */
  of(type: ResourceType): TypeMetrics {
    return this.#types.get(type)!;
  }
}
