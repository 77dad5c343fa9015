/**
 * The resources of one type: what is wanted, what is known, and what an answer changes of it.
 *
 * "per-resource validation": one resource that makes no sense is refused by name, and takes nothing
 * from the others (gRFC A46 in spirit, A88 for what is told).
 */
import { type Clock, cut } from "../../../base/index.ts";
import type { Decoded } from "../../../xds/index.ts";
import { XDS_REASON_CHARS_MAX, XDS_RESOURCES_MAX } from "../limits.ts";
import type {
  ResourceKind,
  ResourceStatus,
  ResourceWatch,
  ResourceWatcher,
  WildcardWatcher,
} from "../resource.ts";
import type { Dialect, Versions, Wanted } from "./dialect.ts";
import { Entry } from "./entry.ts";
import type { AdsResponse, WireResource } from "./wire.ts";

/** What a table needs of its client. */
export interface TableOwner {
  /** What is wanted has changed. */
  onWanted(): void;
}

/** See the head of this file. */
export class TypeTable<T> implements Wanted {
  readonly kind: ResourceKind<T>;
  readonly #clock: Clock;
  readonly #owner: TableOwner;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #wildcards = new Set<WildcardWatcher<T>>();
  /** All that there are, as wildcard watchers were told last; null before. */
  #all: ReadonlyMap<string, T> | null = null;
  #serverTrouble: string | null = null;

  constructor(kind: ResourceKind<T>, clock: Clock, owner: TableOwner) {
    this.kind = kind;
    this.#clock = clock;
    this.#owner = owner;
  }

  // Wanted

  get typeUrl(): string {
    return this.kind.typeUrl;
  }

