/**
 * Room `cluster`: a named set of endpoints kept ready to use.
 *
 * What it is: `Cluster` joins a resolver, a policy and connections; `Cluster.call` is the one way a
 * call reaches a pod, for the client and for the proxy.
 * Promises: a call that an endpoint provably did nothing with is sent again elsewhere; what waits
 * is bounded, in time and number, and fails with a reason; a call that ended is out of everything.
 * Must never: know who is asking, or read a clock of its own.
 */
export type { CallEvents, CallFailure } from "./call-events.ts";
export type { ClusterCall } from "./calls.ts";
export { Cluster, createCluster } from "./cluster.ts";
export {
  type ClusterConfig,
  type ClusterDeps,
  type ClusterListener,
  DEFAULT_CLUSTER_CONFIG,
} from "./config.ts";
export type { Connectivity } from "./connectivity.ts";
export { EndpointSetLog, SET_LOG_INTERVAL_MS } from "./endpoint-set-log.ts";
export { Locality } from "./locality.ts";
export { isEndpointFault, isGrpcRequest } from "./outcome.ts";
export { withTimeout } from "./request-headers.ts";
export {
  parseServiceConfig,
  type ServiceConfig,
  serviceConfigOf,
  tryServiceConfig,
} from "./service-config.ts";
export type {
  BreakerView,
  ClusterView,
  DecisionStep,
  EndpointState,
  EndpointView,
  Readiness,
} from "./view.ts";
