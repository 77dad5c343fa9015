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
import { isEndless, isShared, writeOutAliases } from "./aliases.ts";
import { type Edit, injection, removal, type Verdict } from "./edits.ts";
import type { InjectOptions } from "./options.ts";
import { podPlaces, valueAt } from "./workloads.ts";

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
  text: string,
  outcome: ManifestNote["outcome"],
  judge: (pod: unknown, path: readonly (string | number)[]) => Verdict,
): Rewritten {
  const documents = parse(text);
  const notes: ManifestNote[] = [];
  let isChanged = false;
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
      for (const edit of verdict.edits) applyEdit(document, edit);
      isChanged = true;
      notes.push({ owner, outcome, reason: null });
    }
  }
  // What nothing was changed in is given back to the letter.
  return { text: isChanged ? print(documents, text) : text, notes };
}

/** @throws ManifestError for aliases that multiply, or lead nowhere. */
function objectOf(document: Document.Parsed<ParsedNode>, number: number): unknown {
  if (isEndless(document)) {
    throw new ManifestError(`document ${number}: an alias is a part of what it stands for`);
  }
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new ManifestError(`document ${number}: ${reason}`);
  }
}

function parse(text: string): Document.Parsed<ParsedNode>[] {
  const documents = parseAllDocuments(text, {
    ...{ intAsBigInt: true, merge: true },
    customTags: (tags) => tags.map(asWritten),
  });
  const list = Array.isArray(documents) ? documents : [];
  for (const [i, { errors }] of list.entries()) {
    if (errors.length === 0) continue;
    const [reason] = errors[0]!.message.split("\n");
    throw new ManifestError(`document ${i + 1} is not YAML: ${reason}`);
  }
  return list as Document.Parsed<ParsedNode>[];
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

function applyEdit(document: Document.Parsed<ParsedNode>, edit: Edit): void {
  // What has another name elsewhere would be changed there too.
  if (isShared(document, edit.path)) writeOutAliases(document);
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
function print(documents: readonly Document.Parsed<ParsedNode>[], text: string): string {
  const style: ToStringOptions = {
    lineWidth: 0,
    indentSeq: !/^( *)[\w"'./-]+:[ \t]*(?:#.*)?\n\1- /m.test(text),
    flowCollectionPadding: !/(?:^|[:,-] )\{[^\s}]/m.test(text),
  };
  const printed = documents.map((document) => document.toString(style));
  const whole = printed
    .map((each, i) => {
      const isFirst = i === 0;
      const hasMark = each.startsWith("---") || each.startsWith("%");
      const isMarked = isFirst ? /^\ufeff?---/.test(text) : true;
      return `${isMarked && !hasMark ? "---\n" : ""}${each}`;
    })
    .join("");
  const lines = /^[^\n]*\r\n/.test(text) ? whole.replaceAll(/\r?\n/g, "\r\n") : whole;
  return text.startsWith("\ufeff") ? `\ufeff${lines}` : lines;
}
