/**
 * The store under the lab's API server: all objects, one revision for all of them, and a bounded
 * history, as etcd and the API server's watch cache have it.
 *
 * Sans-I/O. It knows keys and revisions, no verbs and no rules of kinds. A past state is made from
 * the present one by undoing history, so keeping it costs nothing.
 */
import { assert } from "../../base/index.ts";
import { type ApiObject, keyOf } from "./object.ts";

/** Revisions kept unless told otherwise; what is older answers 410. */
export const HISTORY_EVENTS_MAX = 10_000;

/** One change. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** The revision that it made. */
  readonly revision: number;
  readonly kind: string;
  readonly key: string;
  /** As it is now; when deleted, as it was last, with the resourceVersion of the deletion. */
  readonly object: ApiObject;
  /** As it was before; null when added. */
  readonly before: ApiObject | null;
}

/** What the journal replays: a change, or a compaction. */
export type StoreRecord =
  | Pick<StoreEvent, "type" | "revision" | "kind" | "object">
  | { readonly type: "COMPACTED"; readonly revision: number };

/** Objects by kind and key, with history. */
export class Store {
  readonly #historyMax: number;
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #history: StoreEvent[] = [];
  /** An empty etcd is at revision 1. */
  #revision = 1;
  #compacted = 0;

  constructor(historyMax: number = HISTORY_EVENTS_MAX) {
    this.#historyMax = historyMax;
  }

  /** The revision of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** History begins after this one. */
  get compacted(): number {
    return this.#compacted;
  }

  /** An object, or undefined. */
  get(kind: string, key: string): ApiObject | undefined {
    return this.#objects.get(kind)?.get(key);
  }

  /** All objects of a kind, in no order. */
  all(kind: string): Iterable<ApiObject> {
    return this.#objects.get(kind)?.values() ?? [];
  }

  /** Adds or replaces an object, giving it the next resourceVersion. Answers it as stored. */
  put(kind: string, object: ApiObject): ApiObject {
    const before = this.get(kind, keyOf(object.metadata)) ?? null;
    const stored = this.#stamped(object);
    this.#commit(before === null ? "ADDED" : "MODIFIED", kind, stored, before);
    return stored;
  }

  /** Removes an object, which must exist. Answers it with the resourceVersion of its removal. */
  remove(kind: string, key: string): ApiObject {
    const before = this.get(kind, key);
    assert(before !== undefined, "what is removed exists");
    const stored = this.#stamped(before);
    this.#commit("DELETED", kind, stored, before);
    return stored;
  }

  /**
   * The objects of a kind as they were at a revision, sorted by key. Null when history does not
   * reach back so far.
   */
  at(kind: string, revision: number): readonly ApiObject[] | null {
    if (revision < this.#compacted) return null;
    const objects = new Map(this.#objects.get(kind));
    for (let i = this.#history.length - 1; i >= 0; i -= 1) {
      const event = this.#history[i]!;
      if (event.revision <= revision) break;
      if (event.kind !== kind) continue;
      if (event.before === null) objects.delete(event.key);
      else objects.set(event.key, event.before);
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** The changes of a kind after a revision, oldest first. Null when history begins later. */
  since(kind: string, revision: number): readonly StoreEvent[] | null {
    if (revision < this.#compacted) return null;
    return this.#history.filter((event) => event.kind === kind && event.revision > revision);
  }

  /** Forgets history up to a revision, the present one unless given. */
  compact(revision: number = this.#revision): void {
    assert(revision <= this.#revision, "what has not happened cannot be forgotten");
    this.#compacted = Math.max(this.#compacted, revision);
    this.#history = this.#history.filter((event) => event.revision > this.#compacted);
  }

  /** Calls `listener` within each change, in order. Answers how to stop that. */
  onEvent(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Does again what a journal tells, in its order; listeners are not called. */
  replay(record: StoreRecord): void {
    this.#revision = Math.max(this.#revision, record.revision);
    if (record.type === "COMPACTED") {
      this.compact(record.revision);
      return;
    }
    const before = this.get(record.kind, keyOf(record.object.metadata)) ?? null;
    this.#apply({ ...record, key: keyOf(record.object.metadata), before });
  }

  #stamped(object: ApiObject): ApiObject {
    this.#revision += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
    return { ...object, metadata };
  }

  #commit(
    type: StoreEvent["type"],
    kind: string,
    object: ApiObject,
    before: ApiObject | null,
  ): void {
    const key = keyOf(object.metadata);
    const event = { type, revision: this.#revision, kind, key, object, before };
    this.#apply(event);
    for (const listener of this.#listeners) listener(event);
  }

  #apply(event: StoreEvent): void {
    let objects = this.#objects.get(event.kind);
    if (!objects) {
      objects = new Map();
      this.#objects.set(event.kind, objects);
    }
    if (event.type === "DELETED") objects.delete(event.key);
    else objects.set(event.key, event.object);
    this.#history.push(event);
    // In pieces, so that a full history does not cost a copy a change.
    if (this.#history.length > this.#historyMax * 1.25) {
      this.compact(this.#history.at(-this.#historyMax - 1)!.revision);
    }
  }
}
