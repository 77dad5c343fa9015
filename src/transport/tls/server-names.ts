/**
 * Which of several things a server name means: one that has the whole name, else the one with the
 * longest "*.suffix", else the one without names. Names are in lower case.
 */

/** See the head of this file. Immutable once it is filled. */
export class ServerNames<T> {
  readonly #whole = new Map<string, T>();
  readonly #suffix = new Map<string, T>();
  #rest: T | null = null;

  /** @param names "a.b" or "*.b"; none: for all that no other is for. The first one counts. */
  add(names: readonly string[], value: T): void {
    if (names.length === 0) this.#rest ??= value;
    for (const name of names) {
      const isSuffix = name.startsWith("*.");
      const map = isSuffix ? this.#suffix : this.#whole;
      const key = isSuffix ? name.slice(1) : name;
      if (!map.has(key)) map.set(key, value);
    }
  }

  /** The one without names. */
  get rest(): T | null {
    return this.#rest;
  }

  /** @param name in any case; null: none was given. */
  find(name: string | null): T | null {
    if (name === null) return this.#rest;
    const lower = name.toLowerCase();
    const whole = this.#whole.get(lower);
    if (whole !== undefined) return whole;
    if (this.#suffix.size > 0) {
      for (let dot = lower.indexOf("."); dot > 0; dot = lower.indexOf(".", dot + 1)) {
        const found = this.#suffix.get(lower.slice(dot));
        if (found !== undefined) return found;
      }
    }
    return this.#rest;
  }
}
