/** Rules on the shape of the code: how long functions are, and which exports are explained. */
import {
  isCallExpression,
  isExportAssignment,
  isExportDeclaration,
  isExportSpecifier,
  isFunctionDeclaration,
  isIdentifier,
  isVariableStatement,
  type Node,
  type Statement,
  SyntaxKind,
} from "typescript/unstable/ast";
import { type Finding, lineAt, lineOf } from "./finding.ts";
import { FUNCTION_LINES_MAX, isTestFile } from "./house.ts";
import type { ParsedFile } from "./parse.ts";
import { walk } from "./walk.ts";

const FUNCTIONS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

/** All rules of this file. */
export function checkShape(file: ParsedFile): Finding[] {
  const findings: Finding[] = [];
  walk(file.tree, (node) => {
    if (FUNCTIONS.has(node.kind)) findings.push(...checkFunction(file, node));
  });
  if (!isTestFile(file.path)) findings.push(...checkExports(file));
  return findings;
}

function checkFunction(file: ParsedFile, node: Node): Finding[] {
  const first = lineOf(file, node);
  const lines = lineAt(file, node.end) - first + 1;
  if (lines <= FUNCTION_LINES_MAX || isGroupOfTests(node)) return [];
  const name = (node as { name?: Node }).name?.getText(file.tree) ?? "a function";
  return [
    {
      rule: "function",
      path: file.path,
      line: first,
      what: `${name} has ${lines} lines`,
      mend: `split it: ${FUNCTION_LINES_MAX} is the limit`,
    },
  ];
}

/** The callback of `describe` is a list of functions rather than one. */
function isGroupOfTests(node: Node): boolean {
  const call = node.parent;
  return (
    isCallExpression(call) && isIdentifier(call.expression) && call.expression.text === "describe"
  );
}

function checkExports(file: ParsedFile): Finding[] {
  const findings: Finding[] = [];
  const exported = namesExportedApart(file);
  let before = "";
  for (const statement of file.tree.statements) {
    const names = declaredNames(file, statement);
    const isExported = hasExportKeyword(statement) || names.some((name) => exported.has(name));
    const isOverload = names[0] === before && isFunctionDeclaration(statement);
    before = names[0] ?? "";
    if (!isExported || isOverload || isDocumented(file, statement)) continue;
    findings.push({
      rule: "export",
      path: file.path,
      line: lineOf(file, statement),
      what: `${names.join(", ") || "the default export"} is exported without a doc comment`,
      mend: "write /** what it does, shapes, units, errors */ above it",
    });
  }
  return findings;
}

/** Names in `export { a, b }` without `from`: re-exports are explained where they come from. */
function namesExportedApart(file: ParsedFile): Set<string> {
  const names = new Set<string>();
  for (const statement of file.tree.statements) {
    if (!isExportDeclaration(statement) || statement.moduleSpecifier !== undefined) continue;
    walk(statement, (node) => {
      if (isExportSpecifier(node)) names.add((node.propertyName ?? node.name).getText(file.tree));
    });
  }
  return names;
}

/** The names that a statement declares. */
export function declaredNames(file: ParsedFile, statement: Statement): string[] {
  if (isVariableStatement(statement)) {
    const list = statement.declarationList.declarations;
    return list.map((declaration) => declaration.name.getText(file.tree));
  }
  const name = (statement as { name?: Node }).name;
  return name === undefined ? [] : [name.getText(file.tree)];
}

/** Whether `export` stands before a statement. */
export function hasExportKeyword(statement: Statement): boolean {
  if (isExportAssignment(statement)) return true;
  const modifiers = (statement as { modifiers?: readonly Node[] }).modifiers ?? [];
  return modifiers.some((modifier) => modifier.kind === SyntaxKind.ExportKeyword);
}

/** Has a doc comment of its own: the file's header is none, though it may stand right above. */
function isDocumented(file: ParsedFile, statement: Statement): boolean {
  const headerAt = file.text.indexOf("/**");
  const docs = statement.jsDoc ?? [];
  return docs.some((doc) => doc.pos > headerAt);
}
