/** Watches of the resources of one type that something names at the moment. */
import type { ResourceKind, ResourceWatch, XdsClient } from "../../discovery/index.ts";

/** One resource that is named, as far as it is known. */
export interface Named<T> {
  /** null: it is not known, or there is none. */
  value: T | null;
  /** Whether it is known what it is, be it nothing. */
  isKnown: boolean;
  /** What is wrong with it, for people; null when nothing is. */
  trouble: string | null;
}

interface Watched<T> extends Named<T> {
  watch: ResourceWatch | null;
}

/** See the head of this file. */
export class NamedWatches<T> {
  readonly #client: XdsClient;
  readonly #kind: ResourceKind<T>;
  readonly #onChange: () => void;
  readonly #byName = new Map<string, Watched<T>>();

  constructor(client: XdsClient, kind: ResourceKind<T>, onChange: () => void) {
    this.#client = client;
    this.#kind = kind;
    this.#onChange = onChange;
  }

  /** Watches these, and no others. Returns whether all of them are known. */
  want(names: ReadonlySet<string>): boolean {
    for (const [name, { watch }] of this.#byName) {
      if (names.has(name)) continue;
      watch?.close();
      this.#byName.delete(name);
    }
    let isKnown = true;
    for (const name of names) {
      const watched = this.#byName.get(name) ?? this.#watch(name);
      isKnown &&= watched.isKnown;
    }
    return isKnown;
  }

  /** One of those that are wanted. */
  get(name: string): Named<T> {
    return this.#byName.get(name)!;
  }

  /** What is wrong with any of them; null when nothing is. */
  get trouble(): string | null {
    for (const { trouble } of this.#byName.values()) if (trouble !== null) return trouble;
    return null;
  }

  /** Nothing follows. */
  close(): void {
    for (const { watch } of this.#byName.values()) watch?.close();
    this.#byName.clear();
  }

  #watch(name: string): Watched<T> {
    const watched: Watched<T> = { value: null, isKnown: false, trouble: null, watch: null };
    this.#byName.set(name, watched);
    const set = (value: T | null, trouble: string | null): void => {
      watched.value = value;
      watched.isKnown = true;
      watched.trouble = trouble;
      this.#onChange();
    };
    const about = (reason: string) => `${this.#kind.name} ${name}: ${reason}`;
    watched.watch = this.#client.watch(this.#kind, name, {
      onResource: (value) => set(value, null),
      onAbsent: (reason) => set(null, about(reason)),
      onTrouble: (reason) => {
        if (reason !== null) watched.trouble = about(reason);
        else if (watched.value !== null || !watched.isKnown) watched.trouble = null;
        this.#onChange();
      },
    });
    return watched;
  }
}
