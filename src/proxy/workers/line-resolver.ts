/**
 * The resolver of a worker: it repeats what the primary's one finds, so that a name is looked up
 * once for all workers.
 */
import type { EndpointSet, Resolver, ResolverListener } from "../../discovery/index.ts";
import { applySetChange, type SetChange } from "./set-change.ts";

/** Holds the last news until the relay listens, then passes on each. */
export class LineResolver implements Resolver {
  readonly target: string;
  readonly #askAgain: () => void;
  #listener: ResolverListener | null = null;
  #set: EndpointSet | null = null;
  #error: string | null = null;

  /** @param askAgain tells the primary that the set may be out of date. */
  constructor(target: string, askAgain: () => void) {
    this.target = target;
    this.#askAgain = askAgain;
  }

  start(listener: ResolverListener): void {
    this.#listener = listener;
    if (this.#set !== null) listener.onEndpoints(this.#set);
    if (this.#error !== null) listener.onError(this.#error);
  }

  resolveNow(): void {
    this.#askAgain();
  }

  close(): void {
    this.#listener = null;
  }

  /** News from the primary: a whole set. */
  onEndpoints(set: EndpointSet): void {
    this.#set = set;
    if (!set.isStale) this.#error = null;
    this.#listener?.onEndpoints(set);
  }

  /** News from the primary: what changed since the last set. */
  onChange(change: SetChange): void {
    // One that was sent while this process started: the whole set is on its way.
    if (this.#set === null) return;
    this.onEndpoints(applySetChange(this.#set, change));
  }

  /** News from the primary: the source is away. */
  onError(reason: string): void {
    this.#error = reason;
    this.#listener?.onError(reason);
  }
}
