/**
 * Calls that wait for a stream: callers take turns of some calls, and the calls of each keep their
 * order.
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

/**
 * Calls of one caller in a row. Their answers then leave together: with turns of one call, a crowd
 * of clients that all wait costs a write for every answer.
 */
export const TURN_CALLS_MAX = 32;

/** See the head of this file. */
export class TurnQueue {
  /** Callers with calls, in the order of their turns. */
  readonly #callers = new Map<object | null, CallerQueue>();
  #length = 0;
  /** Whose turn it is, and the calls that are left of it; null before anybody's. */
  #current: CallerQueue | null = null;
  #left = 0;

  /** Calls that wait. */
  get length(): number {
    return this.#length;
  }

  /** Calls of one caller that wait. */
  lengthOf(caller: object | null): number {
    return this.#callers.get(caller)?.length ?? 0;
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
    if (this.#left === 0) this.#endTurn();
    const queue = this.#current ?? this.#beginTurn();
    if (queue === null) return null;
    this.#left -= 1;
    return queue.shift();
  }

  /** Takes a call that has waited since `ms` or longer, or null: a caller's oldest is its first. */
  takeWaitingSince(ms: number): Call | null {
    for (const queue of this.#callers.values()) {
      if (queue.head!.waitingSinceMs <= ms) return queue.shift();
    }
    return null;
  }

  #beginTurn(): CallerQueue | null {
    for (const queue of this.#callers.values()) {
      this.#current = queue;
      this.#left = TURN_CALLS_MAX;
      return queue;
    }
    return null;
  }

  /** The caller's next turn comes after everybody else's. */
  #endTurn(): void {
    const queue = this.#current;
    this.#current = null;
    if (queue === null) return;
    this.#callers.delete(queue.caller);
    this.#callers.set(queue.caller, queue);
  }

  /** From `CallerQueue`: a call of it waits no more. */
  onRemoved(queue: CallerQueue): void {
    this.#length -= 1;
    if (queue.length > 0) return;
    this.#callers.delete(queue.caller);
    if (this.#current === queue) this.#current = null;
  }
}
