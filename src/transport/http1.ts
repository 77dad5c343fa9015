/**
 * Tells an HTTP/1 client on an HTTP/2 port, and answers it (RFC 9110 §15.6.6); and an HTTP/1 server
 * by its status line (RFC 9112 §4).
 *
 * Not a server: one clear answer and the connection ends, instead of silence or a broken frame.
 */

import { PREFACE } from "../http2/index.ts";

const BODY = "fairlead: this port speaks HTTP/2 only (gRPC); use prior knowledge or ALPN h2\n";

const ANSWER = Buffer.from(
  "HTTP/1.1 505 HTTP Version Not Supported\r\n" +
    "content-type: text/plain; charset=utf-8\r\n" +
    `content-length: ${Buffer.byteLength(BODY)}\r\n` +
    `connection: close\r\n\r\n${BODY}`,
  "latin1",
);

/** A method and the start of a request target: what an HTTP/1 request begins with. RFC 9112 §3. */
const REQUEST_LINE = /^(CONNECT [a-z0-9[]|[A-Z]{1,16} (\/|\*|https?:))/;
/** What may still become one. */
const REQUEST_LINE_BEGIN = /^[A-Z]{1,16}( (h(t(t(ps?)?)?)?)?)?$/;
/** As many bytes as the preface has. */
const LOOK_BYTES_MAX = 24;

const STATUS_LINE_BEGIN = Buffer.from("HTTP/1.", "latin1");

/**
 * Whether a server begins with a status line of HTTP/1. As a frame of HTTP/2 these bytes would be
 * longer than any that we allow.
 */
export function isHttp1Answer(bytes: Uint8Array, length: number): boolean {
  const { length: wanted } = STATUS_LINE_BEGIN;
  return length >= wanted && STATUS_LINE_BEGIN.equals(bytes.subarray(0, wanted));
}

/** Looks at the first bytes of a connection. */
export class Http1Detector {
  #seen = "";
  /** Whether enough was seen. */
  isDecided = false;
  /** What came was no preface, but could become an HTTP/1 request: the engine has not seen it. */
  isHeld = false;

  /** Takes the next bytes; returns the answer to send when the peer speaks HTTP/1, else null. */
  push(bytes: Uint8Array, length: number): Buffer | null {
    const count = Math.min(length, LOOK_BYTES_MAX - this.#seen.length);
    this.#seen += Buffer.from(bytes.subarray(0, count)).toString("latin1");
    const preface = Buffer.from(PREFACE).toString("latin1");
    if (preface.startsWith(this.#seen)) {
      this.isDecided = this.#seen.length === preface.length;
      return null;
    }
    if (REQUEST_LINE_BEGIN.test(this.#seen)) {
      this.isHeld = true;
      return null;
    }
    this.isDecided = true;
    return REQUEST_LINE.test(this.#seen) && !this.#seen.startsWith("PRI ") ? ANSWER : null;
  }
}
