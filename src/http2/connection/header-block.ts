/**
 * Gathers a header block from HEADERS and its CONTINUATIONs. RFC 9113 §4.3, §6.2, §6.10.
 *
 * A block that fits its HEADERS frame never comes here: it is decoded in place. What does come here
 * is bounded in bytes, in frames and (by the connection's timer) in time.
 */

import { ErrorCode } from "../error-code.ts";
import { CONTINUATIONS_MAX, HEADER_BLOCK_BYTES_MAX } from "../limits.ts";

/** The block that is open on a connection, if any. */
export class HeaderBlock {
  /** The stream whose block is open, or 0. Until it ends, only its CONTINUATIONs may come. */
  streamId = 0;
  /** Flags of the HEADERS frame. */
  flags = 0;
  /** When the HEADERS frame came. */
  startedMs = 0;
  bytes: Buffer | null = null;
  length = 0;
  #frames = 0;

  /** Opens a block with the fragment bytes[start, end). */
  open(
    streamId: number,
    flags: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    nowMs: number,
  ): ErrorCode {
    this.streamId = streamId;
    this.flags = flags;
    this.startedMs = nowMs;
    this.#frames = 0;
    this.length = 0;
    return this.#append(bytes, start, end);
  }

  /** Adds the fragment of one CONTINUATION. ENHANCE_YOUR_CALM when a limit is reached. */
  add(bytes: Uint8Array, start: number, end: number): ErrorCode {
    this.#frames += 1;
    if (this.#frames > CONTINUATIONS_MAX) return ErrorCode.ENHANCE_YOUR_CALM;
    return this.#append(bytes, start, end);
  }

  /** Forgets the block. */
  close(): void {
    this.streamId = 0;
    this.bytes = null;
    this.length = 0;
  }

  #append(bytes: Uint8Array, start: number, end: number): ErrorCode {
    const count = end - start;
    const needed = this.length + count;
    if (needed > HEADER_BLOCK_BYTES_MAX) return ErrorCode.ENHANCE_YOUR_CALM;
    if (this.bytes === null || this.bytes.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.length * 2, 1_024));
      this.bytes?.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    Buffer.prototype.copy.call(bytes, this.bytes, this.length, start, end);
    this.length = needed;
    return ErrorCode.NO_ERROR;
  }
}
