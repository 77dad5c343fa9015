/**
 * Which endpoints count as new for slow start: those that become ready when others already are.
 *
 * At a cold start all are equally new, and slowing all would slow none: until each endpoint of the
 * first set has been found ready or not, whatever becomes ready is not slowed. One that only
 * reconnects, or returns from an ejection, is no new one; one that had failed or was not serving
 * may be another process.
 */

import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. */
export class Ramp {
  /** Whether there is something beside which an endpoint can be new. */
  #isWarm = false;

  /** The state of an endpoint changed. */
  onState(subchannel: Subchannel, nowMs: number): void {
    const { standing, state } = subchannel;
    switch (state) {
      case "READY":
        if (standing.isNew) subchannel.rampFromMs = this.#isWarm ? nowMs : Number.NEGATIVE_INFINITY;
        standing.isNew = false;
        standing.isKnown = true;
        break;
      case "TRANSIENT_FAILURE":
      case "UNHEALTHY":
        standing.isNew = true;
        standing.isKnown = true;
        break;
      case "EJECTED":
        standing.isKnown = true;
        break;
      default: // Nothing is known of it yet, or what was known holds.
    }
  }

  /** After a change: once warm, it stays so while anything is ready. */
  judge(subchannels: readonly Subchannel[], readyCount: number): void {
    if (readyCount === 0) this.#isWarm = false;
    else if (!this.#isWarm) this.#isWarm = !subchannels.some(isUndecided);
  }
}

function isUndecided({ standing, state }: Subchannel): boolean {
  return !standing.isKnown && state === "CONNECTING";
}
