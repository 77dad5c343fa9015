/**
 * Manifests: streams of YAML documents (JSON is one of them) in which pods are injected, with
 * comments, order and quotes as they were.
 */
import {
  type Document,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
  type ToStringOptions,
} from "yaml";
import { printable } from "../../base/index.ts";
import { isEndless, isShared, writeOutAliases } from "./aliases.ts";
import { type Edit, injection, removal, type Verdict } from "./edits.ts";
import type { InjectOptions } from "./options.ts";
import { SourceEdits, type Splice, spliced } from "./source-edits.ts";
import { podPlaces, valueAt } from "./workloads.ts";

type Parsed = Document.Parsed<ParsedNode>;

/** What became of one object, for people. */
export interface ManifestNote {
  /** "deployment/echo". */
  readonly owner: string;
  readonly outcome: "injected" | "uninjected" | "skipped";
  /** Null when there is none to tell. */
  readonly reason: string | null;
}

/** A manifest that was rewritten. */
export interface Rewritten {
  readonly text: string;
  readonly notes: readonly ManifestNote[];
}

/** A manifest that cannot be read: one sentence, with the place. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

/** Bytes of a manifest. */
export const MANIFEST_BYTES_MAX = 64 * 1024 * 1024;

/** What aliases of one document may multiply to. */
export const ALIASES_MAX = 100;

/** Injects every pod of a stream. @throws ManifestError */
export function injectManifest(text: string, options: InjectOptions): Rewritten {
  return rewrite(text, "injected", (pod, path) => injection(pod, options, path));
}

/** Takes back what was injected. @throws ManifestError */
export function uninjectManifest(text: string): Rewritten {
  return rewrite(text, "uninjected", removal);
}

function rewrite(
  whole: string,
  outcome: ManifestNote["outcome"],
  judge: (pod: unknown, path: readonly (string | number)[]) => Verdict,
): Rewritten {
  // Every line has its end while it is edited.
  const lacking = whole === "" || whole.endsWith("\n") ? "" : "\n";
  const text = `${whole}${lacking}`;
  const documents = parse(text);
  const notes: ManifestNote[] = [];
  const changes = new Map<number, SourceEdits>();
  for (const [i, document] of documents.entries()) {
    const object = objectOf(document, i + 1);
    const { pods, others } = podPlaces(object);
    for (const owner of others) notes.push({ owner, outcome: "skipped", reason: null });
    for (const { owner, path } of pods) {
      const verdict = judge(valueAt(object, path), path);
      if (verdict.kind === "skipped") {
        notes.push({ owner, outcome: "skipped", reason: verdict.reason });
        continue;
      }
      const changed = changes.get(i) ?? new SourceEdits(text);
      changes.set(i, changed);
      for (const edit of verdict.edits) applyEdit(document, edit, changed);
      notes.push({ owner, outcome, reason: null });
    }
  }
  if (changes.size === 0) return { text: whole, notes };
  const result = written(documents, text, changes);
  return { text: lacking === "" ? result : result.replace(/\r?\n$/, ""), notes };
}

/**
 * What was not changed is as it was, to the letter. Where that cannot be had (an alias on the way
 * to what was changed), the whole document is printed.
 */
function written(
  documents: readonly Parsed[],
  text: string,
  changes: ReadonlyMap<number, SourceEdits>,
): string {
  const splices: Splice[] = [];
  const style = styleOf(text);
  for (const [i, changed] of changes) {
    const [from, to] = extentOf(documents, i);
    const found = changed.splices({ print: style, isJson: isJsonObject(text.slice(from, to)) });
    if (found !== null) splices.push(...found);
    else {
      const printed = printedAt(documents[i]!, text.slice(from, to), style);
      splices.push({ start: from, end: to, text: printed, depth: 0 });
    }
  }
  const result = spliced(text, withLineEnds(splices, text));
  return isMeant(result, documents) ? result : print(documents, text);
}

/** Where a document is in its stream, with the comments above it. */
function extentOf(documents: readonly Parsed[], i: number): readonly [number, number] {
  return [i === 0 ? 0 : documents[i - 1]!.range[2], documents[i]!.range[2]];
}

function printedAt(document: Parsed, before: string, style: ToStringOptions): string {
  const printed = document.toString(style);
  const mark = /^\ufeff/.exec(before)?.[0] ?? "";
  const isMarked = /^(\ufeff)?---/.test(before) && !/^(---|%)/.test(printed);
  return `${mark}${isMarked ? "---\n" : ""}${printed}`;
}

