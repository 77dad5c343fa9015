/**
 * Time in which this process stood still (SIGSTOP, a machine that slept), told by a tick that comes
 * late. An answer may be there by then and is read after the tick: what nobody could read in that
 * time is not held against the peer.
 */

import { TICK_MS } from "./loop.ts";

/** The ticks of one connection. */
export class Standstill {
  #tickedMs = 0;

  /** At each tick: so much later than due it is, or 0 when it is about on time. */
  lateMs(nowMs: number): number {
    const lateMs = this.#tickedMs === 0 ? 0 : nowMs - this.#tickedMs - TICK_MS;
    this.#tickedMs = nowMs;
    return lateMs > TICK_MS ? lateMs : 0;
  }
}
