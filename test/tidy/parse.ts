/**
 * Source texts in, syntax trees out: TypeScript's own parser, as its package offers it.
 *
 * The only file that touches that interface, which TypeScript 7 still calls unstable. It runs the
 * compiler as a child process, with the texts as its whole file system, and is done with it when
 * `parseSources` returns.
 */
import type { SourceFile } from "typescript/unstable/ast";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";

const CONFIG = "/tsconfig.json";
const OPTIONS = {
  noLib: true,
  noResolve: true,
  types: [],
  module: "nodenext",
  target: "es2024",
  allowImportingTsExtensions: true,
  noEmit: true,
};

/** A source file as the rules see it. */
export interface ParsedFile {
  /** From the root of the repository, with slashes: "src/base/wheel.ts". */
  readonly path: string;
  readonly text: string;
  readonly tree: SourceFile;
}

/** Parses the texts, given by their paths. Throws when one is no valid TypeScript. */
export function parseSources(texts: ReadonlyMap<string, string>): ParsedFile[] {
  const files: Record<string, string> = {
    [CONFIG]: JSON.stringify({ compilerOptions: OPTIONS, files: [...texts.keys()] }),
  };
  for (const [path, text] of texts) files[`/${path}`] = text;
  const api = new API({ cwd: "/", fs: createVirtualFileSystem(files) });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [CONFIG] });
    const program = snapshot.getProject(CONFIG)?.program;
    if (program === undefined) throw new Error("the parser opened no project");
    return [...texts].map(([path, text]) => {
      const tree = program.getSourceFile(`/${path}`);
      if (tree === undefined) throw new Error(`${path}: the parser does not know it`);
      const [error] = program.getSyntacticDiagnostics(`/${path}`);
      if (error !== undefined) throw new Error(`${path}: ${JSON.stringify(error)}`);
      return { path, text, tree };
    });
  } finally {
    api.close();
  }
}
