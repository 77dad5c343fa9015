/**
 * Small byte copies packed into larger buffers.
 *
 * A value that outlives its frame is copied here, so that it never pins a read buffer. A slab is
 * freed when nobody refers to any of it; so one `Slab` holds only what lives about equally long.
 */

import { copyBytes } from "../output.ts";

const SHORT_COPY_BYTES = 48;

/** Appends copies to a buffer of `slabBytes`, starting a new one when it is full. */
export class Slab {
  readonly #slabBytes: number;
  /** The buffer that the last copy went to. */
  bytes: Buffer | null = null;
  #end = 0;

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
  }

  /** Copies source[start, end); returns where the copy starts in `this.bytes`. */
  copy(source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    let bytes = this.bytes;
    if (bytes === null || bytes.length - this.#end < length) {
      bytes = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, length));
      this.bytes = bytes;
      this.#end = 0;
    }
    const at = this.#end;
    if (length <= SHORT_COPY_BYTES) {
      for (let i = 0; i < length; i++) bytes[at + i] = source[start + i]!;
    } else copyBytes(source, start, end, bytes, at);
    this.#end = at + length;
    return at;
  }
}
