/**
 * Tests of the live picture: golden screens, and the property that it never outgrows the terminal.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { labFixture, laneFixture } from "../fixtures.ts";
import type { LabView } from "../view.ts";
import { renderLive } from "./live.ts";
import type { TableSize } from "./table-pen.ts";

const SMALL: TableSize = { columns: 80, rows: 23, hasColour: false, hasUnicode: true };

/** A lab of so many pods in which one lane uses the first and the others all, for 20 columns. */
function lab(pods: number, lanes: readonly string[], change: Partial<LabView> = {}): LabView {
  const pinned = Array.from({ length: pods }, (_, pod) => (pod === 0 ? 20 * pods : 0));
  const even = pinned.map(() => 20);
  const callsOf = (name: string): number[] => (name === "clusterip" ? pinned : even);
  const histories = lanes.map((name) => {
    const column = callsOf(name).map((calls) => calls / 20);
    return [name, Array.from({ length: 20 }, () => column)] as const;
  });
  return labFixture(
    lanes.map((name) => laneFixture(name, callsOf(name))),
    { histories: Object.fromEntries(histories), columnCount: 20, ...change },
  );
}

const FOUR = ["clusterip", "headless", "client", "proxy"];

test("four lanes of 12 pods in 80 columns and 24 rows, a row a pod", () => {
  const event = { atMs: 5000, event: "kill=echo-3", isOutcome: false, pod: "echo-3" };
  const events = [{ ...event, text: "echo-3 killed", column: 12 }];
  const view = lab(12, FOUR, { hint: "+ - pods", events, pageUrl: null });
  const lines = renderLive(view, SMALL);
  const row = (name: string, first: string): string =>
    [name.padEnd(10), first, ...Array(3).fill("     ▄▄▄▄▄ 8.3%")].join("  ");
  assert.deepEqual(lines, [
    "fairlead lab · 12 pods · 300 calls/s a lane · lab 10% of a core · 01:02",
    "+ - pods",
    "00:05 echo-3 killed",
    "POD         ✕ clusterip      ✓ headless       ✓ client         ✓ proxy",
    row("echo-1", "     █████ 100%"),
    ...Array.from({ length: 11 }, (_, pod) => row(`echo-${pod + 2}`, "     ·····   0%")),
    "                    k                k                k                k",
    "failed      0                0                0                0",
    "p50/p99 ms  1.00 / 1.00      1.00 / 1.00      1.00 / 1.00      1.00 / 1.00",
    "✕ clusterip  1 of 12 pods used: one connection, so every call went to echo-1",
    "✓ headless   12 of 12 pods used evenly: a connection to each pod, calls in turn",
    "✓ client     12 of 12 pods used evenly: the client chooses a pod for each call",
    "✓ proxy      12 of 12 pods used evenly: the proxy chooses a pod for each call",
  ]);
});

test("with more pods than rows each row has several, and says so", () => {
  const lines = renderLive(lab(100, FOUR), SMALL);
  assert.ok(lines.length <= SMALL.rows);
  const head = lines.findIndex((line) => line.startsWith("8 PODS"));
  assert.match(lines[head + 1]!, /^echo-1 \+7 +█████ 100% +▄▄▄▄▄ 8\.0%/);
  assert.match(lines[head + 2]!, /^echo-9 \+7 +····· {3}0% +▄▄▄▄▄ 8\.0%/);
  assert.match(lines[head + 13]!, /^echo-97 \+3 +····· {3}0% +▄▄▄▄▄ 4\.0%/);
});

test("a row of several pods is named by the one that does not serve as usual", () => {
  const states = Array.from({ length: 100 }, () => "ready" as const);
  const podStates: LabView["podStates"] = states.with(4, "terminating" as never);
  const view = lab(100, FOUR, { podStates, sickPods: ["echo-20"], slowPods: ["echo-30"] });
  const lines = renderLive(view, SMALL);
  for (const label of ["echo-5 ending +7", "echo-20 sick +7", "echo-30 slow +7"]) {
    assert.ok(
      lines.some((line) => line.startsWith(label)),
      label,
    );
  }
});

