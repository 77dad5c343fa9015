/**
 * Tests of the table: golden lines, and the property that it never outgrows the terminal.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { labFixture, laneFixture } from "../fixtures.ts";
import { renderTable } from "./table.ts";
import type { TableSize } from "./table-pen.ts";

const WIDE: TableSize = {
  columns: 80,
  rows: Number.POSITIVE_INFINITY,
  hasColour: false,
  hasUnicode: true,
};

const pinned = [0, 0, 400, 0];
const even = [100, 100, 101, 99];
const LAB = labFixture([laneFixture("clusterip", pinned), laneFixture("static", even)]);

test("pods down, lanes across, figures and verdicts below", () => {
  assert.deepEqual(renderTable(LAB, WIDE), [
    "fairlead lab · 4 pods · 300 calls/s a lane · 01:02 · http://127.0.0.1:7480/",
    "",
    "POD           ✕ The clusterip lane              ✓ The static lane",
    "echo-1        ·     ┊                    0.0%   ██████┊                   25.0%",
    "echo-2        ·     ┊                    0.0%   ██████┊                   25.0%",
    "echo-3        ████████████████████████ 100.0%   ██████┊                   25.3%",
    "echo-4        ·     ┊                    0.0%   ██████┊                   24.8%",
    "",
    "failed        0                                 0",
    "p50/p99 ms    1.00 / 1.00                       1.00 / 1.00",
    "max/mean      4.00x                             1.01x",
    "calls/s       300                               300",
    "connections   1                                 1",
    "fairness      0.25                              1.00",
    "",
    "✕ clusterip  1 of 4 pods used: one connection, so every call went to echo-3",
    "✓ static     4 of 4 pods used evenly: a connection to each pod, calls in turn",
  ]);
});

test("without Unicode every character is ASCII", () => {
  const text = renderTable(LAB, { ...WIDE, hasUnicode: false }).join("\n");
  for (const character of text) assert.ok(character.charCodeAt(0) < 128, character);
});

test("without colour there is no escape code, with it the same text", () => {
  const plain = renderTable(LAB, WIDE);
  assert.ok(plain.every((line) => !line.includes("\x1b")));
  const coloured = renderTable(LAB, { ...WIDE, hasColour: true });
  assert.ok(coloured.some((line) => line.includes("\x1b[")));
  assert.deepEqual(
    coloured.map((line) => stripVTControlCharacters(line).trimEnd()),
    plain,
  );
});

test("no line is wider, and there are no more lines, than the terminal has", () => {
  const shapes = fc.record({
    columns: fc.integer({ min: 24, max: 220 }),
    rows: fc.integer({ min: 16, max: 80 }),
    pods: fc.integer({ min: 1, max: 100 }),
    lanes: fc.integer({ min: 1, max: 5 }),
    hasUnicode: fc.boolean(),
  });
  fc.assert(
    fc.property(shapes, ({ columns, rows, pods, lanes, hasUnicode }) => {
      const calls = Array.from({ length: pods }, (_, index) => (index * 7) % 90);
      const all = Array.from({ length: lanes }, (_, index) => laneFixture(`lane${index}`, calls));
      const lines = renderTable(labFixture(all), { columns, rows, hasUnicode, hasColour: false });
      for (const line of lines) assert.ok(line.length <= columns, `${line.length}: ${line}`);
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows} rows`);
    }),
  );
});

test("too narrow for columns: the verdicts remain", () => {
  const lines = renderTable(LAB, { ...WIDE, columns: 30 });
  assert.deepEqual(lines, [
    "fairlead lab",
    "✕ clusterip  1 of 4 pods used:",
    "             one connection,",
    "             so every call",
    "             went to echo-3",
    "✓ static     4 of 4 pods used",
    "             evenly: a",
    "             connection to",
    "             each pod, calls",
    "             in turn",
  ]);
});

test("too few rows: the pods that stand out are shown, and how many are not", () => {
  const calls = Array.from({ length: 50 }, (_, index) => (index === 41 ? 500 : 1));
  const lab = labFixture([laneFixture("clusterip", calls)]);
  const lines = renderTable(lab, { ...WIDE, rows: 14 });
  assert.ok(lines.length <= 14);
  assert.ok(lines.some((line) => line.startsWith("echo-42 ")));
  assert.ok(lines.some((line) => /and 4\d more pods/.test(line)));
});

test("long verdicts are cut, what is wrong first, before they drive out the pods", () => {
  const lanes = ["a", "b", "c", "d"].map((name) => laneFixture(name, [5, 5, 5], { failed: 2 }));
  const size = { ...WIDE, columns: 62, rows: 15 };
  const lines = renderTable(labFixture(lanes), size);
  assert.equal(lines.filter((line) => line.startsWith("echo-")).length, 3);
  assert.equal(lines.at(-1), "✕ d  2 calls failed: 3 of 3 pods used evenly; 2 calls failed …");
  const high = renderTable(labFixture(lanes), { ...size, rows: 30 });
  assert.equal(high.at(-1), "     route)");
});

test("a lane that did not run has dashes and its reason, beside one that did", () => {
  const failed = laneFixture("proxy", [0, 0, 0, 0], { phase: "failed", failure: "port taken" });
  const lines = renderTable(labFixture([laneFixture("static", even), failed]), WIDE);
  assert.ok(lines.some((line) => /^echo-1 .*25\.0% {3}-$/.test(line)));
  assert.equal(lines.at(-1), "✕ proxy   did not run: port taken");
});

test("a lane that has not answered yet is shown as starting", () => {
  const waiting = laneFixture("proxy", [0, 0], { phase: "starting" });
  assert.equal(renderTable(labFixture([waiting]), WIDE).at(-1), "… proxy  starting");
});

test("failed calls are counted and their reason told", () => {
  const lane = laneFixture("static", [5, 5], { failed: 2 });
  const lines = renderTable(labFixture([lane]), { ...WIDE, columns: 120 });
  assert.ok(lines.includes("failed        2"));
  assert.match(lines.at(-1)!, /2 calls failed \(UNAVAILABLE: no route\)$/);
});

test("pods that come and go say so, and the head counts those that serve", () => {
  const lab = labFixture([laneFixture("static", [5, 5, 0])], {
    podStates: ["ready", "terminating", "gone"],
  });
  const lines = renderTable(lab, WIDE);
  assert.match(lines[0]!, /1 pods/);
  assert.ok(lines.some((line) => line.startsWith("echo-1   ")));
  assert.ok(lines.some((line) => line.startsWith("echo-2 ending   ")));
  assert.ok(lines.some((line) => line.startsWith("echo-3 gone")));
});

test("a line says what the keys do, as many of them as there is room for", () => {
  const lab = labFixture([laneFixture("static", even)], { hint: "keys: + - pods, s slow, k kill" });
  const lineIn = (columns: number) => renderTable(lab, { ...WIDE, columns })[1];
  assert.equal(lineIn(80), "keys: + - pods, s slow, k kill");
  assert.equal(lineIn(25), "keys: + - pods, s slow");
  assert.match(lineIn(10)!, /^. static/, "no room, no line");
});

test("after an event: what it was, the slow pod, and what became of each lane since", () => {
  const event = { atMs: 5000, event: "slow=echo-2", pod: "echo-2" };
  const text = { isOutcome: false, text: "echo-2 slow x10", column: 10 };
  const lanes = [
    laneFixture("clusterip", pinned, { event }),
    laneFixture("static", even, { event }),
  ];
  const events = [{ ...event, ...text }];
  const lines = renderTable(labFixture(lanes, { slowPods: ["echo-2"], events }), WIDE);
  assert.equal(lines[1], "00:05 echo-2 slow x10");
  assert.ok(lines.some((line) => line.startsWith("echo-2 slow   ")));
  const figures = lines.map((line) => line.split(/ {3,}/));
  for (const figure of [
    ["to echo-2", "0%", "25.0%"],
    ["failed since", "0", "0"],
    ["p99 since", "1.00", "1.00"],
  ]) {
    assert.deepEqual(
      figures.find(([label]) => label === figure[0]),
      figure,
    );
  }
});

test("the second line says how other programs reach the pods, in whole words", () => {
  const access = { kubeconfig: "/tmp/fairlead-lab-a/kubeconfig", target: "kubernetes:///a.b:grpc" };
  const lab = labFixture([laneFixture("static", even)], { access });
  const lineIn = (columns: number) => renderTable(lab, { ...WIDE, columns })[1];
  const variable = "KUBECONFIG=/tmp/fairlead-lab-a/kubeconfig";
  assert.equal(lineIn(80), `${variable} kubernetes:///a.b:grpc`);
  assert.equal(lineIn(60), variable);
  assert.equal(lineIn(30), "kubernetes:///a.b:grpc");
  assert.match(lineIn(20)!, /^. static/, "no room, no line");
});

test("what is read when all is over has every event, a terminal the last", () => {
  const events = [
    { atMs: 2_000, event: "slow=echo-1", text: "echo-1 is slow" },
    { atMs: 9_000, event: "replica", text: "a second proxy replica" },
  ] as unknown as (typeof LAB)["events"];
  const told = (size: TableSize): string[] =>
    renderTable({ ...LAB, events }, size).filter((line) => /^00:0\d /.test(line));
  assert.deepEqual(told(WIDE), ["00:02 echo-1 is slow", "00:09 a second proxy replica"]);
  assert.deepEqual(told({ ...WIDE, rows: 40 }), ["00:09 a second proxy replica"]);
});
