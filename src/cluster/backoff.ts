/**
 * Exponential backoff with jitter between connection attempts: gRPC's connection-backoff document.
 *
 * The first retry comes sooner than gRPC's 1 s: a pod that restarts is back in less.
 */

import type { Rng } from "../base/index.ts";

/** The first delay. */
export const BACKOFF_MS_FIRST = 200;
/** Each next delay is this much longer. */
export const BACKOFF_MULTIPLIER = 1.6;
/** No delay is longer, before jitter. */
export const BACKOFF_MS_MAX = 30_000;
/** Each delay is moved by up to this share, either way. */
export const BACKOFF_JITTER = 0.2;

/** The delays of one endpoint. */
export class Backoff {
  readonly #rng: Rng;
  #nextMs = BACKOFF_MS_FIRST;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** The next delay in milliseconds; each call lengthens the one after. */
  nextMs(): number {
    const base = this.#nextMs;
    this.#nextMs = Math.min(BACKOFF_MS_MAX, base * BACKOFF_MULTIPLIER);
    return base * (1 + BACKOFF_JITTER * (2 * this.#rng.next() - 1));
  }

  /** A connection was made: begin anew. */
  reset(): void {
    this.#nextMs = BACKOFF_MS_FIRST;
  }
}
