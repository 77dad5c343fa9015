/**
 * What a call knows of its attempts, where there may be others than the first: of a retry policy,
 * or of the hedged call that it is one attempt of. gRFC A6.
 *
 * Calls without any of that have none of it. Transparent replays are not attempts in this sense.
 */

import type { Status } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";
import type { Subchannel } from "./subchannel.ts";

/** In place of a delay: no attempt follows. */
export const NO_RETRY = -1;

/** See the head of this file. */
export interface AttemptPlan {
  /** Whether the call is one attempt of another one, which is counted itself. */
  readonly isPart: boolean;
  /** Attempts before the current one. */
  readonly previous: number;
  /** Endpoints that had the call: others are preferred. */
  readonly tried: Subchannel[];
  /** The attempt has its endpoint; also when it is replayed. */
  onPlaced(nowMs: number): void;
  /**
   * An attempt ended, or could not be made. Called once for each, but for those that are replayed
   * transparently and those that the caller gave up.
   *
   * @param last the list that the status stood in; null when there is none.
   * @param mayRetry whether the request can still be sent again.
   * @returns in how many milliseconds the next attempt is due, which is thereby promised; or
   *   `NO_RETRY`.
   */
  onAttemptEnded(status: Status, last: HeaderList | null, mayRetry: boolean): number;
  /** The next attempt was due and goes out, so long after it was promised. */
  onBackoffOver(waitedMs: number): void;
  /** Response headers came: there will be no other attempt. */
  onCommitted(): void;
  /** The call is over. */
  onOver(): void;
}
