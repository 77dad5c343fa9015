/**
 * Which sections of RFC 9113 have a test: a section that asks something of an endpoint and has none
 * fails here. Read from the tests' own names, so the page is never out of date.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** Sections with requirements for the engine of an endpoint that neither pushes nor upgrades. */
const SECTIONS = [
  "3.4",
  "4.1",
  "4.2",
  "4.3",
  "5.1",
  "5.1.1",
  "5.1.2",
  "5.2.1",
  "5.2.2",
  "5.4.1",
  "5.4.2",
  "5.4.3",
  "5.5",
  "6.1",
  "6.2",
  "6.3",
  "6.4",
  "6.5",
  "6.5.2",
  "6.5.3",
  "6.6",
  "6.7",
  "6.8",
  "6.9",
  "6.9.1",
  "6.9.2",
  "6.9.3",
  "6.10",
  "8.1",
  "8.1.1",
  "8.2.1",
  "8.2.2",
  "8.2.3",
  "8.3",
  "8.3.1",
  "8.3.2",
  "8.5",
  "8.6",
  "8.7",
];

test("each section of RFC 9113 that asks something of us has a test", () => {
  const folder = import.meta.dirname;
  const files = readdirSync(folder).filter((name) => /^\d.*\.test\.ts$/.test(name));
  const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const covered = new Set<string>();
  const named = /(?:[[(]\s*|section: )"(\d+(?:\.\d+)+)"|test\(\s*"RFC 9113 §(\d+(?:\.\d+)+)/g;
  for (const [, inTable, inName] of text.matchAll(named)) covered.add((inTable ?? inName)!);
  const missing = SECTIONS.filter((section) => !covered.has(section));
  assert.deepEqual(missing, []);
});
