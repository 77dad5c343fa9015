/**
 * Line charts as SVG: axes, labels, lines, and a name at each line; made from the data alone.
 *
 * Readable on light and on dark pages: the colours are those of the page where it tells them, and
 * chosen for both otherwise. No script and nothing loaded from elsewhere.
 */
import { type Axis, axisOf, tickText } from "./axis.ts";
import type { Chart, Mark, Series } from "./report.ts";

const WIDTH = 760;
const HEIGHT = 356;
const LEFT = 64;
const RIGHT = 200;
const TOP = 60;
const BOTTOM = 52;
/** Names at the lines' ends keep this distance. */
const NAME_GAP = 16;

/** Told apart by those who see no red or green too (Okabe and Ito), and in dash as well. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"];
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "", "7 4", "2 3"];

const STYLE = `
  .page { fill: #ffffff; } text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; } .axis { stroke: #57606a; } .grid { stroke: #d0d7de; }
  .mark { stroke: #57606a; stroke-dasharray: 3 3; } .small { font-size: 12px; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #e6edf3; } .axis, .mark { stroke: #8b949e; }
    .grid { stroke: #30363d; }
  }`;

/** A chart as a whole SVG document. */
export function chartSvg(chart: Chart): string {
  const xs = chart.series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = chart.series.flatMap(({ points }) => points.map(([, y]) => y));
  const marked = (axis: "x" | "y") =>
    (chart.marks ?? []).filter((mark) => mark.axis === axis).map(({ at }) => at);
  const x = axisOf([...xs, ...marked("x")], chart.isLogX === true, LEFT, WIDTH - RIGHT, false);
  const y = axisOf([...ys, ...marked("y")], chart.isLog === true, HEIGHT - BOTTOM, TOP, true);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"` +
      ` aria-label="${escapeXml(chart.title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(LEFT, 24, chart.title, 'class="title"'),
    ...axes(x, y, chart),
    ...(chart.marks ?? []).map((mark) => markLine(mark, x, y)),
    ...chart.series.map((series, at) => line(series, at, x, y)),
    ...names(chart.series, y),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function axes(x: Axis, y: Axis, chart: Chart): string[] {
  const parts: string[] = [];
  for (const tick of y.ticks) {
    const at = round(y.at(tick));
    parts.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>`);
    parts.push(text(LEFT - 8, at + 4, tickText(tick), 'class="small" text-anchor="end"'));
  }
  const bottom = HEIGHT - BOTTOM;
  for (const tick of x.ticks) {
    const at = round(x.at(tick));
    parts.push(`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}"/>`);
    parts.push(text(at, bottom + 18, tickText(tick), 'class="small" text-anchor="middle"'));
  }
  parts.push(
    `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}"/>`,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, chart.xLabel, 'text-anchor="middle"'),
    text(LEFT - 48, TOP - 14, chart.yLabel, 'class="small"'),
  );
  return parts;
}

function markLine({ axis, at, label }: Mark, x: Axis, y: Axis): string {
  if (axis === "x") {
    const px = round(x.at(at));
    const ends = `x1="${px}" x2="${px}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"`;
    return `<line class="mark" ${ends}/>${text(px + 4, TOP + 10, label, 'class="small"')}`;
  }
  const py = round(y.at(at));
  const ends = `x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${py}" y2="${py}"`;
  const place = 'class="small" text-anchor="end"';
  return `<line class="mark" ${ends}/>${text(WIDTH - RIGHT - 4, py - 4, label, place)}`;
}

function line({ points }: Series, at: number, x: Axis, y: Axis): string {
  const path = points
    .filter(([, value]) => Number.isFinite(value))
    .map(([px, py], i) => `${i === 0 ? "M" : "L"}${round(x.at(px))} ${round(y.at(py))}`)
    .join("");
  const dash = DASHES[at % DASHES.length];
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return `<path class="line" stroke="${colourOf(at)}"${dashed} d="${path}"/>`;
}

/** The name of each line beside its end, moved apart where ends are close. */
function names(all: readonly Series[], y: Axis): string[] {
  const wanted = all
    .map(({ name, points }, at) => ({ name, at, y: y.at(points.at(-1)?.[1] ?? 0) }))
    .sort((a, b) => a.y - b.y);
  let last = TOP - NAME_GAP;
  for (const each of wanted) {
    each.y = Math.max(each.y, last + NAME_GAP);
    last = each.y;
  }
  const tooFar = Math.max(0, last - (HEIGHT - BOTTOM));
  return wanted.map(({ name, at, y: py }) => {
    const up = round(py - tooFar);
    const x1 = WIDTH - RIGHT + 6;
    const dash = DASHES[at % DASHES.length];
    const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
    const key = `<path class="line" stroke="${colourOf(at)}"${dashed} d="M${x1} ${up}h18"/>`;
    return key + text(x1 + 24, up + 4, name, 'class="small"');
  });
}

function colourOf(at: number): string {
  return COLOURS[at % COLOURS.length]!;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
