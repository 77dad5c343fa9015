/** Tests of the tidy rules: each can fail, at the line it names, and lets what is right pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFinding } from "./finding.ts";
import { type ParsedFile, parseSources } from "./parse.ts";
import { checkFile, RULES } from "./rules.ts";

interface Case {
  readonly name: string;
  /** Unique among the cases. */
  readonly path: string;
  /** Stands below a header unless it begins with "#" (as is, the "#" left out). */
  readonly text: string;
  /** "rule line: what" of each finding; the header is line 1, the text begins on line 2. */
  readonly finds: readonly string[];
}

const LONG_BODY = "  void 0;\n".repeat(69);
const DOC = "/** Does it. */\n";

const CASES: readonly Case[] = [
  // header
  {
    name: "a file without a header",
    path: "src/grpc/h1.ts",
    text: '#import "./a.ts";\n',
    finds: ["header 1: no header comment"],
  },
  {
    name: "a header that is no doc comment, or says nothing",
    path: "src/grpc/h2.ts",
    text: "#// Says something.\n",
    finds: ["header 1: no header comment"],
  },
  {
    name: "an empty header",
    path: "src/grpc/h3.ts",
    text: "#/** */\nvoid 0;\n",
    finds: ["header 1: no header comment"],
  },
  {
    name: "a script that begins with its interpreter",
    path: "bench/h4.ts",
    text: "#\u0023!/usr/bin/env node\n/** Runs. */\nvoid 0;\n",
    finds: [],
  },
  {
    name: "a test without a header",
    path: "src/grpc/h5.test.ts",
    text: "#void 0;\n",
    finds: ["header 1: no header comment"],
  },
  // width
  {
    name: "a line of 101 columns",
    path: "src/grpc/w1.ts",
    text: `\n// ${"x".repeat(97)}\n// ${"x".repeat(98)}\n`,
    finds: ["width 4: 101 columns"],
  },
  {
    name: "100 characters that are more than 100 code units",
    path: "src/grpc/w2.ts",
    text: `// ${"😀".repeat(97)}\n`,
    finds: [],
  },
  {
    name: "an address, and the text of a template",
    path: "src/grpc/w3.ts",
    text: `// https://example.com/${"x".repeat(90)}\nvoid \`${"x".repeat(120)}\`;\n`,
    finds: [],
  },
  {
    name: "the name of a test, in a test",
    path: "src/grpc/w5.test.ts",
    text: `/** Header. */\ntest("${"x".repeat(90)}", async () => {\n});\n`,
    finds: [],
  },
  {
    name: "the same outside of tests",
    path: "src/grpc/w6.ts",
    text: `test("${"x".repeat(90)}", async () => {\n});\n`,
    finds: ["width 2: 112 columns"],
  },
  {
    name: "a long string, which can be broken",
    path: "src/grpc/w4.ts",
    text: `void "${"x".repeat(120)}";\n`,
    finds: ["width 2: 128 columns"],
  },
  // length
  {
    name: "401 lines",
    path: "src/grpc/l1.ts",
    text: "void 0;\n".repeat(400),
    finds: ["length 401: 401 lines in one file"],
  },
  {
    name: "400 lines, and 401 lines of tests",
    path: "src/grpc/l2.ts",
    text: "void 0;\n".repeat(399),
    finds: [],
  },
  { name: "401 lines of tests", path: "test/l3.ts", text: "void 0;\n".repeat(400), finds: [] },
  // function
  {
    name: "a function, a method and an arrow of 71 lines",
    path: "src/grpc/f1.ts",
    text:
      `function a() {\n${LONG_BODY}}\n` +
      `class B {\n  c() {\n${LONG_BODY}}\n}\n` +
      `const d = () => {\n${LONG_BODY}};\nvoid [a, B, d];\n`,
    finds: [
      "function 2: a has 71 lines",
      "function 74: c has 71 lines",
      "function 146: a function has 71 lines",
    ],
  },
  {
    name: "a constructor, an accessor and a function expression of 71 lines",
    path: "src/grpc/f2.ts",
    text:
      `class A {\n  constructor() {\n${LONG_BODY}}\n  get b() {\n${LONG_BODY}}\n}\n` +
      `void [A, function () {\n${LONG_BODY}}];\n`,
    finds: [
      "function 3: a function has 71 lines",
      "function 74: b has 71 lines",
      "function 146: a function has 71 lines",
    ],
  },
  {
    name: "a function of 70 lines, its comment not counted",
    path: "src/grpc/f3.ts",
    text: `/**\n * Long.\n */\nfunction a() {\n${LONG_BODY.slice(10)}}\nvoid a;\n`,
    finds: [],
  },
  {
    name: "braces in strings, templates, comments and regular expressions",
    path: "src/grpc/f4.ts",
    text:
      "function a() {\n" +
      `  return ["{", \`{\${"{"}\`, /[{/]{/, 1 / 2]; // {\n}\n` +
      `/* { */\n${"void 0;\n".repeat(80)}void a;\n`,
    finds: [],
  },
  {
    name: "a group of tests is not a function, a test is one",
    path: "src/grpc/f5.test.ts",
    text: `describe("x", () => {\n  test("y", () => {\n${LONG_BODY}});\n});\n`,
    finds: ["function 3: a function has 71 lines"],
  },
  // export
  {
    name: "exports without a doc comment",
    path: "src/grpc/e1.ts",
    text:
      "void 0;\nexport const a = 1;\nexport function b() {}\nexport class C {}\n" +
      "export interface D {}\nexport type E = 1;\nexport default 1;\n// No doc.\n" +
      "export const f = 1, g = 2;\n/* None either. */\nexport async function* h() {}\n",
    finds: [
      "export 3: a is exported without a doc comment",
      "export 4: b is exported without a doc comment",
      "export 5: C is exported without a doc comment",
      "export 6: D is exported without a doc comment",
      "export 7: E is exported without a doc comment",
      "export 8: the default export is exported without a doc comment",
      "export 10: f, g is exported without a doc comment",
      "export 12: h is exported without a doc comment",
    ],
  },
  {
    name: "an export below the header needs a comment of its own",
    path: "src/grpc/e2.ts",
    text: "export const a = 1;\n",
    finds: ["export 2: a is exported without a doc comment"],
  },
  {
    name: "an export named apart from its declaration",
    path: "src/grpc/e3.ts",
    text: "void 0;\nconst a = 1;\nconst b = 2;\nvoid b;\nexport { a as c };\n",
    finds: ["export 3: a is exported without a doc comment"],
  },
  {
    name: "explained exports, overloads, re-exports, and what is not exported",
    path: "src/grpc/e4.ts",
    text:
      `${DOC}export const a = 1;\n${DOC}export function b(x: 1): 1;\n` +
      "export function b(x: 2): 2;\nexport function b(x: number) {\n  return x;\n}\n" +
      'export { x } from "./x.ts";\nexport type { Y } from "./x.ts";\nfunction c() {}\nvoid c;\n',
    finds: [],
  },
  {
    name: "exports of a test's helper",
    path: "src/grpc/e5-suite.ts",
    text: "export const a = 1;\n",
    finds: [],
  },
  // import
  {
    name: "a room that imports downward",
    path: "src/grpc/i1.ts",
    text: 'import "../balancing/index.ts";\nimport type { A } from "../proxy/index.ts";\n',
    finds: ["import 2: grpc imports balancing", "import 3: grpc imports proxy"],
  },
  {
    name: "every way of importing",
    path: "src/grpc/i2.ts",
    text:
      'export { a } from "../lab/index.ts";\nexport * from "../lab/index.ts";\n' +
      'void import("../lab/index.ts");\nvoid (0 as import("../lab/index.ts").A);\n',
    finds: [2, 3, 4, 5].map((line) => `import ${line}: grpc imports lab`),
  },
  {
    name: "past the door of another room",
    path: "src/grpc/i3.ts",
    text: 'import "../base/wheel.ts";\nimport "../base/index.ts";\nimport "./other.ts";\n',
    finds: ["import 2: imports src/base/wheel.ts past the door"],
  },
  {
    name: "past the door from a folder within a room, and from a test",
    path: "src/proxy/admin/i4.test.ts",
    text: 'import "../../cluster/a.ts";\nimport "../b.ts";\nimport "../../cluster/index.ts";\n',
    finds: ["import 2: imports src/cluster/a.ts past the door"],
  },
  {
    name: "a room that is not in the list, and a file outside src",
    path: "src/lab/i5.ts",
    text: 'import "../attic/index.ts";\nimport "../../test/support/x.ts";\n',
    finds: [
      "import 2: src/attic/index.ts is in no known room",
      "import 3: imports test/support/x.ts",
    ],
  },
  {
    name: "a test may use what the whole-system tests share",
    path: "src/lab/i6.test.ts",
    text: 'import "../../test/support/x.ts";\nimport "fast-check";\nimport "node:http2";\n',
    finds: [],
  },
  {
    name: "rooms that know nothing of each other although the order would let them",
    path: "src/proxy/i7.ts",
    text: 'import "../client/index.ts";\n',
    finds: ["import 2: proxy imports client"],
  },
  {
    name: "nobody imports cli",
    path: "src/lab/i8.ts",
    text: 'import "../cli/index.ts";\n',
    finds: ["import 2: lab imports cli"],
  },
  {
    name: "Node's http2 and timers in a room",
    path: "src/transport/i9.ts",
    text: 'import "node:http2";\nimport "node:timers/promises";\nimport "node:net";\n',
    finds: ["import 2: imports node:http2", "import 3: imports node:timers/promises"],
  },
  {
    name: "Node's http2 and grpc-js in the lab",
    path: "src/lab/i10.ts",
    text: 'import "node:http2";\nimport "@grpc/grpc-js";\nimport "@grpc/grpc-js/build/x.js";\n',
    finds: [],
  },
  {
    name: "grpc-js in another room, libraries out of place, and test tools",
    path: "src/cluster/i11.ts",
    text: 'import "@grpc/grpc-js";\nimport "commander";\nimport "fast-check";\n',
    finds: [
      "import 2: imports @grpc/grpc-js",
      "import 3: imports commander",
      "import 4: imports fast-check",
    ],
  },
  {
    name: "input and output in a pure room",
    path: "src/http2/i12.ts",
    text: 'import "node:net";\nimport "node:assert";\n',
    finds: ["import 2: http2 imports node:net"],
  },
  // global
  {
    name: "real time and chance",
    path: "src/cluster/g1.ts",
    text:
      "void Date.now();\nvoid performance.now();\nvoid new Date();\nvoid Math.random();\n" +
      "setTimeout(() => {}, 1);\nsetInterval(() => {}, 1);\nsetImmediate(() => {});\n" +
      "void process.hrtime.bigint();\nvoid Date();\nconst later = setTimeout;\n" +
      "void [later, Math.random];\nglobalThis.setTimeout(() => {}, 1);\nvoid { setTimeout };\n",
    finds: [
      "global 2: uses Date.now",
      "global 3: uses performance",
      "global 4: uses new Date()",
      "global 5: uses Math.random",
      "global 6: uses setTimeout",
      "global 7: uses setInterval",
      "global 8: uses setImmediate",
      "global 9: uses process.hrtime",
      "global 10: uses Date()",
      "global 11: uses setTimeout",
      "global 12: uses Math.random",
      "global 13: uses setTimeout",
      "global 14: uses setTimeout",
    ],
  },
  {
    name: "names that look alike, in text and as members",
    path: "src/cluster/g2.ts",
    text:
      'void new Date(0);\nvoid "Date.now()";\n// Math.random()\nvoid Math.floor(1);\n' +
      "class Own {\n  setTimeout() {}\n}\nnew Own().setTimeout();\nvoid { setTimeout: 1 };\n" +
      "type T = ReturnType<typeof setTimeout>;\nvoid (0 as unknown as T);\n" +
      "socketOf().setTimeout(1);\nfunction socketOf() {\n  return new Own() as any;\n}\n",
    finds: [],
  },
  {
    name: "the clock itself, and the loop of the transport",
    path: "src/transport/g3.ts",
    text: "setImmediate(() => {});\nsetTimeout(() => {}, 1);\n",
    finds: ["global 3: uses setTimeout"],
  },
  {
    name: "tests may read real time",
    path: "src/cluster/g4.test.ts",
    text: "setTimeout(() => {}, 1);\nvoid Date.now();\n",
    finds: [],
  },
  // test
  {
    name: "tests that are left out, or leave others out",
    path: "src/grpc/t1.test.ts",
    text: 'test.only("a", () => {});\nit.skip("b", () => {});\ndescribe.todo("c");\n',
    finds: ["test 2: test.only", "test 3: it.skip", "test 4: describe.todo"],
  },
  {
    name: "a test that finds at run time that it cannot run",
    path: "test/t2.test.ts",
    text: 'test("a", (t) => t.skip("no such program here"));\n',
    finds: [],
  },
];

