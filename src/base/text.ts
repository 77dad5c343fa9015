/** Text that others wrote, made fit for a sentence: as long as its reader bears, and visible. */

/** Characters of a peer's own words in a reason, unless its reader asks for more. */
const WORDS_CHARS_MAX = 100;

/**
 * What a reader does not see, or sees as something else (Unicode's general categories): controls
 * (Cc: C0, DEL, C1), formats (Cf: what turns the direction of writing, has no width, or is a tag),
 * breaks of lines and paragraphs (Zl, Zp), and halves of a surrogate pair (Cs).
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text; when it is longer than `charsMax` its beginning, with "..." behind. */
export function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}...`;
}

/** The same in what can be seen, of any script, "?" for all else: for logs and tables. */
export function visible(text: string, charsMax: number = WORDS_CHARS_MAX): string {
  return cut(text, charsMax).replace(INVISIBLE, "?");
}

/** Lines with their ends: nothing in one makes another, moves a cursor or turns the text. */
export function visibleLines(lines: readonly string[]): string {
  return lines.map((line) => `${visible(line, Infinity)}\n`).join("");
}

/** The same in printable ASCII, "?" for all else: where no more is allowed, as in header values. */
export function printable(text: string, charsMax: number = WORDS_CHARS_MAX): string {
  return cut(text, charsMax).replace(/[^ -~]/g, "?");
}
