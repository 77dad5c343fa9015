/**
 * The request bytes of one call: what waits for an attempt, and what a replay would need. gRFC A6.
 *
 * Most bodies are one small piece, packed with others into a shared slab. What is kept is bounded
 * per call, over the cluster and over the process; a call over a bound can still be sent, but not
 * replayed.
 */

import { copyBytes } from "../http2/index.ts";
import { REPLAY_BYTES_TOTAL_MAX, type ReplayConfig } from "./config.ts";

const SLAB_BYTES = 16_384;

const EMPTY = Buffer.alloc(0);

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabEnd = 0;
/** Bytes kept by all calls. */
let keptBytesTotal = 0;

/** Bytes kept for replays by all calls of the process: for gauges. */
export function replayBytesKept(): number {
  return keptBytesTotal;
}

/** Where the last copy of `keep` starts in the buffer that it returned. */
let keptAt = 0;

/** Copies into the shared slab, or into a buffer of its own when large. */
function keep(source: Uint8Array, start: number, end: number): Buffer {
  const count = end - start;
  let bytes = slab;
  if (count > SLAB_BYTES / 4) {
    bytes = Buffer.allocUnsafeSlow(count);
    keptAt = 0;
  } else {
    if (slab.length - slabEnd < count) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      slabEnd = 0;
      bytes = slab;
    }
    keptAt = slabEnd;
    slabEnd += count;
  }
  copyBytes(source, start, end, bytes, keptAt);
  return bytes;
}

class Piece {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}

/** What all calls of a cluster may keep, and do. */
export class ReplayBounds {
  readonly callBytesMax: number;
  readonly totalBytesMax: number;
  keptBytes = 0;

  constructor({ callBytesMax, totalBytesMax }: ReplayConfig) {
    this.callBytesMax = callBytesMax;
    this.totalBytesMax = totalBytesMax;
  }
}

/** Where a body is sent. */
export interface BodyTarget {
  sendBody(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void;
}

/** The bytes of one request so far. The first piece is kept in place: mostly it is the only one. */
export class RequestBody {
  readonly #bounds: ReplayBounds;
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  #more: Piece[] | null = null;
  #length = 0;

  constructor(bounds: ReplayBounds) {
    this.#bounds = bounds;
  }

  /** Bytes kept. */
  get length(): number {
    return this.#length;
  }

  /** Whether bytes of `count` more may be kept once they were sent. */
  canKeep(count: number): boolean {
    const { callBytesMax, totalBytesMax, keptBytes } = this.#bounds;
    if (this.#length + count > callBytesMax || keptBytes + count > totalBytesMax) return false;
    return keptBytesTotal + count <= REPLAY_BYTES_TOTAL_MAX;
  }

  /** Keeps a copy of source[start, end). */
  push(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count === 0) return;
    const bytes = keep(source, start, end);
    const at = keptAt;
    if (this.#length === 0) {
      this.#bytes = bytes;
      this.#start = at;
      this.#end = at + count;
    } else {
      this.#more ??= [];
      this.#more.push(new Piece(bytes, at, at + count));
    }
    this.#length += count;
    this.#bounds.keptBytes += count;
    keptBytesTotal += count;
  }

  /**
   * Hands all bytes to `target`, the last with `isEnd`. Nothing at all when empty and not the end.
   */
  sendTo(target: BodyTarget, isEnd: boolean): void {
    const more = this.#more;
    if (this.#length > 0 || isEnd) {
      target.sendBody(this.#bytes, this.#start, this.#end, isEnd && more === null);
    }
    if (more === null) return;
    for (let i = 0; i < more.length; i++) {
      const piece = more[i]!;
      target.sendBody(piece.bytes, piece.start, piece.end, isEnd && i === more.length - 1);
    }
  }

  /** Another body of the same bytes, which counts for itself. */
  copy(): RequestBody {
    const body = new RequestBody(this.#bounds);
    const sendBody = (bytes: Uint8Array, start: number, end: number) =>
      body.push(bytes, start, end);
    this.sendTo({ sendBody }, false);
    return body;
  }

  /** Forgets everything. */
  clear(): void {
    this.#bounds.keptBytes -= this.#length;
    keptBytesTotal -= this.#length;
    this.#bytes = EMPTY;
    this.#start = 0;
    this.#end = 0;
    this.#more = null;
    this.#length = 0;
  }
}
