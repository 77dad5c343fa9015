/** Watches of the resources of one type that something names at the moment. */
import type { Followed, ResourceKind, XdsClient } from "../../discovery/index.ts";

/** See the head of this file. */
export class NamedWatches<T> {
  readonly #client: XdsClient;
  readonly #kind: ResourceKind<T>;
  readonly #onChange: () => void;
  readonly #byName = new Map<string, Followed<T>>();

  constructor(client: XdsClient, kind: ResourceKind<T>, onChange: () => void) {
    this.#client = client;
    this.#kind = kind;
    this.#onChange = onChange;
  }

  /** Watches these, and no others. Returns whether all of them are known. */
  want(names: ReadonlySet<string>): boolean {
    for (const [name, followed] of this.#byName) {
      if (names.has(name)) continue;
      followed.close();
      this.#byName.delete(name);
    }
    let isKnown = true;
    for (const name of names) {
      const followed = this.#byName.get(name) ?? this.#watch(name);
      isKnown &&= followed.isKnown;
    }
    return isKnown;
  }

  /** One of those that are wanted. */
  get(name: string): Followed<T> {
    return this.#byName.get(name)!;
  }

  /** What is wrong with any of them; null when nothing is. */
  get trouble(): string | null {
    for (const { trouble } of this.#byName.values()) if (trouble !== null) return trouble;
    return null;
  }

  /** Nothing follows. */
  close(): void {
    for (const followed of this.#byName.values()) followed.close();
    this.#byName.clear();
  }

  #watch(name: string): Followed<T> {
    const followed = this.#client.follow(this.#kind, name, this.#onChange);
    this.#byName.set(name, followed);
    return followed;
  }
}
