/**
 * How even numbers of calls or connections are, by the two figures that have usual names. Pure.
 */

/** The busiest over the mean: 1 at best, their number at worst; null without a count above 0. */
export function maxOverMean(counts: readonly number[]): number | null {
  const total = sum(counts);
  return total === 0 ? null : (Math.max(...counts) * counts.length) / total;
}

/** Jain's fairness index, (sum x)^2 / (n * sum x^2): 1/n to 1; null without a count above 0. */
export function fairness(counts: readonly number[]): number | null {
  const total = sum(counts);
  const squares = sum(counts.map((count) => count * count));
  return total === 0 ? null : (total * total) / (counts.length * squares);
}

/** All of them together. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
