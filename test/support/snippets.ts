/**
 * The TypeScript in our documents that imports fairlead, for tests that check it.
 *
 * Every block fenced as `ts` counts; one fenced as `ts run` is a whole program besides, which ends
 * by itself when it is run, and one fenced as `ts run once` need not be run under every Node.
 */

/** One block. */
export interface Snippet {
  /** Where it begins, "docs/client.md:12". */
  readonly place: string;
  readonly text: string;
  readonly isProgram: boolean;
  /** A program whose Node does not matter. */
  readonly isOnce: boolean;
}

const FENCE = /^( *)```ts( run(?: once)?)? *\n([\s\S]*?)^\1``` *$/gm;
const IMPORT = /\bfrom\s+["']fairlead(\/[\w-]+)?["']/;

/** The blocks of a Markdown text that import fairlead, in order; `path` is for their places. */
export function snippetsOf(path: string, markdown: string): readonly Snippet[] {
  return [...markdown.matchAll(FENCE)]
    .filter(([, , , text = ""]) => IMPORT.test(text))
    .map(({ index, 1: indent = "", 2: run, 3: text = "" }) => ({
      place: `${path}:${markdown.slice(0, index).split("\n").length}`,
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      isProgram: run !== undefined,
      isOnce: run === " run once",
    }));
}
