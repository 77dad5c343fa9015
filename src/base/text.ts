/** Text that others wrote, made fit for a sentence: as long as its reader bears, and printable. */

/** Characters of a peer's own words in a reason, unless its reader asks for more. */
const WORDS_CHARS_MAX = 100;

/** The text; when it is longer than `charsMax` its beginning, with "..." behind. */
export function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}...`;
}

/** The same in printable ASCII, "?" for all else: for logs, terminals and header values. */
export function printable(text: string, charsMax: number = WORDS_CHARS_MAX): string {
  return cut(text, charsMax).replace(/[^ -~]/g, "?");
}