/** Whether a text says what the documents say now. It is read again: a text is what counts. */
function isMeant(text: string, documents: readonly Parsed[]): boolean {
  try {
    const again = parse(text);
    if (again.length !== documents.length) return false;
    return again.every((document, i) => valueText(document) === valueText(documents[i]!));
  } catch {
    return false;
  }
}

/** Equal for documents that say the same in the same order, whatever their style. */
function valueText(document: Parsed): string {
  const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
  // Integers that were read are bigints, those that were put in are not.
  const text = JSON.stringify(value, (_key, each) =>
    typeof each === "bigint" || typeof each === "number" ? { number: String(each) } : each,
  );
  return text ?? "";
}

function isJsonObject(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function withLineEnds(splices: readonly Splice[], text: string): readonly Splice[] {
  if (!hasCrLf(text)) return splices;
  return splices.map((one) => ({ ...one, text: one.text.replaceAll(/\r?\n/g, "\r\n") }));
}

function hasCrLf(text: string): boolean {
  return /^[^\n]*\r\n/.test(text);
}

/** @throws ManifestError for aliases that multiply, or lead nowhere. */
function objectOf(document: Parsed, number: number): unknown {
  if (isEndless(document)) {
    throw new ManifestError(`document ${number}: an alias is a part of what it stands for`);
  }
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw new ManifestError(`document ${number}: ${reasonOf((error as Error).message)}`);
  }
}

function parse(text: string): Parsed[] {
  const documents = parseAllDocuments(text, {
    ...{ intAsBigInt: true, merge: true },
    customTags: (tags) => tags.map(asWritten),
  });
  const list = Array.isArray(documents) ? documents : [];
  for (const [i, { errors }] of list.entries()) {
    if (errors.length === 0) continue;
    const { message } = errors[0]!;
    if (OVERFLOW.test(message)) throw new ManifestError(`document ${i + 1}: ${reasonOf(message)}`);
    throw new ManifestError(`document ${i + 1} is not YAML: ${reasonOf(message)}`);
  }
  return list as Parsed[];
}

/** What the library says when it has gone down as deep as there is room. */
const OVERFLOW = /^Maximum call stack size exceeded/;

/** In words for people; the library may repeat what stands in the text. */
function reasonOf(message: string): string {
  if (OVERFLOW.test(message)) return "lists and objects are nested too deep to be read";
  if (/^Excessive alias count/.test(message)) {
    return `aliases multiply to more than ${ALIASES_MAX}`;
  }
  return printable(message.split("\n", 1)[0]!, 200);
}

/** `012`, `1e3` and `+12` are printed as they were written. */
function asWritten(tag: Tags[number]): Tags[number] {
  if (typeof tag === "string" || !/:(int|float)$/.test(tag.tag)) return tag;
  const { stringify } = tag as ScalarTag;
  return {
    ...(tag as ScalarTag),
    stringify: (node, ...rest) => node.source ?? stringify?.(node, ...rest) ?? String(node.value),
  };
}

function applyEdit(document: Parsed, edit: Edit, changed: SourceEdits): void {
  // What has another name elsewhere would be changed there too.
  if (isShared(document, edit.path)) {
    changed.giveUp();
    writeOutAliases(document);
  }
  changed.note(document.getIn(edit.path.slice(0, -1), true));
  if (edit.op === "remove") {
    document.deleteIn(edit.path);
    return;
  }
  const key = edit.path.at(-1)!;
  const parent = document.getIn(edit.path.slice(0, -1), true);
  const node = document.createNode(edit.value);
  // `setIn` would replace what is at that place of a list.
  if (edit.op === "add" && typeof key === "number" && isSeq(parent))
    parent.items.splice(key, 0, node);
  else document.setIn(edit.path, node);
}

/** As the stream was written, as far as one can tell by it. */
function print(documents: readonly Parsed[], text: string): string {
  const style = styleOf(text);
  const printed = documents.map((document) => document.toString(style));
  const whole = printed
    .map((each, i) => {
      const isFirst = i === 0;
      const hasMark = each.startsWith("---") || each.startsWith("%");
      const isMarked = isFirst ? /^\ufeff?---/.test(text) : true;
      return `${isMarked && !hasMark ? "---\n" : ""}${each}`;
    })
    .join("");
  const lines = hasCrLf(text) ? whole.replaceAll(/\r?\n/g, "\r\n") : whole;
  return text.startsWith("\ufeff") ? `\ufeff${lines}` : lines;
}

function styleOf(text: string): ToStringOptions {
  return {
    lineWidth: 0,
    indentSeq: !/^( *)[\w"'./-]+:[ \t]*(?:#.*)?\n\1- /m.test(text),
    flowCollectionPadding: !/(?:^|[:,-] )\{[^\s}]/m.test(text),
  };
}
