/**
 * What a reflector knows: the objects of one query, and what a list or an event changes in them.
 *
 * Pure. A list is the truth when it is whole: what it does not name is gone. One that breaks off
 * takes nothing away. Identity is namespace/name with the uid; content is the resourceVersion,
 * which changes with every write ("API Concepts": equal means the same object).
 */
import type { KubernetesObject } from "../../objects.ts";
import type { ObjectChange } from "../../source.ts";

/** What of an object the reflector itself reads. */
export interface Identity {
  /** "namespace/name", or the name alone. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What is known of one object. */
interface Known<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly object: T;
}

/** What became of an event. */
export type EventEffect =
  /** It says something new. */
  | "applied"
  /** It says what is known. */
  | "known"
  /** It is older than what is known of the same object. */
  | "older";

/** See the head of this file. */
export class ObjectStore<T extends KubernetesObject> {
  readonly #known = new Map<string, Known<T>>();
  /** During a list: the known objects that it has not named so far. */
  #unlisted: Set<string> | null = null;
  #changes: ObjectChange<T>[] = [];

  /** How many objects are known. */
  get size(): number {
    return this.#known.size;
  }

  /** Whether this very object is known, in whatever version. */
  has({ key, uid }: Identity): boolean {
    return this.#known.get(key)?.uid === uid;
  }

  /** Takes what has changed since the last call, in order. */
  takeChanges(): readonly ObjectChange<T>[] {
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  /** A list begins; one that was under way is forgotten. */
  beginList(): void {
    this.#unlisted = new Set(this.#known.keys());
  }

  /** The list is whole: what it did not name is gone. */
  endList(): void {
    for (const key of this.#unlisted ?? []) this.#forget(key);
    this.#unlisted = null;
  }

  /** An object that a list names, whatever was known: a list may also go back in time. */
  list(id: Identity, object: T): void {
    this.#unlisted?.delete(id.key);
    const known = this.#known.get(id.key);
    if (known?.uid === id.uid && known.resourceVersion === id.resourceVersion) return;
    this.#keep(id, object, known);
  }

  /** The list names an object that cannot be used: what is known of it stays. */
  listUnusable(key: string): void {
    this.#unlisted?.delete(key);
  }

  /** ADDED or MODIFIED: both mean "this is how it is", whether or not it was known. */
  upsert(id: Identity, object: T): EventEffect {
    const known = this.#known.get(id.key);
    if (known !== undefined && known.uid === id.uid) {
      if (known.resourceVersion === id.resourceVersion) return "known";
      if (isOlder(id.resourceVersion, known.resourceVersion)) return "older";
    }
    this.#unlisted?.delete(id.key);
    this.#keep(id, object, known);
    return "applied";
  }

  /** DELETED. Of an object that was replaced since, it is old news. */
  delete(id: Identity): EventEffect {
    const known = this.#known.get(id.key);
    if (known === undefined) return "known";
    const isReplaced = known.uid !== id.uid;
    if (isReplaced && isOlder(id.resourceVersion, known.resourceVersion)) return "older";
    this.#forget(id.key);
    return "applied";
  }

  /** An object of another uid under a name is another object: the old one goes first. */
  #keep(id: Identity, object: T, known: Known<T> | undefined): void {
    if (known !== undefined && known.uid !== id.uid) this.#forget(id.key);
    this.#known.set(id.key, { uid: id.uid, resourceVersion: id.resourceVersion, object });
    this.#changes.push({ type: "upsert", object });
  }

  #forget(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    this.#unlisted?.delete(key);
    this.#changes.push({ type: "delete", object: known.object });
  }
}

/**
 * Whether resourceVersion `a` is before `b`. Those of one kind may be compared as whole numbers
 * (KEP-5504); of what is no number nothing is known, and the answer is no.
 */
export function isOlder(a: string, b: string): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return a.length !== b.length ? a.length < b.length : a < b;
}
