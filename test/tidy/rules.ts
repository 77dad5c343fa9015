/** All rules of the house together, each with the promise that its test states. */
import type { Finding } from "./finding.ts";
import { checkGlobals } from "./global-rules.ts";
import { checkImports } from "./import-rules.ts";
import type { ParsedFile } from "./parse.ts";
import { checkShape } from "./shape-rules.ts";
import { checkText } from "./text-rules.ts";

/** The name of each rule, and what holds when it finds nothing. */
export const RULES: readonly (readonly [rule: string, promise: string])[] = [
  ["header", "every source file begins with a comment that says what it is"],
  ["width", "no line is wider than 100 columns"],
  ["length", "no source file is longer than 400 lines"],
  ["function", "no function is longer than 70 lines"],
  ["export", "every export is explained"],
  ["import", "rooms import upward, through doors, and only what they may"],
  ["global", "real time and chance are read in few places"],
  ["test", "no test is left out"],
];

/** Everything that is wrong with a file, in the order of its lines. */
export function checkFile(file: ParsedFile): Finding[] {
  return [
    ...checkText(file),
    ...checkShape(file),
    ...checkImports(file),
    ...checkGlobals(file),
  ].sort((a, b) => a.line - b.line);
}
