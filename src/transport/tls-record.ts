/**
 * Tells TLS on a connection that was to be plaintext, by its first bytes: a record's head is a
 * content type and a version whose first byte is 3. RFC 8446 §5.1.
 *
 * It decrypts nothing and is no part of TLS: it only names a mistake of configuration.
 */

const ALERT = 21;
const HANDSHAKE = 22;
const VERSION_MAJOR = 3;

/** Whether a client begins with a ClientHello. No preface of HTTP/2 and no HTTP/1 request does. */
export function isClientHello(bytes: Uint8Array, length: number): boolean {
  return length >= 2 && bytes[0] === HANDSHAKE && bytes[1] === VERSION_MAJOR;
}

/**
 * Whether a server answers a plaintext client with a TLS alert. As a frame of HTTP/2 these bytes
 * would be longer than any that we allow.
 */
export function isTlsAlert(bytes: Uint8Array, length: number): boolean {
  return length >= 2 && bytes[0] === ALERT && bytes[1] === VERSION_MAJOR;
}
