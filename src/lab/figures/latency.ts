/**
 * Latencies of one lane: a histogram in logarithmic steps of 2 %, from 1 us to about 20 minutes.
 *
 * Not a metric for export (that is `telemetry`): it answers quantiles, for people to read.
 */

const STEP = Math.log(1.02);
const BUCKETS = 1060;

/** Counts durations and answers quantiles with at most 1 % of error. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  /** How many were recorded. */
  get count(): number {
    return this.#total;
  }

  /** Adds one duration in microseconds; what is out of range counts as the nearest end. */
  record(us: number): void {
    const bucket = Math.round(Math.log(Math.max(1, us)) / STEP);
    this.#counts[Math.min(bucket, BUCKETS - 1)]! += 1;
    this.#total += 1;
  }

  /** The duration in ms that a share `q` (0..1) of the recorded ones does not exceed; or null. */
  quantileMs(q: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.exp(bucket * STEP) / 1000;
    }
    return null;
  }
}
