/**
 * What one stream is subscribed to of one type, what it was told, and what it is yet to be told.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 *
 * The same for both protocols; how requests change it is in `requests.ts`, when it may send is
 * decided in `stream.ts`. It keeps no answers: what is due is found when it can be sent, so a slow
 * reader gets the newest state and never a backlog.
 */
import { RESOURCE_TYPES, type ResourceType } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";
import { Digest } from "./digest.ts";
import { NameLedger, NameMap, NameSet } from "./name-ledger.ts";
import { applyTo, type ResourceSet, type SharedSets } from "./shared-sets.ts";

/** The generation as this stream may see it. */
export interface VisibleView {
  get(type: ResourceType, name: string): Resource | null;
  all(type: ResourceType): readonly Resource[];
  /** See `View`. */
  listed(type: ResourceType, name: string): Resource | null;
  /** See `View`. */
  absenceOf?(type: ResourceType, name: string): string | null;
}

/** An answer that was sent and not acknowledged. */
export interface Push {
  readonly nonce: string;
  readonly version: string;
  readonly sentMs: number;
}

/** What to send now. */
export interface Due {
  readonly resources: readonly Resource[];
  /** Those of them that are new to the node. */
  readonly fresh: readonly Resource[];
  /** Delta only. */
  readonly removed: readonly string[];
}

/** How a type stands at a node. */
export type SyncState = "SYNCED" | "STALE" | "NOT SENT" | "NACKED";

/** The name that stands for all names. */
export const WILDCARD = "*";

/** Types of which an answer without a resource says that there is none. */
const COMPLETE_TYPES: ReadonlySet<string> = new Set([RESOURCE_TYPES.LDS, RESOURCE_TYPES.CDS]);
/** Types that others refer to: what goes of them goes last. */
const REFERRED_TYPES: ReadonlySet<string> = new Set([
  RESOURCE_TYPES.CDS,
  RESOURCE_TYPES.EDS,
  RESOURCE_TYPES.SDS,
]);

/** See the head of this file. */
export class Subscription {
  readonly type: ResourceType;
  readonly isDelta: boolean;
  /** An answer of the state of the world must hold everything. */
  readonly isComplete: boolean;
  readonly names: Set<string>;
  isWildcard = false;
  /** Names were given at some time: an empty list has meant "none" from then on. */
  hasNamed = false;
  /** `sent`, as long as it may be changed; null while others have it too. */
  #own: Map<string, Resource> | null = new Map();
  /** What the node has of us. */
  sent: ResourceSet = this.#own!;
  /** Delta: what it said to have when it came; by name, until that was looked at. */
  readonly initial: Map<string, string>;
  /** Names that are to be looked at; all of them when `isAllDirty`. */
  readonly dirty: Set<string>;
  isAllDirty = true;
  /** Names that are sent although they are unchanged, or removed although never sent. */
  readonly forced: Set<string>;
  /** Answered even when there is nothing to say. */
  mustAnswer = false;
  /** Something has gone that may still be referred to. */
  hasDeferred = false;
  push: Push | null = null;
  lastNonce = "";
  /** The version that was acknowledged last; "" for none. */
  ackedVersion = "";
  /** The error of the last NACK, until something else is acknowledged; "" for none. */
  error = "";
  nacks = 0;
  /** Of the resources that were sent: how often something in them cannot be done. */
  problemCount = 0;
  messages = 0;
  bytes = 0;
  /** From sending to acknowledgement, of the last push; NaN before. */
  ackLagMs = Number.NaN;
  readonly #digest = new Digest();
  readonly #shared: SharedSets;

  /** @param ledger counts the names that the node makes us keep. */
  constructor(
    type: ResourceType,
    isDelta: boolean,
    shared: SharedSets,
    ledger: NameLedger = new NameLedger(null),
  ) {
    this.names = new NameSet(ledger, true);
    this.initial = new NameMap(ledger);
    // What is given up before it was looked at stands in these two alone.
    this.dirty = new NameSet(ledger, true);
    this.forced = new NameSet(ledger, false);
    this.#shared = shared;
    this.type = type;
    this.isDelta = isDelta;
    this.isComplete = !isDelta && COMPLETE_TYPES.has(type);
  }

