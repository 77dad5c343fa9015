/**
 * The streams of a connection: who is open, which ids were used, which we reset lately. RFC 9113
 * §5.1.
 */

import { assert } from "../../base/index.ts";
import type { Role } from "../config.ts";
import { RECENT_RESETS_MAX } from "../limits.ts";
import type { Stream } from "../stream/stream.ts";

/** Hears of streams that left the store. */
export interface StreamsOwner {
  onStreamRemoved(stream: Stream): void;
}

/** All open streams by id, and the memory of the closed ones. */
export class Streams {
  readonly #open = new Map<number, Stream>();
  readonly #owner: StreamsOwner;
  readonly #isClient: boolean;
  /** The highest id that was opened; ids above it are idle. RFC 9113 §5.1.1. */
  lastId = 0;
  /** Ids that we reset and the peer may not know of yet: a ring, made on first use. */
  #resets: Int32Array | null = null;
  #resetCount = 0;

  constructor(role: Role, owner: StreamsOwner) {
    this.#isClient = role === "client";
    this.#owner = owner;
  }

  /** Streams open now. */
  get count(): number {
    return this.#open.size;
  }

  /** The open stream `id`, or undefined. */
  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  /** All open streams; do not open or close any while iterating. */
  values(): MapIterator<Stream> {
    return this.#open.values();
  }

  /** A copy of the open streams, for loops that close them. */
  list(): Stream[] {
    return [...this.#open.values()];
  }

  /** Notes a stream as open. Its id is above all others. */
  add(stream: Stream): void {
    assert(stream.id > this.lastId, "stream ids grow");
    this.lastId = stream.id;
    this.#open.set(stream.id, stream);
  }

  /** Takes a closed stream out. */
  remove(stream: Stream): void {
    if (this.#open.delete(stream.id)) this.#owner.onStreamRemoved(stream);
  }

  /** The id of the next stream that we open; 0 when they are used up. RFC 9113 §5.1.1. */
  nextLocalId(): number {
    assert(this.#isClient, "only clients open streams here");
    const id = this.lastId === 0 ? 1 : this.lastId + 2;
    return id > 0x7fffffff ? 0 : id;
  }

  /** Whether `id` was never opened. Even ids are servers', which do not push to us. */
  isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.lastId;
  }

  /** Remembers that we reset `id`: what is on its way is no fault of the peer. RFC 9113 §5.4.2. */
  noteReset(id: number): void {
    this.#resets ??= new Int32Array(RECENT_RESETS_MAX);
    this.#resets[this.#resetCount % RECENT_RESETS_MAX] = id;
    this.#resetCount += 1;
  }

  /** Whether frames for the closed stream `id` may still be on their way without fault. */
  wasReset(id: number): boolean {
    if (this.#resets === null) return false;
    // Once the ring has overflowed, old ids are not known any more: the peer gets the benefit.
    return this.#resetCount > RECENT_RESETS_MAX || this.#resets.includes(id);
  }
}
