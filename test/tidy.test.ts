/**
 * The house keeps its own rules: imports, time and chance, sizes, headers, and docs.
 *
 * The rules are in `test/tidy/`, with tests that show each of them can fail; the places where
 * something is allowed are in `test/tidy/house.ts`.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { formatFinding } from "./tidy/finding.ts";
import type { ParsedFile } from "./tidy/parse.ts";
import { parseSources } from "./tidy/parse.ts";
import { checkFile, RULES } from "./tidy/rules.ts";
import { findUnusedExports } from "./tidy/unused-rules.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDERS = ["src", "test", "bench", "fuzz", "scripts", "web"];

let files: ParsedFile[];

before(() => {
  const texts = new Map<string, string>();
  for (const folder of FOLDERS) readFolder(folder, texts);
  files = parseSources(texts);
});

function readFolder(folder: string, texts: Map<string, string>): void {
  let entries: ReturnType<typeof listFolder>;
  try {
    entries = listFolder(folder);
  } catch {
    return; // not there yet
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !["node_modules", "fixtures", "generated"].includes(entry.name)) {
      readFolder(path, texts);
    } else if (entry.isFile() && entry.name.endsWith(".ts")) {
      texts.set(path, readFileSync(join(ROOT, path), "utf8"));
    }
  }
}

function listFolder(folder: string) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true });
}

test("the rules look at the whole house", () => {
  for (const path of ["src/base/index.ts", "src/http2/index.ts", "test/tidy.test.ts"]) {
    assert.ok(
      files.some((file) => file.path === path),
      path,
    );
  }
});

for (const [rule, promise] of RULES) {
  test(promise, () => {
    const findings = files.flatMap(checkFile).filter((finding) => finding.rule === rule);
    if (findings.length > 0) assert.fail(`\n${findings.map(formatFinding).join("\n")}`);
  });
}

test("nothing of src/ is exported for nobody", () => {
  const findings = findUnusedExports(files);
  if (findings.length > 0) assert.fail(`\n${findings.map(formatFinding).join("\n")}`);
});

test("every room has a door that says what it is", () => {
  const rooms = new Set(files.map(({ path }) => /^src\/[^/]+(?=\/)/.exec(path)?.[0] ?? ""));
  const doors = new Set(files.map(({ path }) => path));
  const missing = [...rooms].filter((room) => room !== "" && !doors.has(`${room}/index.ts`));
  // The command line is nobody's library: it has no door to come in by.
  assert.deepEqual(
    missing.filter((room) => room !== "src/cli"),
    [],
  );
});
