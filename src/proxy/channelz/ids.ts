/** Numbers for things that have names: channelz wants positive ids that are never used again. */

/** Ids by key. What is not asked for between two `sweep`s is forgotten. */
export class Ids {
  #next = 1n;
  #known = new Map<string, bigint>();
  #used = new Map<string, bigint>();

  /** The id of a key: the one it had, or a new one. */
  of(key: string): bigint {
    const id = this.#used.get(key) ?? this.#known.get(key) ?? this.#next++;
    this.#used.set(key, id);
    return id;
  }

  /** Forgets the keys that nobody asked for since the last sweep. */
  sweep(): void {
    this.#known = this.#used;
    this.#used = new Map();
  }
}
