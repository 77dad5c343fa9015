/**
 * Exponential backoff with jitter between connection attempts: gRPC's connection-backoff document.
 *
 * By default the first retry comes sooner than gRPC's 1 s: a pod that restarts is back in less.
 */

import { jittered, type Rng } from "../base/index.ts";

/** The first delay, by default. */
export const BACKOFF_MS_FIRST = 200;
/** Each next delay is this much longer. */
export const BACKOFF_MULTIPLIER = 1.6;
/** The longest delay before jitter, by default. */
export const BACKOFF_MS_MAX = 30_000;
/** Each delay is moved by up to this share, either way. */
export const BACKOFF_JITTER = 0.2;

/** How long to wait between attempts. */
export interface BackoffConfig {
  /** The first delay. */
  readonly initialMs: number;
  /** No delay is longer, before jitter. At least `initialMs`. */
  readonly maxMs: number;
}

/** The delays of one endpoint. */
export class Backoff {
  readonly #rng: Rng;
  readonly #config: BackoffConfig;
  #nextMs: number;

  constructor(rng: Rng, config: BackoffConfig) {
    this.#rng = rng;
    this.#config = config;
    this.#nextMs = config.initialMs;
  }

  /** The next delay in milliseconds; each call lengthens the one after. */
  nextMs(): number {
    const base = this.#nextMs;
    this.#nextMs = Math.min(this.#config.maxMs, base * BACKOFF_MULTIPLIER);
    return jittered(base, BACKOFF_JITTER, this.#rng);
  }

  /** A connection was made: begin anew. */
  reset(): void {
    this.#nextMs = this.#config.initialMs;
  }
}
