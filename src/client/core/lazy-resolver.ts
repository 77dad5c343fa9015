/**
 * The resolver of a channel: made at once, for a way to Kubernetes that is opened only when it is
 * started.
 *
 * A channel's constructor cannot wait, and a kubeconfig takes a while to read. Targets that need no
 * Kubernetes get their own resolver, with nothing in between.
 */
import { assert } from "../../base/index.ts";
import {
  checkDiscoveryOptions,
  createResolver,
  type DiscoveryOptions,
  parseTarget,
  type Resolver,
  type ResolverDeps,
  type ResolverListener,
} from "../../discovery/index.ts";
import type { DiscoveryPool, DiscoverySeat } from "./discovery-pool.ts";

/** What a lazy resolver needs. */
export interface LazyDeps {
  /** The discovery of this process. */
  readonly pool: DiscoveryPool;
  /** Whether `dns` targets look for a service config in TXT records; not by default. */
  readonly txt?: boolean | undefined;
}

/**
 * The resolver for a target of a channel. It does nothing until it is started. That there is no way
 * to the API server is told to its listener as an error of the source, and tried again.
 *
 * @throws TargetError when the target is malformed; OptionsError when options exclude each other.
 */
export function createLazyResolver(
  target: string,
  options: DiscoveryOptions,
  { pool, txt }: LazyDeps,
): Resolver {
  checkDiscoveryOptions(options);
  if (parseTarget(target).kind !== "kubernetes") {
    return createResolver(target, { ...pool.plain, txt });
  }
  return new LazyResolver(target, options, pool);
}

class LazyResolver implements Resolver {
  readonly target: string;
  readonly #options: DiscoveryOptions;
  readonly #pool: DiscoveryPool;
  #seat: DiscoverySeat | null = null;
  /** Null until discovery is open. */
  #inner: Resolver | null = null;
  #isStarted = false;
  #isClosed = false;

  constructor(target: string, options: DiscoveryOptions, pool: DiscoveryPool) {
    this.target = target;
    this.#options = options;
    this.#pool = pool;
  }

  start(listener: ResolverListener): void {
    assert(!this.#isStarted, "a resolver is started once");
    this.#isStarted = true;
    if (this.#isClosed) return;
    const seat = this.#pool.join(this.target, this.#options, {
      onOpen: (deps) => this.#onOpen(deps, listener),
      onFailure: (reason) => {
        if (!this.#isClosed) listener.onError(reason);
      },
    });
    if (this.#isClosed)
      seat.leave(); // the listener closed it from within
    else this.#seat = seat;
  }

  resolveNow(): void {
    if (this.#inner !== null) this.#inner.resolveNow();
    else this.#seat?.hurry();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inner?.close();
    this.#seat?.leave();
  }

  #onOpen(deps: ResolverDeps, listener: ResolverListener): void {
    if (this.#isClosed) return;
    this.#inner = createResolver(this.target, deps);
    this.#inner.start(listener);
  }
}
