/** One resource that is followed by name: what of it is known, as its watcher was told. */
import type { ResourceKind, ResourceWatch, ResourceWatcher } from "./resource.ts";

/** See the head of this file. */
export class Followed<T> {
  /** null: it is not known, or there is none. */
  value: T | null = null;
  /** Whether it is known what it is, be it nothing. */
  isKnown = false;
  /** Why there is none; null when there is one, or it is not known. */
  #absence: string | null = null;
  #trouble: string | null = null;
  readonly #watch: ResourceWatch;

  /**
   * @param watch begins to watch; may tell what is known before it returns.
   * @param onChange is called after every change, possibly before this returns: it must not close
   * it then.
   */
  constructor(
    kind: ResourceKind<T>,
    name: string,
    watch: (watcher: ResourceWatcher<T>) => ResourceWatch,
    onChange: () => void,
  ) {
    const about = (reason: string) => `${kind.name} ${name}: ${reason}`;
    const set = (value: T | null, absence: string | null): void => {
      this.value = value;
      this.isKnown = true;
      this.#absence = absence;
      this.#trouble = null;
      onChange();
    };
    this.#watch = watch({
      onResource: (value) => set(value, null),
      onAbsent: (reason) => set(null, about(reason)),
      onTrouble: (reason) => {
        this.#trouble = reason === null ? null : about(reason);
        onChange();
      },
    });
  }

  /** What is wrong with it, for people; of one that is not there its absence. Else null. */
  get trouble(): string | null {
    return this.#trouble ?? this.#absence;
  }

  /** Nothing follows. */
  close(): void {
    this.#watch.close();
  }
}
