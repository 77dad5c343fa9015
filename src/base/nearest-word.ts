/** Which of the known words was meant by one that is none of them: "did you mean ...?" */

/** So many letters may be wrong before a word is taken for another one. */
const WRONG_LETTERS_MAX = 2;
/** Longer ones are like nothing. */
const WORD_CHARS_MAX = 63;

/** The most alike, whatever the case of its letters; null: none is alike. */
export function nearestWord(word: string, known: readonly string[]): string | null {
  if (word.length > WORD_CHARS_MAX) return null;
  const written = word.toLowerCase();
  let best: string | null = null;
  let least = WRONG_LETTERS_MAX + 1;
  for (const each of known) {
    const count = wrongLetters(written, each.toLowerCase());
    if (count < least && count < each.length - 1) [best, least] = [each, count];
  }
  return best;
}

/** ": did you mean headless?" for the end of a refusal; "" where no known word is alike. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known);
  return nearest === null ? "" : `: did you mean ${nearest}?`;
}

/** Letters to be put, taken or changed (Levenshtein). */
function wrongLetters(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > WRONG_LETTERS_MAX) return WRONG_LETTERS_MAX + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
