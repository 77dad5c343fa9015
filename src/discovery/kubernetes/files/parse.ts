/**
 * The text of one file as JSON values, one an object: YAML (several documents, lists) or JSON.
 *
 * Pure. A YAML text is cut at its document marks and each piece is parsed on its own, so that a
 * change of one object among many costs that object; a piece whose text is known is not parsed
 * again. Positions are found by parsing once more, only when somebody has to be told of one.
 */
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { isJson } from "../../../base/index.ts";
import { DUPLICATE_KEY, duplicateKeyOffset } from "../yaml-keys.ts";

/** Where in a file, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One object of a file. */
export interface ParsedValue {
  readonly value: unknown;
  /** Where a field of it stands, or the nearest thing around it. `path` as in `CheckedObject`. */
  positionOf(path: string): Position;
}

/** What a file says, or why it says nothing. */
export type ParsedText =
  | { readonly values: readonly ParsedValue[]; readonly fault: null }
  | { readonly values: null; readonly fault: Position & { readonly reason: string } };

/** A piece of a text: one document, with its comments. */
interface Piece {
  readonly text: string;
  /** Lines before it. */
  readonly line: number;
  /** Parsed for positions, once somebody asked for one. */
  parsed: { readonly document: Document; readonly counter: LineCounter } | null;
}

/** Values of pieces by their text. Made anew at each parse from what is still in use. */
export type PieceCache = Map<string, unknown>;

/** Larger JSON texts are not parsed again for a position. */
export const POSITION_CHARS_MAX = 262_144;

/**
 * Parses a file.
 *
 * @param isJson by its name; JSON is much faster.
 * @param cache of the same file; is changed.
 */
export function parseText(text: string, isJson: boolean, cache: PieceCache): ParsedText {
  if (text.trim() === "") {
    // Editors and shells empty a file before they write it: that is not "no objects".
    return { values: null, fault: { line: 1, column: 1, reason: "the file is empty" } };
  }
  const parsed = isJson ? parseJson(text) : parseYaml(text, cache);
  if (parsed.fault === null || !HAS_SECRETS.test(text)) return parsed;
  const [reason] = parsed.fault.reason.split(SHOWN, 1);
  return { values: null, fault: { ...parsed.fault, reason } };
}

/** Of such a file nothing is shown that a parser shows of it: it may be a piece of a key. */
const HAS_SECRETS = /\bkind["']?\s*:\s*["']?Secret\b/;
/** Where that begins. */
const SHOWN = /:\s|\s*"/;

function parseJson(text: string): ParsedText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { values: null, fault: jsonFault(text, (error as SyntaxError).message) };
  }
  const shortText = text.length > POSITION_CHARS_MAX ? "" : text;
  return { values: valuesOf(value, { text: shortText, line: 0, parsed: null }), fault: null };
}

