/**
 * Results that are made again only when what they are made of is another: so that what a change
 * does not touch stays the same object, for all who compare.
 */

interface Entry {
  readonly inputs: readonly unknown[];
  readonly value: unknown;
}

/** Results of the last round by key; what a round does not ask for is forgotten after it. */
export class Memo {
  #last = new Map<string, Entry>();
  #now = new Map<string, Entry>();

  /** A round begins. */
  begin(): void {
    this.#last = this.#now;
    this.#now = new Map();
  }

  /**
   * The value of a key, made when its inputs are not identical to the last ones.
   *
   * @param key of one sort of values.
   */
  get<T>(key: string, inputs: readonly unknown[], make: () => T): T {
    const last = this.#last.get(key);
    const isSame =
      last !== undefined &&
      last.inputs.length === inputs.length &&
      inputs.every((input, i) => input === last.inputs[i]);
    const entry = isSame ? last : { inputs, value: make() };
    this.#now.set(key, entry);
    return entry.value as T;
  }
}
