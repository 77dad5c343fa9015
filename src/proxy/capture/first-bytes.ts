/**
 * Whether a client begins to speak HTTP/2 in plaintext: the connection preface, RFC 9113 §3.4.
 *
 * Everything else (a TLS ClientHello, HTTP/1, any other protocol) differs from it in its first
 * bytes, most in the first one.
 */
import { PREFACE } from "../../http2/index.ts";

/** `more`: what came fits, and is not all of the preface. */
export type FirstBytes = "http2" | "more" | "other";

/** Judges all that a client has sent so far, from its first byte on. */
export function judgeFirstBytes(bytes: Uint8Array): FirstBytes {
  const count = Math.min(bytes.length, PREFACE.length);
  for (let i = 0; i < count; i += 1) if (bytes[i] !== PREFACE[i]) return "other";
  return count === PREFACE.length ? "http2" : "more";
}
