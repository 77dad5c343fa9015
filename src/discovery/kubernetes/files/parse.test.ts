/** Tests of the text of a file as values: YAML, JSON, lists, and where mistakes are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ParsedText, type PieceCache, POSITION_CHARS_MAX, parseText } from "./parse.ts";

/** A file as it is, without steps. */
function parse(text: string, isJson: boolean, cache: PieceCache<unknown> = new Map()) {
  const work = parseText(text, isJson, cache, (value) => value);
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

function yaml(text: string, cache?: PieceCache<unknown>): ParsedText<unknown> {
  return parse(text, false, cache);
}

function valuesOf(parsed: ParsedText<unknown>): unknown[] {
  assert.equal(parsed.fault, null);
  return parsed.values!.map(({ value }) => value);
}

test("documents, lists of any kind, and lists of one kind are objects one by one", () => {
  const text = [
    "# a comment",
    "kind: Service",
    "--- # another",
    "apiVersion: v1",
    "kind: List",
    "items:",
    "  - kind: Node",
    "  - {kind: Service, x: 1}",
    "---",
    "kind: ServiceList",
    "items: [{x: 2}, {kind: Other}, 3]",
    "---",
    "# nothing",
    "---",
    "text: |",
    "  --- is text here",
    "",
  ].join("\n");
  assert.deepEqual(valuesOf(yaml(text)), [
    { kind: "Service" },
    { kind: "Node" },
    { kind: "Service", x: 1 },
    { kind: "Service", x: 2 },
    { kind: "Other" },
    3,
    { text: "--- is text here\n" },
  ]);
});

test("JSON is read as JSON", () => {
  const list = { kind: "List", items: [{ kind: "Node" }, { kind: "Service" }] };
  assert.deepEqual(valuesOf(parse(JSON.stringify(list), true)), list.items);
});

const FAULTS: readonly (readonly [name: string, text: string, isJson: boolean, fault: string])[] = [
  ["an empty file", "", false, "1:1 the file is empty"],
  ["white space", " \n\n", true, "1:1 the file is empty"],
  [
    "a bad line",
    "a: 1\n---\nb: 1\n c: 2\n",
    false,
    "3:4 Nested mappings are not allowed in compact mappings",
  ],
  ["a tab", "a:\n\tb: 1\n", false, "2:1 Tabs are not allowed as indentation"],
  ["a key twice", "a: 1\n---\nb: 1\nb: 2\n", false, "4:1 Map keys must be unique"],
  ["a key twice, further in", "a:\n - {b: 1, c: {d: 1,\n  d: 2}}\n", false, "3:3 Map keys must"],
  [
    "a list cut off",
    "a: [1, 2",
    false,
    "1:9 Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  [
    "an alias to nothing",
    "a: 1\n---\nb: *x\n",
    false,
    "2:1 Unresolved alias (the anchor must be set before the alias): x",
  ],
  ["JSON cut off", '{\n "a": [', true, "2:8 Unexpected end of JSON input"],
  ["JSON with a comma too many", '{"a": [1,\n]}', true, "2:1 Unexpected token ']'"],
  ["JSON with no colon", '{"a" 1}', true, "1:6 Expected ':' after property name"],
  [
    "JSON with a mistake far on",
    `{"a": "${"x".repeat(500)}",\n "b": nul}`,
    true,
    "2:10 Unexpected token '}'",
  ],
  ["JSON with a mistake", '{\n "a": x}', true, "2:7 Unexpected token 'x'"],
];

for (const [name, text, isJson, expected] of FAULTS) {
  test(`${name} is told with line and column`, () => {
    const { fault } = parse(text, isJson);
    assert.ok(fault !== null);
    assert.ok(
      `${fault.line}:${fault.column} ${fault.reason}`.startsWith(expected),
      JSON.stringify(fault),
    );
    assert.doesNotMatch(fault.reason, /\n/);
  });
}

test("aliases that multiply are refused before they fill the memory", () => {
  const levels = "bcdefghi".split("").map((name, i) => {
    const before = "abcdefgh"[i];
    return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]`;
  });
  const { fault } = yaml(`a: &a [x]\n${levels.join("\n")}\n`);
  assert.match(fault?.reason ?? "", /^Excessive alias count/);
});

test("a field has a position, one that is missing that of what it is missing in", () => {
  const text =
    "kind: A\n---\nkind: List\nitems:\n  - kind: B\n    a:\n      - x: 1\n      - x:  2\n";
  const [, b] = yaml(text).values!;
  assert.deepEqual(b.positionOf("a[1].x"), { line: 8, column: 13 });
  assert.deepEqual(b.positionOf("a[1].y.z"), { line: 8, column: 9 });
  assert.deepEqual(b.positionOf(""), { line: 5, column: 5 });
  const json = parse('{"kind": "A",\n "b": {"c": 1}}', true);
  assert.deepEqual(json.values![0].positionOf("b.c"), { line: 2, column: 13 });
  const large = parse(JSON.stringify({ kind: "A", b: "x".repeat(300_000) }), true);
  assert.deepEqual(large.values![0].positionOf("b"), { line: 1, column: 1 });
});

test("a document that did not change is not parsed again, also after a fault", () => {
  const cache: PieceCache<unknown> = new Map();
  const [first] = valuesOf(yaml("a: 1\n---\nb: 1\n", cache));
  assert.notEqual(yaml("a: 1\n---\nb: [\n", cache).fault, null);
  const [again, b] = valuesOf(yaml("a: 1\n---\nb: 2\n", cache));
  assert.equal(again, first);
  assert.deepEqual(b, { b: 2 });
  assert.equal(cache.size, 2);
});

test("a mapping of many keys costs what a list of as many entries does, not its square", () => {
  const count = 40_000;
  const lines = (line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i));
  const cpuOf = (text: string): number => {
    const before = process.cpuUsage();
    assert.equal(valuesOf(yaml(text)).length, 1);
    return process.cpuUsage(before).user;
  };
  const listCpu = cpuOf(`kind: A\na:\n${lines((i) => `  - key-${i}: x\n`).join("")}`);
  const keys = `kind: A\na:\n${lines((i) => `  key-${i}: x\n`).join("")}`;
  const mapCpu = cpuOf(keys);
  assert.ok(mapCpu < 8 * listCpu, `${mapCpu} and ${listCpu} us of the processor`);
  assert.equal(yaml(`${keys}  key-7: y\n`).fault?.reason, "Map keys must be unique");
});

test("POSITION_CHARS_MAX: of a mistake in a larger JSON text only its surroundings are told", () => {
  const json = (chars: number) => `{"a": "${"x".repeat(chars)}",\n "b": nul}`;
  const small = parse(json(POSITION_CHARS_MAX - 100), true);
  assert.deepEqual(small.fault, { line: 2, column: 10, reason: "Unexpected token '}'" });
  const { fault } = parse(json(POSITION_CHARS_MAX), true);
  assert.equal(`${fault?.line}:${fault?.column}`, "1:1");
  assert.match(
    fault?.reason ?? "",
    /^Unexpected token '}', \.\.\..* "b": nul}" is not valid JSON$/,
  );
  const cut = parse(`{"a": "${"x".repeat(POSITION_CHARS_MAX)}",\n "b":`, true);
  assert.deepEqual(cut.fault, { line: 2, column: 6, reason: "Unexpected end of JSON input" });
});

test("directives belong to the document after them", () => {
  const text = "# top\n%YAML 1.2\n---\nkind: A\n...\n# x\n%YAML 1.2\n\n---\nkind: B\n";
  const parsed = yaml(text);
  assert.deepEqual(valuesOf(parsed), [{ kind: "A" }, { kind: "B" }]);
  assert.deepEqual(
    parsed.values!.map((value) => value.positionOf("kind").line),
    [4, 10],
  );
  assert.deepEqual(valuesOf(yaml("\uFEFF%YAML 1.2\r\n---\r\nkind: A\r\n")), [{ kind: "A" }]);
  const [only] = valuesOf(yaml("text: |\n  a\n  %b\n---\nkind: B\n"));
  assert.deepEqual(only, { text: "a\n%b\n" });
});

test("of a file with a Secret no mistake shows a piece of what is in it", () => {
  const key = "MIIEs3cr3t0123456789";
  const texts = [
    `{ tls.key: ${key}`,
    `\n  tls.key: ${key}\n ${key}`,
    `[${key}]]`,
    `"${key}`,
    `"${key}" ${key}`,
    `*${key}`,
    `&${key} &${key} x`,
    `!${key}!x y`,
    `|${key}\n x`,
    `@${key}`,
    `"\\q${key}"`,
    `a: ${key}: y`,
  ];
  for (const text of texts) {
    const { fault } = yaml(`kind: Secret\ndata: ${text}\n`);
    assert.notEqual(fault, null, text);
    assert.doesNotMatch(fault!.reason, /s3cr3t/);
  }
  const space = " ".repeat(POSITION_CHARS_MAX);
  for (const text of [`"${key}`, `${key}`, `"${key}" "x"`, `"x" ${key}${space}`]) {
    const { fault } = parse(`{"kind": "Secret", "data": ${text}}`, true);
    assert.notEqual(fault, null, text);
    assert.doesNotMatch(fault!.reason, /s3cr3t/);
  }
});
