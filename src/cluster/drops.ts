/**
 * Calls that are refused so that less load comes: what the source of endpoints says with
 * `drop_overloads` of EDS. gRFC A27; each category is drawn for by itself, in order, as in Envoy.
 */
import type { Rng } from "../base/index.ts";
import type { DropCategory } from "../discovery/index.ts";

const NONE: readonly DropCategory[] = [];

/** See the head of this file. */
export class Drops {
  readonly #rng: Rng;
  #categories = NONE;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Whether any call may be refused: to be asked first, for each call. */
  get isActive(): boolean {
    return this.#categories.length > 0;
  }

  /** What a set says; undefined for nothing. */
  set(categories: readonly DropCategory[] | undefined): void {
    this.#categories = categories ?? NONE;
  }

  /** Why a new call is refused, or null: drawn by chance. */
  refusal(): string | null {
    for (const { category, perMillion } of this.#categories) {
      if (this.#rng.int(1_000_000) < perMillion) return `dropped by category ${category}`;
    }
    return null;
  }
}
