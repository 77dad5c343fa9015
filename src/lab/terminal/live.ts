/**
 * The lab while it runs, as lines of text: a heat strip a lane beside each other, in rows of pods,
 * with the figures and the verdicts below.
 *
 * Pure: a view and a size in, lines out, none wider than the size and no more of them. What does
 * not fit is left out by `live-plan.ts`, and said where it is pods.
 */
import type { LabView, LaneView } from "../view.ts";
import { LANE_GAP, type LivePlan, planLive, SHARE_WIDTH } from "./live-plan.ts";
import { type PodGroup, podGroups } from "./pod-groups.ts";
import { legend, markText, type StripScale, scaleOf, stripCells, stripText } from "./strip.ts";
import { laneTitle } from "./table.ts";
import { figureCount, figureLines, figureWidth } from "./table-figures.ts";
import { accessLine, eventLines, hintLines, noticeLines, titleLine } from "./table-head.ts";
import { type Columns, cell, Pen, row, type TableSize } from "./table-pen.ts";
import { verdictLines } from "./verdict-lines.ts";

/** In a narrow place the names of figures are cut to this, for the strips. */
const FIGURE_LABEL_MAX = 10;
const NARROW = 100;

/** Draws the picture. */
export function renderLive(view: LabView, size: TableSize): string[] {
  const pen = new Pen(size);
  if (view.progress !== null || view.lanes.length === 0) return starting(view, pen);
  const hint = hintLines(view, pen);
  const notices = noticeLines(view, pen);
  const access = accessLine(view, pen);
  const plan = planFor(view, pen, { hint: hint.length, notices: notices.length, access });
  const columns: Columns = { pen, ...plan, gap: LANE_GAP };
  const { extras } = plan;
  const blank = (nth: number): string[] => ((extras.blank ?? 0) >= nth ? [""] : []);
  const bands = plan.bands.flatMap((band) => bandLines(view, band, columns, plan));
  const scale = stripScale(view, plan);
  return [
    ...[titleLine(view, pen), ...(extras.access && access !== null ? [access] : [])],
    ...[...(hint.length > 1 || extras.hint ? hint : [])],
    ...[...eventRows(view, extras.event ?? 0, pen), ...notices, ...blank(2), ...bands],
    ...(extras.legend ? [pen.style("dim", legend(pen, scale, view.intervalMs))] : []),
    ...[...blank(1), ...verdictLines(view, pen, plan.verdictRows)],
  ].slice(0, size.rows);
}

/** What there is above the lanes: numbers of lines, and one that may be missing. */
interface Above {
  readonly hint: number;
  readonly notices: number;
  readonly access: string | null;
}

/** The plan, with names of rows that are whole. */
function planFor(view: LabView, pen: Pen, { hint, notices, access }: Above) {
  const { columns, rows } = pen.size;
  const figures = Math.min(figureWidth(view), columns < NARROW ? FIGURE_LABEL_MAX : columns);
  const widest = (podRows: number): number =>
    Math.max(figures, ...podGroups(view, podRows).map(({ label }) => label.length));
  const planWith = (labelWidth: number): LivePlan & { readonly labelWidth: number } => ({
    labelWidth,
    ...planLive({
      ...{ columns, rows, labelWidth, lanes: view.lanes.length, pods: view.pods.length },
      // All keys, when they are asked for, are shown in any case.
      fixed: 1 + notices + (hint > 1 ? hint : 0),
      available: {
        ...{ hint: hint === 1 ? 1 : 0, blank: 2, access: access === null ? 0 : 1 },
        ...{ event: Math.max(1, view.events.length), figure: figureCount(view) },
      },
      sentenceLines: verdictLines(view, pen, Number.POSITIVE_INFINITY).length - view.lanes.length,
    }),
  });
  // How wide they are is known when it is known how many pods a row has.
  const first = planWith(widest(Number.POSITIVE_INFINITY));
  const width = first.podRows === 0 ? 0 : widest(first.podRows);
  return width > first.labelWidth ? planWith(width) : first;
}

