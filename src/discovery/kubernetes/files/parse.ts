/**
 * The text of one file as JSON values, one an object: YAML (several documents, lists) or JSON.
 *
 * Pure. A YAML text is cut at its document marks and each piece is parsed on its own, so that a
 * change of one object among many costs that object; a piece whose text is known is not parsed
 * again. What a value is taken for is kept with its piece, and the value is not. Large files are
 * read in steps, between which other work may be done. Positions are found by parsing once more,
 * only when somebody has to be told of one.
 */
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { isJsonObject } from "../../../base/index.ts";
import { DUPLICATE_KEY, duplicateKeyOffset } from "../yaml-keys.ts";
import { piecesOf } from "./pieces.ts";

/** Where in a file, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One object of a file. */
export interface ParsedValue<T> {
  /** What its value was taken for. */
  readonly value: T;
  /** Where a field of it stands, or the nearest thing around it. `path` as in `CheckedObject`. */
  positionOf(path: string): Position;
}

/** What a file says, or why it says nothing. */
export type ParsedText<T> =
  | { readonly values: readonly ParsedValue<T>[]; readonly fault: null }
  | { readonly values: null; readonly fault: Position & { readonly reason: string } };

/** A piece of a text as it was read: one document, with its comments. */
interface ReadPiece<T> {
  readonly values: readonly T[];
  /** Of every value, the way to it in the document. */
  readonly ways: readonly (readonly (string | number)[])[];
  /** Positions that somebody asked for, by their way; lines within the piece. */
  readonly positions: Map<string, Position>;
}

/** Pieces by their text. Made anew at each parse from what is still in use. */
export type PieceCache<T> = Map<string, ReadPiece<T>>;

/** Makes of a value what is kept of it. Called once for each, in their order. */
export type ValueTaker<T> = (value: unknown) => T;

/** Larger JSON texts are not parsed again for a position. */
export const POSITION_CHARS_MAX = 262_144;

/**
 * Parses a file, in steps of an object or a document each.
 *
 * @param isJson by its name; JSON is much faster.
 * @param cache of the same file and taker; is changed.
 */
export function* parseText<T>(
  text: string,
  isJson: boolean,
  cache: PieceCache<T>,
  take: ValueTaker<T>,
): Generator<undefined, ParsedText<T>> {
  if (text.trim() === "") {
    // Editors and shells empty a file before they write it: that is not "no objects".
    return { values: null, fault: { line: 1, column: 1, reason: "the file is empty" } };
  }
  const parsed = isJson ? yield* parseJson(text, take) : yield* parseYaml(text, cache, take);
  if (parsed.fault === null || !HAS_SECRETS.test(text)) return parsed;
  const [reason] = parsed.fault.reason.split(SHOWN, 1);
  return { values: null, fault: { ...parsed.fault, reason } };
}

/** Of such a file nothing is shown that a parser shows of it: it may be a piece of a key. */
const HAS_SECRETS = /\bkind["']?\s*:\s*["']?Secret\b/;
/** Where that begins. */
const SHOWN = /:\s|\s*"/;

function* parseJson<T>(text: string, take: ValueTaker<T>): Generator<undefined, ParsedText<T>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { values: null, fault: jsonFault(text, (error as SyntaxError).message) };
  }
  const shortText = text.length > POSITION_CHARS_MAX ? "" : text;
  const piece = yield* readPiece(value, take);
  return { values: valuesOf(piece, shortText, 0), fault: null };
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

function* parseYaml<T>(
  text: string,
  cache: PieceCache<T>,
  take: ValueTaker<T>,
): Generator<undefined, ParsedText<T>> {
  const values: ParsedValue<T>[] = [];
  const read: PieceCache<T> = new Map();
  for (const { text: own, line } of piecesOf(text)) {
    let piece = read.get(own) ?? cache.get(own);
    if (piece === undefined) {
      const { value, fault } = parsePiece(own, line);
      if (fault !== null) {
        for (const [key, good] of read) cache.set(key, good);
        return { values: null, fault };
      }
      piece = value === null ? NOTHING : yield* readPiece(value, take);
    }
    read.set(own, piece);
    values.push(...valuesOf(piece, own, line));
    yield;
  }
  cache.clear();
  for (const [key, piece] of read) cache.set(key, piece);
  return { values, fault: null };
}

