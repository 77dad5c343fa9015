/**
 * The part of a call that belongs to queues: where it waits, for what, and how long it may.
 *
 * A base class and not a member, so that waiting allocates nothing.
 */

import { WheelEntry } from "../base/index.ts";
import type { Call } from "./call.ts";
import type { CallQueue } from "./call-queue.ts";
import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. */
export abstract class WaitingEntry extends WheelEntry {
  /** Since when it waits for a stream. */
  waitingSinceMs = 0;
  /** The queue in which it waits, and its neighbours there; see `CallQueue`. */
  queue: CallQueue | null = null;
  queueNext: Call | null = null;
  queuePrevious: Call | null = null;
  /** On whose behalf it is, such as a client connection; see `TurnQueue`. */
  caller: object | null = null;
  /** See `PickRequest.hashHeader`. To be set before `start`. */
  hashHeader: string | null = null;
  /** False: it does not wait while nothing is about to be ready. To be set before `start`. */
  waitForReady = true;
  /** The endpoint to which it belongs and that is being connected (ring_hash); null for any. */
  awaited: Subchannel | null = null;
  /**
   * Until when it waits for one to be ready, however often it comes back into the queue meanwhile;
   * 0 while it does not.
   */
  waitLimitMs = 0;

  /** An endpoint has it: it waits for none. */
  onPlaced(): void {
    this.awaited = null;
    this.waitLimitMs = 0;
  }
}
