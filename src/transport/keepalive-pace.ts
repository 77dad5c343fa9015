/**
 * How long a silence must be before a connection asks whether its peer is there, as all connections
 * of a connector share it. gRFC A8.
 */

import type { KeepaliveConfig } from "./options.ts";

/** A8: "The client will not send pings more often than every 10 seconds", whatever is set. */
export const KEEPALIVE_TIME_MS_MIN = 10_000;

/** Silence, while calls wait, before a probe of the sparing keepalive goes out. */
export const KEEPALIVE_SILENCE_MS = 10_000;
/** How long its answer may take. */
export const KEEPALIVE_TIMEOUT_MS = 5_000;

/**
 * Shared, so that a server that finds one connection too eager slows the others down too, and those
 * that come after it: "Double the KEEPALIVE_TIME on that channel" (A8).
 */
export class KeepalivePace {
  #timeMs: number;
  readonly timeoutMs: number;
  readonly permitWithoutCalls: boolean;
  /** Whether `Keepalive` asks, and not `PeriodicKeepalive`. */
  readonly isSparing: boolean;

  constructor({ timeMs, timeoutMs, permitWithoutCalls }: KeepaliveConfig, isSparing = false) {
    this.isSparing = isSparing;
    this.#timeMs = Math.max(KEEPALIVE_TIME_MS_MIN, timeMs);
    this.timeoutMs = timeoutMs;
    this.permitWithoutCalls = permitWithoutCalls;
  }

  /** Silence before the peer is asked. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /**
   * A server cut a connection that had this pace with `too_many_pings`. Twice that, not twice what
   * other servers have made of it meanwhile: twenty pods with one setting are one lesson.
   */
  slowDown(timeMs: number): void {
    this.#timeMs = Math.max(this.#timeMs, 2 * timeMs);
  }
}

/** The pace of the sparing keepalive, where users set none. */
export function sparingPace(): KeepalivePace {
  const config = {
    timeMs: KEEPALIVE_SILENCE_MS,
    timeoutMs: KEEPALIVE_TIMEOUT_MS,
    permitWithoutCalls: false,
  };
  return new KeepalivePace(config, true);
}