/** A document of comments alone. */
const NOTHING = { values: [], ways: [], positions: new Map() };

/** A list, of `kubectl get -o yaml` or of one kind, stands for its items. */
function* readPiece<T>(value: unknown, take: ValueTaker<T>): Generator<undefined, ReadPiece<T>> {
  const values: T[] = [];
  const ways: (string | number)[][] = [];
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(items)) {
    const itemKind = kind.slice(0, -"List".length);
    for (const [i, item] of items.entries()) {
      values.push(
        take(itemKind === "" || !isJsonObject(item) ? item : { kind: itemKind, ...item }),
      );
      ways.push(["items", i]);
      yield;
    }
  } else {
    values.push(take(value));
    ways.push([]);
  }
  return { values, ways, positions: new Map() };
}

/** In the library's words: it goes down by recursion, as deep as there is room. */
const OVERFLOW = /^Maximum call stack size exceeded/;

function tooDeep(line: number): ParsedPiece {
  const reason = "lists and objects are nested too deep to be read";
  return { value: null, fault: { line: line + 1, column: 1, reason } };
}

type ParsedPiece =
  | { readonly value: unknown; readonly fault: null }
  | { readonly value: null; readonly fault: Position & { readonly reason: string } };

function parsePiece(text: string, line: number): ParsedPiece {
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const [error] = document.errors;
  if (error !== undefined && OVERFLOW.test(error.message)) return tooDeep(line);
  const offset = error?.pos[0] ?? duplicateKeyOffset(document.contents);
  if (offset !== null) {
    const position = below(line, positionAt(counter, offset));
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
    if (OVERFLOW.test(reason)) return tooDeep(line);
    return { value: null, fault: { line: line + 1, column: 1, reason } };
  }
}

/** @param line lines of the file before the piece. */
function valuesOf<T>(piece: ReadPiece<T>, text: string, line: number): ParsedValue<T>[] {
  const { values, ways, positions } = piece;
  return values.map((value, i) => ({
    value,
    positionOf: (path) => below(line, positionIn(text, [...ways[i], ...stepsOf(path)], positions)),
  }));
}

/** "a[0].b" as steps. */
function stepsOf(path: string): (string | number)[] {
  const names = path.match(/[^.[\]]+/g) ?? [];
  return names.map((name) => (/^\d+$/.test(name) ? Number(name) : name));
}

/** Found once: what is wrong with a piece is told at every parse, as long as it stands there. */
function positionIn(
  text: string,
  steps: readonly (string | number)[],
  positions: Map<string, Position>,
): Position {
  const key = JSON.stringify(steps);
  let position = positions.get(key);
  if (position === undefined) {
    const counter = new LineCounter();
    const document = parseDocument(text, { lineCounter: counter, uniqueKeys: false });
    position = nearest(document, counter, steps);
    positions.set(key, position);
  }
  return position;
}

function nearest(
  document: Document,
  counter: LineCounter,
  steps: readonly (string | number)[],
): Position {
  for (let count = steps.length; count >= 0; count -= 1) {
    const node = count === 0 ? document.contents : document.getIn(steps.slice(0, count), true);
    if (isNode(node) && node.range) return positionAt(counter, node.range[0]);
  }
  return { line: 1, column: 1 };
}

function positionAt(counter: LineCounter, offset: number): Position {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function below(line: number, position: Position): Position {
  return { line: line + position.line, column: position.column };
}

function oneLine(text: string): string {
  return text.split("\n", 1)[0].slice(0, 200);
}
