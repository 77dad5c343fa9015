/**
 * How many requests wait for the API server at a time: the others wait for their turn.
 *
 * A process that watches a thousand Services must not open a thousand connections in one moment,
 * least of all to a server that has just come back. A watch that stands has left the gate.
 */

/** Requests that wait for their answer's head at a time. */
export const OPENINGS_MAX = 32;

/** A place in the queue or behind the gate. */
export class Turn {
  /** Called when the turn has come. */
  readonly run: () => void;
  isIn = false;

  constructor(run: () => void) {
    this.run = run;
  }
}

/** First come, first served. */
export class Gate {
  readonly #max: number;
  readonly #waiting = new Set<Turn>();
  #inCount = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Runs the turn at once when there is room, otherwise when another has left. */
  enter(turn: Turn): void {
    if (this.#inCount >= this.#max) this.#waiting.add(turn);
    else this.#admit(turn);
  }

  /** The turn is over, or is not wanted any more. Harmless when repeated. */
  leave(turn: Turn): void {
    this.#waiting.delete(turn);
    if (!turn.isIn) return;
    turn.isIn = false;
    this.#inCount -= 1;
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.#admit(next);
      return;
    }
  }

  #admit(turn: Turn): void {
    turn.isIn = true;
    this.#inCount += 1;
    turn.run();
  }
}
