/**
 * The subchannels of a cluster, kept in step with the resolver's endpoint sets.
 *
 * An address that returns with another pod uid is another endpoint: new connection, no inherited
 * figures. What left drains beside the current set until its streams have ended.
 */

import type { Endpoint, EndpointSet, SkippedEndpoint } from "../discovery/index.ts";
import type { Subchannel } from "./subchannel.ts";
import type { EndpointState } from "./view.ts";

/** Current and draining subchannels. */
export class Endpoints {
  readonly #create: (endpoint: Endpoint) => Subchannel;
  /** Sorted by address, as sets are. */
  #current: readonly Subchannel[] = [];
  readonly #draining = new Set<Subchannel>();
  #skipped: readonly SkippedEndpoint[] = [];
  /** The reasons of `#skipped` by endpoint; null until one is asked for. */
  #reasons: ReadonlyMap<string, string> | null = null;
  #notes: readonly string[] = [];

  constructor(create: (endpoint: Endpoint) => Subchannel) {
    this.#create = create;
  }

  /** Subchannels of the current set, in its order. */
  get current(): readonly Subchannel[] {
    return this.#current;
  }

  /** How many there are in the current set. */
  get size(): number {
    return this.#current.length;
  }

  /** How many of them are in a state; those that drain are not of the current set. */
  countOf(state: EndpointState): number {
    if (state === "DRAINING") return this.#draining.size;
    return this.#current.filter((each) => each.state === state).length;
  }

  /** Subchannels that left and still have streams. */
  get draining(): Subchannel[] {
    return [...this.#draining];
  }

  /** What the source knows and a rule of discovery leaves out. */
  get skipped(): readonly SkippedEndpoint[] {
    return this.#skipped;
  }

  /** Rules of discovery that hold for the whole set, for people. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Why an endpoint of the last set is not in this one, for people. */
  reasonOfLeaving({ endpoint }: Subchannel): string {
    this.#reasons ??= new Map(
      this.#skipped.map((each) => [identityOf(each.endpoint), each.reason] as const),
    );
    return this.#reasons.get(identityOf(endpoint)) ?? "the endpoint left the set";
  }

  /**
   * Takes over a new set: known endpoints keep their subchannels. One walk over two sorted lists,
   * because of ten thousand endpoints few change. Returns those that are no longer in it.
   */
  update(set: EndpointSet): Subchannel[] {
    const { endpoints } = set;
    const before = this.#current;
    const removed: Subchannel[] = [];
    const current: (Subchannel | null)[] = [];
    let next = 0;
    for (const endpoint of endpoints) {
      while (next < before.length && before[next]!.endpoint.address < endpoint.address) {
        removed.push(before[next++]!);
      }
      const known = next < before.length ? before[next]! : null;
      if (known === null || known.endpoint.address !== endpoint.address) {
        current.push(null);
        continue;
      }
      next += 1;
      if (isSame(known.endpoint, endpoint)) {
        // What is known of it may have changed: its slice, its rule, its zone.
        known.endpoint = endpoint;
        current.push(known);
      } else {
        removed.push(known);
        current.push(null);
      }
    }
    removed.push(...before.slice(next));
    // Those that left give up their metric series before those that come may need them.
    for (const subchannel of removed) {
      this.#draining.add(subchannel);
      subchannel.metrics.remove();
    }
    this.#current = current.map((known, i) => known ?? this.#create(endpoints[i]!));
    this.#skipped = set.skipped ?? [];
    this.#reasons = null;
    this.#notes = set.notes ?? [];
    return removed;
  }

  /** A draining subchannel has ended. */
  forget(subchannel: Subchannel): void {
    this.#draining.delete(subchannel);
  }
}

function identityOf({ address, uid }: Endpoint): string {
  return `${address} ${uid}`;
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.uid === b.uid;
}
