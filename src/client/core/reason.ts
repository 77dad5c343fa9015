/**
 * What code of users threw, in words: for the status of a call that it ended.
 *
 * Anything can be thrown: also what has no text, or whose text throws when it is asked for. That
 * must not become a second exception, inside a connection's read or where nobody awaits a promise.
 */

const NAMELESS = "what was thrown has no text";

/** The message of an Error, the text of anything else. Never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return NAMELESS;
  }
}
