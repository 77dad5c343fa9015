/**
 * A text that must not be seen: tokens, private keys, addresses with passwords in them.
 *
 * The text is in a private field, so that neither `util.inspect`, nor JSON, nor a template string
 * shows it, whoever logs the object that holds it. It is no protection of the process's memory.
 */

/** What stands in place of a secret wherever one could be seen. */
export const REDACTED = "***";

/** See the head of this file. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself: for the wire and for TLS, for nothing else. */
  reveal(): string {
    return this.#text;
  }

  /** What a template string or a log line gets. */
  toString(): string {
    return REDACTED;
  }

  /** What JSON gets. */
  toJSON(): string {
    return REDACTED;
  }
}
