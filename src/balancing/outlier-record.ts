/**
 * What outlier detection keeps of one endpoint: its calls, and whether it is ejected. gRFC A50,
 * "Call Counter": two buckets that are swapped at each interval.
 */

/** How an attempt ended, as outlier detection sees it. */
export type Outcome =
  /** With status OK. */
  | "success"
  /** With another status. A50 knows no difference; a method may have answered on purpose. */
  | "failure"
  /** With another status, by a fault of the endpoint: counts in a row too, as Envoy's 5xx. */
  | "error"
  /** Nobody can tell: a cancel, or the endpoint did nothing with it. Not counted at all. */
  | "unknown";

/** Whom a record tells that there have been too many errors in a row. */
export interface RecordOwner {
  /** `record.errorsInRow` went up. */
  onError(record: OutlierRecord, nowMs: number): void;
}

/** See the head of this file. Its detection reads and writes it; others call `onEnded`. */
export class OutlierRecord {
  /** Null once its endpoint is none of the detection's any more. */
  #owner: RecordOwner | null;
  /** Calls of this interval. */
  #successes = 0;
  #failures = 0;
  /** Calls of the last interval. */
  lastSuccesses = 0;
  lastFailures = 0;
  errorsInRow = 0;
  /** Since when it is ejected; null while it is not. */
  ejectedAtMs: number | null = null;
  /** How many times the base time it is ejected for; it falls by one at each sweep without. */
  multiplier = 0;

  constructor(owner: RecordOwner) {
    this.#owner = owner;
  }

  /** An attempt on its endpoint is over. Allocates nothing. */
  onEnded(outcome: Outcome, nowMs: number): void {
    if (outcome === "unknown") return;
    if (outcome === "success") this.#successes += 1;
    else this.#failures += 1;
    if (outcome !== "error") {
      this.errorsInRow = 0;
      return;
    }
    this.errorsInRow += 1;
    this.#owner?.onError(this, nowMs);
  }

  /** "the inactive bucket is zeroed and swapped with the active bucket" (A50) */
  swap(): void {
    this.lastSuccesses = this.#successes;
    this.lastFailures = this.#failures;
    this.#successes = 0;
    this.#failures = 0;
  }

  /** Calls of the last interval. */
  get volume(): number {
    return this.lastSuccesses + this.lastFailures;
  }

  /** Its endpoint left, or detection ended: calls that are still in flight say nothing any more. */
  detach(): void {
    this.#owner = null;
  }
}
