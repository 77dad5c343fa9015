/**
 * The bytes that a connection wants to send: one growing buffer, in pooled chunks.
 *
 * Not a socket: the transport takes the chunks once per turn of the event loop and gives them back
 * when the kernel has them. A connection with nothing to send holds no chunk at all.
 */

import { assert } from "../base/index.ts";
import { noteBuffered } from "./overload.ts";

/** A first chunk: what one turn has for one connection as a rule. */
const SMALL_CHUNK_BYTES = 8_192;
/** Every further chunk: four full DATA frames. */
export const CHUNK_BYTES = 65_536 + 64;

/**
 * Small chunks that are kept for reuse (8 MiB): as many connections may have output in one turn
 * without allocating. More are left to the garbage collector.
 */
const SMALL_CHUNKS_KEPT = 1_024;
/** Large chunks that are kept for reuse (4 MiB). */
const LARGE_CHUNKS_KEPT = 64;

const smallChunks: Buffer[] = [];
const largeChunks: Buffer[] = [];

/** Bytes up to which a plain loop beats a native copy. */
const SHORT_COPY_BYTES = 40;

function takeChunk(isFirst: boolean, bytesMin: number): Buffer {
  const chunk = poolChunk(isFirst, bytesMin);
  noteBuffered(chunk.length);
  return chunk;
}

function poolChunk(isFirst: boolean, bytesMin: number): Buffer {
  if (isFirst && bytesMin <= SMALL_CHUNK_BYTES) {
    return smallChunks.pop() ?? Buffer.allocUnsafeSlow(SMALL_CHUNK_BYTES);
  }
  if (bytesMin <= CHUNK_BYTES) {
    return largeChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }
  return Buffer.allocUnsafeSlow(bytesMin);
}

/** Gives a chunk back to the pool; its bytes must not be used any more. */
export function recycleChunk(chunk: Buffer): void {
  noteBuffered(-chunk.length);
  if (chunk.length === SMALL_CHUNK_BYTES) {
    if (smallChunks.length < SMALL_CHUNKS_KEPT) smallChunks.push(chunk);
  } else if (chunk.length === CHUNK_BYTES && largeChunks.length < LARGE_CHUNKS_KEPT) {
    largeChunks.push(chunk);
  }
}

/** An append-only buffer of frames. `bytes` and `end` are public for the frame writers alone. */
export class Output {
  /** The chunk being written, or null when nothing waits. */
  bytes: Buffer | null = null;
  /** Where the next byte goes in `bytes`. */
  end = 0;
  /** Chunks that are full, oldest first, with their lengths. */
  #full: Buffer[] = [];
  #fullEnds: number[] = [];
  #fullBytes = 0;
  /** Bytes handed to the transport that the kernel does not have yet; the transport keeps it. */
  inFlightBytes = 0;

  /** Bytes that wait here or in the socket. */
  get pendingBytes(): number {
    return this.#fullBytes + this.end + this.inFlightBytes;
  }

  /** Whether anything waits to be taken by the transport. */
  get isEmpty(): boolean {
    return this.end === 0 && this.#fullBytes === 0;
  }

  /** Makes room for `count` bytes at `end` of the returned chunk. The caller moves `end` itself. */
  reserve(count: number): Buffer {
    const bytes = this.bytes;
    if (bytes !== null && bytes.length - this.end >= count) return bytes;
    return this.#rotate(count);
  }

  #rotate(count: number): Buffer {
    if (this.bytes !== null && this.end > 0) {
      this.#full.push(this.bytes);
      this.#fullEnds.push(this.end);
      this.#fullBytes += this.end;
    } else if (this.bytes !== null) {
      recycleChunk(this.bytes);
    }
    const isFirst = this.bytes === null;
    this.end = 0;
    this.bytes = takeChunk(isFirst, count);
    return this.bytes;
  }

  /** Appends source[start, end) to the reserved chunk. */
  append(source: Uint8Array, start: number, end: number): void {
    const bytes = this.bytes;
    assert(bytes !== null, "reserve() was called first");
    let at = this.end;
    if (end - start <= SHORT_COPY_BYTES) {
      for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    } else {
      copyBytes(source, start, end, bytes, at);
      at += end - start;
    }
    this.end = at;
  }

  /** Chunks that wait in front of the one being written. */
  get fullCount(): number {
    return this.#full.length;
  }

  /**
   * Hands every waiting chunk to `take(chunk, length)`, oldest first, and forgets them. The taker
   * owns each chunk until it calls `recycleChunk`.
   */
  drainTo(taker: ChunkTaker): void {
    if (this.#full.length > 0) {
      const full = this.#full;
      const ends = this.#fullEnds;
      this.#full = [];
      this.#fullEnds = [];
      this.#fullBytes = 0;
      for (let i = 0; i < full.length; i++) taker.takeChunk(full[i]!, ends[i]!);
    }
    const bytes = this.bytes;
    if (bytes === null) return;
    const end = this.end;
    this.bytes = null;
    this.end = 0;
    if (end > 0) taker.takeChunk(bytes, end);
    else recycleChunk(bytes);
  }

  /** Drops everything that waits: the connection is gone. */
  clear(): void {
    this.drop();
    this.inFlightBytes = 0;
  }

  /** Drops what the transport has not taken. */
  drop(): void {
    if (this.bytes !== null) recycleChunk(this.bytes);
    for (const chunk of this.#full) recycleChunk(chunk);
    this.#full = [];
    this.#fullEnds = [];
    this.#fullBytes = 0;
    this.bytes = null;
    this.end = 0;
  }
}

/** Receives the chunks of `Output.drainTo`. */
export interface ChunkTaker {
  /** `chunk[0, length)` is to be sent; call `recycleChunk(chunk)` when the kernel has it. */
  takeChunk(chunk: Buffer, length: number): void;
}

/** Copies source[start, end) into target at `at`; native, so meant for more than a few bytes. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Buffer,
  at: number,
): void {
  Buffer.prototype.copy.call(source, target, at, start, end);
}

/** `Buffer.prototype.latin1Slice`: native and there in every Node, but missing from the types. */
const latin1Slice = (
  Buffer.prototype as unknown as {
    latin1Slice(this: Uint8Array, start: number, end: number): string;
  }
).latin1Slice;

/** bytes[start, end) as text, one UTF-16 unit per byte. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}
