/**
 * How long something that a test has started is there: what is asked of it afterwards is refused,
 * and what is under way at its end is broken off, so that no promise of it stays open.
 */

/** From its start to its `close`. */
export class Lifetime {
  readonly #what: string;
  readonly #underWay = new Set<() => void>();
  #isOver = false;

  /** @param what that ends, for the sentence: "the cluster". */
  constructor(what: string) {
    this.#what = what;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws when it is over. */
  check(): void {
    if (this.#isOver) throw this.#error();
  }

  /** What `work` comes to. Rejects when it is over, or ends before `work` does. */
  during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(this.#error());
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const breakOff = (): void => {
      // A test that closes may have left it to itself: that is no reason to end the process.
      promise.catch(() => {});
      reject(this.#error());
    };
    this.#underWay.add(breakOff);
    void work()
      .then(resolve, reject)
      .finally(() => this.#underWay.delete(breakOff));
    return promise;
  }

  /** It is over. Again is no-op. */
  end(): void {
    this.#isOver = true;
    for (const breakOff of this.#underWay) breakOff();
    this.#underWay.clear();
  }

  #error(): Error {
    return new Error(`${this.#what} is closed`);
  }
}
