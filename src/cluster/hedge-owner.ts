/**
 * What a hedged call needs of its cluster, and hears of nothing else of it.
 */

import type { WheelEntry } from "../base/index.ts";
import type { HeaderList } from "../http2/index.ts";
import type { Call } from "./call.ts";
import type { CallEvents } from "./call-events.ts";
import type { ReplayBounds } from "./request-body.ts";
import type { Retries } from "./retries.ts";

/** See the head of this file. */
export interface HedgeOwner {
  readonly retries: Retries;
  readonly replayBounds: ReplayBounds;
  /** A call that is not counted by itself. */
  newAttempt(
    list: HeaderList,
    isEnd: boolean,
    events: CallEvents,
    deadlineMs: number,
    nowMs: number,
  ): Call;
  /** Sets its only timer. */
  arm(call: WheelEntry, atMs: number): void;
  disarm(call: WheelEntry): void;
  nowMs(): number;
  /** @param hedges attempts beside the first. */
  onHedgedCallEnded(hedges: number): void;
}
