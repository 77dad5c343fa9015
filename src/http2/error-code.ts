/**
 * HTTP/2 error codes. RFC 9113 §7.
 *
 * Small integers inside the engine; names only at the edge (logs, reasons).
 */

/** The codes of RFC 9113 §7, by name. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

/** An HTTP/2 error code; unknown codes of a peer are passed on as they came, so any uint32. */
export type ErrorCode = number;

const NAMES = Object.keys(ErrorCode);

/**
 * The RFC's name of a code, such as `REFUSED_STREAM`; `0x..` for a code that the RFC does not know.
 */
export function errorCodeName(code: ErrorCode): string {
  return NAMES[code] ?? `0x${code.toString(16)}`;
}
