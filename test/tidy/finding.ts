/** What a rule found, and how it is told. */
import type { Node } from "typescript/unstable/ast";
import type { ParsedFile } from "./parse.ts";

/** One breach of one rule. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
  /** What to do about it. */
  readonly mend: string;
}

/** The number of the line, from 1, on which `node` begins, its comments not counted. */
export function lineOf(file: ParsedFile, node: Node): number {
  return lineAt(file, node.getStart(file.tree));
}

/** The number of the line, from 1, that holds the character at `position`. */
export function lineAt(file: ParsedFile, position: number): number {
  return file.tree.getLineAndCharacterOfPosition(position).line + 1;
}

/** "path:line: what: mend", as editors and terminals understand it. */
export function formatFinding(finding: Finding): string {
  return `${finding.path}:${finding.line}: ${finding.what}: ${finding.mend}`;
}
