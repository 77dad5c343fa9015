/**
 * Aliases and merge keys of a YAML document (YAML 1.2, 7.1; https://yaml.org/type/merge.html), told
 * apart from what can be edited in place, and written out where an edit would change what stands
 * elsewhere too.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import type { Path } from "./edits.ts";

/**
 * Whether an alias stands for itself: such a document has no end.
 */
export function isEndless(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: (_key, { source }, path) => {
      found ||= path.some((node) => isCollection(node) && node.anchor === source);
      return found ? visit.BREAK : undefined;
    },
  });
  return found;
}

/** Whether something on the way to `path` is an alias, may have some, or is merged. */
export function isShared(document: Document, path: Path): boolean {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) return true;
    if (!isCollection(node)) return false;
    if (node.anchor !== undefined || (isMap(node) && node.items.some(isMerge))) return true;
    node = node.get(key, true);
  }
  return isAlias(node) || (isNode(node) && (node as { anchor?: string }).anchor !== undefined);
}

/** Writes out all aliases and merge keys of a document that is not endless. */
export function writeOutAliases(document: Document): void {
  const anchors = new Map<string, Node>();
  const { contents } = document;
  if (isNode(contents)) document.contents = writtenOut(contents, anchors);
  forgetAnchors(document);
}

/** In the order of the text: an alias stands for the last such anchor before it. */
function writtenOut(node: Node, anchors: Map<string, Node>): Node {
  if (isAlias(node)) {
    const copy = anchors.get(node.source)!.clone() as Node;
    forgetAnchors(copy);
    return copy;
  }
  if (!isCollection(node) && !isScalar(node)) return node;
  if (node.anchor !== undefined) anchors.set(node.anchor, node);
  if (isSeq(node)) {
    node.items = node.items.map((item) => (isNode(item) ? writtenOut(item, anchors) : item));
  } else if (isMap(node)) {
    for (const pair of node.items) {
      if (isNode(pair.key)) pair.key = writtenOut(pair.key, anchors);
      if (isNode(pair.value)) pair.value = writtenOut(pair.value, anchors);
    }
    writeOutMerges(node);
  }
  return node;
}

/** What is said in the map itself wins, then what is merged first. */
function writeOutMerges(map: YAMLMap): void {
  if (!map.items.some(isMerge)) return;
  const own = map.items.filter((pair) => !isMerge(pair));
  const names = new Set(own.map(({ key }) => String(key)));
  map.items = map.items.flatMap((pair) => {
    if (!isMerge(pair)) return [pair];
    const sources = isSeq(pair.value) ? pair.value.items : [pair.value];
    const merged = sources.flatMap((source) => (isMap(source) ? source.items : []));
    return merged.filter(({ key }) => {
      const isNew = !names.has(String(key));
      names.add(String(key));
      return isNew;
    });
  });
}

function isMerge({ key }: Pair): boolean {
  if (!isScalar(key) || (key.type !== undefined && key.type !== Scalar.PLAIN)) return false;
  return typeof key.value === "symbol" ? key.value.description === "<<" : key.value === "<<";
}

function forgetAnchors(root: Node | Document): void {
  visit(root, {
    Value: (_key, node) => {
      delete node.anchor;
    },
  });
}