  get names(): string[] {
    return [...this.#entries.values()].filter((each) => !each.isUnwatched).map(({ name }) => name);
  }

  get isWildcard(): boolean {
    return this.#wildcards.size > 0;
  }

  /** Of what came by this dialect: what came of another server it does not know. */
  versionsOf(dialect: Dialect): Versions {
    const versions: Record<string, string> = {};
    for (const entry of this.#entries.values()) {
      if (entry.version !== "" && entry.source === dialect) versions[entry.name] = entry.version;
    }
    return versions;
  }

  // For those who watch

  watch(name: string, watcher: ResourceWatcher<T>): ResourceWatch {
    const entry = this.#entry(name);
    const watch = entry.watch(watcher);
    this.#owner.onWanted();
    return {
      close: () => {
        watch.close();
        if (entry.isUnwatched) this.#owner.onWanted();
      },
    };
  }

  watchAll(watcher: WildcardWatcher<T>): ResourceWatch {
    this.#wildcards.add(watcher);
    this.#owner.onWanted();
    if (this.#all !== null) watcher.onResources(this.#all);
    if (this.#serverTrouble !== null && this.#wildcards.has(watcher)) {
      watcher.onTrouble(this.#serverTrouble);
    }
    return {
      close: () => {
        if (this.#wildcards.delete(watcher)) this.#owner.onWanted();
      },
    };
  }

  #entry(name: string): Entry<T> {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = new Entry<T>(name, this.#clock, this.#serverTrouble);
      entry.tellTrouble();
      this.#entries.set(name, entry);
    }
    return entry;
  }

  // For the client

  /** Whether something is wanted of which nothing is known: what fallback asks for (A71). */
  get hasUnknown(): boolean {
    if (this.isWildcard && this.#all === null) return true;
    for (const entry of this.#entries.values()) {
      if (!entry.isUnwatched && entry.isUnknown) return true;
    }
    return false;
  }

  /** All that are kept, in the order in which they were first asked for. */
  statuses(): ResourceStatus[] {
    const { typeUrl, name } = this.kind;
    return [...this.#entries.values()].map((entry) => entry.status(typeUrl, name));
  }

  /** What nobody wants any more is forgotten. */
  sweep(): void {
    if (this.isWildcard) return;
    this.#all = null;
    for (const entry of [...this.#entries.values()]) {
      if (!entry.isUnwatched) continue;
      entry.close();
      this.#entries.delete(entry.name);
    }
  }

  /** The server was asked for all that is wanted. */
  onAsked(isTransient: boolean): void {
    for (const entry of this.#entries.values()) if (!entry.isUnwatched) entry.onAsked(isTransient);
  }

  onStreamEnded(): void {
    for (const entry of this.#entries.values()) entry.stopTimer();
  }

  setServerTrouble(reason: string | null): void {
    this.#serverTrouble = reason;
    for (const entry of [...this.#entries.values()]) entry.setServerTrouble(reason);
    for (const watcher of [...this.#wildcards]) watcher.onTrouble(reason);
  }

  /**
   * Takes an answer in; `tell` follows. Returns what is wrong with it, naming resources and fields,
   * or null.
   *
   * @param discards see `Entry.fail`.
   * @param source of the answer.
   */
  apply(
    response: AdsResponse,
    isDelta: boolean,
    discards: boolean,
    source: Dialect,
  ): AppliedResponse<T> {
    const problems: string[] = [];
    const changed = new Set<Entry<T>>();
    const seen = new Set<string>();
    let isOfUse = false;
    for (const [i, resource] of response.resources.entries()) {
      const decoded = this.#decode(resource);
      if (decoded === null) {
        problems.push(`resource ${i}: is no message of its type`);
        continue;
      }
      const isTwice = seen.has(decoded.name);
      seen.add(decoded.name);
      const entry = this.#wantedEntry(decoded.name);
      // Servers send more than was asked for; what is wrong with that is nobody's trouble.
      if (entry === null) continue;
      if (isTwice) problems.push(`${decoded.name}: stands twice in one answer`);
      else if (decoded.problem !== null) problems.push(`${decoded.name}: ${decoded.problem}`);
      if (isTwice) continue;
      if (typeof entry === "string") {
        problems.push(`${decoded.name}: ${entry}`);
        continue;
      }
      if (this.#take(entry, decoded, resource, discards)) changed.add(entry);
      if (decoded.problem !== null) continue;
      entry.source = source;
      isOfUse = true;
    }
    const gone = isDelta ? response.removed : this.#missing(seen);
    for (const name of gone) this.#remove(name, discards, changed);
    // Without resources: that nothing is new, or that there is nothing; of a type that comes in
    // parts it says neither.
    isOfUse ||= problems.length === 0 && (isDelta || this.kind.isComplete);
    if (!isDelta) this.#noteLeftOut(seen);
    const isFirst = this.isWildcard && this.#all === null;
    return { problem: problemOf(this.kind.name, problems), changed, isFirst, isOfUse };
  }

  /** Null for bytes that are no message, not even with a name. */
  #decode(resource: WireResource): Decoded<T> | null {
    let decoded: Decoded<T>;
    try {
      decoded = this.kind.decode(resource.bytes);
    } catch {
      const { name } = resource;
      return name === "" ? null : { name, value: null, problem: "is no message of its type" };
    }
    if (resource.name === "" || resource.name === decoded.name) return decoded;
    return {
      name: resource.name,
      value: null,
      problem: `calls itself ${JSON.stringify(decoded.name)}`,
    };
  }

  /** Null: nobody wants it. A text: there are too many. */
  #wantedEntry(name: string): Entry<T> | null | string {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    if (!this.isWildcard) return null;
    if (this.#entries.size >= XDS_RESOURCES_MAX) return `more than ${XDS_RESOURCES_MAX} resources`;
    return this.#entry(name);
  }

  /** Whether watchers are to be told. */
  #take(entry: Entry<T>, decoded: Decoded<T>, resource: WireResource, discards: boolean): boolean {
    if (decoded.problem !== null) {
      return entry.refuse(decoded.problem, resource.version, discards);
    }
    return entry.set(decoded.value, resource.version, resource.bytes);
  }

  /**
   * Names of a complete type that an answer lacks. One that was never there is only waited for if
   * somebody watches it: what a wildcard had refused is gone like any other.
   */
  #missing(seen: ReadonlySet<string>): string[] {
    if (!this.kind.isComplete) return [];
    const names: string[] = [];
    for (const { name, value, isUnwatched } of this.#entries.values()) {
      if ((value !== null || isUnwatched) && !seen.has(name)) names.push(name);
    }
    return names;
  }

  #noteLeftOut(seen: ReadonlySet<string>): void {
    for (const entry of this.#entries.values()) if (!seen.has(entry.name)) entry.onLeftOut();
  }

  #remove(name: string, discards: boolean, changed: Set<Entry<T>>): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    if (entry.isUnwatched) {
      // A wildcard's: the server decides what there is.
      this.#entries.delete(name);
      if (entry.value !== null) changed.add(entry);
      entry.close();
    } else if (entry.remove(discards)) {
      changed.add(entry);
    }
  }

  /** Tells watchers what an answer has changed. */
  tell({ changed, isFirst }: AppliedResponse<T>): void {
    for (const entry of changed) entry.tell();
    for (const entry of [...this.#entries.values()]) entry.tellTrouble();
    if (!this.isWildcard || (changed.size === 0 && !isFirst)) return;
    const all = new Map<string, T>();
    for (const { name, value } of this.#entries.values()) if (value !== null) all.set(name, value);
    this.#all = all;
    for (const watcher of [...this.#wildcards]) {
      if (this.#wildcards.has(watcher)) watcher.onResources(all);
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.close();
    this.#entries.clear();
    this.#wildcards.clear();
  }
}

/** What `TypeTable.apply` made of an answer. */
export interface AppliedResponse<T> {
  readonly problem: string | null;
  readonly changed: ReadonlySet<Entry<T>>;
  /** The first one for a wildcard, which may be empty. */
  readonly isFirst: boolean;
  /** Whether anything is known by it. */
  readonly isOfUse: boolean;
}

function problemOf(kind: string, problems: readonly string[]): string | null {
  if (problems.length === 0) return null;
  return cut(`${kind} ${problems.join("; ")}`, XDS_REASON_CHARS_MAX);
}
