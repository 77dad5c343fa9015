/**
 * What a call needs of its cluster, and hears of nothing else of it.
 */

import type { MethodConfig } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";
import type { Call } from "./call.ts";
import type { ClusterCall } from "./calls.ts";
import type { ReplayBounds } from "./request-body.ts";
import type { Subchannel } from "./subchannel.ts";

/** What may still change of a call that waits for its first endpoint; see `Call.reconfigure`. */
export interface LateSettings {
  readonly list: HeaderList;
  readonly deadlineMs: number;
  readonly waitForReady: boolean;
  readonly config: MethodConfig;
}

/** See the head of this file. */
export interface CallOwner {
  /** How much later than its deadline a call is ended. */
  readonly deadlineGraceMs: number;
  /** The bounds of what is kept for replays. */
  readonly replayBounds: ReplayBounds;
  /** Sends the call on: to an endpoint that it was not at where there is one, or into a queue. */
  dispatch(call: Call, nowMs: number): void;
  /** The same for a call that `from` provably did nothing with. */
  replay(call: Call, from: Subchannel | null, nowMs: number): void;
  /** Applies the policies of its method to a call that waits; what is the call from now on. */
  plan(call: Call, config: MethodConfig): ClusterCall;
  /** Sets the call's only timer. */
  arm(call: Call, atMs: number): void;
  disarm(call: Call): void;
  /** Sets it anew for a call that waits: its deadline, or before it the end of its waiting. */
  armWaiting(call: Call): void;
  nowMs(): number;
  /** @param replays how often it was sent again transparently. */
  onCallEnded(call: Call, replays: number): void;
  /** The call has waited in its queue for as long as it may: fails it. */
  onWaitedTooLong(call: Call): void;
}
