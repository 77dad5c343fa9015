/**
 * Watches that are shared by all resolvers of a process: an `ObjectSource` in front of another.
 *
 * Equal queries are one watch. From `NARROW_WATCHES_MAX` Services of a namespace on, further ones
 * are served from a watch of all slices and one of all Services of that namespace: two connections
 * instead of two each. RBAC does not look at label selectors, so that whoever may watch the slices
 * of one Service may watch all; a rule with `resourceNames`, however, allows Services by name only,
 * and when the wide watch is forbidden, its readers get watches of their own. Who asks for less of
 * a kind that somebody watches in all namespaces reads there.
 */
import type { Clock } from "../../base/index.ts";
import { Feed } from "./feed.ts";
import type { KindName, ObjectOfKind } from "./objects.ts";
import type { ObjectListener, ObjectQuery, ObjectSource, Subscription } from "./source.ts";

/** Watches of single Services, and of the slices of single Services, in one namespace. */
export const NARROW_WATCHES_MAX = 3;

/**
 * A source that shares its watches.
 *
 * @param source closed with what is returned.
 */
export function shareWatches(source: ObjectSource, clock: Clock): ObjectSource {
  return new SharedSource(source, clock);
}

class SharedSource implements ObjectSource {
  readonly description: string;
  readonly defaultNamespace: string;
  readonly #source: ObjectSource;
  readonly #clock: Clock;
  /** Wide watches that RBAC forbids, by key: not tried again for every further Service. */
  readonly #forbidden = new Set<string>();
  /** By the key of the query that each one watches. */
  readonly #feeds = new Map<string, Feed<KindName>>();

  constructor(source: ObjectSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.description = source.description;
    this.defaultNamespace = source.defaultNamespace;
  }

  watch<K extends KindName>(
    query: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
  ): Subscription {
    const wide = this.#wideFor(query);
    if (wide === null) return this.#join(query, query, listener, null);
    let current: Subscription | null = null;
    let isClosed = false;
    // Forbidden for all is not forbidden for one: ask for that one.
    const narrow = (): void => {
      this.#forbidden.add(keyOf(wide));
      current?.close();
      if (!isClosed) current = this.#join(query, query, listener, null);
    };
    const mayBeForbidden = query.name !== null || query.namespace !== wide.namespace;
    current = this.#join(wide, query, listener, mayBeForbidden ? narrow : null);
    return {
      close: () => {
        isClosed = true;
        current?.close();
      },
    };
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    this.#source.close();
  }

  /** The wider query to answer this one from, or null. */
  #wideFor<K extends KindName>(query: ObjectQuery<K>): ObjectQuery<K> | null {
    const { kind, namespace, name, label } = query;
    if (this.#feeds.has(keyOf(query))) return null;
    const widest = { kind, namespace: null, name: null, label: null };
    const widestKey = keyOf(widest);
    if (this.#feeds.has(widestKey) && !this.#forbidden.has(widestKey)) return widest;
    if (namespace === null || namespace === "" || (name === null && label === null)) return null;
    const wide = { kind, namespace, name: null, label: null };
    if (this.#forbidden.has(keyOf(wide))) return null;
    if (this.#feeds.has(keyOf(wide))) return wide;
    let narrowCount = 0;
    for (const { query: other } of this.#feeds.values()) {
      if (other.kind === kind && other.namespace === namespace) narrowCount += 1;
    }
    return narrowCount < NARROW_WATCHES_MAX ? null : wide;
  }

  #join<K extends KindName>(
    watched: ObjectQuery<K>,
    wanted: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
    onForbidden: (() => void) | null,
  ): Subscription {
    const key = keyOf(watched);
    let feed = this.#feeds.get(key) as Feed<K> | undefined;
    if (feed === undefined) {
      feed = new Feed(watched, this.#source, this.#clock, () => this.#feeds.delete(key));
      this.#feeds.set(key, feed as unknown as Feed<KindName>);
    }
    return feed.join(wanted, listener, onForbidden);
  }
}

function keyOf({ kind, namespace, name, label }: ObjectQuery): string {
  return JSON.stringify([kind, namespace, name, label?.key ?? null, label?.value ?? null]);
}
