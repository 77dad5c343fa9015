/**
 * What a lane's sentence has to match: a regular expression of RE2, found anywhere in it. As for
 * routes the library re2js matches it, in time linear in the text: scenario files come from others.
 */
import { RE2JS } from "re2js";

/** Longest expression. */
const PATTERN_CHARS_MAX = 200;
/** Instructions of a compiled one: `(a{99}){99}` is short, and no small thing. */
const PATTERN_PROGRAM_MAX = 4096;

/** What the value has to be, for messages. */
export const PATTERN_FORM = `a regular expression (RE2) of 1 to ${PATTERN_CHARS_MAX} characters`;

/** A compiled expression. */
export interface Pattern {
  /** As it is in the file. */
  readonly source: string;
  test(text: string): boolean;
}

/** Null when it is none that can be used. */
export function parsePattern(source: string): Pattern | null {
  if (source === "" || source.length > PATTERN_CHARS_MAX) return null;
  try {
    const compiled = RE2JS.compile(source);
    if (compiled.programSize() > PATTERN_PROGRAM_MAX) return null;
    return { source, test: (text) => compiled.test(text) };
  } catch {
    // The library throws only for what it is given here: text.
    return null;
  }
}
