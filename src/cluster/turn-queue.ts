/**
 * Calls that wait for a stream: callers take turns, and each caller's calls keep their order.
 *
 * First come, first served would let one client that opens a thousand calls keep all others waiting
 * behind them. What a caller is, its user says; calls without one are one caller's.
 */

import type { Call } from "./call.ts";
import { CallQueue } from "./call-queue.ts";

/** The calls of one caller. */
class CallerQueue extends CallQueue {
  readonly caller: object | null;
  readonly #owner: TurnQueue;

  constructor(caller: object | null, owner: TurnQueue) {
    super();
    this.caller = caller;
    this.#owner = owner;
  }

  override remove(call: Call): void {
    super.remove(call);
    this.#owner.onRemoved(this);
  }
}

/** See the head of this file. */
export class TurnQueue {
  /** Callers with calls, in the order of their turns. */
  readonly #callers = new Map<object | null, CallerQueue>();
  #length = 0;

  /** Calls that wait. */
  get length(): number {
    return this.#length;
  }

  /** Puts a call behind the others of its caller. */
  push(call: Call): void {
    let queue = this.#callers.get(call.caller);
    if (queue === undefined) {
      queue = new CallerQueue(call.caller, this);
      this.#callers.set(call.caller, queue);
    }
    queue.push(call);
    this.#length += 1;
  }

  /** Takes the first call of the caller whose turn it is, or null. */
  shift(): Call | null {
    for (const queue of this.#callers.values()) {
      const call = queue.shift();
      // Its next turn comes after everybody else's.
      if (this.#callers.delete(queue.caller)) this.#callers.set(queue.caller, queue);
      return call;
    }
    return null;
  }

  /** From `CallerQueue`: a call of it waits no more. */
  onRemoved(queue: CallerQueue): void {
    this.#length -= 1;
    if (queue.length === 0) this.#callers.delete(queue.caller);
  }
}
