/**
 * Bytes in flight over all streams: who may send now, and who is next.
 *
 * Pushing 1.3 MB to each of a thousand nodes at once would hold all of it; so a push waits while
 * too much is on its way. What a connection does not take counts for a while only: a reader that
 * stalls holds back nobody for long, and what it holds is references to what all share.
 */
import type { Clock, Timer } from "../../base/index.ts";
import { BYTES_IN_FLIGHT_MAX, PACE_HOLD_MS } from "./limits.ts";
import { SlicedWork } from "./sliced-work.ts";

/** Who waits for its turn. */
export interface Paced {
  /** May ask again. */
  onTurn(): void;
}

/** What was sent and not taken. */
export interface Hold {
  bytes: number;
  untilMs: number;
}

/** See the head of this file. */
export class Pacer {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #waiting = new Set<Paced>();
  readonly #holds = new Set<Hold>();
  readonly #turns: SlicedWork;
  #bytes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, bytesMax = BYTES_IN_FLIGHT_MAX) {
    this.#clock = clock;
    this.#turns = new SlicedWork(clock);
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether `who` may send; if not, it hears when it may. */
  mayPush(who: Paced): boolean {
    if (this.#bytes < this.#bytesMax) {
      this.#waiting.delete(who);
      return true;
    }
    this.#waiting.add(who);
    return false;
  }

  /** Something was sent. */
  hold(bytes: number): Hold {
    const hold = { bytes, untilMs: this.#clock.nowMs() + PACE_HOLD_MS };
    this.#holds.add(hold);
    this.#bytes += bytes;
    this.#arm();
    return hold;
  }

  /** It was taken, or its stream is gone. No-op when repeated. */
  release(hold: Hold): void {
    if (!this.#holds.delete(hold)) return;
    this.#bytes -= hold.bytes;
    this.#next();
  }

  /** Waits for nothing any more. */
  forget(who: Paced): void {
    this.#waiting.delete(who);
  }

  #next(): void {
    if (this.#turns.isRunning) return;
    this.#turns.run(this.#giveTurns(), () => {});
  }

  /** What is taken at once holds back nobody: then all that wait have their turn. */
  *#giveTurns(): Generator<undefined, void> {
    for (const who of this.#waiting) {
      if (this.#bytes >= this.#bytesMax) return;
      this.#waiting.delete(who);
      who.onTurn();
      yield;
    }
  }

  #arm(): void {
    if (this.#timer !== null || this.#holds.size === 0) return;
    // Holds are in the order of their ends.
    const [first] = this.#holds;
    const delayMs = first!.untilMs - this.#clock.nowMs();
    this.#timer = this.#clock.setTimer(delayMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = null;
    const nowMs = this.#clock.nowMs();
    for (const hold of this.#holds) {
      if (hold.untilMs > nowMs) break;
      this.#holds.delete(hold);
      this.#bytes -= hold.bytes;
    }
    this.#next();
    this.#arm();
  }

  /** Sets no timer any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#turns.close();
    this.#waiting.clear();
    this.#holds.clear();
    this.#bytes = 0;
  }
}
