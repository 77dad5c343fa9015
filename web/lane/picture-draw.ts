/**
 * The picture of a lane's calls: the client, what stands between, a line to every pod that gets
 * calls, as thick as its share, and a bar beside it against the fair share.
 *
 * A pod that gets nothing has no line: an empty ring. The ink of lines is in proportion: where one
 * would be thinner than a pixel, it is fainter instead.
 */
import { percentText } from "../../src/lab/figures/number-words.ts";
import type { PodSample, Sample } from "../../src/lab/page/page-feed.ts";
import { heat } from "../heat.ts";
import type { Palette } from "../palette.ts";
import { standing } from "../words.ts";
import { drawHubs, type Hub } from "./hubs.ts";
import { OVER, type PictureLayout } from "./layout.ts";

/** All lines together are so thick. */
const INK_PIXELS = 24;
/** The whole of the bars' width; a longer bar is cut, with a mark, and its number is not. */
const FAIR_SHARES_SHOWN = 4;
const FONT = "ui-monospace, SFMono-Regular, Menlo, monospace";

/** What is drawn. */
export interface Picture {
  readonly pods: Sample["pods"];
  /** Each row's part of the calls, 0 to 1; null where calls should not go. */
  readonly shares: readonly (number | null)[];
  readonly hubs: readonly Hub[];
  /** Names of pods that the lane has ejected. */
  readonly ejected: readonly string[];
  readonly layout: PictureLayout;
  readonly palette: Palette;
}

/** Draws it on a cleared context. */
export function drawPicture(context: CanvasRenderingContext2D, picture: Picture): void {
  const { pods, shares, layout, palette, hubs } = picture;
  const fair = 1 / Math.max(1, shares.filter((share) => share !== null).length);
  const hasCalls = shares.some((share) => (share ?? 0) > 0);
  const middle = (pods.length * layout.row) / 2;
  const fromX = hubs.length > 0 ? layout.hubX : layout.clientX;
  const order = pods.map((_, row) => row).sort((a, b) => (shares[a] ?? 0) - (shares[b] ?? 0));
  for (const row of order) {
    const share = shares[row] ?? 0;
    if (share === 0) continue;
    context.strokeStyle = share > OVER * fair ? palette.over : palette.bar;
    line(context, share, [fromX, middle], [layout.podX, (row + 0.5) * layout.row]);
  }
  drawHubs(context, { hubs, middle, layout, palette, ink: hasCalls ? INK_PIXELS : 0 });
  drawClient(context, layout.clientX, middle, palette);
  pods.forEach((pod, row) => {
    const share = shares[row] ?? null;
    drawPod(context, pod, (share ?? 0) / fair, (row + 0.5) * layout.row, picture);
    drawBar(context, pod, share, fair, row, picture);
  });
  drawFair(context, picture);
}

function line(
  context: CanvasRenderingContext2D,
  share: number,
  from: readonly [number, number],
  to: readonly [number, number],
): void {
  const thick = share * INK_PIXELS;
  context.lineWidth = Math.max(1, thick);
  context.globalAlpha = Math.max(0.15, Math.min(1, thick)) * 0.9;
  const bend = (from[0] + to[0]) / 2;
  context.beginPath();
  context.moveTo(...from);
  context.bezierCurveTo(bend, from[1], bend, to[1], ...to);
  context.stroke();
  context.globalAlpha = 1;
}

function drawClient(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  { text, card }: Palette,
): void {
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  context.fillStyle = text;
  context.fill();
  context.fillStyle = card;
  label(context, "C", x, y, `600 11px ${FONT}`, "center");
}

