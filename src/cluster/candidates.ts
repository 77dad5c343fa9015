/**
 * Which endpoints of a set may be picked at all: those that are ready.
 *
 * What a policy makes of them is its own business.
 */

import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. */
export class Candidates {
  /** The candidates among the endpoints of a set, in its order: a new array. */
  of(subchannels: readonly Subchannel[]): readonly Subchannel[] {
    return subchannels.filter((each) => each.isReady);
  }
}
