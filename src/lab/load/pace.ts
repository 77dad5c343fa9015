/**
 * How many calls are due at a steady rate. Pure.
 *
 * Due calls that cannot be made wait for 100 ms at most: beyond that the rate is not made up for by
 * a burst, and they are given up.
 */

/** How far the load may fall behind its rate. */
const BACKLOG_MS_MAX = 100;

/** A rate, and what of it is due. */
export class Pace {
  #perMs: number;
  #atMs: number;
  /** Calls owed to the rate by now, with a fraction. */
  #owed = 0;
  #givenUp = 0;

  constructor(callsPerSecond: number, nowMs: number) {
    this.#perMs = callsPerSecond / 1000;
    this.#atMs = nowMs;
  }

  /** Another rate from now on. */
  setRate(callsPerSecond: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#perMs = callsPerSecond / 1000;
    this.#owed = Math.min(this.#owed, this.#backlogMax());
  }

  /** How many of at most `room` calls are to be made now; they count as made. */
  take(room: number, nowMs: number): number {
    this.#advance(nowMs);
    const calls = Math.max(0, Math.min(Math.floor(this.#owed), room));
    this.#owed -= calls;
    return calls;
  }

  /** Whole calls that were given up since the last time that this was asked. */
  takeGivenUp(): number {
    const calls = Math.floor(this.#givenUp);
    this.#givenUp -= calls;
    return calls;
  }

  #advance(nowMs: number): void {
    const owed = this.#owed + (nowMs - this.#atMs) * this.#perMs;
    this.#atMs = nowMs;
    this.#owed = Math.min(owed, this.#backlogMax());
    this.#givenUp += owed - this.#owed;
  }

  /** One call more, or the fraction beyond a whole call of a slow rate would be lost. */
  #backlogMax(): number {
    return 1 + BACKLOG_MS_MAX * this.#perMs;
  }
}
