/**
 * What a peer must have done by now: the preface, the ACK of our SETTINGS, the end of a header
 * block.
 *
 * Coarse on purpose: asked about once a second.
 */

import { ErrorCode } from "../error-code.ts";
import type { FrameDecoder } from "../frame/decoder.ts";
import { HEADER_BLOCK_TIMEOUT_MS, PREFACE_TIMEOUT_MS, SETTINGS_ACK_TIMEOUT_MS } from "../limits.ts";
import type { Receiver } from "./receiver.ts";

/** A deadline that was missed. */
export interface Lateness {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** The deadlines of one connection. */
export class Deadlines {
  readonly #startedMs: number;
  /** The peer acknowledged our SETTINGS. */
  isAcked = false;
  /** The frame that was incomplete at the last look, by the decoder's count, and since when. */
  #holdCount = 0;
  #partialSinceMs = 0;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** The deadline that the peer has missed, or null. */
  check(nowMs: number, receiver: Receiver, decoder: FrameDecoder): Lateness | null {
    const ageMs = nowMs - this.#startedMs;
    if (!receiver.isSettled && ageMs > PREFACE_TIMEOUT_MS) {
      return { code: ErrorCode.PROTOCOL_ERROR, reason: "no preface and SETTINGS in time" };
    }
    if (!this.isAcked && ageMs > SETTINGS_ACK_TIMEOUT_MS) {
      // RFC 9113 §6.5.3.
      return { code: ErrorCode.SETTINGS_TIMEOUT, reason: "SETTINGS were not acknowledged in time" };
    }
    if (this.#partialMs(nowMs, decoder) > HEADER_BLOCK_TIMEOUT_MS) {
      const reason = "a frame was not completed in time";
      return { code: ErrorCode.ENHANCE_YOUR_CALM, reason };
    }
    const blockMs = receiver.blockStartedMs;
    if (blockMs !== 0 && nowMs - blockMs > HEADER_BLOCK_TIMEOUT_MS) {
      const reason = "a header block was not completed in time";
      return { code: ErrorCode.ENHANCE_YOUR_CALM, reason };
    }
    return null;
  }

  /** For how long the same frame has been incomplete, as seen from look to look. */
  #partialMs(nowMs: number, { heldBytes, holdCount }: FrameDecoder): number {
    if (heldBytes === 0 || holdCount !== this.#holdCount) {
      this.#holdCount = holdCount;
      this.#partialSinceMs = nowMs;
    }
    return nowMs - this.#partialSinceMs;
  }
}
