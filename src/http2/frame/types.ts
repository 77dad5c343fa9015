/**
 * Frame types and flags, and the reading of integers in network order. RFC 9113 §4.1, §6.
 */

/** Bytes of a frame's head. RFC 9113 §4.1. */
export const HEAD_BYTES = 9;

/** Frame types. RFC 9113 §6. */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Frame flags. One bit means END_STREAM on DATA and HEADERS, and ACK on SETTINGS and PING. */
export const Flag = {
  END_STREAM: 0x1,
  ACK: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Settings identifiers. RFC 9113 §6.5.2. */
export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** The client connection preface. RFC 9113 §3.4. */
export const PREFACE = new Uint8Array(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"));

/** Reads an unsigned 16-bit integer at `pos`. */
export function readUint16(bytes: Uint8Array, pos: number): number {
  return (bytes[pos]! << 8) | bytes[pos + 1]!;
}

/** Reads an unsigned 24-bit integer at `pos`. */
export function readUint24(bytes: Uint8Array, pos: number): number {
  return (bytes[pos]! << 16) | (bytes[pos + 1]! << 8) | bytes[pos + 2]!;
}

/** Reads an unsigned 31-bit integer at `pos`; the reserved bit is ignored. RFC 9113 §4.1. */
export function readUint31(bytes: Uint8Array, pos: number): number {
  return (
    ((bytes[pos]! & 0x7f) << 24) |
    (bytes[pos + 1]! << 16) |
    (bytes[pos + 2]! << 8) |
    bytes[pos + 3]!
  );
}

/** Reads an unsigned 32-bit integer at `pos`. */
export function readUint32(bytes: Uint8Array, pos: number): number {
  return (
    (bytes[pos]! * 0x1000000 +
      ((bytes[pos + 1]! << 16) | (bytes[pos + 2]! << 8) | bytes[pos + 3]!)) >>>
    0
  );
}
