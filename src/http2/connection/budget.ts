/**
 * An allowance that a peer spends, and earns back with time and with honest work.
 *
 * Every event that is cheap for a peer and dear for us is charged to such a budget (CVE-2023-44487,
 * CVE-2025-8671 and their kin); a spent one ends the connection with ENHANCE_YOUR_CALM.
 */

/** A token bucket whose time is an argument. */
export class Budget {
  readonly #max: number;
  readonly #perMs: number;
  #available: number;
  #atMs: number;

  constructor(max: number, perSecond: number, nowMs: number) {
    this.#max = max;
    this.#perMs = perSecond / 1_000;
    this.#available = max;
    this.#atMs = nowMs;
  }

  /** Takes `amount`; false when it is not there any more. */
  trySpend(amount: number, nowMs: number): boolean {
    if (nowMs > this.#atMs) {
      this.earn((nowMs - this.#atMs) * this.#perMs);
      this.#atMs = nowMs;
    }
    if (amount > this.#available) return false;
    this.#available -= amount;
    return true;
  }

  /** Gives back `amount`, never above the maximum. */
  earn(amount: number): void {
    this.#available = Math.min(this.#max, this.#available + amount);
  }
}
