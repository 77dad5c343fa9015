/**
 * What a peer does wrong or overdoes: budgets, stream errors, and why a connection must end.
 * RFC 9113 §5.4, §10.5.
 *
 * A method that answers with anything but NO_ERROR means: end the connection with that code;
 * `reason` says why.
 */

import { ErrorCode } from "../error-code.ts";
import {
  CONTROL_FRAMES_QUEUED_MAX,
  GLITCHES_MAX,
  GLITCHES_PER_SECOND,
  GLITCHES_PER_SERVED_CALL,
  PINGS_MAX,
  PINGS_PER_SECOND,
} from "../limits.ts";
import { Budget } from "./budget.ts";
import type { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

const OK = ErrorCode.NO_ERROR;

/** The faults of one peer. */
export class Faults {
  readonly #sender: Sender;
  readonly #streams: Streams;
  readonly #glitches: Budget;
  readonly #pings: Budget;
  /** The connection has ended: nothing that still comes is looked at. */
  isOver = false;
  /** Why the last error code was returned; one clause. */
  reason = "";
  /** Answers (ACKs, resets) that wait for the socket; zeroed when the kernel has everything. */
  controlQueued = 0;
  /** Time of the bytes being worked on; set by the connection. */
  nowMs: number;
  /** Glitches charged so far: for counters. */
  glitchCount = 0;

  constructor(sender: Sender, streams: Streams, nowMs: number) {
    this.#sender = sender;
    this.#streams = streams;
    this.nowMs = nowMs;
    this.#glitches = new Budget(GLITCHES_MAX, GLITCHES_PER_SECOND, nowMs);
    this.#pings = new Budget(PINGS_MAX, PINGS_PER_SECOND, nowMs);
  }

  /** A call was served to its end: the peer earns glitches back. */
  earnServed(): void {
    this.#glitches.earn(GLITCHES_PER_SERVED_CALL);
  }

  /** A DATA frame was sent: a probing PING may follow. */
  earnPing(): void {
    this.#pings.earn(1);
  }

  /** Takes one PING from the peer's budget; false when it is spent. */
  trySpendPing(): boolean {
    return this.#pings.trySpend(1, this.nowMs);
  }

  /** Charges a glitch. Anything but NO_ERROR ends the connection. */
  glitch(what: string, cost = 1): ErrorCode {
    this.glitchCount += 1;
    if (this.#glitches.trySpend(cost, this.nowMs)) return OK;
    return this.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many glitches, the last: ${what}`);
  }

  /** The connection must end. Returns the code. */
  fail(code: ErrorCode, reason: string): ErrorCode {
    this.reason = reason;
    return code;
  }

  /** Counts an answer that waits for a peer that may not read. */
  control(what: string): ErrorCode {
    this.controlQueued += 1;
    if (this.controlQueued <= CONTROL_FRAMES_QUEUED_MAX) return OK;
    return this.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many unread answers to ${what}`);
  }

  /** Ends one stream because of what came, and charges it. RFC 9113 §5.4.2. */
  streamError(streamId: number, code: ErrorCode, reason: string): ErrorCode {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) this.#sender.resetId(streamId, code);
    else {
      const { events } = stream;
      this.#sender.reset(stream, code);
      events.onReset({ code, by: "library", isUnprocessed: false, reason });
    }
    const control = this.control("bad frames");
    return control === OK ? this.glitch(reason) : control;
  }
}
