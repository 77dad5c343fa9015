/**
 * The lab as lines of text: pods down, lanes across, figures and verdicts below.
 *
 * Pure: a view and a size in, lines out, none wider than the size. What does not fit is left out,
 * the least important first: blank lines and bars, then pods that do not stand out, then all but
 * the verdicts.
 */

import type { LabView, LaneView } from "../view.ts";
import { figureLines, figureWidth, isSilent } from "./table-figures.ts";
import { headLines } from "./table-head.ts";
import {
  type Columns,
  cell,
  GAP,
  Pen,
  row,
  type Style,
  type TableSize,
  wrap,
} from "./table-pen.ts";

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
  let verdicts = verdictLines(view, pen);
  const labels = view.pods.map((_, index) => podLabel(view, index));
  const labelWidth = Math.max(...labels.map((label) => label.length), figureWidth(view));
  const laneWidth = Math.floor((size.columns - labelWidth) / view.lanes.length) - GAP;
  if (laneWidth < SHARE_WIDTH) return [...head, ...verdictsIn(view, pen, size.rows - head.length)];
  const columns: Columns = {
    pen,
    labelWidth,
    laneWidth: Math.min(laneWidth, BAR_MAX + SHARE_WIDTH),
  };
  const figures = figureLines(view, columns);
  const roomBeside = (lines: readonly string[]): number =>
    size.rows - head.length - 1 - figures.length - lines.length;
  // Long verdicts, as of failed calls, are not to drive out the pods.
  if (roomBeside(verdicts) < PODS_SHOWN_MIN) verdicts = verdictLines(view, pen, true);
  const room = roomBeside(verdicts);
  if (room < 1) {
    return [...head, ...verdictsIn(view, pen, size.rows - head.length)];
  }
  const pods = podLines(view, columns, room);
  const blank = (nth: number): string[] => (room - pods.length > nth ? [""] : []);
  return [
    ...[...head, ...blank(2), laneLine(view, columns), ...pods],
    ...[...blank(1), ...figures, ...blank(0), ...verdicts],
  ];
}

/** A pod's name, and where it stands unless it serves as usual. */
function podLabel(view: LabView, index: number): string {
  const state = view.podStates[index]!;
  const name = view.pods[index]!;
  if (state !== "ready") return `${name} ${state}`;
  return view.slowPods.includes(name) ? `${name} slow` : name;
}

function laneLine(view: LabView, columns: Columns): string {
  return row(
    columns,
    columns.pen.style("dim", columns.pen.fit("POD", columns.labelWidth)),
    view.lanes.map(({ name, title }) => {
      const text = title.length > columns.laneWidth ? name : title;
      return columns.pen.style("bold", cell(columns, text));
    }),
  );
}

/** A line for every pod, or for the ones that stand out most and a line for the rest. */
function podLines(view: LabView, columns: Columns, room: number): string[] {
  const { pen } = columns;
  const fits = view.pods.length <= room;
  const shown = fits ? view.pods : standingOut(view, Math.max(0, room - 1));
  const lines = shown.map((pod) =>
    row(
      columns,
      podCell(view, pod, columns),
      view.lanes.map((lane) => shareCell(lane, pod, columns)),
    ),
  );
  const hidden = view.pods.length - shown.length;
  if (hidden > 0) {
    const mark = pen.size.hasUnicode ? "…" : "...";
    lines.push(pen.style("dim", pen.cut(`${mark} and ${hidden} more pods`, pen.size.columns)));
  }
  return lines;
}

function podCell(view: LabView, pod: string, { pen, labelWidth }: Columns): string {
  const index = view.pods.indexOf(pod);
  const text = pen.fit(podLabel(view, index), labelWidth);
  return view.podStates[index] === "ready" ? text : pen.style("dim", text);
}

/** The pods with the largest share in any lane, in their own order. */
function standingOut(view: LabView, count: number): readonly string[] {
  // Whole fair shares, so that pods that are about even keep their places from frame to frame.
  const weight = (pod: string): number =>
    Math.max(...view.lanes.map((lane) => Math.round(share(lane, pod) * view.pods.length)));
  const chosen = new Set([...view.pods].sort((a, b) => weight(b) - weight(a)).slice(0, count));
  return view.pods.filter((pod) => chosen.has(pod));
}

/** A pod's part of the calls that the current pods of a lane answered, 0 to 1. */
function share(lane: LaneView, pod: string): number {
  const answered = lane.figures.steps.at(-1)!.answered;
  return answered === 0 ? 0 : (lane.figures.current[pod] ?? 0) / answered;
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

/** The verdicts, each in as many lines as it needs, or in one line and cut. */
function verdictLines(view: LabView, pen: Pen, isCut = false): string[] {
  const nameWidth = Math.max(...view.lanes.map((lane) => lane.name.length));
  return view.lanes.flatMap((lane) => {
    const text = isSilent(lane) && lane.phase !== "ended" ? "starting" : lane.verdict;
    const width = Math.max(1, pen.size.columns - nameWidth - 2);
    const lines = isCut ? [pen.cut(text, width)] : wrap(text, width);
    return lines.map((line, index) => {
      const label = (index === 0 ? lane.name : "").padEnd(nameWidth + 2);
      return pen.style("bold", label) + pen.style(index === 0 ? verdictStyle(lane) : "dim", line);
    });
  });
}

/** The verdicts whole if there is room for them, else cut. */
function verdictsIn(view: LabView, pen: Pen, room: number): string[] {
  const whole = verdictLines(view, pen);
  return whole.length <= room ? whole : verdictLines(view, pen, true);
}

function verdictStyle(lane: LaneView): Style {
  if (lane.kind === "waiting") return "dim";
  return lane.kind === "good" ? "cyan" : "yellow";
}
