/**
 * Edits of a YAML document as splices of its text: what is not edited stays as it was written, to
 * the letter. Lines that are put in look like their neighbours; nothing else is printed anew.
 *
 * Before a collection of the document is changed it is noted here. What became of it afterwards is
 * told by its items: those that are gone, those that are new, and those of another value.
 */
import {
  Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Pair,
  Scalar,
  type ToStringOptions,
  visit,
  YAMLMap,
  YAMLSeq,
} from "yaml";

/** A part of the text that becomes another. */
export interface Splice {
  readonly start: number;
  /** Behind it; `start` for what is only put in. */
  readonly end: number;
  readonly text: string;
  /** Of two that are put in at one place, the deeper one comes first. */
  readonly depth: number;
}

type Collection = YAMLMap | YAMLSeq;

/** An item of a collection as it was. */
interface Part {
  readonly item: unknown;
  readonly value: unknown;
  readonly start: number;
  /** Of a pair: behind its key. */
  readonly keyEnd: number;
  /** Of its content: before what follows on its line. */
  readonly end: number;
}

/** How a stream is written. */
export interface SourceStyle {
  readonly print: ToStringOptions;
  /** The document is JSON, and stays it. */
  readonly isJson: boolean;
}

/** See the head of this file. */
export class SourceEdits {
  readonly #text: string;
  readonly #before = new Map<Collection, readonly Part[]>();
  #canSplice = true;

  /** @param text of the whole stream, with a line end at its end: what ranges are about. */
  constructor(text: string) {
    this.#text = text;
  }

  /** To be called before a collection of a document is changed. */
  note(collection: unknown): void {
    if (!isMap(collection) && !isSeq(collection)) this.#canSplice = false;
    else if (!this.#before.has(collection) && collection.range != null) {
      const parts = collection.items.map(partOf);
      if (parts.some((part) => part === null)) this.#canSplice = false;
      else this.#before.set(collection, parts as Part[]);
    }
  }

  /** The document is to be printed: what was changed stands in more places than one. */
  giveUp(): void {
    this.#canSplice = false;
  }