  /** Whether an answer may be due. */
  get isDirty(): boolean {
    const isAny = this.isAllDirty || this.dirty.size > 0 || this.forced.size > 0;
    return isAny || this.mustAnswer || this.hasDeferred;
  }

  /** The version of what was told. */
  get version(): string {
    return this.#digest.text;
  }

  /** See `SyncState`. */
  get state(): SyncState {
    if (this.error !== "") return "NACKED";
    if (this.messages === 0 && this.sent.size === 0) return "NOT SENT";
    return this.push !== null || this.isDirty ? "STALE" : "SYNCED";
  }

  /** Names that were asked for; with a wildcard those that were sent. */
  get subscribedCount(): number {
    return this.isWildcard ? Math.max(this.sent.size, this.names.size) : this.names.size;
  }

  /** Adds a name; it is sent even when the node was told of it before. */
  addName(name: string): void {
    this.names.add(name);
    this.dirty.add(name);
    this.forced.add(name);
  }

  /** The node wants no more of it. */
  forget(name: string): void {
    this.names.delete(name);
    this.dirty.delete(name);
    this.forced.delete(name);
    this.initial.delete(name);
    this.#drop(name);
  }

  /** Notes which names a new generation changes. */
  noteChanged(changed: ReadonlySet<string>): void {
    if (this.isAllDirty) return;
    if (this.isWildcard) {
      // Of a node that does not read, names would gather that have gone long ago.
      if (this.dirty.size + changed.size > this.sent.size) this.#dirtyAll();
      else for (const name of changed) this.dirty.add(name);
      return;
    }
    const [few, many] =
      changed.size < this.names.size ? [changed, this.names] : [this.names, changed];
    for (const name of few) if (many.has(name)) this.dirty.add(name);
  }

