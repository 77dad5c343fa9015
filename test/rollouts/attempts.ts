/**
 * How many attempts a cluster started on each pod, from what it shows of itself again and again: an
 * endpoint that left is shown no more, its figures are gone with it, and when it comes back they
 * begin anew.
 *
 * Nothing is started on an endpoint that is DRAINING, so what it shows then is final. One that was
 * never seen so counts with what it showed last: a lower bound. So does one that left and returned.
 */

/** What is read of an endpoint. */
export interface CountedEndpoint {
  readonly uid: string | null;
  readonly address: string;
  readonly state: string;
  readonly calls: number;
}

/** Attempts on one pod. */
export interface AttemptCount {
  readonly calls: number;
  readonly isExact: boolean;
}

/** The stays of one pod in the set, one after the other. */
class Stays {
  /** Attempts of the stays that are over. */
  #over = 0;
  /** Of the present one. */
  #now = 0;
  #isExact = true;
  /** Endpoints that drained when it was last looked at: counted already. */
  #draining = 0;

  look(shown: readonly CountedEndpoint[]): void {
    const draining = shown.filter(({ state }) => state === "DRAINING");
    const current = shown.find(({ state }) => state !== "DRAINING");
    if (draining.length > this.#draining) {
      // Of several that drain it is not known which came last.
      const isOne = draining.length === 1;
      if (!isOne) this.#isExact = false;
      this.#over += isOne ? Math.max(draining[0].calls, this.#now) : this.#now;
      this.#now = 0;
    }
    this.#draining = draining.length;
    if (current === undefined) return;
    if (current.calls < this.#now) {
      this.#over += this.#now;
      this.#isExact = false;
    }
    // Of one that comes and goes a stay may be too short to be seen.
    if (this.#over > 0 && current.calls > 0) this.#isExact = false;
    this.#now = current.calls;
  }

  /** @param isShown whether the last view had it. */
  count(isShown: boolean): AttemptCount {
    const isExact = this.#isExact && (isShown || this.#now === 0);
    return { calls: this.#over + this.#now, isExact };
  }
}

/** See the head of this file. */
export class AttemptCounts {
  readonly #pods = new Map<string, Stays>();
  #last: ReadonlySet<string> = new Set();

  /** Takes a view of the cluster in. */
  look(endpoints: readonly CountedEndpoint[]): void {
    const shown = new Map<string, CountedEndpoint[]>();
    for (const endpoint of endpoints) {
      const key = endpoint.uid ?? endpoint.address;
      const known = shown.get(key);
      if (known === undefined) shown.set(key, [endpoint]);
      else known.push(endpoint);
    }
    for (const key of shown.keys()) if (!this.#pods.has(key)) this.#pods.set(key, new Stays());
    for (const [key, stays] of this.#pods) stays.look(shown.get(key) ?? []);
    this.#last = new Set(shown.keys());
  }

  /** By uid of the pod, or by address where there is none; of the last view on. */
  get counts(): Readonly<Record<string, AttemptCount>> {
    return Object.fromEntries(
      [...this.#pods].map(([key, stays]) => [key, stays.count(this.#last.has(key))]),
    );
  }
}
