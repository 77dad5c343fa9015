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

/** A shorter secret is taken out where it stands alone and nowhere else: "t" is in most words. */
const EMBEDDED_CHARS_MIN = 8;

/** A text without a secret that may be in it. */
export function redact(text: string, secret: string): string {
  if (secret === "" || !text.includes(secret)) return text;
  if (secret.length >= EMBEDDED_CHARS_MIN) return text.replaceAll(secret, REDACTED);
  const words = text.split(/([\s"'`,;:()]+)/);
  return words.map((word) => (word === secret ? REDACTED : word)).join("");
}
