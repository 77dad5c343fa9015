/** Tests of the rule that nothing is exported for nobody, on small houses of a few files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSources } from "./parse.ts";
import { findUnusedExports } from "./unused-rules.ts";

/** "path:line name" of each finding; each text stands below a header line. */
function unusedIn(house: Readonly<Record<string, string>>): string[] {
  const texts = Object.entries(house).map(([path, text]) => [path, `/** It. */\n${text}`] as const);
  const findings = findUnusedExports(parseSources(new Map(texts)));
  return findings.map(({ path, line, what }) => `${path}:${line} ${what.split(" ")[0]}`);
}

test("what nobody imports is found: constants, functions, classes and types", () => {
  const found = unusedIn({
    "src/grpc/a.ts":
      "export const A = 1;\nexport function b() {}\nexport class C {}\nexport interface D {}\n" +
      "export type E = 1;\nconst own = 1;\nvoid own;\n",
  });
  const names = ["2 A", "3 b", "4 C", "5 D", "6 E"];
  assert.deepEqual(
    found,
    names.map((name) => `src/grpc/a.ts:${name}`),
  );
});

test("an import of another file is a use, whatever its form and name there", () => {
  const found = unusedIn({
    "src/grpc/a.ts": "export const A = 1;\nexport const B = 1;\nexport interface C {}\n",
    "src/grpc/b.ts": "export const D = 1;\n",
    "src/grpc/c.ts": "export const E = 1;\n",
    "src/grpc/d.ts": "export const F = 1;\n",
    "src/grpc/a.test.ts": 'import { A, B as other } from "./a.ts";\nvoid [A, other];\n',
    "bench/x.ts": 'import * as all from "../src/grpc/b.ts";\nvoid all;\n',
    "fuzz/x.ts": 'const it = await import("../src/grpc/c.ts");\nvoid it;\n',
    "test/x.ts":
      'export type T = typeof import("../src/grpc/d.ts");\n' +
      'import type { C } from "../src/grpc/a.ts";\nvoid (0 as unknown as C);\n',
  });
  assert.deepEqual(found, []);
});

test("a use in the file itself is none, but for a type that something else there needs", () => {
  const found = unusedIn({
    "src/grpc/a.ts":
      "export const A = 1;\nexport interface B {}\nexport function c(b: B) {\n  void [A, b];\n}\n",
    "src/grpc/b.ts": 'import { c } from "./a.ts";\nc({});\n',
  });
  assert.deepEqual(found, ["src/grpc/a.ts:2 A"]);
});

test("what a door passes on is used when it is taken from the door", () => {
  const found = unusedIn({
    "src/grpc/a.ts": "export const A = 1;\nexport const B = 1;\nexport interface C {}\n",
    "src/grpc/b.ts": "export const D = 1;\n",
    "src/grpc/c.ts": "export const E = 1;\n",
    "src/grpc/index.ts":
      'export { A, B as Other } from "./a.ts";\nexport type { F } from "./d.ts";\n' +
      'export * as b from "./b.ts";\nexport * as c from "./c.ts";\n',
    "src/grpc/d.ts": "export interface F {}\nexport const G = (f: F) => f;\n",
    "src/proxy/x.ts": 'import { c, Other } from "../grpc/index.ts";\nvoid [c, Other];\n',
  });
  assert.deepEqual(found, [
    "src/grpc/a.ts:2 A",
    "src/grpc/a.ts:4 C",
    "src/grpc/b.ts:2 D",
    "src/grpc/index.ts:2 A",
    "src/grpc/index.ts:4 b",
    "src/grpc/d.ts:3 G",
  ]);
});

test("what the package's own entry passes on is used outside, and tests may export freely", () => {
  const found = unusedIn({
    "src/grpc/a.ts": "export const A = 1;\n",
    "src/proxy/public.ts": 'export { A } from "../grpc/a.ts";\nexport const B = 1;\n',
    "test/support/x.ts": "export const C = 1;\n",
    "src/grpc/x-suite.ts": "export const D = 1;\n",
  });
  assert.deepEqual(found, []);
});
