/**
 * What a cluster shows of itself: the JSON of `/clusters` and `/why`.
 *
 * The shapes are a contract with other programs: keys are added, never renamed or dropped.
 */
import type { EndpointAssignment } from "../discovery/index.ts";

/** What an endpoint's connection is doing, or why it is not used. */
export type EndpointState =
  | "IDLE"
  | "CONNECTING"
  | "READY"
  | "TRANSIENT_FAILURE"
  | "DRAINING"
  | "EJECTED"
  | "UNHEALTHY";

/** One step of the decision whether an endpoint is picked. */
export interface DecisionStep {
  /** What was asked: "in the endpoint set", "connection", "policy". */
  readonly rule: string;
  /** What came of it. */
  readonly effect: string;
}

/** One endpoint as it stands. */
export interface EndpointView {
  readonly address: string;
  readonly pod: string | null;
  readonly uid: string | null;
  readonly node: string | null;
  readonly zone: string | null;
  readonly state: EndpointState;
  /** Whether the next call could go there. */
  readonly usable: boolean;
  /** Why, in words: "ready", "connection refused; next attempt in 1.2 s". */
  readonly reason: string;
  /** Who named it: "static", "dns", "EndpointSlice namespace/name". */
  readonly source: string;
  /** Cluster, locality, priority and health as an xDS server says them; null from others. */
  readonly assignment: EndpointAssignment | null;
  readonly weight: number;
  readonly connections: number;
  readonly activeCalls: number;
  /** Attempts started. */
  readonly calls: number;
  /** Attempts that did not end with grpc-status 0. */
  readonly failures: number;
  /** A recent mean from an attempt's start to its response headers; null before the first. */
  readonly latencyMs: number | null;
  /** Shown by `why` only. */
  readonly decision: readonly DecisionStep[];
}

/** A circuit breaker that is set. With several workers all but `limit` are sums over them. */
export interface BreakerView {
  /** As in the service config: "maxCalls". */
  readonly name: string;
  /** Of each process. */
  readonly limit: number;
  /** What it counts now. */
  readonly current: number;
  /** How often it said no. */
  readonly refused: number;
  /** Whether it said no a moment ago. */
  readonly open: boolean;
}

/** One target and its endpoints, sorted by address. */
export interface ClusterView {
  readonly target: string;
  readonly policy: string;
  /** Whether the proxy that has it takes no new connections and lets calls finish. */
  readonly draining: boolean;
  /** Whether the source of endpoints is away, so that the last good set is in use. */
  readonly stale: boolean;
  /** For how long; 0 when not stale. */
  readonly staleMs: number;
  /** Why it is stale, empty or not resolved yet; null when none of these. */
  readonly reason: string | null;
  /** Rules of discovery that hold for all endpoints: which port, which hints. */
  readonly notes: readonly string[];
  /** Those that are set. */
  readonly circuitBreakers: readonly BreakerView[];
  readonly endpoints: readonly EndpointView[];
}

/** Whether something can take calls. */
export interface Readiness {
  readonly ready: boolean;
  /** One clause for people. */
  readonly reason: string;
}
