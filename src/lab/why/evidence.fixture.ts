/**
 * Made-up evidence for the tests of what is said of it. Not for production code.
 */
import type { ClusterView, EndpointView } from "../../cluster/index.ts";
import type { Evidence } from "./evidence.ts";
import type { PodFact } from "./pod-facts.ts";

/** Wall clock of all of it. */
export const NOW_MS = 1_700_000_000_000;

/** A pod that serves as usual, in the slice for 34.2 s. */
export function podFixture(number: number, change: Partial<PodFact> = {}): PodFact {
  return {
    ...{ name: `echo-${number}`, state: "ready", isSlow: false, isSick: false },
    inSlice: {
      slice: "lab/echo-abc",
      address: `127.0.1.${number}:50051`,
      ...{ isReady: true, isTerminating: false, forMs: 34_200 },
    },
    ...change,
  };
}

/** An endpoint that is used. */
export function endpointFixture(number: number, change: Partial<EndpointView> = {}): EndpointView {
  return {
    ...{ address: `127.0.1.${number}:50051`, pod: `echo-${number}`, uid: "u", node: null },
    ...{ zone: null, state: "READY", usable: true, reason: "ready" },
    ...{ source: "EndpointSlice lab/echo-abc", assignment: null, weight: 1, connections: 1 },
    ...{ activeCalls: 2, calls: 300, failures: 0, latencyMs: 4.1 },
    decision: [{ rule: "connection is ready", effect: "yes, 1" }],
    ...change,
  };
}

/** What a channel or proxy with these endpoints shows. */
export function viewFixture(endpoints: readonly EndpointView[]): ClusterView {
  return {
    ...{ target: "kubernetes:///echo.lab:grpc", policy: "least_request", draining: false },
    ...{ stale: false, staleMs: 0, reason: null, notes: [], circuitBreakers: [], endpoints },
  };
}

/** A lane with three pods that answered 100 calls each, of whose choices nothing is known. */
export function evidenceFixture(change: Partial<Evidence> = {}): Evidence {
  const answered = { "echo-1": 100, "echo-2": 100, "echo-3": 100 };
  return {
    chooser: { by: "other", who: "nginx" },
    pods: [podFixture(1), podFixture(2), podFixture(3)],
    ...{ answered, answeredInAll: answered, hasChanged: false, wallMs: NOW_MS },
    known: { calls: [], sockets: [], subchannels: [], lookup: null, view: null },
    ...{ views: [], carried: [], hosts: [], replicas: [] },
    ...change,
  };
}