  /** What the text has to become; null when that cannot be said by splices. */
  splices(style: SourceStyle): readonly Splice[] | null {
    if (!this.#canSplice) return null;
    this.#forgetWhatIsGone();
    const all: Splice[] = [];
    for (const [collection, parts] of this.#before) {
      const found = collection.flow
        ? new FlowEdits(this.#text, style).of(collection, parts)
        : new BlockEdits(this.#text, style).of(collection, parts);
      if (found === null) return null;
      all.push(...found);
    }
    return all;
  }

  /** Changes within what was taken away as a whole are none. */
  #forgetWhatIsGone(): void {
    for (const [collection, parts] of [...this.#before]) {
      const values = new Map(collection.items.map((item) => [item, itemValue(item)]));
      for (const { item, value } of parts) {
        if (values.get(item as never) === value || !isNode(value)) continue;
        visit(value, { Collection: (_key, node) => void this.#before.delete(node as Collection) });
      }
    }
  }
}

/** Applies splices that do not overlap, of all documents of a stream. */
export function spliced(text: string, splices: readonly Splice[]): string {
  const inOrder = [...splices].sort(
    (a, b) => a.start - b.start || a.end - b.end || b.depth - a.depth,
  );
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, text: put } of inOrder) {
    pieces.push(text.slice(at, start), put);
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

/** Collections with a line, or some, for each item. */
class BlockEdits {
  readonly #text: string;
  readonly #style: SourceStyle;

  constructor(text: string, style: SourceStyle) {
    this.#text = text;
    this.#style = style;
  }

  of(collection: Collection, parts: readonly Part[]): readonly Splice[] | null {
    if (parts.length === 0) return null;
    const indent = " ".repeat(this.#columnOf(collection));
    const { kept, added } = compare(collection, parts);
    if (kept.size === 0 && added.length === 0) return this.#empty(collection, parts);
    const splices: Splice[] = [];
    for (const part of parts) {
      const now = kept.get(part.item);
      if (now === part.value) continue;
      const splice = now === undefined ? this.#cut(part) : this.#replace(part, now, indent);
      if (splice === null) return null;
      splices.push(splice);
    }
    for (const { after, items } of added) {
      const lines = items.flatMap((item) => this.#lines(item, indent));
      const at = after < 0 ? this.#top(parts[0]!) : this.#endOf(parts[after]!);
      if (at === null) return null;
      splices.push(this.#put(at, lines, indent.length));
    }
    return splices;
  }

  /** Of its keys, or of the marks of its items. */
  #columnOf({ range }: Collection): number {
    const start = range![0];
    return start - this.#lineStart(start);
  }

  #lineStart(at: number): number {
    const start = this.#text.lastIndexOf("\n", at - 1) + 1;
    return this.#text[start] === "\ufeff" ? start + 1 : start;
  }

  /** Where the line of an item begins; null: something else stands before it. */
  #lineOf({ item, start }: Part): number | null {
    let at = this.#lineStart(start);
    const before = this.#text.slice(at, start);
    if (isPair(item)) return /^ *$/.test(before) ? at : null;
    if (/^ *-[ \t]+$/.test(before)) return at;
    // The mark of an item may stand above it, alone or with a comment.
    let line = before;
    while (at > 0 && /^[ \t]*(#.*)?\r?$/.test(line)) {
      at = this.#lineStart(at - 1);
      line = this.#text.slice(at, this.#text.indexOf("\n", at));
    }
    return /^ *-[ \t]*(#.*)?\r?$/.test(line) ? at : null;
  }

  /** Behind the last line of an item. */
  #endOf({ end }: Part): number {
    if (this.#text[end - 1] === "\n") return end;
    return this.#text.indexOf("\n", end) + 1;
  }

  /** Above the comments that stand above the first item. */
  #top(first: Part): number | null {
    let at = this.#lineOf(first);
    while (at !== null && at > 0) {
      const previous = this.#lineStart(at - 1);
      if (!/^[ \t]*(#.*)?\r?\n$/.test(this.#text.slice(previous, at))) break;
      at = previous;
    }
    return at;
  }

  /** With its line; null when half a line would be left. */
  #cut(part: Part): Splice | null {
    const [start, end] = [this.#lineOf(part), this.#endOf(part)];
    if (start === null) return null;
    return { start, end, text: "", depth: 0 };
  }

  /** What has no item left stands behind its key. */
  #empty(collection: Collection, parts: readonly Part[]): readonly Splice[] | null {
    const top = this.#top(parts[0]!);
    if (top === null) return null;
    const keyLine = this.#text.slice(this.#lineStart(top - 1), top);
    const found = /:([ \t]+#[^\r\n]*)?\r?\n$/.exec(keyLine);
    if (found === null) return null;
    const text = `: ${isMap(collection) ? "{}" : "[]"}${found[1] ?? ""}\n`;
    const start = top - found[0].length;
    return [{ start, end: this.#endOf(parts.at(-1)!), text, depth: 0 }];
  }

  #put(at: number, lines: readonly string[], depth: number): Splice {
    return { start: at, end: at, text: lines.map((line) => `${line}\n`).join(""), depth };
  }

  /** A comment behind the key, or behind what stood there, stays on the line of the key. */
  #replace({ item, value: before, start, keyEnd, end }: Part, value: unknown, indent: string) {
    const [first, ...more] = this.#lines(pairWith(item as Pair, value), indent);
    const isBlock = isCollection(before) && !before.flow;
    const behind = isBlock ? /^[ \t]*:([ \t]+#[^\r\n]*)/.exec(this.#text.slice(keyEnd, end)) : null;
    const last = start + this.#text.slice(start, end).trimEnd().length;
    const rest = isBlock ? "" : /^[ \t]+#[^\r\n]*/.exec(this.#text.slice(last))?.[0];
    const text = [`${first!.trimStart()}${behind?.[1] ?? rest ?? ""}`, ...more].join("\n");
    return { start, end: last + (rest?.length ?? 0), text, depth: indent.length };
  }

  #lines(item: unknown, indent: string): string[] {
    const printed = documentOf(item, false).toString(this.#style.print);
    return printed
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => (line === "" ? "" : `${indent}${line}`));
  }
}

/** Collections in brackets, of one line or many. */
class FlowEdits {
  readonly #text: string;
  readonly #style: SourceStyle;

  constructor(text: string, style: SourceStyle) {
    this.#text = text;
    this.#style = style;
  }

  of(collection: Collection, parts: readonly Part[]): readonly Splice[] | null {
    const [open, close] = [collection.range![0] + 1, collection.range![1] - 1];
    const { kept, added } = compare(collection, parts);
    const print = (item: unknown) => this.#printed(item, breakOf(lead));
    const lead = this.#text.slice(open, parts[0]?.start ?? close);
    const separator = `,${breakOf(lead) ?? " "}`;
    if (kept.size === 0) {
      const items = added.flatMap(({ items: some }) => some.map(print)).join(separator);
      const tail = parts.length === 0 ? lead : this.#text.slice(parts.at(-1)!.end, close);
      const text = items === "" ? lead : `${lead}${items}${tail}`;
      return [{ start: open, end: close, text, depth: 0 }];
    }
    const splices: Splice[] = [];
    const first = parts.findIndex(({ item }) => kept.has(item));
    for (const [i, part] of parts.entries()) {
      const now = kept.get(part.item);
      const { start, end } = part;
      if (now === undefined) {
        // With the comma on one of its sides.
        const cut = i < first ? [start, parts[i + 1]!.start] : [parts[i - 1]!.end, end];
        splices.push({ start: cut[0]!, end: cut[1]!, text: "", depth: 0 });
      } else if (now !== part.value) {
        const text = print(pairWith(part.item as Pair, now));
        splices.push({ start, end, text, depth: 0 });
      }
    }
    for (const { after, items } of added) {
      const texts = items.map(print);
      const isFirst = after < first;
      const at = isFirst ? parts[first]!.start : parts[after]!.end;
      const text = texts.map((each) => (isFirst ? each + separator : separator + each)).join("");
      splices.push({ start: at, end: at, text, depth: 0 });
    }
    return splices;
  }

  #printed(item: unknown, lineBreak: string | null): string {
    const document = documentOf(item, true);
    if (!this.#style.isJson) return withoutBrackets(document.toString(this.#style.print));
    const unit = lineBreak === null ? 0 : 2;
    const value = document.toJS();
    if (!isPair(item)) return indented(JSON.stringify(value[0], null, unit), lineBreak);
    const [[key, inner]] = Object.entries(value) as [[string, unknown]];
    const space = lineBreak === null ? "" : " ";
    const text = `${JSON.stringify(key)}:${space}${JSON.stringify(inner, null, unit)}`;
    return indented(text, lineBreak);
  }
}

/** The break before each item of a collection that has one: with the indent. */
function breakOf(lead: string): string | null {
  const found = /\r?\n[ \t]*$/.exec(lead)?.[0];
  return found === undefined ? null : found.replace("\r", "");
}

function indented(text: string, lineBreak: string | null): string {
  return lineBreak === null ? text : text.replaceAll("\n", lineBreak);
}

function withoutBrackets(text: string): string {
  return text.trim().slice(1, -1).trim();
}

/** Which items are still there, with their values now; and runs of new ones. */
function compare({ items }: Collection, parts: readonly Part[]) {
  const index = new Map(parts.map(({ item }, i) => [item, i]));
  const kept = new Map<unknown, unknown>();
  const added: { readonly after: number; readonly items: unknown[] }[] = [];
  let after = -1;
  for (const item of items as readonly unknown[]) {
    const i = index.get(item);
    if (i === undefined) {
      const run = added.at(-1);
      if (run !== undefined && run.after === after) run.items.push(item);
      else added.push({ after, items: [item] });
    } else {
      after = i;
      kept.set(item, itemValue(item));
    }
  }
  return { kept, added };
}

/** Null for what has no place of its own in the text. */
function partOf(item: unknown): Part | null {
  const [first, value] = isPair(item) ? [item.key, item.value] : [item, item];
  if (!isNode(first) || first.range == null) return null;
  const end = isNode(value) && value.range != null ? value.range[1] : first.range[1];
  const [start, keyEnd] = first.range;
  return { item, value, start, keyEnd, end };
}

function itemValue(item: unknown): unknown {
  return isPair(item) ? item.value : item;
}

/** The pair with another value, and none of its comments: they are in the text. */
function pairWith({ key }: Pair, value: unknown): Pair {
  const bare = new Scalar(isScalar(key) ? key.value : String(key));
  if (isScalar(key) && key.type !== undefined) bare.type = key.type;
  return new Pair(bare, value);
}

/** A document of one item. */
function documentOf(item: unknown, isFlow: boolean): Document {
  const document = new Document();
  const collection = isPair(item) ? new YAMLMap() : new YAMLSeq();
  collection.items.push(item as never);
  collection.flow = isFlow;
  document.contents = collection as never;
  return document;
}
