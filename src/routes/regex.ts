/**
 * Regular expressions of routes: RE2 syntax, matched in time linear in the text, whatever the
 * expression, because users of a cluster write them and peers choose the text.
 *
 * JavaScript's own engine backtracks, so the library re2js does it. What RE2 has not (look-around,
 * back references) is refused with its words.
 */
import { RE2JS } from "re2js";
import type { Regex } from "./table.ts";

/** Longest expression: what the CRD allows a header's value. */
export const REGEX_CHARS_MAX = 4_096;
/** Instructions of a compiled expression: bounds the memory and the work for each character. */
export const REGEX_PROGRAM_MAX = 4_096;

class Re2Regex implements Regex {
  readonly source: string;
  readonly #compiled: RE2JS;

  constructor(source: string, compiled: RE2JS) {
    this.source = source;
    this.#compiled = compiled;
  }

  test(text: string): boolean {
    return this.#compiled.testExact(text);
  }
}

/** Throws `RangeError` with one clause when the expression cannot be used. */
export function parseRegex(source: string): Regex {
  if (source.length > REGEX_CHARS_MAX) {
    throw new RangeError(
      `a regular expression of ${source.length} characters, at most ${REGEX_CHARS_MAX} are allowed`,
    );
  }
  const compiled = compile(source);
  if (compiled.programSize() <= REGEX_PROGRAM_MAX) return new Re2Regex(source, compiled);
  throw new RangeError(
    `a regular expression of ${compiled.programSize()} instructions, ` +
      `at most ${REGEX_PROGRAM_MAX} are allowed`,
  );
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    // The library throws its own errors only for what it is given here: text.
    throw new RangeError(`no regular expression that RE2 knows: ${(error as Error).message}`);
  }
}
