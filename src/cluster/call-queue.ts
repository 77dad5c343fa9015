/**
 * A first-in-first-out queue of calls that wait, as a list that runs through the calls themselves.
 *
 * Leaving from the middle (a cancelled call) is O(1) and nothing is allocated.
 */

import { assert } from "../base/index.ts";
import type { Call } from "./call.ts";

/** Calls in the order in which they came. A call waits in at most one queue. */
export class CallQueue {
  #head: Call | null = null;
  #tail: Call | null = null;
  #length = 0;

  /** Calls that wait. */
  get length(): number {
    return this.#length;
  }

  /** The first call, or null. */
  get head(): Call | null {
    return this.#head;
  }

  /** Puts a call at the end. */
  push(call: Call): void {
    assert(call.queue === null, "a call waits in one queue");
    call.queue = this;
    call.queuePrevious = this.#tail;
    if (this.#tail === null) this.#head = call;
    else this.#tail.queueNext = call;
    this.#tail = call;
    this.#length += 1;
  }

  /** Takes the first call, or null. */
  shift(): Call | null {
    const call = this.#head;
    if (call !== null) this.remove(call);
    return call;
  }

  /** Takes a call out, wherever it stands. */
  remove(call: Call): void {
    assert(call.queue === this, "the call waits here");
    const previous = call.queuePrevious;
    const next = call.queueNext;
    if (previous === null) this.#head = next;
    else previous.queueNext = next;
    if (next === null) this.#tail = previous;
    else next.queuePrevious = previous;
    call.queue = null;
    call.queueNext = null;
    call.queuePrevious = null;
    this.#length -= 1;
  }
}
