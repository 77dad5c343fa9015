/**
 * The few statistics that a benchmark needs. Lists are of finite numbers, in any order.
 */

/** The least, the middle and the greatest of some numbers. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Null for an empty list. An even count's median is the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const low = sorted[Math.ceil(half) - 1] as number;
  const high = sorted[Math.floor(half)] as number;
  return { min: sorted[0] as number, median: (low + high) / 2, max: sorted.at(-1) as number };
}

/** The value below which a share (0..1) of a sorted list lies (nearest rank); null when empty. */
export function percentile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length === 0) return null;
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[Math.min(rank, sorted.length) - 1] as number;
}
