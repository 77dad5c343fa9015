/** Views for tests of the admin endpoint: with everything said. */
import type { ClusterView, EndpointView } from "../../cluster/index.ts";
import type { ConnectionsView } from "../nesting/index.ts";

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
    assignment: null,
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

/** A replica with one peer, one connection and one that it shed. */
export function connectionsView(over: Partial<ConnectionsView> = {}): ConnectionsView {
  return {
    instance: "0123456789abcdef",
    balance: {
      verdict: "waiting",
      reason: "until the peers' figures show what was shed last",
      load: 30.1,
      mean: 20.1,
      replicas: 2,
    },
    peers: [
      {
        address: "127.0.0.2:9902",
        state: "ANSWERING",
        reason: "answers",
        instance: "fedcba9876543210",
        connections: 1,
        callsPerSecond: 10,
        ageMs: 400,
      },
    ],
    sheds: [
      {
        worker: 0,
        remote: "127.0.0.1:40001",
        at: "2026-01-01T00:00:10.000Z",
        ageMs: 12_000,
        activeCalls: 1,
        callsPerSecond: 5,
        replicas: 2,
        load: 35.2,
        mean: 20.1,
        spreadBefore: 0.75,
        spreadAfter: 0.625,
        reason: "shed: because",
      },
    ],
    connections: [
      {
        worker: 0,
        id: 1,
        remote: "127.0.0.1:40002",
        ageMs: 14_000,
        calls: 420,
        activeCalls: 2,
        callsPerSecond: 30,
        state: "OPEN",
        reason: "kept: for now",
      },
    ],
    ...over,
  };
}
