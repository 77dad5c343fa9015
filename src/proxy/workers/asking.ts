/**
 * Questions to worker processes and their answers, with a time-out: a worker that is stuck must not
 * hold up the admin endpoint.
 */
import type { Clock, Timer } from "../../base/index.ts";

/** A worker that takes longer is not waited for. */
export const ANSWER_TIMEOUT_MS = 2000;

interface Pending {
  readonly settle: (value: unknown) => void;
  readonly timer: Timer;
}

/** The open questions to one worker. */
export class Asking {
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Asks by `send(id)`.
   * @returns what `answer` gets for that id, or undefined after the time-out or `close`.
   */
  ask(send: (id: number) => void): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const settle = (value: unknown): void => {
        this.#pending.get(id)?.timer.cancel();
        this.#pending.delete(id);
        resolve(value);
      };
      const timer = this.#clock.setTimer(ANSWER_TIMEOUT_MS, () => settle(undefined));
      this.#pending.set(id, { settle, timer });
      send(id);
    });
  }

  /** An answer came. One that is late is dropped. */
  answer(id: number, value: unknown): void {
    this.#pending.get(id)?.settle(value);
  }

  /** No answer will come any more. */
  close(): void {
    for (const pending of [...this.#pending.values()]) pending.settle(undefined);
  }
}
