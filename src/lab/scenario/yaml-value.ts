/**
 * A value of a YAML file with its place in it: what reads it says what it has to be, and what it is
 * instead becomes a problem at its line and column. Reading goes on behind a problem, so that all
 * of a file are told at once.
 *
 * Of what YAML has, a scenario may use all but merge keys: an alias is read as what it stands for.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";
import { didYouMean, visible } from "../../base/index.ts";
import type { Problem } from "./problems.ts";

/** Of a value that is told of. */
const SHOWN_CHARS_MAX = 60;

/** What the values of one file have in common. */
interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly problems: Problem[];
}

/** Parses a text. The value at its top, or null when YAML itself is broken; and the problems. */
export function parseYaml(text: string): { top: YamlValue | null; problems: Problem[] } {
  const lines = new LineCounter();
  // The library compares each key with all before it: `keys` looks itself.
  const document = parseDocument(text, {
    ...{ lineCounter: lines, prettyErrors: false, uniqueKeys: false },
  });
  const problems: Problem[] = [];
  const source = { document, lines, problems };
  for (const { pos, message } of document.errors) {
    problems.push({ ...placeAt(source, pos[0]), sentence: yamlSentence(message) });
  }
  if (problems.length > 0) return { top: null, problems };
  return { top: new YamlValue(source, document.contents, "", 0), problems };
}

/** One value. */
export class YamlValue {
  readonly #source: Source;
  /** Null: nothing is written. */
  readonly #node: Node | null;
  /** "expect[0].that.podsUsed"; "" at the top. */
  readonly key: string;
  /** Where it is told of when nothing is written: where its key is. */
  readonly #keyOffset: number;

  constructor(source: Source, node: Node | null, key: string, keyOffset: number) {
    this.#source = source;
    this.#node = isAlias(node) ? (node.resolve(source.document) ?? null) : node;
    this.key = key;
    this.#keyOffset = isAlias(node) ? (node.range?.[0] ?? keyOffset) : keyOffset;
  }

  /** A problem with this value. `allowed` goes on from "must be". */
  refuse(allowed: string): undefined {
    return this.fault(`${this.#name()}${this.#shown()}: must be ${allowed}`);
  }

  /** A problem in other words, which begin with the key. */
  fault(sentence: string): undefined {
    const offset = this.#node?.range?.[0] ?? this.#keyOffset;
    this.#source.problems.push({ ...placeAt(this.#source, offset), sentence });
    return undefined;
  }

  get isMapping(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  /** A text, or a number or truth as it is written; undefined when it is none of them. */
  scalarText(): string | undefined {
    if (!isScalar(this.#node) || this.#node.value === null) return undefined;
    const { value, source } = this.#node;
    return typeof value === "string" ? value : (source ?? String(value));
  }

  /** A text that `parse` takes (it answers null for one that it does not). */
  parsed<T>(allowed: string, parse: (text: string) => T | null): T | undefined {
    const text = this.scalarText();
    const value = text === undefined ? null : parse(text);
    return value === null ? this.refuse(allowed) : value;
  }

  /** A text of one character at least. */
  text(charsMax: number): string | undefined {
    return this.parsed(`a text of 1 to ${charsMax} characters`, (text) => {
      const trimmed = text.trim();
      return trimmed !== "" && trimmed.length <= charsMax ? trimmed : null;
    });
  }

  /** A whole number within bounds. */
  wholeNumber(min: number, max: number): number | undefined {
    const allowed = `a whole number from ${min} to ${max.toLocaleString("en-US")}`;
    return this.parsed(allowed, (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : null;
    });
  }

  /** One of some words, with the one that was meant if it is none. */
  oneOf<T extends string>(words: readonly T[]): T | undefined {
    const text = this.scalarText();
    const word = words.find((each) => each === text);
    if (word !== undefined) return word;
    return this.refuse(`one of ${words.join(", ")}${didYouMean(text ?? "", words)}`);
  }

  /** True or false. */
  truth(): boolean | undefined {
    if (isScalar(this.#node) && typeof this.#node.value === "boolean") return this.#node.value;
    return this.refuse("true or false");
  }

  /** The entries of a list, `max` at most. */
  list(what: string, max: number): readonly YamlValue[] | undefined {
    if (!isSeq(this.#node)) return this.refuse(`a list of ${what}`);
    const { items } = this.#node;
    if (items.length > max) {
      return this.fault(`${this.key}: ${items.length} entries: at most ${max} are allowed`);
    }
    return items.map((item, index) => {
      const node = isNode(item) ? item : null;
      return new YamlValue(this.#source, node, `${this.key}[${index}]`, this.#offset());
    });
  }

  /** The values of a mapping by key. Other keys, and a key twice, are problems of their own. */
  fields<K extends string>(keys: readonly K[]): Partial<Record<K, YamlValue>> | undefined {
    if (!isMap(this.#node)) return this.refuse(`a mapping with ${keys.join(", ")}`);
    const found: Partial<Record<K, YamlValue>> = {};
    for (const { key: keyNode, value } of this.#node.items as readonly Pair<unknown, unknown>[]) {
      const offset = isNode(keyNode) ? (keyNode.range?.[0] ?? 0) : this.#offset();
      const name = isScalar(keyNode) ? String(keyNode.value) : "";
      const path = this.key === "" ? name : `${this.key}.${name}`;
      const own = new YamlValue(this.#source, isNode(value) ? value : null, path, offset);
      const known = keys.find((each) => each === name);
      const place = placeAt(this.#source, offset);
      if (known === undefined) {
        const allowed = `allowed are ${keys.join(", ")}${didYouMean(name, keys)}`;
        const sentence = `${visible(path) || "a key that is no text"}: no such key: ${allowed}`;
        this.#source.problems.push({ ...place, sentence });
      } else if (found[known] !== undefined) {
        this.#source.problems.push({ ...place, sentence: `${path}: is given twice` });
      } else {
        found[known] = own;
      }
    }
    return found;
  }

  #offset(): number {
    return this.#node?.range?.[0] ?? this.#keyOffset;
  }

  #name(): string {
    return this.key === "" ? "the file" : this.key;
  }

  /** " "headles"", or what it is in a word. */
  #shown(): string {
    if (isMap(this.#node)) return " is a mapping";
    if (isSeq(this.#node)) return " is a list";
    const text = this.scalarText();
    if (text === undefined) return this.key === "" ? " says nothing" : " has no value";
    return ` ${JSON.stringify(visible(text, SHOWN_CHARS_MAX))}`;
  }
}

function placeAt({ lines }: Source, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The library's words, and what to do where a mistake is common. */
function yamlSentence(message: string): string {
  const [said = ""] = message.split("\n", 1);
  if (/^Block scalar header/.test(said)) {
    return 'a value that begins with ">" or "|" stands in quotes: ">=3"';
  }
  if (/multiple documents/.test(said)) return "a file holds one scenario: nothing after ---";
  return `not YAML: ${visible(said, 200)}`;
}
