/**
 * One connection to an endpoint, as its subchannel sees it: being made, ready, or on its way out.
 */

import type { ConnectionFailure, HeaderList, Stream, StreamEvents } from "../http2/index.ts";
import type { ClientConnection, ConnectAttempt, ConnectUser } from "../transport/index.ts";
import type { OwnStream } from "./own-stream.ts";

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
  /** Streams of our own, such as health checks, and the frames that came on such streams. */
  readonly #own = new Set<OwnStream>();
  #ownFrames = 0;

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

  /** Whether it answered any call. */
  get hasServed(): boolean {
    return this.connection !== null && this.connection.http2.callFrames > this.#ownFrames;
  }

  /** Open streams of calls. */
  get streamCount(): number {
    return this.connection?.callCount ?? 0;
  }

  /** Whether it has had no call for so long. Call about once a second. */
  isIdleFor(timeMs: number, nowMs: number): boolean {
    if (this.streamCount > 0) this.idleSinceMs = 0;
    else if (this.idleSinceMs === 0) this.idleSinceMs = nowMs;
    else return nowMs - this.idleSinceMs >= timeMs;
    return false;
  }

  /** Opens a stream of our own. The caller asked `canOpen`. */
  openOwn(list: HeaderList, own: OwnStream, nowMs: number): Stream {
    const connection = this.connection!;
    this.#own.add(own);
    connection.ownStreams += 1;
    return connection.http2.open(list, false, own, nowMs);
  }

  /** A frame of a call came on such a stream. */
  noteOwnFrame(): void {
    this.#ownFrames += 1;
  }

  /** Such a stream is over. */
  forgetOwn(own: OwnStream): void {
    if (this.#own.delete(own)) this.connection!.ownStreams -= 1;
  }

  /** "... or when the backend sends a GOAWAY, the client will cancel the Watch() call." (A17) */
  #endOwn(reason: string): void {
    for (const own of [...this.#own]) own.onDraining(reason);
  }

  /** Lets its streams finish and closes; silently gives up one that is not made yet. */
  drain(reason: string): void {
    this.isDraining = true;
    this.#endOwn(reason);
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
    this.#endOwn(reason);
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