test("lanes that have no room beside each other stand below each other", () => {
  const lines = renderLive(lab(4, FOUR), { ...SMALL, columns: 50 });
  const titles = lines.filter((line) => line.startsWith("POD"));
  assert.equal(titles.length, 2);
  assert.match(titles[0]!, /clusterip.*headless/);
  assert.match(titles[1]!, /client.*proxy/);
});

test("a few pods more take the room of figures before they share a row", () => {
  for (const pods of [13, 14, 16]) {
    const lines = renderLive(lab(pods, FOUR, { hint: "+ - pods" }), SMALL);
    assert.equal(lines.filter((line) => /^echo-\d+ /.test(line)).length, pods);
  }
});

test("with more room there is more: all figures, what the picture means, the way in", () => {
  const access = { kubeconfig: "/tmp/k", target: "kubernetes:///echo.lab:grpc" };
  const lines = renderLive(lab(12, FOUR, { access }), { ...SMALL, columns: 120, rows: 40 });
  for (const start of ["KUBECONFIG=", "max/mean", "fairness", "connections", "time to the right"]) {
    assert.ok(
      lines.some((line) => line.startsWith(start)),
      start,
    );
  }
});

test("before the load runs it says what is being started", () => {
  const view = lab(2, FOUR, { progress: "starting 2 pods: 1 ready", elapsedMs: 0 });
  assert.equal(renderLive(view, SMALL).at(-1), "starting 2 pods: 1 ready");
});

test("a machine that is short is said, at any size", () => {
  const { load } = lab(2, FOUR);
  const view = lab(2, FOUR, { load: { ...load, heldBackTo: 119.6 } });
  const said = "this machine is short: every lane is held back to 120 calls/s";
  assert.ok(renderLive(view, SMALL).includes(said));
  const [title] = renderLive(view, { ...SMALL, columns: 120 });
  assert.match(title!, /120 of 300 calls\/s a lane/);
});

test("all keys, when they are asked for, take room from the rest", () => {
  const hint = ["a one", "b two", "c three"].join("\n");
  const lines = renderLive(lab(12, FOUR, { hint }), SMALL);
  assert.deepEqual(lines.slice(1, 4), ["a one", "b two", "c three"]);
  assert.equal(lines.filter((line) => line.startsWith("echo-")).length, 12);
});

test("no line is wider, and there are no more lines, than the terminal has", () => {
  const shapes = fc.record({
    columns: fc.integer({ min: 20, max: 220 }),
    rows: fc.integer({ min: 5, max: 80 }),
    pods: fc.integer({ min: 1, max: 100 }),
    lanes: fc.integer({ min: 1, max: 12 }),
    hasUnicode: fc.boolean(),
    hint: fc.constantFrom(null, "a key, b key", "a key\nb key"),
    notice: fc.constantFrom(null, "the port is in use, so the page is elsewhere"),
  });
  fc.assert(
    fc.property(shapes, ({ columns, rows, pods, lanes, hasUnicode, hint, notice }) => {
      const names = Array.from({ length: lanes }, (_, index) => FOUR[index] ?? `lane${index}`);
      const size = { columns, rows, hasUnicode, hasColour: false };
      const view = lab(pods, names, { hint, notice });
      const lines = renderLive(view, size);
      for (const line of lines) {
        assert.ok(line.length <= columns, `${line.length}: ${line}`);
        if (!hasUnicode) assert.match(line, /^[ -~]*$/);
      }
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows} rows`);
      const coloured = renderLive(view, { ...size, hasColour: true });
      const plain = coloured.map((line) => stripVTControlCharacters(line).trimEnd());
      assert.deepEqual(
        plain,
        lines.map((line) => line.trimEnd()),
      );
    }),
    { numRuns: 300 },
  );
});
