/**
 * Tests of what is told of all events below the table: golden lines, and that they fit the table.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EffectFigures } from "../figures/effect.ts";
import { labFixture, laneFixture } from "../fixtures.ts";
import type { LabEvent, LaneView } from "../view.ts";
import { renderTable } from "./table.ts";
import type { TableSize } from "./table-pen.ts";

const WIDE: TableSize = {
  columns: 80,
  rows: Number.POSITIVE_INFINITY,
  hasColour: false,
  hasUnicode: true,
};

function eventAt(atMs: number, event: string, isOutcome = false): LabEvent {
  const pod = event.includes("=") ? event.split("=")[1]! : null;
  return { atMs, event, isOutcome, pod, text: event, column: 0 };
}

function effectOf({ atMs, event, pod }: LabEvent, calls: number, failed: number): EffectFigures {
  const podShare = pod === null ? null : 0.25;
  return { atMs, event, pod, podShare, calls, failed, p50Ms: 1, p99Ms: calls / 100 };
}

function laneWith(name: string, events: readonly LabEvent[], calls: number): LaneView {
  const effects = events.map((event, nth) => effectOf(event, calls, nth));
  return { ...laneFixture(name, [100, 100]), effects };
}

/** What stands below the verdicts. */
function effects(events: readonly LabEvent[], lanes: LaneView[], size = WIDE): string[] {
  const lines = renderTable(labFixture(lanes, { events }), size);
  const head = lines.findIndex((line) => line.startsWith("SINCE"));
  return head < 0 ? [] : lines.slice(head - 1);
}

const SLOW = eventAt(3000, "slow=echo-2");
const ROLL = eventAt(10_000, "roll");
const ROLLED = eventAt(20_000, "rolled", true);

/**
 * After `--events 3s:slow,8s:heal,10s:roll` the table told of the roll alone; what the slow pod did
 * to each lane was in the JSON only.
 */
test("each event has a line with what it did to each lane, its outcome none", () => {
  const done = [SLOW, ROLL];
  const lanes = [laneWith("clusterip", done, 900), laneWith("client", [ROLL], 1503)];
  assert.deepEqual(effects([...done, ROLLED], lanes), [
    "",
    "SINCE          clusterip                         client",
    "slow=echo-2    0/900 9.00 ms 25.0%               -",
    "roll           1/900 9.00 ms                     0/1503 15 ms",
    "failed/calls, p99, share of the pod; each until the next event",
  ]);
});

test("without an event, and with one that the figures tell, there is nothing more", () => {
  assert.deepEqual(effects([], [laneWith("client", [SLOW], 9)]), []);
  assert.deepEqual(effects([SLOW, ROLLED], [laneWith("client", [SLOW], 9)]), []);
});

test("a terminal that is drawn in place has no room for it", () => {
  const lanes = [laneWith("client", [SLOW, ROLL], 9)];
  assert.deepEqual(effects([SLOW, ROLL], lanes, { ...WIDE, rows: 200 }), []);
});

test("the latest twelve are told, in lines no wider than the table, the least important cut", () => {
  const done = Array.from({ length: 30 }, (_, nth) => eventAt(nth, `not-serving=echo-${nth}`));
  const lanes = ["clusterip", "static", "headless", "client"].map((name) =>
    laneWith(name, done, 12_000),
  );
  for (let columns = 20; columns < 140; columns += 1) {
    const lines = effects(done, lanes, { ...WIDE, columns });
    for (const line of lines) assert.ok(line.length <= columns, `${line.length}: ${line}`);
    assert.ok(lines.length === 0 || lines.length === 15, `${lines.length} lines`);
  }
  const told = effects(done, lanes, { ...WIDE, columns: 110 });
  assert.equal(told.at(-1), "failed/calls, p99; each until the next event");
  assert.match(told.at(-2)!, /^not-serving=echo-29 {2,}29\/12000 120 ms {2,}29\/12000/);
});
