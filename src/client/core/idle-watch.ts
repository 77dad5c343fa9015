/**
 * When a channel's connections rest: the time since it was last used, seen about once a second.
 * gRPC's client_idle_timeout. What resting means is its owner's.
 */

/** See the head of this file. */
export class IdleWatch {
  readonly #timeoutMs: number;
  /** Calls begun so far, and as many as there were at the last look. */
  #calls = 0;
  #callsSeen = 0;
  #usedMs = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** A call begins. Reads no clock: it is on the path of each call. */
  countCall(): void {
    this.#calls += 1;
  }

  /** It is used in another way than by calls. */
  touch(nowMs: number): void {
    this.#usedMs = nowMs;
  }

  /** Whether it is time to rest. @param isBusy calls are in flight. */
  isOver(nowMs: number, isBusy: boolean): boolean {
    if (!isBusy && this.#calls === this.#callsSeen) {
      return nowMs - this.#usedMs >= this.#timeoutMs;
    }
    this.#callsSeen = this.#calls;
    this.#usedMs = nowMs;
    return false;
  }
}
