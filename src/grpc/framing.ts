/**
 * Length-prefixed messages: one byte of flags, four bytes of length, then the message.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"
 *
 * A reader yields whole messages, in bytes of their own (small ones share Node's pool), however the
 * bytes were cut. It knows nothing of compression but the flag, and nothing of streams.
 */

/** "Message-Length -> {length of Message} (encoded as 4 byte unsigned integer (big endian))". */
export const MESSAGE_BYTES_MAX = 0xffff_ffff;
/** Bytes in front of each message. */
export const PREFIX_BYTES = 5;
/** What a message of unknown good faith gets at first: more comes as its bytes do. */
const FIRST_BYTES = 65_536;

/** Writes a prefix at bytes[at..at+5). */
export function writePrefix(
  bytes: Uint8Array,
  at: number,
  isCompressed: boolean,
  length: number,
): void {
  bytes[at] = isCompressed ? 1 : 0;
  bytes[at + 1] = length >>> 24;
  bytes[at + 2] = (length >>> 16) & 0xff;
  bytes[at + 3] = (length >>> 8) & 0xff;
  bytes[at + 4] = length & 0xff;
}

/** What `MessageReader.push` returns. */
export const FramingFault = {
  NONE: 0,
  /** A flag byte other than 0 and 1. */
  BAD_FLAG: 1,
  /** A message longer than allowed; see `MessageReader.badLength`. */
  TOO_LARGE: 2,
} as const;

/** One of `FramingFault`. */
export type FramingFault = (typeof FramingFault)[keyof typeof FramingFault];

/** Cuts a stream of bytes into messages; whoever extends it takes them. */
export abstract class MessageReader {
  /** The length that was too large. */
  badLength = 0;
  /** The most that one may have; may be changed before the first byte. */
  messageBytesMax: number;
  /** The prefix as far as it came, when it was cut; most calls never have one. */
  #prefixCount = 0;
  #prefix: Uint8Array | null = null;
  /** The message whose end has not come, or null. */
  #partial: Buffer | null = null;
  #partialLength = 0;
  #partialCount = 0;
  #isCompressed = false;

  /** @param messageBytesMax Infinity for no limit. */
  constructor(messageBytesMax: number) {
    this.messageBytesMax = messageBytesMax;
  }

  /**
   * One whole message, the taker's own to keep. `wireBytes` is its length with the prefix.
   * Returns whether reading goes on.
   */
  abstract onWholeMessage(message: Buffer, isCompressed: boolean, wireBytes: number): boolean;

  /** Bytes of a message whose end has not come, prefix included. */
  get pendingBytes(): number {
    return this.#partial === null ? this.#prefixCount : PREFIX_BYTES + this.#partialCount;
  }

  /** Takes bytes[start, end), which are not kept. */
  push(bytes: Uint8Array, start: number, end: number): FramingFault {
    let pos = start;
    while (pos < end) {
      if (this.#partial !== null) {
        pos = this.#fill(bytes, pos, end);
        if (pos < 0) return FramingFault.NONE;
        continue;
      }
      if (this.#prefixCount > 0 || end - pos < PREFIX_BYTES) {
        pos = this.#fillPrefix(bytes, pos, end);
        if (this.#prefixCount < PREFIX_BYTES) return FramingFault.NONE;
        this.#prefixCount = 0;
        const fault = this.#begin(this.#prefix!, 0);
        if (fault !== FramingFault.NONE) return fault;
      } else {
        const fault = this.#begin(bytes, pos);
        if (fault !== FramingFault.NONE) return fault;
        pos += PREFIX_BYTES;
      }
      if (end - pos >= this.#partialLength) {
        const messageEnd = pos + this.#partialLength;
        const message = copyOf(bytes, pos, messageEnd);
        pos = messageEnd;
        if (!this.#yield(message)) return FramingFault.NONE;
      } else {
        this.#partial = Buffer.allocUnsafe(Math.min(this.#partialLength, FIRST_BYTES));
        this.#partialCount = 0;
      }
    }
    return FramingFault.NONE;
  }

  #fillPrefix(bytes: Uint8Array, start: number, end: number): number {
    this.#prefix ??= new Uint8Array(PREFIX_BYTES);
    let pos = start;
    while (pos < end && this.#prefixCount < PREFIX_BYTES) {
      this.#prefix[this.#prefixCount++] = bytes[pos++]!;
    }
    return pos;
  }

  #begin(bytes: Uint8Array, at: number): FramingFault {
    const flag = bytes[at]!;
    if (flag > 1) return FramingFault.BAD_FLAG;
    const low = (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
    const length = bytes[at + 1]! * 0x100_0000 + low;
    if (length > this.messageBytesMax) {
      this.badLength = length;
      return FramingFault.TOO_LARGE;
    }
    this.#isCompressed = flag === 1;
    this.#partialLength = length;
    return FramingFault.NONE;
  }

  /** Adds to the message that is being gathered. Returns where its bytes ended, -1 to stop. */
  #fill(bytes: Uint8Array, start: number, end: number): number {
    const count = Math.min(this.#partialLength - this.#partialCount, end - start);
    const needed = this.#partialCount + count;
    if (needed > this.#partial!.length) this.#grow(needed);
    this.#partial!.set(bytes.subarray(start, start + count), this.#partialCount);
    this.#partialCount = needed;
    if (needed < this.#partialLength) return end;
    const message = this.#partial!.subarray(0, needed);
    this.#partial = null;
    this.#partialCount = 0;
    return this.#yield(message) ? start + count : -1;
  }

  /** A peer that only announces a large message makes us hold nothing for it. */
  #grow(needed: number): void {
    const size = Math.min(this.#partialLength, Math.max(needed, this.#partial!.length * 2));
    const larger = Buffer.allocUnsafe(size);
    larger.set(this.#partial!.subarray(0, this.#partialCount));
    this.#partial = larger;
  }

  #yield(message: Buffer): boolean {
    return this.onWholeMessage(message, this.#isCompressed, PREFIX_BYTES + this.#partialLength);
  }
}

/** Below this a loop beats a native copy. */
const SHORT_COPY_BYTES = 40;

function copyOf(bytes: Uint8Array, start: number, end: number): Buffer {
  const length = end - start;
  const copy = Buffer.allocUnsafe(length);
  if (length <= SHORT_COPY_BYTES) {
    for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
  } else copy.set(bytes.subarray(start, end));
  return copy;
}
