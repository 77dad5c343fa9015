/**
 * HTTP/2 frame decoder: bytes in, frames out. RFC 9113 §4.
 *
 * Sans-I/O: no sockets, timers or stream state. A frame that lies wholly inside the pushed bytes is
 * reported in place; one that spans two pushes is gathered once into `#carry`. The payload of a
 * DATA frame without padding is never gathered: each part is reported as it comes, so that a relay
 * neither copies nor waits.
 */

import { ErrorCode } from "../error-code.ts";
import { Flag, FrameType, HEAD_BYTES, readUint24, readUint31 } from "./types.ts";

/** Receives decoded frames. Anything but NO_ERROR stops the decoder for good. */
export interface FrameSink {
  /** The head of a frame, before its payload is there; refuses sizes and orders early. */
  onFrameHead(length: number, type: number, flags: number, streamId: number): ErrorCode;
  /**
   * One whole frame of any type but unpadded DATA. Its payload is bytes[start, end), and may be
   * read only until this returns.
   */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode;
  /**
   * A part of an unpadded DATA frame: bytes[start, end). `isLast` is true once per frame, on its
   * last part (the only one when it came whole).
   */
  onDataPart(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
  ): ErrorCode;
}

/** Decodes one direction of one connection. */
export class FrameDecoder {
  readonly #sink: FrameSink;
  /** Bytes of a frame (or of its head) that spans pushes; null when nothing is held. */
  #carry: Buffer | null = null;
  #carried = 0;
  /** The frame whose head was reported and whose payload is not complete yet. */
  #dataLeft = 0;
  #dataFlags = 0;
  #dataStreamId = 0;
  #isInData = false;
  #isHeadReported = false;
  /** Frames that had to be gathered so far: tells one that is stuck from the next one. */
  holdCount = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes held for a frame that is not complete. */
  get heldBytes(): number {
    return this.#carried;
  }

  /** Decodes bytes[pos, end). Returns NO_ERROR, or the sink's refusal. */
  push(bytes: Uint8Array, start: number, end: number): ErrorCode {
    let pos = start;
    if (this.#carry !== null) {
      pos = this.#fillCarry(bytes, pos, end);
      if (pos < 0) return -pos;
      if (this.#carry !== null) return ErrorCode.NO_ERROR;
    }
    if (this.#isInData) {
      pos = this.#pushData(bytes, pos, end);
      if (pos < 0) return -pos;
    }
    while (end - pos >= HEAD_BYTES) {
      const length = readUint24(bytes, pos);
      const type = bytes[pos + 3]!;
      const flags = bytes[pos + 4]!;
      const streamId = readUint31(bytes, pos + 5);
      let code = this.#sink.onFrameHead(length, type, flags, streamId);
      if (code !== ErrorCode.NO_ERROR) return code;
      const payload = pos + HEAD_BYTES;
      const frameEnd = payload + length;
      if (type === FrameType.DATA && (flags & Flag.PADDED) === 0) {
        if (frameEnd <= end) {
          code = this.#sink.onDataPart(flags, streamId, bytes, payload, frameEnd, true);
          if (code !== ErrorCode.NO_ERROR) return code;
          pos = frameEnd;
          continue;
        }
        this.#startData(flags, streamId, length);
        pos = this.#pushData(bytes, payload, end);
        return pos < 0 ? -pos : ErrorCode.NO_ERROR;
      }
      if (frameEnd > end) {
        this.#isHeadReported = true;
        this.#hold(bytes, pos, end, HEAD_BYTES + length);
        return ErrorCode.NO_ERROR;
      }
      code = this.#sink.onFrame(type, flags, streamId, bytes, payload, frameEnd);
      if (code !== ErrorCode.NO_ERROR) return code;
      pos = frameEnd;
    }
    if (pos < end) this.#hold(bytes, pos, end, HEAD_BYTES);
    return ErrorCode.NO_ERROR;
  }

  #startData(flags: number, streamId: number, length: number): void {
    this.#isInData = true;
    this.#dataFlags = flags;
    this.#dataStreamId = streamId;
    this.#dataLeft = length;
  }

  /** Reports what is there of a DATA payload. Returns the next position, or minus an error code. */
  #pushData(bytes: Uint8Array, pos: number, end: number): number {
    if (pos === end && this.#dataLeft > 0) return pos;
    const partEnd = Math.min(end, pos + this.#dataLeft);
    this.#dataLeft -= partEnd - pos;
    const isLast = this.#dataLeft === 0;
    if (isLast) this.#isInData = false;
    const code = this.#sink.onDataPart(
      this.#dataFlags,
      this.#dataStreamId,
      bytes,
      pos,
      partEnd,
      isLast,
    );
    return code === ErrorCode.NO_ERROR ? partEnd : -code;
  }

  /**
   * Keeps bytes[pos, end) of a frame of `frameBytes`, in a buffer of its own: reads stay unpinned.
   */
  #hold(bytes: Uint8Array, pos: number, end: number, frameBytes: number): void {
    const carry = Buffer.allocUnsafeSlow(frameBytes);
    Buffer.prototype.copy.call(bytes, carry, 0, pos, end);
    this.#carry = carry;
    this.holdCount += 1;
    this.#carried = end - pos;
  }

  /** Completes the carried frame. Returns the next position, or minus an error code. */
  #fillCarry(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    for (;;) {
      const carry: Buffer = this.#carry!;
      const count = Math.min(carry.length - this.#carried, end - pos);
      Buffer.prototype.copy.call(bytes, carry, this.#carried, pos, pos + count);
      this.#carried += count;
      pos += count;
      if (this.#carried < carry.length) return pos;
      if (this.#isHeadReported) return this.#emitCarry(carry, pos);
      const length = readUint24(carry, 0);
      const flags = carry[4]!;
      const streamId = readUint31(carry, 5);
      const code = this.#sink.onFrameHead(length, carry[3]!, flags, streamId);
      if (code !== ErrorCode.NO_ERROR) return -code;
      this.#isHeadReported = true;
      if (carry[3] === FrameType.DATA && (flags & Flag.PADDED) === 0) {
        this.#release();
        this.#startData(flags, streamId, length);
        return pos;
      }
      if (length === 0) return this.#emitCarry(carry, pos);
      this.#hold(carry, 0, HEAD_BYTES, HEAD_BYTES + length);
    }
  }

  #emitCarry(carry: Buffer, pos: number): number {
    this.#release();
    const streamId = readUint31(carry, 5);
    const { length } = carry;
    const code = this.#sink.onFrame(carry[3]!, carry[4]!, streamId, carry, HEAD_BYTES, length);
    return code === ErrorCode.NO_ERROR ? pos : -code;
  }

  #release(): void {
    this.#carry = null;
    this.#carried = 0;
    this.#isHeadReported = false;
  }
}
