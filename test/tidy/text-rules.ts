/** Rules on the text of a file: its header, its length, and the width of its lines. */
import { isNoSubstitutionTemplateLiteral, isTemplateExpression } from "typescript/unstable/ast";
import type { Finding } from "./finding.ts";
import { COLUMNS_MAX, FILE_LINES_MAX, isTestFile } from "./house.ts";
import type { ParsedFile } from "./parse.ts";
import { walk } from "./walk.ts";

/** All rules of this file. */
export function checkText(file: ParsedFile): Finding[] {
  return [...checkHeader(file), ...checkWidth(file), ...checkLength(file)];
}

function checkHeader(file: ParsedFile): Finding[] {
  if (/^(#!.*\n)?\/\*\*[\s*]*[^\s*/]/.test(file.text)) return [];
  const mend = file.path.endsWith("/index.ts")
    ? "begin with /** what the room is, what it promises, what it must never do */"
    : "begin with /** what it is, what it is not, which section it implements */";
  return [{ rule: "header", path: file.path, line: 1, what: "no header comment", mend }];
}

function checkWidth(file: ParsedFile): Finding[] {
  const findings: Finding[] = [];
  const starts = file.tree.getLineStarts();
  for (const [i, line] of file.text.split("\n").entries()) {
    const columns = [...line].length;
    if (columns <= COLUMNS_MAX || isUnbreakable(file, line, starts[i] + COLUMNS_MAX)) continue;
    findings.push({
      rule: "width",
      path: file.path,
      line: i + 1,
      what: `${columns} columns`,
      mend: `break the line: ${COLUMNS_MAX} is the limit`,
    });
  }
  return findings;
}

/** The one line of a test's name, as the formatter keeps it: `test("...", async () => {`. */
const TEST_NAME = /^\s*(await )?(t\.)?test\((["`]).*\3, .*\{$/;

/** The path of a generated module is as deep as the package that it was made of. */
const GENERATED_PATH = / from "\.[^"]*\/generated\/[^"]+";$/;

/**
 * An address is no use when it is broken, the text of a template becomes another one, and the
 * name of a test is looked for as a whole.
 */
function isUnbreakable(file: ParsedFile, line: string, limitAt: number): boolean {
  if (/https?:\/\/\S{60}/.test(line)) return true;
  if (GENERATED_PATH.test(line)) return true;
  if (isTestFile(file.path) && TEST_NAME.test(line)) return true;
  let isInTemplate = false;
  walk(file.tree, (node) => {
    if (!isTemplateExpression(node) && !isNoSubstitutionTemplateLiteral(node)) return;
    isInTemplate ||= node.getStart(file.tree) < limitAt && limitAt < node.end;
  });
  return isInTemplate;
}

function checkLength(file: ParsedFile): Finding[] {
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  if (lines <= FILE_LINES_MAX || isTestFile(file.path)) return [];
  return [
    {
      rule: "length",
      path: file.path,
      line: FILE_LINES_MAX + 1,
      what: `${lines} lines in one file`,
      mend: `one concept a file, at most ${FILE_LINES_MAX} lines: name a smaller owner`,
    },
  ];
}
