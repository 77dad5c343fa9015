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

/** What is left of a secret by a cut is taken out from this length on: less tells nothing. */
const BEGINNING_CHARS_MIN = 4;
/** What stands after a text that was cut: dots, after a quote when it is JSON. */
const CUT = /^"?\.\.\./;

/** A text without a secret that may be in it, and without the beginning of one where it was cut. */
export function redact(text: string, secret: string): string {
  if (secret === "") return text;
  if (secret.length < EMBEDDED_CHARS_MIN) {
    const words = text.split(/([\s"'`,;:()]+)/);
    return words.map((word) => (word === secret ? REDACTED : word)).join("");
  }
  const whole = text.replaceAll(secret, REDACTED);
  const beginning = secret.slice(0, BEGINNING_CHARS_MIN);
  let clean = "";
  let doneChars = 0;
  for (let at = whole.indexOf(beginning); at >= 0; at = whole.indexOf(beginning, at + 1)) {
    let end = at + beginning.length;
    while (end < whole.length && whole[end] === secret[end - at]) end += 1;
    if (at < doneChars || !CUT.test(whole.slice(end, end + 4))) continue;
    clean += whole.slice(doneChars, at) + REDACTED;
    doneChars = end;
  }
  return clean + whole.slice(doneChars);
}
