/**
 * The figures below the lab's pictures: a line a figure, a column a lane; since the start, and
 * since something was last done to the lab. The most telling ones first: a low place has few.
 */
import type { EffectFigures } from "../figures/effect.ts";
import { percentText, spanText, timesText } from "../figures/number-words.ts";
import type { LabView, LaneView } from "../view.ts";
import { type Columns, cell, row } from "./table-pen.ts";

/** Which latencies are told: of the latest second, or of all since the start. */
export type Latencies = "recent" | "all";

/** One figure. */
interface FigureRow {
  readonly label: string;
  text(lane: LaneView, width: number): string;
}

/** Width of the longest name of a figure. */
export function figureWidth(view: LabView): number {
  return Math.max(...figureRows(view, "all").map(({ label }) => label.length));
}

/** How many figures there are to show. */
export function figureCount(view: LabView): number {
  return figureRows(view, "all").length;
}

/** The lines of the first `count` figures, of some lanes. */
export function figureLines(
  view: LabView,
  columns: Columns,
  latencies: Latencies,
  count = Number.POSITIVE_INFINITY,
  lanes = view.lanes,
): string[] {
  const { pen, labelWidth, laneWidth } = columns;
  return figureRows(view, latencies)
    .slice(0, count)
    .map(({ label, text }) =>
      row(
        columns,
        pen.style("dim", pen.fit(label, labelWidth)),
        lanes.map((lane) => cell(columns, isSilent(lane) ? "" : told(lane, text, laneWidth))),
      ),
    );
}

function told(lane: LaneView, text: FigureRow["text"], width: number): string {
  return lane.phase === "failed" ? "-" : text(lane, width);
}

function figureRows(view: LabView, latencies: Latencies): FigureRow[] {
  const hasNewPod = view.lanes.some(({ figures }) => figures.newPods.length > 0);
  const [toPod, ...since] = sinceRows(view.lanes[0]!.effects.at(-1)!);
  return [
    { label: "failed", text: ({ figures }) => String(figures.failed) },
    { label: "p50/p99 ms", text: (lane, width) => latencyText(lane, width, latencies) },
    ...(hasNewPod ? [{ label: "new pod", text: newPodText }] : []),
    ...(toPod === undefined ? [] : [toPod]),
    {
      label: "max/mean",
      text: ({ figures }) => orDash(figures.judged.maxOverMean, timesText),
    },
    { label: "calls/s", text: (lane) => String(Math.round(lane.callsPerSecond)) },
    { label: "connections", text: ({ figures }) => String(figures.connections) },
    { label: "fairness", text: ({ figures }) => orDash(figures.judged.fairness, toHundredths) },
    ...since,
  ];
}

/** What became of the lanes since the latest event. */
function sinceRows({ event, pod }: EffectFigures): FigureRow[] {
  if (event === "start") return [];
  const row = (label: string, text: (effect: EffectFigures) => string): FigureRow => ({
    label,
    text: ({ effects }) => text(effects.at(-1)!),
  });
  return [
    ...(pod === null ? [] : [row(`to ${pod}`, ({ podShare }) => orDash(podShare, percentText))]),
    row("failed since", ({ failed }) => String(failed)),
    row("p99 since", ({ p99Ms }) => millis(p99Ms, 2)),
  ];
}

/** True while there is nothing to say of a lane yet. */
export function isSilent(lane: LaneView): boolean {
  return lane.figures.calls === 0 && lane.failure === null;
}

function newPodText({ figures }: LaneView): string {
  const { newPodWaitsMs, firstCallOfNewPodMs } = figures;
  if (newPodWaitsMs !== null) return `waits ${spanText(newPodWaitsMs)}`;
  return orDash(firstCallOfNewPodMs, (ms) => `after ${spanText(ms)}`);
}

function toHundredths(value: number): string {
  return value.toFixed(2);
}

function orDash(value: number | null, text: (value: number) => string): string {
  return value === null ? "-" : text(value);
}

function latencyText({ figures }: LaneView, width: number, latencies: Latencies): string {
  const [p50, p99] =
    latencies === "all"
      ? [figures.p50Ms, figures.p99Ms]
      : [figures.recentP50Ms, figures.recentP99Ms];
  const full = `${millis(p50, 2)} / ${millis(p99, 2)}`;
  return full.length <= width ? full : `${millis(p50, 1)}/${millis(p99, 1)}`;
}

/** "3.63", "53": without the unit. */
export function millis(ms: number | null, digits: number): string {
  return orDash(ms, (value) => (value < 10 ? value.toFixed(digits) : value.toFixed(0)));
}
