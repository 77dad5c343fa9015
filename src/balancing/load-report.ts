/**
 * What a server says of its own load: ORCA, `xds.data.orca.v3.OrcaLoadReport`. gRFC A51.
 *
 * Values only. How reports come (in trailers, or as a stream of their own) is the cluster's work.
 */

/** One report; 0 for what it does not say, as protobuf has it. */
export interface LoadReport {
  /** Above 1 when the server uses more than it may. */
  readonly cpuUtilization: number;
  /** From 0 to 1. */
  readonly memUtilization: number;
  /** As the application itself judges; 0: it does not. */
  readonly applicationUtilization: number;
  /** Calls per second. */
  readonly qps: number;
  /** Errors per second. */
  readonly eps: number;
  readonly utilization: ReadonlyMap<string, number>;
  readonly namedMetrics: ReadonlyMap<string, number>;
}
