/**
 * From JSON to the store: decodes what lists and events bring, and copes with what makes no sense.
 *
 * Nothing that a server says is fatal here: an object that cannot be used is counted, named once in
 * the log and passed over, and what was known of it stays; so it is for events.
 */
import type { Logger } from "../../../../base/index.ts";
import type { KindName, KubernetesObject } from "../../objects.ts";
import { cleanText } from "../http/status.ts";
import type { KindCounters } from "../metrics.ts";
import { type Identity, isOlder, ObjectStore } from "./store.ts";
import { readIdentity, type WatchEvent } from "./wire.ts";

/** What a decoder says: the trimmed object, or one clause that names it and what is wrong. */
export type Decoded =
  | {
      readonly object: KubernetesObject;
      /** One clause about parts of it that were malformed and left out; null: there are none. */
      readonly dropped: string | null;
    }
  | { readonly object: null; readonly problem: string };

/** Checks and trims one object; never throws. Items of lists do not say of what kind they are. */
export type Decode = (kind: KindName, value: unknown) => Decoded;

/** Objects of one query: 250,000 slices are 25 million endpoints. */
export const OBJECTS_MAX = 250_000;
/** Names of malformed objects that are remembered, so that each is logged once. */
export const MALFORMED_NAMES_MAX = 1000;

/** The objects of one query, fed with JSON. */
export class ReflectedObjects {
  readonly store = new ObjectStore<KubernetesObject>();
  readonly #kind: KindName;
  readonly #decode: Decode;
  readonly #counters: KindCounters;
  readonly #log: Logger;
  readonly #malformed = new Set<string>();
  #isStrangenessLogged = false;

  constructor(kind: KindName, decode: Decode, counters: KindCounters, log: Logger) {
    this.#kind = kind;
    this.#decode = decode;
    this.#counters = counters;
    this.#log = log;
  }

  /** An object of a list. */
  list(item: unknown): void {
    const id = readIdentity(item);
    const object = this.#decoded(id, item);
    if (id === null) return;
    if (object === null) this.store.listUnusable(id.key);
    else this.store.list(id, object);
  }

  /**
   * An event of a watch that stands at `position`; null while it tells its initial events, which
   * are in no order.
   *
   * @returns false when its order cannot be right and only a list can tell the truth: an object
   *   that is not known, in a version from before. It may be a late one or a dead one's ghost.
   */
  apply(event: WatchEvent & { type: "upsert" | "delete" }, position: string | null): boolean {
    const { type, id } = event;
    if (type === "delete") {
      if (id === null) this.#decoded(null, event.object);
      else if (this.store.delete(id) === "older") this.strange("an event is older than its object");
      if (id !== null) this.#malformed.delete(id.key);
      return true;
    }
    if (id !== null && position !== null && isOlder(id.resourceVersion, position)) {
      this.strange("events are out of order");
      if (!this.store.has(id)) return false;
    }
    if (position === null) {
      this.list(event.object);
      return true;
    }
    const object = this.#decoded(id, event.object);
    if (object === null || id === null) return true;
    if (this.store.upsert(id, object) === "older") {
      this.strange("an event is older than its object");
    }
    return true;
  }

  /** Counts an event that makes no sense; the first one is logged. */
  strange(reason: string): void {
    this.#counters.strangeEvents.add();
    if (this.#isStrangenessLogged) return;
    this.#isStrangenessLogged = true;
    this.#log.warn("the API server sent an event that makes no sense", { reason });
  }

  #decoded(id: Identity | null, value: unknown): KubernetesObject | null {
    if (id === null) return this.#refuse("", "an object without name, uid or resourceVersion");
    if (this.store.size >= OBJECTS_MAX && !this.store.has(id)) {
      return this.#refuse("", `more than ${OBJECTS_MAX} objects`);
    }
    const decoded = this.#decode(this.#kind, value);
    if (decoded.object === null) return this.#refuse(id.key, decoded.problem);
    if (decoded.dropped !== null) this.#refuse(id.key, decoded.dropped);
    else this.#malformed.delete(id.key);
    return decoded.object;
  }

  #refuse(name: string, problem: string): null {
    this.#counters.malformed.add();
    if (this.#malformed.has(name) || this.#malformed.size >= MALFORMED_NAMES_MAX) return null;
    this.#malformed.add(name);
    const reason = cleanText(problem);
    this.#log.warn("a malformed object is passed over", { object: cleanText(name), reason });
    return null;
  }
}
