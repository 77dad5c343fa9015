/**
 * Compression of messages: `identity`, `gzip`, `deflate`.
 * https://github.com/grpc/grpc/blob/master/doc/compression.md
 *
 * In one go and on the calling tick: a message is small as a rule, its size is bounded by the
 * channel, and messages of a call must stay in order.
 */
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";

/** What we can read and write, in the words of `grpc-encoding`. */
export type Encoding = "identity" | "gzip" | "deflate";

/** For `grpc-accept-encoding`. */
export const ACCEPT_ENCODING = "identity,deflate,gzip";

/** What a compressed message may grow to where a channel sets no limit: the most that fits. */
const DECOMPRESSED_BYTES_MAX = 1_073_741_824;

/** The encoding of that name, or null when we do not know it. */
export function encodingOf(name: string): Encoding | null {
  return name === "identity" || name === "gzip" || name === "deflate" ? name : null;
}

/** Compresses a message; identity returns it as it is. */
export function compress(encoding: Encoding, message: Uint8Array): Uint8Array {
  if (encoding === "gzip") return gzipSync(message);
  return encoding === "deflate" ? deflateSync(message) : message;
}

/** What `decompress` found: the message, or why there is none. */
export type Decompressed = Buffer | "corrupt" | "too_large";

/**
 * The message in `bytes`, which is never made larger than `bytesMax` on the way: a few bytes of
 * gzip can stand for gigabytes.
 */
export function decompress(encoding: Encoding, bytes: Buffer, bytesMax: number): Decompressed {
  const options = { maxOutputLength: Math.min(bytesMax + 1, DECOMPRESSED_BYTES_MAX) };
  try {
    const message = encoding === "gzip" ? gunzipSync(bytes, options) : inflateSync(bytes, options);
    return message.length > bytesMax ? "too_large" : message;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "corrupt";
  }
}
