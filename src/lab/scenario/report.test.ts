/** The reports of scenarios: for people, JSON, JUnit XML and Markdown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LaneView } from "../view.ts";
import { readScenario } from "./read-scenario.ts";
import { reportText } from "./report.ts";
import type { Finding, RunResult, ScenarioResult } from "./result.ts";

const STYLE = { hasColour: false, hasUnicode: true };

const scenario = (name: string) =>
  readScenario(
    `{version: 1, name: ${name}, title: "Of <${name}> | & \\"it\\"", pods: 1, lanes: [client],
      seconds: 1, expect: [{lane: client, that: {failed: 0}}]}`,
    "a.yaml",
  );

const FINDING: Finding = {
  ...{ lane: "client", when: "", measure: "podsUsed", documented: "pods used: 3" },
  ...{ seen: "3 of 3 pods used", value: 3, isMet: true, skipped: null, because: "" },
};
const NOT: Finding = {
  ...FINDING,
  ...{ when: "from 2s to end", seen: "1 of 3 pods used", value: 1, isMet: false },
  because: "every pod has a connection",
};

function result(name: string, change: Partial<ScenarioResult>): ScenarioResult {
  return {
    ...{
      scenario: scenario(name),
      file: null,
      outcome: "shown",
      reason: null,
      findings: [FINDING],
    },
    ...{ lanes: [], events: [], load: null, loadSeconds: 3, seconds: 4.25, isInNetns: false },
    ...{ startedMs: Date.UTC(2030, 0, 2, 3, 4, 5), ...change },
  };
}

const RUN: RunResult = {
  results: [
    result("good", {}),
    result("bad", { outcome: "not-shown", findings: [FINDING, NOT] }),
    result("absent", { outcome: "skipped", reason: "needs root\u0000", findings: [] }),
    result("cut", { outcome: "stopped", reason: "stopped before its end" }),
  ],
  ...{ isShort: false, machine: "2 CPUs" },
};

test("for people: a sign, what was seen, and what is documented where that differs", () => {
  const text = reportText(RUN, "table", STYLE);
  assert.equal(
    text,
    `✓ good: Of <good> | & "it" 4.3 s
    ✓ client  3 of 3 pods used

✕ bad: Of <bad> | & "it" 4.3 s
    ✓ client  3 of 3 pods used
    ✕ client  1 of 3 pods used  (from 2s to end)
              documented: pods used: 3, for every pod has a connection

– absent: Of <absent> | & "it"
    skipped: needs root\u0000

… cut: Of <cut> | & "it" 4.3 s
    stopped before its end
    ✓ client  3 of 3 pods used

4 scenarios: 1 as documented, 1 not, 1 skipped, 1 stopped
`,
  );
  const plain = reportText(RUN, "table", { hasColour: false, hasUnicode: false });
  assert.match(plain, /^ok {2}good: /);
  assert.match(plain, /\nNOT bad: /);
  assert.ok(
    reportText(RUN, "table", { hasColour: true, hasUnicode: true }).includes("\u001b[31m✕"),
  );
});

test("JSON: one document, with counts and what was seen", () => {
  const document = JSON.parse(reportText(RUN, "json", STYLE));
  const { shown, notShown, skipped, stopped, scenarios } = document;
  assert.deepEqual([shown, notShown, skipped, stopped], [1, 1, 1, 1]);
  assert.equal(scenarios[1].outcome, "not-shown");
  assert.equal(scenarios[1].findings[1].value, 1);
  assert.equal(scenarios[0].startedAt, "2030-01-02T03:04:05.000Z");
  assert.equal(scenarios[0].tookMs, 4250);
});

test("JUnit: a suite for each, and counts that agree with the cases", () => {
  const text = reportText(RUN, "junit", STYLE);
  assert.match(
    text,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="fairlead lab run" /,
  );
  const count = (tag: string): number => text.split(`<${tag} `).length - 1;
  assert.deepEqual([count("testsuite"), count("testcase")], [4, 6]);
  assert.deepEqual([count("failure"), count("skipped")], [2, 1]);
  assert.match(text, /^<testsuites [^>]*tests="6" failures="2" errors="0" time="17\.000">/m);
  assert.match(text, /<testsuite name="bad" tests="2" failures="1" errors="0" skipped="0"/);
  assert.match(text, /timestamp="2030-01-02T03:04:05">/);
  assert.match(
    text,
    /<failure message="seen: 1 of 3 pods used; documented: pods used: 3: every pod/,
  );
  // Nothing in it that XML 1.0 has no place for.
  assert.match(text, /<skipped message="needs root\?"\/>/);
  assert.match(text, /name="Of &lt;absent&gt; \| &amp; &quot;it&quot;"/);
  assertWellFormed(text);
});

/** What an element may hold, and its attributes: those that it must have end in "!". */
interface Rule {
  /** Children as a pattern over their names, each with a space behind it. */
  readonly children: RegExp;
  readonly attributes: readonly string[];
}

