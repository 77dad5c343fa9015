/**
 * One watch of a source with several readers, each of which may want a part of it: an object by
 * name, those with a label, or those of one namespace.
 *
 * A reader that comes late hears first what is known. An object whose label changes leaves the
 * readers of the old value and enters those of the new one.
 */
import type { Clock, Timer } from "../../base/index.ts";
import type { KindName, KubernetesObject, ObjectOfKind } from "./objects.ts";
import { matchesQuery } from "./query.ts";
import type {
  ObjectChange,
  ObjectListener,
  ObjectQuery,
  ObjectSource,
  SourceProblem,
  Subscription,
} from "./source.ts";

/** One reader. `isLive` once it has heard what was known when it came. */
interface Reader<T extends KubernetesObject> {
  readonly wanted: ObjectQuery;
  readonly key: string;
  readonly listener: ObjectListener<T>;
  readonly onForbidden: (() => void) | null;
  isLive: boolean;
  timer: Timer | null;
}

/**
 * What readers of a whole watch are filed under; others under `n:NAME` or `l:KEY=VALUE`, and those
 * of one namespace in a watch of all under any of these with `NAMESPACE/` before it.
 */
const ALL = "*";

/** See the head of this file. */
export class Feed<K extends KindName> {
  /** What is watched. */
  readonly query: ObjectQuery<K>;
  readonly #clock: Clock;
  readonly #onUnused: () => void;
  readonly #subscription: Subscription;
  readonly #objects = new Map<string, ObjectOfKind[K]>();
  readonly #readers = new Map<string, Set<Reader<ObjectOfKind[K]>>>();
  #isSynced = false;
  #problem: SourceProblem | null = null;

  /** @param onUnused the last reader left, and the watch ended. */
  constructor(query: ObjectQuery<K>, source: ObjectSource, clock: Clock, onUnused: () => void) {
    this.query = query;
    this.#clock = clock;
    this.#onUnused = onUnused;
    this.#subscription = source.watch(query, {
      onChanges: (changes, isSynced) => this.#onChanges(changes, isSynced),
      onProblem: (problem) => this.#onProblem(problem),
      onRecovered: () => this.#onRecovered(),
    });
  }

  /**
   * Adds a reader, which is called on later turns.
   *
   * @param wanted the query of this feed, or a narrower one.
   * @param onForbidden is called instead of `onProblem` when RBAC forbids the watch; or null.
   */
  join(
    wanted: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
    onForbidden: (() => void) | null,
  ): Subscription {
    const key = readerKey(this.query, wanted);
    const reader = {
      wanted,
      key,
      listener,
      onForbidden,
      isLive: false,
      timer: null as Timer | null,
    };
    reader.timer = this.#clock.setTimer(0, () => this.#replay(reader));
    const readers = this.#readers.get(key) ?? new Set();
    this.#readers.set(key, readers.add(reader));
    return {
      close: () => {
        reader.timer?.cancel();
        const isLast = readers.delete(reader) && readers.size === 0;
        if (isLast && this.#readers.get(key) === readers) this.#onLeft(key);
      },
    };
  }

  /** Ends the watch; no reader is called any more. */
  close(): void {
    for (const readers of this.#readers.values()) {
      for (const { timer } of readers) timer?.cancel();
    }
    this.#readers.clear();
    this.#subscription.close();
  }

  #onLeft(key: string): void {
    this.#readers.delete(key);
    if (this.#readers.size > 0) return;
    this.#subscription.close();
    this.#onUnused();
  }

  #replay(reader: Reader<ObjectOfKind[K]>): void {
    reader.isLive = true;
    const known = [...this.#objects.values()].filter((one) => matchesQuery(reader.wanted, one));
    const changes = known.map((object) => ({ type: "upsert", object }) as const);
    if (changes.length > 0 || this.#isSynced) reader.listener.onChanges(changes, this.#isSynced);
    if (this.#problem !== null) tell(reader, this.#problem);
  }

  #onChanges(changes: readonly ObjectChange<ObjectOfKind[K]>[], isSynced: boolean): void {
    const isFirstSync = isSynced && !this.#isSynced;
    this.#isSynced ||= isSynced;
    const news = new Map<Reader<ObjectOfKind[K]>, ObjectChange<ObjectOfKind[K]>[]>();
    if (isFirstSync) for (const reader of this.#live()) news.set(reader, []);
    for (const change of changes) this.#keep(change, news);
    for (const [reader, own] of news) {
      // One reader may have closed another meanwhile.
      if (this.#readers.get(reader.key)?.has(reader))
        reader.listener.onChanges(own, this.#isSynced);
    }
  }

  #keep(
    change: ObjectChange<ObjectOfKind[K]>,
    news: Map<Reader<ObjectOfKind[K]>, ObjectChange<ObjectOfKind[K]>[]>,
  ): void {
    const { type, object } = change;
    const id = `${object.metadata.namespace}/${object.metadata.name}`;
    const old = this.#objects.get(id);
    if (type === "upsert") this.#objects.set(id, object);
    else this.#objects.delete(id);
    const keys = this.#keysOf(object);
    const add = (key: string, one: ObjectChange<ObjectOfKind[K]>): void => {
      for (const reader of this.#readers.get(key) ?? []) {
        if (!reader.isLive) continue;
        const own = news.get(reader) ?? [];
        news.set(reader, own);
        own.push(one);
      }
    };
    for (const key of old === undefined ? [] : this.#keysOf(old)) {
      if (!keys.includes(key)) add(key, { type: "delete", object: old! });
    }
    for (const key of keys) add(key, change);
  }

  #keysOf({ metadata: { namespace, name, labels } }: KubernetesObject): string[] {
    const marks = Object.entries(labels).map(([key, value]) => `l:${key}=${value}`);
    const keys = [ALL, `n:${name}`, ...marks];
    if (this.query.namespace !== null) return keys;
    return [...keys, ...keys.map((key) => `${namespace}/${key}`)];
  }

  #onProblem(problem: SourceProblem): void {
    this.#problem = problem;
    for (const reader of this.#live()) tell(reader, problem);
  }

  #onRecovered(): void {
    this.#problem = null;
    for (const reader of this.#live()) reader.listener.onRecovered();
  }

  /** A copy: readers may leave while they are called. */
  #live(): Reader<ObjectOfKind[K]>[] {
    return [...this.#readers.values()].flatMap((set) => [...set]).filter(({ isLive }) => isLive);
  }
}

function tell(reader: Reader<never>, problem: SourceProblem): void {
  if (problem.kind === "forbidden" && reader.onForbidden !== null) reader.onForbidden();
  else reader.listener.onProblem(problem);
}

function readerKey(watched: ObjectQuery, wanted: ObjectQuery): string {
  const { namespace, name, label } = wanted;
  const place = namespace === watched.namespace ? "" : `${namespace}/`;
  const isWhole =
    watched.name === name &&
    watched.label?.key === label?.key &&
    watched.label?.value === label?.value;
  if (isWhole) return place + ALL;
  return place + (name !== null ? `n:${name}` : `l:${label!.key}=${label!.value}`);
}
