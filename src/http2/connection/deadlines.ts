/**
 * What a peer must have done by now: the preface, the ACK of our SETTINGS, the end of a header
 * block.
 *
 * Coarse on purpose: asked about once a second.
 */

import { ErrorCode } from "../error-code.ts";
import { HEADER_BLOCK_TIMEOUT_MS, PREFACE_TIMEOUT_MS, SETTINGS_ACK_TIMEOUT_MS } from "../limits.ts";

/** A deadline that was missed. */
export interface Lateness {
  readonly code: ErrorCode;
  readonly reason: string;
}

/**
 * The deadline that the peer has missed, or null.
 *
 * @param ageMs since the connection began.
 * @param blockMs since the open header block began, 0 when none is open.
 */
export function lateness(
  ageMs: number,
  isSettled: boolean,
  isAcked: boolean,
  blockMs: number,
): Lateness | null {
  if (!isSettled && ageMs > PREFACE_TIMEOUT_MS) {
    return { code: ErrorCode.PROTOCOL_ERROR, reason: "no preface and SETTINGS in time" };
  }
  if (!isAcked && ageMs > SETTINGS_ACK_TIMEOUT_MS) {
    // RFC 9113 §6.5.3.
    return { code: ErrorCode.SETTINGS_TIMEOUT, reason: "SETTINGS were not acknowledged in time" };
  }
  if (blockMs > HEADER_BLOCK_TIMEOUT_MS) {
    const reason = "a header block was not completed in time";
    return { code: ErrorCode.ENHANCE_YOUR_CALM, reason };
  }
  return null;
}
