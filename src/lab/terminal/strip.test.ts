/**
 * Tests of the heat strip in characters.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { LabEvent } from "../view.ts";
import { legend, markText, scaleOf, stripCells, stripText } from "./strip.ts";
import { Pen } from "./table-pen.ts";

const pen = new Pen({ columns: 80, rows: 24, hasColour: false, hasUnicode: true });
const ascii = new Pen({ columns: 80, rows: 24, hasColour: false, hasUnicode: false });
const coloured = new Pen({ columns: 80, rows: 24, hasColour: true, hasUnicode: true });

type Columns = readonly (readonly number[])[];

/** The strip of these columns as text, a row each. */
function drawn(
  columns: Columns,
  change: {
    groups?: number[][];
    cells?: number;
    perCell?: number;
    total?: number;
    gone?: number[];
    with?: Pen;
  } = {},
): string[] {
  const rows = Math.max(...columns.map((column) => column.length));
  const all = Array.from({ length: rows }, (_, row) => row);
  const source = {
    columns,
    columnCount: change.total ?? columns.length,
    isGone: all.map((row) => change.gone?.includes(row) ?? false),
  };
  const scale = { cells: change.cells ?? columns.length, perCell: change.perCell ?? 1 };
  const groups = change.groups ?? all.map((row) => [row]);
  return stripCells(source, groups, scale).map((cells) => stripText(cells, change.with ?? pen));
}

test("half a block is the fair share, a dot no call, a full block twice the share or more", () => {
  const columns = [
    [10, 10, 10, 10],
    [40, 0, 0, 0],
    [15, 5, 10, 10],
  ];
  assert.deepEqual(drawn(columns), ["▄█▆", "▄·▂", "▄·▄", "▄·▄"]);
  assert.deepEqual(drawn(columns, { with: ascii }), ["=@*", "=.:", "=.=", "=.="]);
});

test("a single call of many is not shown as none", () => {
  assert.deepEqual(drawn([[1000, 1]]), ["█", "▁"]);
});

test("a pod that came later is blank before, and a row without a pod is blank while idle", () => {
  assert.deepEqual(drawn([[5], [5, 0], [5, 5]]), ["▄█▄", " ·▄"]);
  assert.deepEqual(
    drawn(
      [
        [5, 5],
        [5, 0],
      ],
      { gone: [1] },
    ),
    ["▄▄", "▄ "],
  );
});

test("the newest column is at the right end, and there are no more cells than asked for", () => {
  assert.deepEqual(
    drawn(
      [
        [4, 0],
        [0, 4],
      ],
      { cells: 4 },
    ),
    ["  █·", "  ·█"],
  );
  assert.deepEqual(
    drawn(
      [
        [4, 0],
        [4, 0],
        [0, 4],
      ],
      { cells: 2 },
    ),
    ["█·", "·█"],
  );
});

test("a cell of several columns is their sum, cut at the same columns in every frame", () => {
  const columns = [
    [8, 0],
    [0, 8],
    [8, 0],
    [8, 0],
  ];
  assert.deepEqual(drawn(columns, { cells: 2, perCell: 2 }), ["▄█", "▄·"]);
  // One column more: a new cell begins, those before it stay as they are.
  assert.deepEqual(drawn([...columns, [0, 8]], { cells: 3, perCell: 2 }), ["▄█·", "▄·█"]);
});

test("columns that the history has dropped, and those of before a lane began, are blank", () => {
  assert.deepEqual(
    drawn(
      [
        [4, 4],
        [4, 4],
      ],
      { cells: 3, perCell: 2, total: 7 },
    ),
    [" ▄▄", " ▄▄"],
  );
});

test("a row of several pods has the mean of their shares", () => {
  const groups = [
    [0, 1],
    [2, 3],
  ];
  assert.deepEqual(
    drawn(
      [
        [10, 10, 0, 0],
        [0, 20, 10, 10],
        [0, 0, 0, 0],
      ],
      { groups },
    ),
    ["█▄·", "·▄·"],
  );
});

test("colour is only an extra", () => {
  const [row] = drawn(
    [
      [40, 0, 0, 0],
      [1, 1, 1, 1],
    ],
    { with: coloured },
  );
  assert.ok(row!.includes("\x1b["));
  assert.equal(stripVTControlCharacters(row!), "█▄");
});

test("marks stand at the time of their events, outcomes have none", () => {
  const event = (name: string, column: number): LabEvent => ({
    ...{ event: name, column, atMs: 0, isOutcome: false, pod: null, text: "" },
  });
  const events = [
    event("slow=echo-1", 0),
    event("scale=5", 5),
    event("rolled", 6),
    event("kill=echo-2", 8),
  ];
  const scale = { cells: 4, perCell: 2 };
  assert.equal(markText(events, 8, scale, pen), "s ±k", "one of just now is at the end");
  assert.equal(markText(events, 10, scale, pen), " ± k");
  assert.equal(markText(events, 8, scale, ascii), "s #k");
});

test("the wider, the finer: half a minute if that is possible", () => {
  assert.deepEqual(
    [8, 20, 40, 64].map((cells) => scaleOf(cells, 12).perCell),
    [4, 3, 2, 1],
  );
  assert.equal(
    legend(pen, scaleOf(20, 12), 500),
    "time to the right, 1.5 s a mark: · no call, ▄ fair share, █ twice that or more",
  );
});

test("where few calls come to a row a cell is longer, within reason", () => {
  assert.deepEqual(
    [12, 6, 4, 1.5, 0.1].map((calls) => scaleOf(64, calls).perCell),
    [1, 2, 3, 8, 10],
  );
});
