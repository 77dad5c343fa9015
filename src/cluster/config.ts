/**
 * What a cluster is told, and the bounds that no user sets.
 */

import type { Policy } from "../balancing/index.ts";
import type { Clock, Logger, Rng, TimerWheel } from "../base/index.ts";
import type { Resolver } from "../discovery/index.ts";
import type { Registry } from "../telemetry/index.ts";
import type { ClientTls, TransportLoop } from "../transport/index.ts";

/** Calls that wait while no endpoint is ready. More are refused at once. */
export const READY_QUEUE_CALLS_MAX = 65_536;
/** Calls that wait while every connection is at its MAX_CONCURRENT_STREAMS. */
export const CAPACITY_QUEUE_CALLS_MAX = 65_536;
/**
 * How long a call waits for a stream, or its deadline if that is shorter. Long, because the streams
 * before it may be long; but a caller without a deadline must hear at last that it is stuck.
 */
export const CAPACITY_TIMEOUT_MS = 60_000;
/** Request bytes kept per call for a transparent replay (Envoy and gRPC: 64 KiB-1 MiB). */
export const REPLAY_BYTES_MAX = 65_536;
/** Request bytes kept for replays over all calls of the process. */
export const REPLAY_BYTES_TOTAL_MAX = 67_108_864;
/**
 * Replays of a call that had reached the wire; one that had not is moved without limit (gRFC A6).
 */
export const WIRE_REPLAYS_MAX = 1;
/** Attempts of one call in all: a guard against endpoints that accept and close for ever. */
export const ATTEMPTS_MAX = 32;
/** A connection that served no call and lived shorter than this counts as a failed attempt. */
export const CONNECTION_PROVEN_MS = 1_000;
/** A connection beyond an endpoint's first is closed after this long without a stream. */
export const EXTRA_CONNECTION_IDLE_MS = 10_000;
/** How long an endpoint that left may finish its streams. */
export const ENDPOINT_DRAIN_TIMEOUT_MS = 300_000;
/**
 * A deadline is the caller's and the server's to keep; this much later we end the call ourselves.
 */
export const DEADLINE_GRACE_MS = 50;

/** Settings of one cluster. */
export interface ClusterConfig {
  readonly target: string;
  readonly policy: Policy;
  /** TLS towards endpoints, or null for plaintext. */
  readonly tls: ClientTls | null;
  /** Connections to one endpoint, opened one by one as MAX_CONCURRENT_STREAMS is reached. */
  readonly maxConnectionsPerEndpoint: number;
  /** How long a call waits for an endpoint to become ready. */
  readonly readyTimeoutMs: number;
  /** Whether what the resolver says is logged here; false where its owner does, for all workers. */
  readonly isSourceLogged: boolean;
}

/** The real things that a cluster needs; all shared with others. */
export interface ClusterDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly loop: TransportLoop;
  readonly wheel: TimerWheel;
  readonly registry: Registry;
  readonly resolver: Resolver;
}