/** V8 tells a position for some mistakes; for others it shows what is around them. */
function jsonFault(text: string, message: string): Position & { readonly reason: string } {
  const [reason] = /^Unexpected token '.*?'|^.*?(?= in JSON|, "|, \.\.\.|$)/s.exec(message)!;
  const told = / at position (\d+)/.exec(message);
  const isCutOff = /^Unexpected end/.test(message);
  if (told === null && !isCutOff && text.length > POSITION_CHARS_MAX) {
    // What is around the mistake has to do: a search would parse megabytes again and again.
    return { line: 1, column: 1, reason: message.replaceAll(/\s+/g, " ").slice(0, 200) };
  }
  const end = isCutOff ? text.length : jsonPrefixOf(text);
  const before = text.slice(0, told === null ? end : Number(told[1]));
  const line = before.split("\n").length;
  const column = before.length - before.lastIndexOf("\n");
  return { line, column, reason: oneLine(reason) };
}

/** How much of a text is the beginning of JSON: a bisection, as only mistakes are worth. */
function jsonPrefixOf(text: string): number {
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isJsonPrefix(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function isJsonPrefix(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    const told = / at position (\d+)/.exec(message);
    return told === null ? /^Unexpected end/.test(message) : Number(told[1]) >= text.length;
  }
}

function parseYaml(text: string, cache: PieceCache): ParsedText {
  const values: ParsedValue[] = [];
  const known = new Map(cache);
  cache.clear();
  for (const piece of piecesOf(text)) {
    if (!known.has(piece.text)) {
      const parsed = parsePiece(piece);
      if (parsed.fault !== null) {
        for (const [key, value] of known) cache.set(key, value);
        return { values: null, fault: parsed.fault };
      }
      known.set(piece.text, parsed.value);
    }
    const value = known.get(piece.text);
    cache.set(piece.text, value);
    if (value !== null) values.push(...valuesOf(value, piece));
  }
  return { values, fault: null };
}

/** "---" at the beginning of a line marks a document wherever it stands (YAML 1.2, 9.1). */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let line = 0;
  let directives = "";
  const parts = text.split(/^(?=---(?:\s|$))/m);
  for (const [i, part] of parts.entries()) {
    const whole = directives + part;
    const end = i === parts.length - 1 ? whole.length : directivesAt(whole);
    directives = whole.slice(end);
    if (end === 0) continue;
    pieces.push({ text: whole.slice(0, end), line, parsed: null });
    line += whole.slice(0, end).split("\n").length - 1;
  }
  return pieces;
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

type ParsedPiece =
  | { readonly value: unknown; readonly fault: null }
  | { readonly value: null; readonly fault: Position & { readonly reason: string } };

function parsePiece(piece: Piece): ParsedPiece {
  const counter = new LineCounter();
  const document = parseDocument(piece.text, {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const [error] = document.errors;
  const offset = error?.pos[0] ?? duplicateKeyOffset(document.contents);
  if (offset !== null) {
    const position = positionAt(counter, offset, piece);
    return {
      value: null,
      fault: { ...position, reason: oneLine(error?.message ?? DUPLICATE_KEY) },
    };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), fault: null };
  } catch (error) {
    // Aliases that lead nowhere, or that multiply until memory is full.
    const reason = oneLine(error instanceof Error ? error.message : String(error));
    return { value: null, fault: { line: piece.line + 1, column: 1, reason } };
  }
}

/** A list, of `kubectl get -o yaml` or of one kind, stands for its items. */
function valuesOf(value: unknown, piece: Piece): ParsedValue[] {
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) {
    return [{ value, positionOf: (path) => positionIn(piece, stepsOf(path)) }];
  }
  const itemKind = kind.slice(0, -"List".length);
  return items.map((item, i) => ({
    value: itemKind === "" || !isJson(item) ? item : { kind: itemKind, ...item },
    positionOf: (path) => positionIn(piece, ["items", i, ...stepsOf(path)]),
  }));
}

/** "a[0].b" as steps. */
function stepsOf(path: string): (string | number)[] {
  const names = path.match(/[^.[\]]+/g) ?? [];
  return names.map((name) => (/^\d+$/.test(name) ? Number(name) : name));
}

function positionIn(piece: Piece, steps: readonly (string | number)[]): Position {
  if (piece.parsed === null) {
    const counter = new LineCounter();
    const document = parseDocument(piece.text, { lineCounter: counter, uniqueKeys: false });
    piece.parsed = { document, counter };
  }
  const { document, counter } = piece.parsed;
  for (let count = steps.length; count >= 0; count -= 1) {
    const node = count === 0 ? document.contents : document.getIn(steps.slice(0, count), true);
    if (isNode(node) && node.range) return positionAt(counter, node.range[0], piece);
  }
  return { line: piece.line + 1, column: 1 };
}

function positionAt(counter: LineCounter, offset: number, piece: Piece): Position {
  const { line, col } = counter.linePos(offset);
  return { line: piece.line + Math.max(1, line), column: Math.max(1, col) };
}

function oneLine(text: string): string {
  return text.split("\n", 1)[0].slice(0, 200);
}
