/**
 * Keeps the tokens in use out of what is told to people: a server may send back what it was sent,
 * in a message, a name or an address.
 *
 * It knows tokens from the moment they are presented. What objects say is data and passes.
 */
import type { Logger } from "../../../base/index.ts";
import { redact, type Secret } from "./secret.ts";

/** Tokens that are remembered: one that was just replaced may still come back in an answer. */
export const TOKENS_REMEMBERED_MAX = 8;

/** See the head of this file. */
export class Redaction {
  /** The newest is last. */
  #tokens: readonly string[] = [];

  /** From now on this token is taken out. */
  add(token: Secret): void {
    const text = token.reveal();
    if (text === "" || text === this.#tokens.at(-1)) return;
    const others = this.#tokens.filter((known) => known !== text);
    this.#tokens = [...others, text].slice(-TOKENS_REMEMBERED_MAX);
  }

  /** A text without tokens; cut it afterwards, not before. */
  clean(text: string): string {
    return this.#tokens.reduce(cleanOf, text);
  }

  /** A logger that takes tokens out of the texts among its fields. */
  logger(log: Logger): Logger {
    const cleaned = (fields: Record<string, unknown> = {}) =>
      Object.fromEntries(
        Object.entries(fields).map(([key, value]) => [
          key,
          typeof value === "string" ? this.clean(value) : value,
        ]),
      );
    return {
      trace: (msg, fields) => log.trace(msg, cleaned(fields)),
      debug: (msg, fields) => log.debug(msg, cleaned(fields)),
      info: (msg, fields) => log.info(msg, cleaned(fields)),
      warn: (msg, fields) => log.warn(msg, cleaned(fields)),
      error: (msg, fields) => log.error(msg, cleaned(fields)),
      child: (fields) => this.logger(log.child(cleaned(fields))),
    };
  }
}

/** As it is, and as JSON writes it: a token may have quotes in it. */
function cleanOf(text: string, token: string): string {
  const clean = redact(text, token);
  const escaped = JSON.stringify(token).slice(1, -1);
  return escaped === token ? clean : redact(clean, escaped);
}
