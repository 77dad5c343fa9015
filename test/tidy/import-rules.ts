/** Rules on imports: upward only, through doors only, and libraries where they belong. */
import { posix } from "node:path";
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteral,
  type Node,
  SyntaxKind,
} from "typescript/unstable/ast";
import { type Finding, lineOf } from "./finding.ts";
import {
  isTestFile,
  NODE_MODULES,
  PACKAGES,
  PURE_MODULES,
  PURE_ROOMS,
  ROOMS,
  roomOf,
  STRANGERS,
} from "./house.ts";
import type { ParsedFile } from "./parse.ts";
import { walk } from "./walk.ts";

/** What is wrong with one import, and what to do about it. */
type Verdict = { readonly what: string; readonly mend: string } | null;

/** All rules of this file: they hold in `src/`. */
export function checkImports(file: ParsedFile): Finding[] {
  if (!file.path.startsWith("src/")) return [];
  const findings: Finding[] = [];
  walk(file.tree, (node) => {
    const specifier = specifierOf(node);
    if (specifier === null) return;
    const verdict = specifier.startsWith(".")
      ? judgeRelative(file.path, posix.join(posix.dirname(file.path), specifier))
      : judgeModule(file.path, specifier);
    if (verdict === null) return;
    findings.push({ rule: "import", path: file.path, line: lineOf(file, node), ...verdict });
  });
  return findings;
}

/** The module that a node names: static, dynamic and type imports, and re-exports. */
export function specifierOf(node: Node): string | null {
  let named: Node | undefined;
  if (isImportDeclaration(node) || isExportDeclaration(node)) named = node.moduleSpecifier;
  else if (isImportTypeNode(node) && isLiteralTypeNode(node.argument))
    named = node.argument.literal;
  else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    named = node.arguments[0];
  }
  return named !== undefined && isStringLiteral(named) ? named.text : null;
}

function judgeRelative(from: string, to: string): Verdict {
  const room = roomOf(from);
  const other = roomOf(to);
  if (other === null) return judgeOutside(from, to);
  if (room === other) return null;
  const order = ROOMS.indexOf(other);
  if (order < 0) {
    return { what: `${to} is in no known room`, mend: "write the room into test/tidy/house.ts" };
  }
  const isUpward = room === null || order < ROOMS.indexOf(room);
  if (!isUpward || STRANGERS[room ?? ""]?.includes(other)) {
    return {
      what: `${room} imports ${other}`,
      mend: `${room} knows nothing of ${other}: take it as an argument, or move it up`,
    };
  }
  if (to !== `src/${other}/index.ts`) {
    return {
      what: `imports ${to} past the door`,
      mend: `import src/${other}/index.ts, and export there what is meant for others`,
    };
  }
  return null;
}

function judgeOutside(from: string, to: string): Verdict {
  if (isTestFile(from) && to.startsWith("test/")) return null;
  if (to === "package.json" || to.startsWith("src/")) return null;
  return { what: `imports ${to}`, mend: "src/ stands on its own: move what it needs into a room" };
}

function judgeModule(from: string, specifier: string): Verdict {
  if (isTestFile(from)) return null;
  const room = roomOf(from) ?? "";
  const rule = NODE_MODULES[specifier];
  if (rule !== undefined && !isIn(from, rule.only)) {
    return { what: `imports ${specifier}`, mend: `use ${rule.use}` };
  }
  if (specifier.startsWith("node:")) {
    if (!PURE_ROOMS.includes(room) || PURE_MODULES.includes(specifier)) return null;
    return {
      what: `${room} imports ${specifier}`,
      mend: `${room} is pure: take what is needed as an argument`,
    };
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (isIn(from, PACKAGES[name] ?? [])) return null;
  return {
    what: `imports ${name}`,
    mend: `allowed in ${PACKAGES[name]?.join(", ") ?? "tests only"}, see test/tidy/house.ts`,
  };
}

function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => path.startsWith(place));
}
