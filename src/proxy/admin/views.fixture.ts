/** Views for tests of the admin endpoint: an endpoint and a cluster with everything said. */
import type { ClusterView, EndpointView } from "../../cluster/index.ts";

/** A ready endpoint, with what is given put over it. */
export function endpointView(over: Partial<EndpointView> = {}): EndpointView {
  return {
    address: "127.0.0.2:50051",
    pod: null,
    uid: null,
    node: null,
    zone: null,
    state: "READY",
    usable: true,
    reason: "ready",
    source: "static",
    weight: 1,
    connections: 1,
    activeCalls: 0,
    calls: 0,
    failures: 0,
    latencyMs: null,
    decision: [{ rule: "connection", effect: "ready" }],
    ...over,
  };
}

/** A cluster with these endpoints, with what is given put over it. */
export function clusterView(
  endpoints: readonly EndpointView[],
  over: Partial<ClusterView> = {},
): ClusterView {
  return {
    target: "127.0.0.2:50051",
    policy: "least_request",
    draining: false,
    stale: false,
    staleMs: 0,
    reason: null,
    notes: [],
    circuitBreakers: [],
    endpoints,
    ...over,
  };
}
