/**
 * A key that a mapping has twice: YAML forbids it (1.2, 3.2.1.1), and the second would win unseen.
 *
 * The `yaml` library compares each key with all before it, which stops the process for minutes at
 * some ten thousand keys. So it is told not to look (`uniqueKeys: false`), and this walk, whose
 * time grows as the text does, looks instead. No import of the library: some load it late.
 */

/** What this walk reads of the library's nodes and pairs. */
interface NodeLike {
  readonly items?: readonly unknown[];
  readonly key?: unknown;
  readonly value?: unknown;
  readonly range?: readonly [number, number, number] | null;
}

/** The reason, as the library words it. */
export const DUPLICATE_KEY = "Map keys must be unique";

/** Where the first such key begins, in characters; null when there is none. `root` is a node. */
export function duplicateKeyOffset(root: unknown): number | null {
  let first: number | null = null;
  const waiting = [root];
  while (waiting.length > 0) {
    const { items } = (waiting.pop() ?? {}) as NodeLike;
    const seen = new Set<unknown>();
    for (const item of items ?? []) {
      const { key, value } = (item ?? {}) as NodeLike;
      if (key === undefined) {
        waiting.push(item); // of a sequence
        continue;
      }
      const { value: name, range, items: inner } = (key ?? {}) as NodeLike;
      const offset = range?.[0] ?? 0;
      if (inner === undefined && seen.has(name) && offset < (first ?? Infinity)) first = offset;
      if (inner === undefined && typeof name !== "undefined") seen.add(name);
      waiting.push(key, value);
    }
  }
  return first;
}
