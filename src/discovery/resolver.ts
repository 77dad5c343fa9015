/** The contract between a resolver and the cluster that listens to it. */
import type { EndpointSet } from "./endpoint.ts";

/** Gets what a resolver finds. Called on the event loop, never after `Resolver.close`. */
export interface ResolverListener {
  /**
   * A whole new set. Called when it differs from the one before, and also with an unchanged one
   * when `onError` came in between and the source is back. That it is back says every set but one
   * that `isStale`: a part of the source had news, and what `onError` said last holds on. May be
   * called from within `start`.
   */
  onEndpoints(set: EndpointSet): void;
  /**
   * The source is away or answers nonsense: the last good set stays in use. Called when the reason
   * changes, not at every attempt.
   *
   * @param reason one clause for people, such as "lookup of a.b: SERVFAIL".
   */
  onError(reason: string): void;
}

/** Watches one target. */
export interface Resolver {
  /** The target as it was given. */
  readonly target: string;
  /** Begins to watch. Once only. */
  start(listener: ResolverListener): void;
  /** A hint that the set may be out of date, such as a lost connection. Limited in rate. */
  resolveNow(): void;
  /** Stops watching: no timer and no call of the listener after it. Harmless when repeated. */
  close(): void;
}