/**
 * The schemas of Jenkins (the stricter, junit-4) by hand: they are what CI systems go by. They have
 * counts as texts; readers take them for numbers all the same.
 */
const SCHEMA: Readonly<Record<string, Rule>> = {
  testsuites: {
    children: /^(testsuite )*$/,
    attributes: ["name", "time", "tests", "failures", "disabled", "errors"],
  },
  testsuite: {
    children: /^(properties )?(testcase )*(system-out )?(system-err )?$/,
    attributes: [
      ...["name!", "tests!", "failures", "errors", "time", "disabled", "skipped", "timestamp"],
      ...["hostname", "id", "package"],
    ],
  },
  testcase: {
    children: /^(skipped )?(error )*(failure )*(system-out )*(system-err )*$/,
    attributes: ["name!", "assertions", "time", "classname", "status"],
  },
  failure: { children: /^$/, attributes: ["type", "message"] },
  skipped: { children: /^$/, attributes: ["message"] },
  "system-out": { children: /^$/, attributes: [] },
};

// Jenkins' schema has no count of the skipped for all suites together; ours had one.
test("JUnit XML keeps to Jenkins' schema: elements in order, attributes that it knows", () => {
  const lanes = [{ name: "client", verdict: "3 of 3 pods used" }] as unknown as LaneView[];
  const withOutput: RunResult = { ...RUN, results: [...RUN.results, result("out", { lanes })] };
  const text = reportText(withOutput, "junit", STYLE);
  const stack: { name: string; children: string }[] = [{ name: "", children: "" }];
  for (const [, closes, name, said, isEmpty] of text.matchAll(/<(\/?)([\w-]+)([^>]*?)(\/?)>/g)) {
    if (!closes) {
      stack.at(-1)!.children += `${name} `;
      stack.push({ name: name!, children: "" });
      const given = [...said!.matchAll(/ ([\w-]+)="([^"]*)"/g)];
      const rule = SCHEMA[name!];
      assert.ok(rule, `${name}: no such element`);
      for (const [, attribute, value] of given) {
        const isKnown = rule.attributes.some((known) => known.replace("!", "") === attribute);
        assert.ok(isKnown, `${name} has no attribute ${attribute}`);
        const form = FORMS[attribute!];
        if (form) assert.match(value!, form, `${name} ${attribute}`);
      }
      for (const must of rule.attributes.filter((known) => known.endsWith("!"))) {
        const isThere = given.some(([, attribute]) => `${attribute}!` === must);
        assert.ok(isThere, `${name} lacks ${must}`);
      }
    }
    if (!closes && !isEmpty) continue;
    const { name: ended, children } = stack.pop()!;
    assert.match(children, SCHEMA[ended]!.children, ended);
  }
  assert.equal(stack[0]!.children, "testsuites ");
});

const FORMS: Readonly<Record<string, RegExp>> = {
  ...{ tests: /^\d+$/, failures: /^\d+$/, errors: /^\d+$/, skipped: /^\d+$/ },
  time: /^\d+\.\d{3}$/,
  // The schema of Ant has no zone and no fractions.
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
};

test("Markdown: a row for each, and no cell breaks the table", () => {
  const lines = reportText(RUN, "md", STYLE).split("\n");
  assert.deepEqual(lines.slice(0, 4), [
    "| scenario | seen | as documented |",
    "|---|---|---|",
    '| `good`: Of <good> \\| & "it" | **client** 3 of 3 pods used | ✓ |',
    '| `bad`: Of <bad> \\| & "it" | **client** 3 of 3 pods used; from 2s to end: 1 of 3 pods ' +
      "used (documented: pods used: 3) | ✕ |",
  ]);
  assert.equal(lines[7], "4 scenarios: 1 as documented, 1 not, 1 skipped, 1 stopped; 2 CPUs.");
});

test("Markdown: what was seen is said once, also when a verdict begins with it", () => {
  const [result] = RUN.results;
  const [finding] = result!.findings;
  const seen = [
    ...["3 of 3 pods used", "0 failed", "0 failed", "1 connection", "1 connection to pods"],
    "3 of 3 pods used evenly: calls in turn",
  ];
  const findings = seen.map((text) => ({ ...finding!, seen: text, isMet: true }));
  const text = reportText({ ...RUN, results: [{ ...result!, findings }] }, "md", STYLE);
  const said =
    "0 failed, 1 connection, 1 connection to pods, 3 of 3 pods used evenly: calls in turn";
  assert.ok(text.includes(`**client** ${said} |`), text);
});

/** Every tag is closed in its turn, and nothing of markup stands in text or attributes. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml
    .replace(/^<\?.*?\?>/, "")
    .replace(
      /<(\/?)([\w-]+)((?: [\w-]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)(\/?)>/g,
      (_all, closes, name, _attributes, isEmpty) => {
        if (closes) assert.equal(open.pop(), name);
        else if (!isEmpty) open.push(name);
        return "";
      },
    );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest.replace(/&(amp|lt|gt|quot);/g, ""), /[<&]/);
}