/** Before the load runs. */
function starting(view: LabView, pen: Pen): string[] {
  const { columns, rows } = pen.size;
  const text = pen.cut(view.progress ?? "no lane is on", columns);
  return [titleLine(view, pen), ...hintLines(view, pen), ...noticeLines(view, pen), text].slice(
    0,
    rows,
  );
}

/** The line of an event is kept free before there is one, so that nothing moves when there is. */
function eventRows(view: LabView, count: number, pen: Pen): string[] {
  const lines = eventLines(view, count, pen);
  return count > 0 && lines.length === 0 ? [""] : lines;
}

/** The lanes of a band: titles, strips, marks and figures. */
function bandLines(
  view: LabView,
  band: readonly number[],
  columns: Columns,
  { podRows, extras }: LivePlan,
): string[] {
  const { pen, labelWidth, laneWidth } = columns;
  const lanes = band.map((index) => view.lanes[index]!);
  const groups = podGroups(view, podRows);
  const size = groups[0]?.rows.length ?? 1;
  const label = size === 1 ? "POD" : `${size} PODS`;
  const title = (lane: LaneView): string =>
    pen.style("bold", cell(columns, laneTitle(lane, laneWidth, pen)));
  const scale = stripScale(view, { laneWidth, podRows });
  const marks = markText(view.events, view.columnCount, scale, pen);
  return [
    row(columns, pen.style("dim", pen.fit(label, labelWidth)), lanes.map(title)),
    ...podLines(view, lanes, groups, columns, scale),
    ...(extras.marks
      ? [
          row(
            columns,
            " ".repeat(labelWidth),
            lanes.map(() => cell(columns, marks)),
          ),
        ]
      : []),
    ...figureLines(view, columns, "recent", extras.figure ?? 0, lanes),
  ];
}

function podLines(
  view: LabView,
  lanes: readonly LaneView[],
  groups: readonly PodGroup[],
  columns: Columns,
  scale: StripScale,
): string[] {
  const { pen, labelWidth } = columns;
  const rows = groups.map((group) => group.rows);
  const isGone = view.podStates.map((state) => state === "gone" || state === "starting");
  const strips = lanes.map(({ name }) => {
    const source = { columns: view.histories[name] ?? [], columnCount: view.columnCount, isGone };
    return stripCells(source, rows, scale);
  });
  return groups.map((group, index) => {
    const label = pen.fit(group.label, labelWidth);
    return row(
      columns,
      group.isUsual ? label : pen.style("yellow", label),
      lanes.map((lane, nth) => stripText(strips[nth]![index]!, pen) + shareText(view, lane, group)),
    );
  });
}

/** All strips have one, so that what stands below each other was at the same time. */
function stripScale(view: LabView, plan: Pick<LivePlan, "laneWidth" | "podRows">): StripScale {
  const { load, intervalMs } = view;
  const perColumn = (load.callsPerSecond * intervalMs) / 1000;
  return scaleOf(plan.laneWidth - SHARE_WIDTH, perColumn / Math.max(1, plan.podRows));
}

/** What the pods of a row got of the calls that the verdict is of. */
function shareText({ pods }: LabView, { figures }: LaneView, { rows }: PodGroup): string {
  const { answered, perPod } = figures.judged;
  const counts = rows.flatMap((index) => perPod[pods[index]!] ?? []);
  if (answered === 0 || counts.length === 0) return "-".padStart(SHARE_WIDTH);
  const percent = (counts.reduce((sum, calls) => sum + calls, 0) * 100) / answered;
  const text = percent === 0 || percent >= 99.95 ? percent.toFixed(0) : percent.toFixed(1);
  return `${text.length > 3 ? percent.toFixed(0) : text}%`.padStart(SHARE_WIDTH);
}