  /** To look at everything takes no names. */
  #dirtyAll(): void {
    this.isAllDirty = true;
    this.dirty.clear();
  }

  /**
   * What is to be sent, or null when that is nothing; it counts as told from then on.
   *
   * @param isLast nothing that was sent refers to what has gone: the node may hear of that.
   */
  takeDue(view: VisibleView, isLast: boolean): Due | null {
    const looked = this.#lookAt(view);
    const fresh: Resource[] = [];
    const gone: string[] = [];
    const changes = new Map<string, Resource | null>();
    for (const [name, resource] of looked) {
      if (resource === null) this.#noteAbsent(name, gone);
      else {
        const isNews = this.#isNews(name, resource);
        if (isNews) fresh.push(resource);
        // What it has from another stream is not sent, and is ours to know from now on.
        if (isNews || !this.sent.has(name)) changes.set(name, resource);
      }
    }
    const mayRemove = isLast || !REFERRED_TYPES.has(this.type);
    const has = (name: string) => this.sent.has(name) || this.initial.has(name);
    const deferred = mayRemove ? [] : gone.filter(has);
    const removed = mayRemove ? gone : gone.filter((name) => !has(name));
    const mustAnswer = this.mustAnswer;
    this.#clean(deferred);
    for (const name of removed) changes.set(name, null);
    this.#apply(changes);
    const due = this.#dueOf(fresh, removed, mustAnswer);
    // It came with what there is, acknowledged on another stream: there is nothing to wait for.
    if (due === null && this.messages === 0 && this.sent.size > 0) this.ackedVersion = this.version;
    return due;
  }

  #dueOf(fresh: Resource[], removed: string[], mustAnswer: boolean): Due | null {
    if (this.isDelta) {
      const isNothing = fresh.length === 0 && removed.length === 0 && !mustAnswer;
      return isNothing ? null : { resources: fresh, fresh, removed };
    }
    if (!this.isComplete) {
      // What has gone cannot be said: the node finds out by the route that names it no more.
      const isNothing = fresh.length === 0 && !mustAnswer;
      return isNothing ? null : { resources: fresh, fresh, removed: [] };
    }
    if (fresh.length === 0 && removed.length === 0 && !mustAnswer) return null;
    return { resources: [...this.sent.values()], fresh, removed: [] };
  }

  /** What there is now of each name that is to be looked at. */
  #lookAt(view: VisibleView): Map<string, Resource | null> {
    const looked = new Map<string, Resource | null>();
    if (this.isAllDirty) {
      if (this.isWildcard) {
        for (const name of this.sent.keys()) looked.set(name, null);
        for (const name of this.initial.keys()) looked.set(name, null);
        for (const resource of view.all(this.type)) looked.set(resource.name, resource);
      }
      for (const name of this.names) looked.set(name, view.get(this.type, name));
    }
    for (const names of [this.dirty, this.forced]) {
      for (const name of names) {
        if (!looked.has(name)) looked.set(name, this.#lookUp(view, name));
      }
    }
    return looked;
  }

  /** A name that is not asked for by itself is what the wildcard says of it. */
  #lookUp(view: VisibleView, name: string): Resource | null {
    if (this.names.has(name)) return view.get(this.type, name);
    return this.isWildcard ? view.listed(this.type, name) : null;
  }

  #noteAbsent(name: string, gone: string[]): void {
    const isKnown = this.sent.has(name) || this.initial.has(name);
    // Delta says of a name that is asked for that there is none; the state of the world cannot.
    if (isKnown || (this.isDelta && this.forced.has(name))) gone.push(name);
  }

  #isNews(name: string, resource: Resource): boolean {
    const known = this.sent.get(name);
    const has = known === undefined ? this.initial.get(name) : known.version;
    if (has !== resource.version) return true;
    return this.forced.has(name) && !this.initial.has(name);
  }

  /**
   * The node has these from now on; null: no more. Under a wildcard others have what it has, and
   * are told the same: the set that comes of it is made once for all of them.
   */
  #apply(changes: ReadonlyMap<string, Resource | null>): void {
    for (const [name, resource] of changes) {
      const known = this.sent.get(name);
      if (known !== undefined) this.#count(known, -1);
      if (resource === null) continue;
      this.#count(resource, 1);
      // The resource's own text of its name, which all nodes share, instead of the node's.
      if (this.names.delete(name)) this.names.add(resource.name);
    }
    if (this.isWildcard && this.#own === null) {
      this.sent = this.#shared.changed(this.sent, changes, this.version);
      return;
    }
    if (changes.size > 0) applyTo(this.#changed(), changes);
    if (!this.isWildcard) return;
    this.sent = this.#shared.share(this.version, this.#changed());
    this.#own = null;
  }

  #drop(name: string): void {
    const known = this.sent.get(name);
    if (known === undefined) return;
    this.#changed().delete(name);
    this.#count(known, -1);
  }

  /** A resource came to what was sent, or left it. */
  #count(resource: Resource, by: 1 | -1): void {
    if (by > 0) this.#digest.add(resource);
    else this.#digest.remove(resource);
    this.problemCount += by * resource.problems.length;
  }

  /** `sent`, to be changed. */
  #changed(): Map<string, Resource> {
    if (this.#own === null) {
      this.#own = new Map(this.sent);
      this.sent = this.#own;
    }
    return this.#own;
  }

  /** All was looked at, but for what is put off. */
  #clean(deferred: readonly string[]): void {
    this.isAllDirty = false;
    this.mustAnswer = false;
    this.forced.clear();
    this.dirty.clear();
    for (const name of deferred) this.dirty.add(name);
    for (const name of this.initial.keys()) if (!this.dirty.has(name)) this.initial.delete(name);
    this.hasDeferred = deferred.length > 0;
  }
}
