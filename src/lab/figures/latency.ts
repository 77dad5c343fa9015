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
    this.#counts[bucketOf(us)]! += 1;
    this.#total += 1;
  }

  /** Takes back one that was added. */
  forget(us: number): void {
    this.#counts[bucketOf(us)]! -= 1;
    this.#total -= 1;
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

/** The latencies of the latest reports only. */
export class RecentLatency {
  readonly #reportsMax: number;
  readonly #histogram = new LatencyHistogram();
  readonly #reports: (readonly number[])[] = [];

  /** @param reportsMax How many reports are recent. */
  constructor(reportsMax: number) {
    this.#reportsMax = reportsMax;
  }

  /** Adds a report's latencies, in microseconds; the oldest report's go. */
  add(latenciesUs: readonly number[]): void {
    this.#reports.push(latenciesUs);
    for (const us of latenciesUs) this.#histogram.record(us);
    if (this.#reports.length <= this.#reportsMax) return;
    for (const us of this.#reports.shift()!) this.#histogram.forget(us);
  }

  /** As of `LatencyHistogram`: null when no report that is recent has a call. */
  quantileMs(q: number): number | null {
    return this.#histogram.quantileMs(q);
  }
}

function bucketOf(us: number): number {
  return Math.min(Math.round(Math.log(Math.max(1, us)) / STEP), BUCKETS - 1);
}
