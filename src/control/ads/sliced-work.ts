/**
 * Work on many streams that does not hold up whatever else is due: a slice of time in each turn.
 */
import { type Clock, runSlice, type Timer } from "../../base/index.ts";

/** See the head of this file. */
export class SlicedWork {
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether work was begun that is not done. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Begins at once; none may be running. @param onDone not called after `close`. */
  run(work: Iterator<undefined, void>, onDone: () => void): void {
    this.#isRunning = true;
    if (runSlice(work, this.#clock).done === true) {
      this.#isRunning = false;
      onDone();
    } else {
      this.#timer = this.#clock.setTimer(0, () => this.run(work, onDone));
    }
  }

  /** Does no more of it. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#isRunning = false;
  }
}
