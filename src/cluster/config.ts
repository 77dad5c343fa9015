/**
 * What a cluster is told, and the bounds that no user sets.
 */

import type { Clock, Logger, Rng, TimerWheel } from "../base/index.ts";
import type { Resolver, ServiceConfigResult } from "../discovery/index.ts";
import type { Registry } from "../telemetry/index.ts";
import {
  type ConnectionSource,
  type ConnectorOptions,
  DEFAULT_CONNECTOR_OPTIONS,
  type TransportLoop,
} from "../transport/index.ts";
import { BACKOFF_MS_FIRST, BACKOFF_MS_MAX, type BackoffConfig } from "./backoff.ts";
import type { Connectivity } from "./connectivity.ts";
import type { ServiceConfig } from "./service-config.ts";

/** Calls that wait while no endpoint is ready. More are refused at once. */
export const READY_QUEUE_CALLS_MAX = 65_536;
/** Calls that wait while every connection is at its MAX_CONCURRENT_STREAMS. */
export const CAPACITY_QUEUE_CALLS_MAX = 65_536;
/**
 * How long a call of the proxy waits for a stream, or its deadline if that is shorter. Long, as the
 * streams before it may be long; but one without a deadline must hear at last that it is stuck.
 */
export const CAPACITY_TIMEOUT_MS = 60_000;
/** Request bytes kept per call for another attempt (Envoy and gRPC: 64 KiB-1 MiB). */
export const REPLAY_BYTES_MAX = 65_536;
/** Request bytes kept for other attempts over all calls of the process. */
export const REPLAY_BYTES_TOTAL_MAX = 67_108_864;
/**
 * Replays of a call that had reached the wire; one that had not is moved without limit (gRFC A6).
 */
export const WIRE_REPLAYS_MAX = 1;
/**
 * Attempts of one call, those by a policy apart: a guard against endpoints that accept and close
 * for ever.
 */
export const ATTEMPTS_MAX = 32;
/** A connection that served no call and lived shorter than this counts as a failed attempt. */
export const CONNECTION_PROVEN_MS = 1_000;
/** A connection beyond an endpoint's first is closed after this long without a stream. */
export const EXTRA_CONNECTION_IDLE_MS = 10_000;
/** How long an endpoint that left may finish its streams. */
export const ENDPOINT_DRAIN_TIMEOUT_MS = 300_000;
/** How much later than its deadline a call of the proxy is ended. */
export const DEADLINE_GRACE_MS = 50;

/**
 * After the first endpoint is ready, calls that queued wait this much longer for the others, so
 * that a cold start does not give all of them to one pod.
 */
export const WARM_UP_MS = 50;

/** When the calls that queued while nothing was ready are let go. */
export interface WarmUpConfig {
  /** The longest they wait for more endpoints after the first is ready. */
  readonly timeMs: number;
  /** They go sooner when this share of the endpoints is ready, above 0 and up to 1. */
  readonly share: number;
}

/** What a cluster keeps of requests; one that is above a bound is sent, but never again. */
export interface ReplayConfig {
  readonly callBytesMax: number;
  /** Of all calls of the cluster; those of the process have a bound of their own. */
  readonly totalBytesMax: number;
}

/** Settings of one cluster; how it connects is part of them. */
export interface ClusterConfig extends ConnectorOptions {
  readonly target: string;
  /**
   * `:authority` of calls of the cluster's own, such as health checks; null: the address of the
   * endpoint. Those who share a cluster share the one of the first.
   */
  readonly authority: string | null;
  /** The first; `Cluster.reconfigure` changes it. */
  readonly serviceConfig: ServiceConfig;
  /** Connections to one endpoint, opened one by one as MAX_CONCURRENT_STREAMS is reached. */
  readonly maxConnectionsPerEndpoint: number;
  readonly backoff: BackoffConfig;
  readonly warmUp: WarmUpConfig;
  /** What is kept of requests, so that they can be sent again. */
  readonly replay: ReplayConfig;
  /** How long a call waits for an endpoint to become ready; Infinity: until its deadline. */
  readonly readyTimeoutMs: number;
  /** How long a call waits for a stream; Infinity: until its deadline. */
  readonly capacityTimeoutMs: number;
  /**
   * How much later than its deadline a call is ended here: where it is the caller's and the
   * server's to keep, they come first.
   */
  readonly deadlineGraceMs: number;
  /**
   * Whether a call whose time is over while nothing is ready is told, as by a gRPC client, that it
   * has exceeded its deadline. Otherwise it hears why nothing was ready.
   */
  readonly isDeadlineTold: boolean;
  /** Whether what the resolver says is logged here; false where its owner does, for all workers. */
  readonly isSourceLogged: boolean;
}

/** What a proxy's cluster is told where no user says otherwise. */
export const DEFAULT_CLUSTER_CONFIG = {
  ...DEFAULT_CONNECTOR_OPTIONS,
  authority: null,
  backoff: { initialMs: BACKOFF_MS_FIRST, maxMs: BACKOFF_MS_MAX },
  warmUp: { timeMs: WARM_UP_MS, share: 1 },
  replay: { callBytesMax: REPLAY_BYTES_MAX, totalBytesMax: REPLAY_BYTES_TOTAL_MAX },
  capacityTimeoutMs: CAPACITY_TIMEOUT_MS,
  deadlineGraceMs: DEADLINE_GRACE_MS,
  isDeadlineTold: false,
  isSourceLogged: true,
} as const satisfies Partial<ClusterConfig>;

/** Who wants to know what becomes of a cluster. Called synchronously; may call the cluster. */
export interface ClusterListener {
  /** `Cluster.connectivity` changed. */
  onConnectivity(state: Connectivity): void;
  /**
   * A set came, with this; before its endpoints are taken over. Null when its source says nothing
   * of a service config. Also called when it is the same as before.
   */
  onServiceConfig(result: ServiceConfigResult | null): void;
}

/** The real things that a cluster needs; all but the listener shared with others. */
export interface ClusterDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly loop: TransportLoop;
  readonly wheel: TimerWheel;
  readonly registry: Registry;
  readonly resolver: Resolver;
  /** What opens connections; absent: a `Connector` with the settings of the cluster. */
  readonly connector?: ConnectionSource;
  readonly listener?: ClusterListener | null;
}