const parsed = new Map<string, ParsedFile>(
  parseSources(
    new Map(
      CASES.map(({ path, text }) => [
        path,
        text.startsWith("#") ? text.slice(1) : `/** Header. */\n${text}`,
      ]),
    ),
  ).map((file) => [file.path, file]),
);

for (const { name, path, finds } of CASES) {
  test(`${finds.length === 0 ? "passes" : "found"}: ${name}`, () => {
    const found = checkFile(parsed.get(path)!);
    assert.deepEqual(
      found.map(({ rule, line, what }) => `${rule} ${line}: ${what}`),
      finds,
    );
  });
}

test("every rule has a case that it fails", () => {
  const failing = new Set(CASES.flatMap(({ finds }) => finds.map((find) => find.split(" ")[0])));
  for (const [rule] of RULES) assert.ok(failing.has(rule), rule);
  assert.equal(failing.size, RULES.length);
});

test("a finding is told as file:line, what is wrong, and the mend", () => {
  const [finding] = checkFile(parsed.get("src/grpc/i1.ts")!);
  assert.equal(
    formatFinding(finding),
    "src/grpc/i1.ts:2: grpc imports balancing: " +
      "grpc knows nothing of balancing: take it as an argument, or move it up",
  );
});

test("a file that does not parse is an error that names it", () => {
  assert.throws(() => parseSources(new Map([["src/x.ts", "const = ;"]])), /src\/x\.ts/);
});
