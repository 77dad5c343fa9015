/**
 * The walk along the names that a short name may stand for, and where it was found last.
 *
 * As glibc's `res_search`: the first name that has something wins; a name about which the server
 * has only a failure to tell (SERVFAIL, REFUSED) is passed over; silence ends the walk, because the
 * next name would meet the same silence.
 *
 * Beyond glibc, because we ask again and again: the name where something was found is asked first,
 * and its word counts. It spares the queries for names that are not there, and a failure never
 * makes us take another name's addresses for ours. Only when it says "none" are the others asked,
 * and then their failures do not matter: the source has said that there is nothing.
 */
import type { Outcome } from "./outcome.ts";

/** What a walk found. */
export interface Walked<T> {
  /** The full name that the outcome is about; null when no name has anything. */
  readonly name: string | null;
  readonly outcome: Outcome<T>;
}

/** See the head of this file. */
export class SearchWalk {
  #home: string | null = null;

  /**
   * Asks until something is found.
   *
   * @param names at least one, in order.
   * @param ask never rejects.
   */
  async walk<T>(
    names: readonly string[],
    ask: (name: string) => Promise<Outcome<T>>,
  ): Promise<Walked<T>> {
    const home = this.#home !== null && names.includes(this.#home) ? this.#home : null;
    const order = home === null ? names : [home, ...names.filter((name) => name !== home)];
    let first: Outcome<T> | null = null;
    let failed: Outcome<T> | null = null;
    for (const name of order) {
      const outcome = await ask(name);
      if (outcome.says === "some") {
        this.#home = name;
        return { name, outcome };
      }
      if (outcome.says === "unknown" && name === home) return { name, outcome };
      first ??= outcome;
      if (outcome.says === "unknown") failed ??= outcome;
      if (outcome.says === "unknown" && !outcome.isServerThere) break;
    }
    // With a home, `first` is its "none".
    return { name: null, outcome: home === null ? (failed ?? first!) : first! };
  }
}
