/**
 * Assertions of our own invariants. They stay on in production: one that holds costs about 1 ns.
 *
 * Not for input: bad bytes become protocol errors, and bad arguments a `RangeError` or an error of
 * the room that parses them. What fails here is a bug of ours.
 */
import { AssertionError } from "node:assert";

/**
 * Throws an `AssertionError` unless `cond` is truthy.
 *
 * @param message the rule that was broken, as a plain sentence. It is a constant: never build it
 *   on the calling side, because it is evaluated on every call.
 */
export function assert(cond: unknown, message: string): asserts cond {
  if (!cond) fail(message);
}

/** Ends an exhaustive `switch`: the compiler proves that it is never reached, and so it throws. */
export function unreachable(x: never): never {
  return fail(`a case that the types rule out: ${String(x)}`);
}

/** Apart from `assert`, so that the latter stays small enough to be inlined. */
function fail(message: string): never {
  throw new AssertionError({ message, stackStartFn: assert });
}
