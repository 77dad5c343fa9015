/**
 * The subchannels of a cluster, kept in step with the resolver's endpoint sets.
 *
 * An address that returns with another pod uid is another endpoint: new connection, no inherited
 * figures. What left drains beside the current set until its streams have ended.
 */

import type { Endpoint, EndpointSet } from "../discovery/index.ts";
import type { Subchannel } from "./subchannel.ts";

/** What changed with a new set. */
export interface EndpointsChange {
  readonly added: readonly Subchannel[];
  readonly removed: readonly Subchannel[];
}

function keyOf(endpoint: Endpoint): string {
  return `${endpoint.address}\0${endpoint.uid ?? ""}`;
}

/** Current and draining subchannels. */
export class Endpoints {
  readonly #create: (endpoint: Endpoint) => Subchannel;
  #current = new Map<string, Subchannel>();
  readonly #draining = new Set<Subchannel>();

  constructor(create: (endpoint: Endpoint) => Subchannel) {
    this.#create = create;
  }

  /** Subchannels of the current set, in its order. */
  get current(): Subchannel[] {
    return [...this.#current.values()];
  }

  /** How many there are in the current set. */
  get size(): number {
    return this.#current.size;
  }

  /** Subchannels that left and still have streams. */
  get draining(): Subchannel[] {
    return [...this.#draining];
  }

  /** Whether a subchannel is in the current set. */
  has(subchannel: Subchannel): boolean {
    return this.#current.get(keyOf(subchannel.endpoint)) === subchannel;
  }

  /** Takes over a new set: known endpoints keep their subchannels. */
  update(set: EndpointSet): EndpointsChange {
    const next = new Map<string, Subchannel>();
    const added: Subchannel[] = [];
    const removed: Subchannel[] = [];
    const wanted = new Set(set.endpoints.map(keyOf));
    for (const [key, subchannel] of this.#current) {
      if (!wanted.has(key)) removed.push(subchannel);
    }
    // Those that left give up their metric series before those that come may need them.
    for (const subchannel of removed) {
      this.#draining.add(subchannel);
      subchannel.metrics.remove();
    }
    for (const endpoint of set.endpoints) {
      const key = keyOf(endpoint);
      const known = this.#current.get(key);
      const subchannel = known ?? this.#create(endpoint);
      if (known === undefined) added.push(subchannel);
      next.set(key, subchannel);
    }
    this.#current = next;
    return { added, removed };
  }

  /** A draining subchannel has ended. */
  forget(subchannel: Subchannel): void {
    this.#draining.delete(subchannel);
  }
}
