/**
 * DATA that waits for a window or for the socket: copies of what came, in order.
 *
 * It holds at most what the sender's window allowed, because credit is relayed only for what left.
 */

import { copyBytes } from "../output.ts";
import { noteBuffered } from "../overload.ts";

/** Small parts are gathered into blocks of this size. */
const BLOCK_BYTES = 16_384;

class Block {
  readonly bytes: Buffer;
  start = 0;
  end = 0;
  next: Block | null = null;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
  }
}

/** A byte queue with one reader. */
export class SendQueue {
  #head: Block | null = null;
  #tail: Block | null = null;
  /** Bytes that wait. */
  length = 0;

  /** Copies source[start, end) to the end of the queue. */
  push(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count === 0) return;
    let tail = this.#tail;
    if (tail === null || tail.bytes.length - tail.end < count) {
      // The first block fits exactly: most queues never get a second part.
      const block = new Block(tail === null ? count : Math.max(BLOCK_BYTES, count));
      if (tail === null) this.#head = block;
      else tail.next = block;
      this.#tail = block;
      tail = block;
    }
    copyBytes(source, start, end, tail.bytes, tail.end);
    tail.end += count;
    this.length += count;
    noteBuffered(count);
  }

  /** The bytes at the front: head.bytes[headStart, headEnd), valid until the next call. */
  get headBytes(): Buffer {
    return this.#head!.bytes;
  }

  /** Start of the front bytes. */
  get headStart(): number {
    return this.#head!.start;
  }

  /** End of the front bytes. */
  get headEnd(): number {
    return this.#head!.end;
  }

  /** Drops everything. */
  clear(): void {
    noteBuffered(-this.length);
    this.#head = null;
    this.#tail = null;
    this.length = 0;
  }

  /** Removes `count` bytes of the front block. */
  shift(count: number): void {
    const head = this.#head!;
    head.start += count;
    this.length -= count;
    noteBuffered(-count);
    if (head.start < head.end) return;
    this.#head = head.next;
    if (this.#head === null) this.#tail = null;
  }
}
