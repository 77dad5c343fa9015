/**
 * The request bytes of one call: what waits for an attempt, and what a replay would need. gRFC A6.
 *
 * Most bodies are one small piece, packed with others into a shared slab. What is kept is bounded
 * per call and over the process; a call over the bound can still be sent, but not replayed.
 */

import { copyBytes } from "../http2/index.ts";
import { REPLAY_BYTES_MAX, REPLAY_BYTES_TOTAL_MAX } from "./config.ts";

const SLAB_BYTES = 16_384;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabEnd = 0;
/** Bytes kept by all calls. */
let keptBytesTotal = 0;

/** Bytes kept for replays by all calls of the process: for gauges. */
export function replayBytesKept(): number {
  return keptBytesTotal;
}

class Piece {
  readonly bytes: Buffer;
  readonly start: number;
  end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}

/** Copies into the shared slab, or a buffer of its own when large. */
function keep(source: Uint8Array, start: number, end: number): Piece {
  const count = end - start;
  if (count > SLAB_BYTES / 4) {
    const own = Buffer.allocUnsafeSlow(count);
    copyBytes(source, start, end, own, 0);
    return new Piece(own, 0, count);
  }
  if (slab.length - slabEnd < count) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabEnd = 0;
  }
  const at = slabEnd;
  copyBytes(source, start, end, slab, at);
  slabEnd += count;
  return new Piece(slab, at, at + count);
}

/** Where a body is sent. */
export interface BodyTarget {
  sendBody(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void;
}

/** The bytes of one request so far. */
export class RequestBody {
  #first: Piece | null = null;
  #more: Piece[] | null = null;
  #length = 0;

  /** Bytes kept. */
  get length(): number {
    return this.#length;
  }

  /** Whether bytes of `count` more may be kept once they were sent. */
  canKeep(count: number): boolean {
    return (
      this.#length + count <= REPLAY_BYTES_MAX && keptBytesTotal + count <= REPLAY_BYTES_TOTAL_MAX
    );
  }

  /** Keeps a copy of source[start, end). */
  push(source: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    const piece = keep(source, start, end);
    this.#length += end - start;
    keptBytesTotal += end - start;
    if (this.#first === null) this.#first = piece;
    else if (this.#more === null) this.#more = [piece];
    else this.#more.push(piece);
  }

  /**
   * Hands all bytes to `target`, the last with `isEnd`. Nothing at all when empty and not the end.
   */
  sendTo(target: BodyTarget, isEnd: boolean): void {
    const { bytes, start, end } = this.#first ?? EMPTY;
    const more = this.#more;
    if (this.#first !== null || isEnd) target.sendBody(bytes, start, end, isEnd && more === null);
    if (more === null) return;
    for (let i = 0; i < more.length; i++) {
      const piece = more[i]!;
      target.sendBody(piece.bytes, piece.start, piece.end, isEnd && i === more.length - 1);
    }
  }

  /** Forgets everything. */
  clear(): void {
    keptBytesTotal -= this.#length;
    this.#first = null;
    this.#more = null;
    this.#length = 0;
  }
}

const EMPTY = new Piece(Buffer.alloc(0), 0, 0);
