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

/** Slots of the first stream; the table doubles while streams collide. */
const SLOTS_FIRST = 16;
/** An idle connection keeps no larger table. */
const SLOTS_KEPT = 256;
/** Above this, streams that collide (one that is very old) go to a map. */
const SLOTS_MAX = 4_096;

/**
 * All open streams by id, and the memory of the closed ones.
 *
 * Ids grow by two, so the open ones lie close together: a stream's slot is its id modulo the table,
 * which costs a fifth of a map and makes no garbage.
 */
export class Streams {
  #slots: (Stream | null)[] = [];
  /** Streams whose slot is taken by an older one; null while there are none. */
  #others: Map<number, Stream> | null = null;
  #count = 0;
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
    return this.#count;
  }

  /** The open stream `id`, or undefined. */
  get(id: number): Stream | undefined {
    const stream = this.#slots[(id >> 1) & (this.#slots.length - 1)];
    if (stream !== undefined && stream !== null && stream.id === id) return stream;
    return this.#others?.get(id);
  }

  /** A copy of the open streams in no order, for loops that may close them. */
  list(): Stream[] {
    const list: Stream[] = [];
    for (const stream of this.#slots) if (stream !== null) list.push(stream);
    if (this.#others !== null) list.push(...this.#others.values());
    return list;
  }

  /** Notes a stream as open. Its id is above all others. */
  add(stream: Stream): void {
    assert(stream.id > this.lastId, "stream ids grow");
    this.lastId = stream.id;
    this.#count += 1;
    this.#put(stream);
  }

  #put(stream: Stream): void {
    for (;;) {
      const { length } = this.#slots;
      const slot = (stream.id >> 1) & (length - 1);
      if (length > 0 && this.#slots[slot] === null) {
        this.#slots[slot] = stream;
        return;
      }
      if (length >= SLOTS_MAX || length > 4 * this.#count + SLOTS_FIRST) break;
      this.#grow();
    }
    this.#others ??= new Map();
    this.#others.set(stream.id, stream);
  }

  #grow(): void {
    const old = this.#slots;
    const length = old.length === 0 ? SLOTS_FIRST : old.length * 2;
    this.#slots = new Array<Stream | null>(length).fill(null);
    // Two streams that had different slots have different ones in the larger table.
    for (const stream of old) {
      if (stream !== null) this.#slots[(stream.id >> 1) & (length - 1)] = stream;
    }
  }

  /** Takes a closed stream out. */
  remove(stream: Stream): void {
    const slot = (stream.id >> 1) & (this.#slots.length - 1);
    if (this.#slots[slot] === stream) this.#slots[slot] = null;
    else if (this.#others === null || !this.#others.delete(stream.id)) return;
    this.#count -= 1;
    if (this.#count === 0 && this.#slots.length > SLOTS_KEPT) this.#slots = [];
    this.#owner.onStreamRemoved(stream);
  }

  /** The id of the next stream that we open. RFC 9113 §5.1.1. */
  nextLocalId(): number {
    assert(this.#isClient, "only clients open streams here");
    return this.lastId === 0 ? 1 : this.lastId + 2;
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
