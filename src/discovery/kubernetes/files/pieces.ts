/** A YAML text cut at its document marks, without being parsed. Pure. */

/** One document of a text, with its comments. */
export interface TextPiece {
  readonly text: string;
  /** Lines before it. */
  readonly line: number;
}

/** "---" at the beginning of a line marks a document wherever it stands (YAML 1.2, 9.1). */
export function piecesOf(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let line = 0;
  let directives = "";
  const parts = text.split(/^(?=---(?:\s|$))/m);
  for (const [i, part] of parts.entries()) {
    const whole = directives + part;
    const end = i === parts.length - 1 ? whole.length : directivesAt(whole);
    directives = whole.slice(end);
    if (end === 0) continue;
    pieces.push({ text: whole.slice(0, end), line });
    line += linesOf(whole, end);
  }
  return pieces;
}

/** How many lines end before `end`. */
function linesOf(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1))
    count += 1;
  return count;
}

/**
 * Where directives ("%YAML 1.2") begin that belong to the mark after this text; its length when
 * there are none. They stand at the beginning of a stream or after "..." (YAML 1.2, 9.2).
 */
function directivesAt(text: string): number {
  let start = text.length;
  let hasDirective = false;
  while (start > 0) {
    const lineStart = text.lastIndexOf("\n", start - 2) + 1;
    const line = text.slice(lineStart, start);
    if (!/^\uFEFF?(?:%|\s*(?:#|$))/.test(line)) {
      return hasDirective && /^\.\.\.\s/.test(line) ? start : text.length;
    }
    hasDirective ||= /^\uFEFF?%/.test(line);
    start = lineStart;
  }
  return hasDirective ? 0 : text.length;
}
