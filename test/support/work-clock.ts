/** A virtual clock on which work takes time: for tests of what must not hold up other things. */
import { type Timer, VirtualClock } from "../../src/base/index.ts";

/** See the head of this file. */
export class WorkClock extends VirtualClock {
  /** What work took so far; whoever works adds to it. No timer waits for that. */
  workedMs = 0;
  /** Timers that have fired: what happens at one count happens in one turn. */
  turns = 0;

  override nowMs(): number {
    return super.nowMs() + this.workedMs;
  }

  override setTimer(delayMs: number, fn: () => void): Timer {
    return super.setTimer(delayMs, () => {
      this.turns += 1;
      fn();
    });
  }
}