/** A disc as bright as its row in the heat strip; a ring when nothing goes there. */
function drawPod(
  context: CanvasRenderingContext2D,
  pod: PodSample,
  fairShares: number,
  y: number,
  { layout, palette, ejected }: Picture,
): void {
  if (pod.state === "gone") return;
  const radius = Math.min(5.5, layout.row / 2 - 0.5);
  const x = layout.podX;
  context.lineWidth = 1.5;
  context.strokeStyle = palette.quiet;
  if (pod.state === "killed") {
    context.beginPath();
    for (const turn of [-1, 1]) {
      context.moveTo(x - radius, y - turn * radius);
      context.lineTo(x + radius, y + turn * radius);
    }
    context.stroke();
    return;
  }
  context.beginPath();
  const isLeft = pod.state === "not-ready" || ejected.includes(pod.name);
  if (isLeft) context.rect(x - radius, y - radius, radius * 2, radius * 2);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fairShares > 0 ? heat(fairShares) : palette.card;
  context.fill();
  if (pod.state === "starting") context.setLineDash([2, 2]);
  if (fairShares === 0 || isLeft || pod.state !== "ready") context.stroke();
  context.setLineDash([]);
  if (pod.state === "terminating") hatch(context, x - radius, y - radius, radius * 2, palette.text);
}

function hatch(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = size / 3; at < size * 2; at += size / 3) {
    context.moveTo(x + Math.max(0, at - size), y + Math.min(at, size));
    context.lineTo(x + Math.min(at, size), y + Math.max(0, at - size));
  }
  context.stroke();
}

function drawBar(
  context: CanvasRenderingContext2D,
  pod: PodSample,
  share: number | null,
  fair: number,
  row: number,
  { layout, palette, ejected }: Picture,
): void {
  const full = layout.barEnd - layout.barX;
  const height = Math.max(2, Math.min(12, layout.row - (layout.isDense ? 1 : 5)));
  const [y, middle] = [(row + 0.5) * layout.row - height / 2, (row + 0.5) * layout.row];
  const isOver = (share ?? 0) > OVER * fair;
  const width = Math.min(1, (share ?? 0) / (fair * FAIR_SHARES_SHOWN)) * full;
  context.fillStyle = isOver ? palette.over : palette.bar;
  context.fillRect(layout.barX, y, width, height);
  if (width === 0 && pod.state !== "gone") {
    context.fillStyle = palette.line;
    context.fillRect(layout.barX, y, 2, height);
  }
  if ((share ?? 0) > fair * FAIR_SHARES_SHOWN && height > 4)
    cut(context, layout, y, height, palette);
  if (layout.isDense) return;
  const quiet = (share ?? 0) === 0;
  context.fillStyle = quiet ? palette.quiet : palette.text;
  const number = share === null ? "–" : percentText(share);
  label(context, number, layout.barEnd + 46, middle, `12px ${FONT}`, "right");
  const words = standing(pod, ejected);
  if (words === "") return;
  context.fillStyle = palette.text;
  // Beside the line of the fair share, unless the bar goes further.
  const wordsX = Math.max(layout.barX + width, layout.barX + full / FAIR_SHARES_SHOWN) + 5;
  label(context, words, wordsX, middle, "600 11px system-ui, sans-serif", "left");
}

/** Two strokes through the bar: it goes on beyond the picture. */
function cut(
  context: CanvasRenderingContext2D,
  { barEnd }: PictureLayout,
  y: number,
  height: number,
  { card }: Palette,
): void {
  context.strokeStyle = card;
  context.lineWidth = 2;
  context.beginPath();
  for (const x of [barEnd - 14, barEnd - 9]) {
    context.moveTo(x, y + height);
    context.lineTo(x + 4, y);
  }
  context.stroke();
}

function drawFair(context: CanvasRenderingContext2D, { pods, layout, palette }: Picture): void {
  const x = layout.barX + (layout.barEnd - layout.barX) / FAIR_SHARES_SHOWN;
  context.strokeStyle = palette.text;
  context.lineWidth = 1.25;
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, pods.length * layout.row);
  context.stroke();
  context.setLineDash([]);
}

function label(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  font: string,
  align: CanvasTextAlign,
): void {
  context.font = font;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillText(text, x, y + 0.5);
}
