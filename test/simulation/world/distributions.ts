/**
 * Distributions of durations and rates, drawn from a source of chance.
 */
import type { Rng } from "../../../src/base/index.ts";

/** Draws one value. */
export type Draw = (rng: Rng) => number;

/** Always the same. */
export function constant(value: number): Draw {
  return () => value;
}

/** Exponential: the gaps of arrivals that know nothing of each other. */
export function exponential(mean: number): Draw {
  return (rng) => -mean * Math.log(1 - rng.next());
}

/** Lognormal with that mean. `sigma` is of the logarithm: 0.5 is steady, 1 is uneven. */
export function lognormal(mean: number, sigma: number): Draw {
  const mu = Math.log(mean) - (sigma * sigma) / 2;
  return (rng) => Math.exp(mu + sigma * normal(rng));
}

/** Standard normal (Box and Muller). */
function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
}
