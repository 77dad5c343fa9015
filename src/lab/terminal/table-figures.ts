/**
 * The figures below the lab's table: a line a figure, a column a lane; since the start, and since
 * something was last done to the lab.
 */
import type { EffectFigures } from "../figures/effect.ts";
import type { LabView, LaneView } from "../view.ts";
import { type Columns, cell, row } from "./table-pen.ts";

/** Width of the longest name of a figure. */
export function figureWidth(view: LabView): number {
  return (hasEffect(view) ? "failed since" : "connections").length;
}

/** The lines. */
export function figureLines(view: LabView, columns: Columns): string[] {
  const line = (label: string, text: (lane: LaneView) => string): string =>
    row(
      columns,
      columns.pen.style("dim", columns.pen.fit(label, columns.labelWidth)),
      view.lanes.map((lane) => cell(columns, isSilent(lane) ? "" : figure(lane, text))),
    );
  const figure = (lane: LaneView, text: (lane: LaneView) => string): string =>
    lane.phase === "failed" ? "-" : text(lane);
  const since = hasEffect(view) ? effectRows(view.lanes[0]!.effects.at(-1)!) : [];
  return [
    line("max/mean", ({ figures }) => orDash(figures.maxOverMean, (x) => `${x.toFixed(2)}x`)),
    line("p50/p99 ms", (lane) => latencies(lane, columns.laneWidth)),
    line("calls/s", (lane) => String(Math.round(lane.callsPerSecond))),
    line("failed", ({ figures }) => String(figures.failed)),
    line("connections", ({ figures }) => String(figures.connections)),
    ...since.map(([label, text]) => line(label, (lane) => text(lane.effects.at(-1)!))),
  ];
}

function hasEffect({ lanes }: LabView): boolean {
  return lanes[0]!.effects.at(-1)!.event !== "start";
}

type EffectRow = [string, (effect: EffectFigures) => string];

/** What became of the lanes since the latest event. */
function effectRows({ pod }: EffectFigures): EffectRow[] {
  const share = (part: number): string => `${(part * 100).toFixed(1)}%`;
  return [
    ...(pod === null
      ? []
      : [[`to ${pod}`, ({ podShare }) => orDash(podShare, share)] satisfies EffectRow]),
    ["failed since", ({ failed }) => String(failed)],
    ["p99 since", ({ p99Ms }) => millis(p99Ms, 2)],
  ];
}

/** True while there is nothing to say of a lane yet. */
export function isSilent(lane: LaneView): boolean {
  return lane.figures.calls === 0 && lane.failure === null;
}

function orDash(value: number | null, text: (value: number) => string): string {
  return value === null ? "-" : text(value);
}

function latencies({ figures }: LaneView, width: number): string {
  const full = `${millis(figures.p50Ms, 2)} / ${millis(figures.p99Ms, 2)}`;
  return full.length <= width ? full : `${millis(figures.p50Ms, 1)}/${millis(figures.p99Ms, 1)}`;
}

function millis(ms: number | null, digits: number): string {
  return orDash(ms, (value) => (value < 10 ? value.toFixed(digits) : value.toFixed(0)));
}
