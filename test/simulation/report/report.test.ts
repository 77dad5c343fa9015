/**
 * Reports: numbers as people read them, tables for two media, and charts that are well-formed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { axisOf, tickText } from "./axis.ts";
import { pageMarkdown } from "./markdown.ts";
import { type Chart, formatNumber, isMet, type Report, targetOf } from "./report.ts";
import { chartSvg } from "./svg.ts";
import { reportText } from "./text.ts";

const CHART: Chart = {
  name: "a",
  title: 'Load < "fair" & more',
  xLabel: "seconds",
  yLabel: "calls/s",
  series: [
    {
      name: "one",
      points: [
        [0, 5],
        [10, 1_500],
      ],
    },
    {
      name: "two",
      points: [
        [0, Number.NaN],
        [10, 1_490],
      ],
    },
  ],
  marks: [
    { axis: "x", at: 5, label: "now" },
    { axis: "y", at: 1_000, label: "limit" },
  ],
};

const REPORT: Report = {
  tables: [
    {
      title: "T",
      columns: ["name", "n"],
      rows: [
        ["a", 1_234.5],
        ["bb", 0.5],
      ],
    },
  ],
  charts: [CHART],
  checks: [{ what: "it", value: 1.1, unit: "s", atMost: 1 }],
  notes: ["Said."],
};

test("numbers have the digits that they deserve", () => {
  const texts = [100_000, 1234.5, 123.45, 12.345, 1.2345, 0.012345, Number.NaN, 1 / 0];
  assert.deepEqual(texts.map(formatNumber), [
    ...["100,000", "1,235", "123", "12.3", "1.234", "0.012", "-", "never"],
  ]);
});

test("a target is met at its very value, and never by no value", () => {
  const check = { what: "", unit: "ms", value: 5 };
  assert.equal(isMet({ ...check, atMost: 5 }), true);
  assert.equal(isMet({ ...check, atMost: 4.9 }), false);
  assert.equal(isMet({ ...check, atLeast: 5.1 }), false);
  assert.equal(isMet({ ...check, value: Number.NaN, atMost: 5 }), false);
  assert.equal(targetOf({ ...check, atMost: 5, atLeast: 2 }), ">= 2 and <= 5 ms");
});

test("a report as text: columns line up, numbers stand right, targets follow", () => {
  const lines = reportText(REPORT).split("\n");
  assert.deepEqual(lines.slice(0, 5), [
    ...["  T", "  name      n", "  ----  -----", "  a     1,235", "  bb    0.500"],
  ]);
  assert.ok(lines.some((line) => /it +1\.100 s +<= 1 s +NO/.test(line)));
});

test("a page has the command of each scenario, its tables and its charts", () => {
  const scenario = { name: "x", title: "X", about: "About.", run: () => REPORT };
  const page = pageMarkdown("# Head\n", [{ scenario, report: REPORT }], 7);
  assert.match(page, /^# Head\n\n## All figures/);
  assert.match(page, /`npm run simulate -- --scenario x --seed 7`/);
  assert.match(page, /\| name \| n \|\n\| --- \| ---: \|\n\| a \| 1,235 \|/);
  assert.match(page, /!\[.*\]\(simulation\/a\.svg\)/);
});

test("axes begin at 0 and have round ticks; logarithmic ones have decades", () => {
  assert.deepEqual(axisOf([0, 1_500], false, 0, 100, true).ticks, [0, 500, 1_000, 1_500]);
  assert.equal(axisOf([0, 1_500], false, 0, 100, true).at(750), 50);
  const log = axisOf([30, 150], true, 0, 100, true);
  assert.deepEqual(log.ticks, [10, 100, 1_000]);
  assert.deepEqual([log.at(10), log.at(100), log.at(1_000)], [0, 50, 100]);
  assert.deepEqual([0, 1_500, 0.05, 0.0001].map(tickText), ["0", "1,500", "0.05", "1e-4"]);
});

test("a chart is well-formed, names its lines, and has no number that is none", () => {
  const svg = chartSvg(CHART);
  assert.ok(svg.includes("Load &lt; &quot;fair&quot; &amp; more"));
  for (const label of ["one", "two", "now", "limit", "seconds", "calls/s"]) {
    assert.ok(svg.includes(`>${label}</text>`), label);
  }
  assert.ok(!/NaN|Infinity|undefined/.test(svg));
  const opened = svg.match(/<(svg|style|text)\b/g)!.length;
  assert.equal(opened, svg.match(/<\/(svg|style|text)>/g)!.length);
});
