/**
 * Results that are made again only when what they are made of is another: so that what a change
 * does not touch stays the same object, for all who compare.
 */

interface Entry {
  inputs: readonly unknown[];
  value: unknown;
  /** The round that asked for it last. */
  round: number;
}

/** Results of the last round by key; what a round did not ask for is forgotten at its end. */
export class Memo {
  readonly #entries = new Map<unknown, Entry>();
  #round = 0;
  #askedCount = 0;

  /** A round begins. */
  begin(): void {
    this.#round += 1;
    this.#askedCount = 0;
  }

  /** The round is over. */
  end(): void {
    if (this.#askedCount === this.#entries.size) return;
    for (const [key, { round }] of this.#entries) {
      if (round !== this.#round) this.#entries.delete(key);
    }
  }

  /**
   * The value of a key, made when its inputs are not identical to the last ones.
   *
   * @param key of one sort of values: text, or an object that stands for itself.
   */
  get<T>(key: unknown, inputs: readonly unknown[], make: () => T): T {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const value = make();
      this.#entries.set(key, { inputs, value, round: this.#round });
      this.#askedCount += 1;
      return value;
    }
    if (entry.round !== this.#round) {
      entry.round = this.#round;
      this.#askedCount += 1;
    }
    if (!isSame(entry.inputs, inputs)) {
      entry.value = make();
      entry.inputs = inputs;
    }
    return entry.value as T;
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
