/** Rules on globals: real time and real chance are read in a few places, and tests are all run. */
import {
  type Identifier,
  isCallExpression,
  isIdentifier,
  isNewExpression,
  isPropertyAccessExpression,
  isShorthandPropertyAssignment,
  isTypeQueryNode,
  type Node,
} from "typescript/unstable/ast";
import { type Finding, lineOf } from "./finding.ts";
import { GLOBALS, isTestFile } from "./house.ts";
import type { ParsedFile } from "./parse.ts";
import { walk } from "./walk.ts";

const TEST_FUNCTIONS = new Set(["test", "it", "describe", "suite"]);
const NOT_RUN = new Set(["only", "skip", "todo"]);

/** All rules of this file. */
export function checkGlobals(file: ParsedFile): Finding[] {
  const findings: Finding[] = [];
  walk(file.tree, (node) => {
    if (!isIdentifier(node)) return;
    const finding = isTestFile(file.path) ? checkTest(file, node) : checkGlobal(file, node);
    if (finding !== null) findings.push(finding);
  });
  return findings;
}

function checkGlobal(file: ParsedFile, node: Identifier): Finding | null {
  if (!file.path.startsWith("src/")) return null;
  const name = globalOf(node);
  const rule = name !== null && Object.hasOwn(GLOBALS, name) ? GLOBALS[name] : undefined;
  if (rule === undefined || rule.only.some((place) => file.path.startsWith(place))) return null;
  return {
    rule: "global",
    path: file.path,
    line: lineOf(file, node),
    what: `uses ${name}`,
    mend: `use ${rule.use}`,
  };
}

/** The global that an identifier stands for, as `GLOBALS` writes it; null for other identifiers. */
function globalOf(node: Identifier): string | null {
  const parent = node.parent;
  if (isTypeQueryNode(parent)) return null;
  if (isPropertyAccessExpression(parent) && parent.name === node) {
    return isIdentifier(parent.expression) && parent.expression.text === "globalThis"
      ? node.text
      : null;
  }
  const isName = (parent as { name?: Node }).name === node; // a member or a declaration
  if (isName && !isShorthandPropertyAssignment(parent)) return null;
  const member =
    isPropertyAccessExpression(parent) && parent.expression === node
      ? `${node.text}.${parent.name.text}`
      : null;
  if (member !== null && Object.hasOwn(GLOBALS, member)) return member;
  if (node.text !== "Date") return node.text;
  if (isNewExpression(parent)) return (parent.arguments ?? []).length === 0 ? "new Date()" : null;
  return isCallExpression(parent) && parent.expression === node ? "Date()" : null;
}

function checkTest(file: ParsedFile, node: Identifier): Finding | null {
  const parent = node.parent;
  if (!TEST_FUNCTIONS.has(node.text) || !isPropertyAccessExpression(parent)) return null;
  if (parent.expression !== node || !NOT_RUN.has(parent.name.text)) return null;
  return {
    rule: "test",
    path: file.path,
    line: lineOf(file, node),
    what: `${node.text}.${parent.name.text}`,
    mend: "every test is run: mend it or take it out",
  };
}
