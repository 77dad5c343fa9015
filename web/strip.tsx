/**
 * The heat strip: a row a pod, time from left to right, brightness = calls of the interval in fair
 * shares. A pod without a call is dark grey, so an unused pod is an empty row. What was done to the
 * lab is a line through it, with its letter below.
 */
import { useEffect, useRef } from "preact/hooks";
import type { LabEvent } from "../src/lab/view.ts";
import { markOf } from "./events.tsx";

const ROW_PIXELS = 9;
/** Height of the letters below the rows. */
const MARKS_PIXELS = 13;
/** Brightest at this many fair shares and above. */
const FAIR_SHARES_MAX = 3;
const IDLE = "#3a3f47";
/** Blues up to the fair share, yellows above it: told apart with any colour vision. */
const BELOW = ["#17335f", "#214a87", "#2c62ad", "#4380cb", "#5b9bdf"];
const ABOVE = ["#8fb0c8", "#bfc099", "#e3cf63", "#ffdf2e"];
const RAMP = `linear-gradient(90deg, ${IDLE} 15%, ${BELOW.join(",")})`;

/** Properties of `Strip`. */
export interface StripProps {
  readonly title: string;
  /** Calls per pod of each interval, oldest first. */
  readonly columns: readonly (readonly number[])[];
  readonly pods: number;
  readonly intervalMs: number;
  readonly events: readonly LabEvent[];
  /** How many columns there were in all. */
  readonly columnCount: number;
}

/** Draws the strip; the newest column is at the right end. */
export function Strip(props: StripProps) {
  const { title, columns, pods, intervalMs } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, props);
  });
  const seconds = Math.round((columns.length * intervalMs) / 1000);
  return (
    <div class="strip">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${title}: calls by pod over the last ${seconds} seconds, a row a pod`}
        style={{ height: `${pods * ROW_PIXELS + MARKS_PIXELS}px` }}
      />
      <p class="scale">
        <span>a row a pod, last {seconds} s</span>
        <span>
          none
          <span class="ramp" style={{ background: RAMP }} />
          fair
          <span class="ramp" style={{ background: `linear-gradient(90deg, ${ABOVE.join(",")})` }} />
          {FAIR_SHARES_MAX}x
        </span>
      </p>
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, { columns, pods, events, columnCount }: StripProps): void {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((pods * ROW_PIXELS + MARKS_PIXELS) * ratio);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(ratio, ratio);
  // Few columns are drawn wide at first and get narrower until they fill the width.
  const step = Math.max(2, Math.min(8, width / Math.max(1, columns.length)));
  const shown = columns.slice(-Math.floor(width / step));
  shown.forEach((column, index) => {
    const x = width - (shown.length - index) * step;
    // Older columns have fewer rows: from before the later pods were there.
    const fair = column.reduce((total, calls) => total + calls, 0) / column.length;
    column.forEach((calls, row) => {
      context.fillStyle = calls === 0 ? IDLE : colour(calls / fair);
      context.fillRect(x, row * ROW_PIXELS, step, ROW_PIXELS - 1);
    });
  });
  const xOf = ({ column }: LabEvent): number => width - (columnCount - column) * step;
  const seen = events.filter((event) => xOf(event) >= width - shown.length * step);
  drawMarks(context, seen, xOf, pods * ROW_PIXELS);
}

/** A line for each event; an outcome's is dotted and has no letter. */
function drawMarks(
  context: CanvasRenderingContext2D,
  events: readonly LabEvent[],
  xOf: (event: LabEvent) => number,
  rowsHeight: number,
): void {
  const { color } = getComputedStyle(context.canvas);
  context.strokeStyle = color;
  context.fillStyle = color;
  context.font = "11px ui-monospace, monospace";
  context.textAlign = "center";
  for (const event of events) {
    const x = Math.round(xOf(event)) + 0.5;
    context.setLineDash(event.isOutcome ? [2, 3] : []);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, rowsHeight);
    context.stroke();
    context.fillText(markOf(event), x, rowsHeight + MARKS_PIXELS - 3);
  }
}

/** The colour of a number of fair shares above 0. Up to 10 % more than fair is still fair. */
function colour(fairShares: number): string {
  if (fairShares <= 1.1) return BELOW[Math.min(4, Math.floor(fairShares * 5))]!;
  const place = Math.min(1, (fairShares - 1) / (FAIR_SHARES_MAX - 1));
  return ABOVE[Math.min(3, Math.floor(place * 4))]!;
}
