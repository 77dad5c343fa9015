/**
 * The lab as a table: pods down, lanes across, figures and verdicts below; what is read when all is
 * over.
 *
 * Pure: a view and a size in, lines out, none wider than the size. What does not fit is left out,
 * the least important first: blank lines and bars, then pods that do not stand out, then all but
 * the verdicts.
 */

import type { LabView, LaneView } from "../view.ts";
import { effectLines } from "./effects-table.ts";
import { podGroups } from "./pod-groups.ts";
import { figureLines, figureWidth, isSilent } from "./table-figures.ts";
import { accessLine, eventLines, hintLines, noticeLines, titleLine } from "./table-head.ts";
import { type Columns, cell, Pen, row, type Style, type TableSize } from "./table-pen.ts";
import { signOf, verdictLines } from "./verdict-lines.ts";

/** Between columns. */
const GAP = 3;
/** Verdicts are cut to one line each when fewer lines than this remain for pods. */
const PODS_SHOWN_MIN = 4;
/** A bar is full at this many fair shares; what is more ends in an arrow. */
const BAR_FAIR_SHARES = 4;
const BAR_MIN = 6;
const BAR_MAX = 32;
/** "100.0%" and the space before it. */
const SHARE_WIDTH = 7;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Draws the whole table. */
export function renderTable(view: LabView, size: TableSize): string[] {
  const pen = new Pen(size);
  const head = headLines(view, pen);
  const groups = podGroups(view, Number.POSITIVE_INFINITY);
  const labelWidth = Math.max(...groups.map(({ label }) => label.length), figureWidth(view));
  const laneWidth = Math.floor((size.columns - labelWidth) / view.lanes.length) - GAP;
  const others = size.rows - head.length;
  if (laneWidth < SHARE_WIDTH) return [...head, ...verdictLines(view, pen, others)];
  const width = Math.min(laneWidth, BAR_MAX + SHARE_WIDTH);
  const columns: Columns = { pen, labelWidth, laneWidth: width, gap: GAP };
  const figures = figureLines(view, columns, "all");
  // Long verdicts, as of failed calls, are not to drive out the pods.
  const beside = others - figures.length - 1 - PODS_SHOWN_MIN;
  const verdicts = verdictLines(view, pen, Math.max(view.lanes.length, beside));
  const room = others - 1 - figures.length - verdicts.length;
  if (room < 1) return [...head, ...verdictLines(view, pen, others)];
  const pods = podLines(view, columns, room);
  const blank = (nth: number): string[] => (room - pods.length > nth ? [""] : []);
  return [
    ...[...head, ...blank(2), laneLine(view, columns), ...pods],
    ...[...blank(1), ...figures, ...blank(0), ...verdicts],
    ...(isAllTold(pen) ? effectLines(view, columns) : []),
  ];
}

/** Who reads it when all is over has as many lines as there are. */
function isAllTold({ size }: Pen): boolean {
  return size.rows === Number.POSITIVE_INFINITY;
}

/** A terminal has room for the last event; a file has all. */
function headLines(view: LabView, pen: Pen): string[] {
  const access = accessLine(view, pen);
  return [
    ...[titleLine(view, pen), ...(access === null ? [] : [access]), ...hintLines(view, pen)],
    ...eventLines(view, isAllTold(pen) ? pen.size.rows : 1, pen),
    ...noticeLines(view, pen),
  ];
}

function laneLine(view: LabView, columns: Columns): string {
  const { pen, laneWidth } = columns;
  return row(
    columns,
    pen.style("dim", pen.fit("POD", columns.labelWidth)),
    view.lanes.map((lane) => pen.style("bold", cell(columns, laneTitle(lane, laneWidth, pen)))),
  );
}

/** The sign of a lane, and its title or, without room for that, its word. */
export function laneTitle(lane: LaneView, width: number, pen: Pen): string {
  const { name, title } = lane;
  return `${signOf(lane, pen)} ${title.length + 2 > width ? name : title}`;
}

/** A line for every pod, or for the ones that stand out most and a line for the rest. */
function podLines(view: LabView, columns: Columns, room: number): string[] {
  const { pen } = columns;
  const fits = view.pods.length <= room;
  const shown = fits ? view.pods : standingOut(view, Math.max(0, room - 1));
  const groups = podGroups(view, Number.POSITIVE_INFINITY);
  const lines = shown.map((pod) => {
    const { label, isUsual } = groups[view.pods.indexOf(pod)]!;
    const text = pen.fit(label, columns.labelWidth);
    const cells = view.lanes.map((lane) => shareCell(lane, pod, columns));
    return row(columns, isUsual ? text : pen.style("dim", text), cells);
  });
  const hidden = view.pods.length - shown.length;
  return hidden === 0 ? lines : [...lines, pen.more(hidden, "pods")];
}

/** The pods with the largest share in any lane, in their own order. */
function standingOut(view: LabView, count: number): readonly string[] {
  // Whole fair shares, so that pods that are about even keep their places from frame to frame.
  const weight = (pod: string): number =>
    Math.max(...view.lanes.map((lane) => Math.round(share(lane, pod) * view.pods.length)));
  const chosen = new Set([...view.pods].sort((a, b) => weight(b) - weight(a)).slice(0, count));
  return view.pods.filter((pod) => chosen.has(pod));
}

/** A pod's part of the calls that the verdict is of, 0 to 1. */
function share(lane: LaneView, pod: string): number {
  const { answered, perPod } = lane.figures.judged;
  return answered === 0 ? 0 : (perPod[pod] ?? 0) / answered;
}

function shareCell(lane: LaneView, pod: string, { pen, laneWidth }: Columns): string {
  const isCurrent = lane.figures.current[pod] !== undefined;
  if (lane.figures.calls === lane.figures.failed || !isCurrent) {
    return pen.style("dim", pen.fit(isSilent(lane) ? "" : "-", laneWidth));
  }
  const part = share(lane, pod);
  const percent = `${(part * 100).toFixed(1)}%`;
  const fairShares = part * Object.keys(lane.figures.current).length;
  const style: Style = part === 0 ? "dim" : fairShares > 1.5 ? "yellow" : "cyan";
  // Whole characters per fair share, so that an even bar ends exactly at the mark.
  const width = Math.floor((laneWidth - SHARE_WIDTH) / BAR_FAIR_SHARES) * BAR_FAIR_SHARES;
  if (width < BAR_MIN) return pen.style(style, percent.padStart(laneWidth));
  return pen.style(style, bar(fairShares, width, pen)) + percent.padStart(laneWidth - width);
}

/** A bar with the fair share marked where the bar does not reach it. */
function bar(fairShares: number, width: number, pen: Pen): string {
  const { hasUnicode } = pen.size;
  const eighths = Math.round((fairShares / BAR_FAIR_SHARES) * width * 8);
  if (eighths > width * 8)
    return (hasUnicode ? "█" : "#").repeat(width - 1) + (hasUnicode ? "▶" : ">");
  const full = Math.floor(eighths / 8);
  const cells = Array.from({ length: width }, (_, index) => {
    if (index < full) return hasUnicode ? "█" : "#";
    return index === full && hasUnicode ? EIGHTHS[eighths % 8]! || " " : " ";
  });
  if (eighths === 0) cells[0] = hasUnicode ? "·" : ".";
  const fair = width / BAR_FAIR_SHARES;
  if (cells[fair] === " ") cells[fair] = hasUnicode ? "┊" : "|";
  return cells.join("");
}
