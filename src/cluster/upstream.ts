/**
 * One connection to an endpoint, as its subchannel sees it: being made, ready, or on its way out.
 */

import type { ConnectionFailure, Stream, StreamEvents } from "../http2/index.ts";
import type { ClientConnection, ConnectAttempt, ConnectUser } from "../transport/index.ts";

/** The owner of a connection. */
export interface UpstreamOwner {
  onUpstreamReady(upstream: Upstream): void;
  onUpstreamCapacity(upstream: Upstream): void;
  /** It takes no new streams any more (GOAWAY). */
  onUpstreamDraining(upstream: Upstream, reason: string): void;
  onUpstreamClosed(upstream: Upstream, reason: string): void;
}

/** See the head of this file. */
export class Upstream implements ConnectUser {
  readonly #owner: UpstreamOwner;
  attempt: ConnectAttempt | null = null;
  connection: ClientConnection | null = null;
  isReady = false;
  isDraining = false;
  /** When its SETTINGS came. */
  readyMs = 0;
  /** When its last stream ended, or 0 while it has some. */
  idleSinceMs = 0;

  constructor(owner: UpstreamOwner) {
    this.#owner = owner;
  }

  /** Whether a stream can be opened now. */
  canOpen(): boolean {
    return this.isReady && !this.isDraining && this.connection!.http2.canOpen();
  }

  /** Whether it is made and not over. */
  get isOpen(): boolean {
    return this.isReady && !this.connection!.http2.isClosed;
  }

  /** Whether it takes streams, now or when some have ended. */
  get isUsable(): boolean {
    // A connection resets its streams, which may be sent again at once, before it reports its end.
    return this.isReady && !this.isDraining && !this.connection!.http2.isClosed;
  }

  /** Whether it answered anything. */
  get hasServed(): boolean {
    return this.connection !== null && this.connection.http2.callFrames > 0;
  }

  /** Open streams. */
  get streamCount(): number {
    return this.connection?.streamCount ?? 0;
  }

  /** Lets its streams finish and closes; silently gives up one that is not made yet. */
  drain(reason: string): void {
    this.isDraining = true;
    if (this.connection === null) this.attempt?.cancel();
    else this.connection.drain(reason);
  }

  onConnected(connection: ClientConnection): void {
    this.connection = connection;
  }

  onReady(): void {
    this.isReady = true;
    this.#owner.onUpstreamReady(this);
  }

  onCapacity(): void {
    this.#owner.onUpstreamCapacity(this);
  }

  onGoAway(reason: string): void {
    if (this.isDraining) return;
    this.isDraining = true;
    this.#owner.onUpstreamDraining(this, reason);
  }

  onClosed(failure: ConnectionFailure): void {
    this.isDraining = true;
    this.#owner.onUpstreamClosed(this, failure.reason);
  }

  /** Servers do not open streams: the engine refuses them before this. */
  onStream(_stream: Stream): StreamEvents {
    throw new Error("a client connection has no incoming streams");
  }
}
