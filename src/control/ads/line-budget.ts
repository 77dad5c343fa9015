/**
 * How many lines nodes may make us log: what they send decides how often there is one to write.
 * What is left out is counted, and told with the next line.
 */
import { NODE_LINES_PER_MINUTE_MAX } from "./limits.ts";

const MINUTE_MS = 60_000;

/** See the head of this file. */
export class LineBudget {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #leftOut = 0;

  /** Fields for a line that may be written now; null: it may not, and is counted. */
  take(nowMs: number): { readonly leftOut?: number } | null {
    if (nowMs - this.#sinceMs >= MINUTE_MS) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    if (this.#count >= NODE_LINES_PER_MINUTE_MAX) {
      this.#leftOut += 1;
      return null;
    }
    this.#count += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut === 0 ? {} : { leftOut };
  }
}
