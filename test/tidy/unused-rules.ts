/**
 * The rule that nothing is exported for nobody: unlike the others it looks at all files at once.
 *
 * An export of `src/` is used when another file imports it, a test included. One that only a door
 * passes on is used when somebody takes it from the door.
 */
import { posix } from "node:path";
import {
  isExportDeclaration,
  isExportSpecifier,
  isIdentifier,
  isImportDeclaration,
  isInterfaceDeclaration,
  isNamedExports,
  isNamedImports,
  isNamespaceExport,
  isTypeAliasDeclaration,
  type Node,
} from "typescript/unstable/ast";
import { type Finding, lineOf } from "./finding.ts";
import { ENTRIES, isTestFile } from "./house.ts";
import { specifierOf } from "./import-rules.ts";
import type { ParsedFile } from "./parse.ts";
import { declaredNames, hasExportKeyword } from "./shape-rules.ts";
import { walk } from "./walk.ts";

/** All names of a module, in place of one of them. */
const ALL = "*";

/** A name that a file takes from another, and under which it passes it on (null: for itself). */
interface Taken {
  readonly from: string;
  readonly name: string;
  readonly passedOnAs: string | null;
}

/** What nobody uses, of all the files of the house. */
export function findUnusedExports(files: readonly ParsedFile[]): Finding[] {
  const taken = new Map(files.map((file) => [file.path, takenBy(file)]));
  const used = new Set<string>();
  const use = (path: string, name: string): void => {
    const key = `${path} ${name}`;
    if (used.has(key)) return;
    used.add(key);
    for (const one of taken.get(path) ?? []) {
      if (one.passedOnAs === null || ![ALL, one.passedOnAs].includes(name)) continue;
      use(one.from, one.name);
    }
  };
  for (const [path, list] of taken) {
    for (const { from, name, passedOnAs } of list) {
      if (passedOnAs === null || ENTRIES.includes(path)) use(from, name);
    }
  }
  return files
    .filter(({ path }) => path.startsWith("src/") && !isTestFile(path) && !ENTRIES.includes(path))
    .flatMap((file) => exportsOf(file).map((one) => ({ file, ...one })))
    .filter(({ file, name }) => !used.has(`${file.path} ${name}`))
    .filter(({ file }) => !used.has(`${file.path} ${ALL}`))
    .map(({ file, name, node }) => ({
      rule: "unused",
      path: file.path,
      line: lineOf(file, node),
      what: `${name} is exported, and nobody imports it`,
      mend: "use it, delete it, or do not export it",
    }));
}

/** Everything that a file takes from files of the house. */
function takenBy(file: ParsedFile): Taken[] {
  const list: Taken[] = [];
  const text = (node: Node): string => node.getText(file.tree);
  walk(file.tree, (node) => {
    const specifier = specifierOf(node);
    if (specifier === null || !specifier.startsWith(".")) return;
    const from = posix.join(posix.dirname(file.path), specifier);
    if (isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      if (bindings === undefined) return;
      if (!isNamedImports(bindings)) list.push({ from, name: ALL, passedOnAs: null });
      else {
        for (const each of bindings.elements) {
          list.push({ from, name: text(each.propertyName ?? each.name), passedOnAs: null });
        }
      }
    } else if (isExportDeclaration(node)) {
      const clause = node.exportClause;
      if (clause === undefined) list.push({ from, name: ALL, passedOnAs: ALL });
      else if (isNamespaceExport(clause)) {
        list.push({ from, name: ALL, passedOnAs: text(clause.name) });
      } else if (isNamedExports(clause)) {
        for (const each of clause.elements) {
          const name = text(each.propertyName ?? each.name);
          list.push({ from, name, passedOnAs: text(each.name) });
        }
      }
    } else list.push({ from, name: ALL, passedOnAs: null });
  });
  return list;
}

/**
 * The names that a file exports, its own and those that it passes on, and where. Types are left
 * out where they say what something else takes or gives: at a door, or used in their own file.
 */
function exportsOf(file: ParsedFile): { name: string; node: Node }[] {
  const list: { name: string; node: Node }[] = [];
  for (const statement of file.tree.statements) {
    if (isExportDeclaration(statement)) {
      if (statement.isTypeOnly) continue;
      walk(statement, (node) => {
        if (isNamespaceExport(node) || (isExportSpecifier(node) && !node.isTypeOnly)) {
          list.push({ name: node.name.getText(file.tree), node });
        }
      });
    } else if (hasExportKeyword(statement)) {
      const isType = isInterfaceDeclaration(statement) || isTypeAliasDeclaration(statement);
      for (const name of declaredNames(file, statement)) {
        if (!isType || countOf(file, name) === 1) list.push({ name, node: statement });
      }
    }
  }
  return list;
}

/** How often a file names something, its declaration included. */
function countOf(file: ParsedFile, name: string): number {
  let count = 0;
  walk(file.tree, (node) => {
    if (isIdentifier(node) && node.text === name) count += 1;
  });
  return count;
}
