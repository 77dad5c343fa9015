/**
 * Whether a call meets a match: its path, its headers. Nothing here allocates, unless a header that
 * is asked for came more than once.
 */
import type { HeaderMatch, PathMatch } from "./table.ts";

/** What is asked of a request's headers; a `HeaderList` is one. */
export interface RequestHeaders {
  /** All values of a name in lower case, joined by ","; null: there is none. */
  joined(name: string): string | null;
}

/** @param path without query. */
export function matchesPath(match: PathMatch, path: string): boolean {
  if (match.kind === "regex") return match.regex.test(path);
  const { kind, value, ignoresCase } = match;
  if (!ignoresCase) return kind === "exact" ? path === value : path.startsWith(value);
  const folded = path.toLowerCase();
  return kind === "exact" ? folded === value.toLowerCase() : folded.startsWith(value.toLowerCase());
}

/** Whether all matches are met. */
export function matchesHeaders(matches: readonly HeaderMatch[], headers: RequestHeaders): boolean {
  for (const match of matches) if (!matchesHeader(match, headers.joined(match.name))) return false;
  return true;
}

function matchesHeader({ value, inverts }: HeaderMatch, text: string | null): boolean {
  if (value.kind === "present") return ((text !== null) === value.isPresent) !== inverts;
  return text !== null && matchesValue(value, text) !== inverts;
}

function matchesValue(
  value: Exclude<HeaderMatch["value"], { kind: "present" }>,
  text: string,
): boolean {
  if (value.kind === "regex") return value.regex.test(text);
  if (value.kind === "range") {
    // "the entire request header value must represent an integer in base 10" (Envoy, A28).
    const number = /^[+-]?\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
    return number >= value.from && number < value.to;
  }
  const given = value.ignoresCase ? text.toLowerCase() : text;
  const wanted = value.ignoresCase ? value.text.toLowerCase() : value.text;
  switch (value.kind) {
    case "exact":
      return given === wanted;
    case "prefix":
      return given.startsWith(wanted);
    case "suffix":
      return given.endsWith(wanted);
    case "contains":
      return given.includes(wanted);
  }
}
