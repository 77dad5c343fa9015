/**
 * Hands what came for calls to the listeners of grpc-js, on a tick of its own.
 *
 * Listeners end in code of users, which may throw: then the exception is the process's, as it is
 * with stock grpc-js, and neither the connection that brought the answer nor the other calls feel
 * it. One tick serves all calls of a read.
 */

/** Something with events for a listener. */
export interface Deliverable {
  /**
   * Calls the listener with everything that has come and was not delivered; called again when the
   * listener threw.
   */
  deliver(): void;
}

let waiting: Deliverable[] = [];
let isScheduled = false;

/** Calls `deliver` after what runs now. */
export function deliverSoon(call: Deliverable): void {
  waiting.push(call);
  if (isScheduled) return;
  isScheduled = true;
  process.nextTick(deliverAll);
}

function deliverAll(): void {
  isScheduled = false;
  const calls = waiting;
  waiting = [];
  let next = 0;
  try {
    for (; next < calls.length; next++) calls[next]!.deliver();
  } finally {
    // When one has thrown: what is left of it, and the others, go on in the next tick.
    for (; next < calls.length; next++) deliverSoon(calls[next]!);
  }
}
