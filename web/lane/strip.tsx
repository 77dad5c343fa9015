/**
 * The heat strip of a lane, with what was done to the lab as lines through it and letters below,
 * and its scale. Time runs as in the latency chart under it.
 */
import { useMemo, useRef } from "preact/hooks";
import { markOf } from "../../src/lab/figures/event-mark.ts";
import type { Sample } from "../../src/lab/page/page-feed.ts";
import type { LabEvent } from "../../src/lab/view.ts";
import { calm, columns, hello } from "../feed.ts";
import { FAIR_SHARES_MAX, GRADIENT, IDLE } from "../heat.ts";
import { type Palette, palette } from "../palette.ts";
import { cleared, useDrawing, useWidth } from "../size.ts";
import { stripRow } from "./layout.ts";
import { StripPainter, stepFor } from "./strip-draw.ts";

/** Height of the letters below the rows. */
const MARKS_PIXELS = 14;

/** Properties of `Strip`. */
export interface StripProps {
  /** The lane's word. */
  readonly name: string;
  readonly title: string;
  readonly pods: Sample["pods"];
  onPod(pod: string): void;
}

/** Draws the strip; the newest column is at the right end. */
export function Strip({ name, title, pods, onPod }: StripProps) {
  const box = useRef<HTMLDivElement>(null);
  const cells = useRef<HTMLCanvasElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const painter = useMemo<{ current: StripPainter | null }>(() => ({ current: null }), []);
  const width = useWidth(box);
  const rowHeight = stripRow(pods.length);
  const rowsHeight = pods.length * rowHeight;
  useDrawing(() => {
    const [start, sample, all, colours] = [hello.value, calm.value, columns.value, palette.value];
    if (!cells.current || !marks.current || width === 0 || !start || !sample) return;
    const { columnCount, events } = sample;
    const step = stepFor(columnCount, width);
    painter.current ??= new StripPainter(cells.current);
    painter.current.paint({
      ...{ lane: name, columns: all, columnCount, rows: pods.length, width, rowHeight, step },
      ...{ ground: colours.strip, run: start.runId },
    });
    const context = cleared(marks.current, width, rowsHeight + MARKS_PIXELS);
    const xOf = ({ column }: LabEvent): number => width - (columnCount - column) * step;
    drawMarks(context, events, xOf, rowsHeight, colours);
  }, [name, width, pods.length]);
  return (
    <figure class="strip">
      <div class="gutter" aria-hidden="true">
        <span>{pods[0]?.name.replace("echo-", "")}</span>
        <span>{pods.at(-1)?.name.replace("echo-", "")}</span>
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: rows of the picture do the same by key. */}
      <div
        ref={box}
        class="cells"
        role="img"
        aria-label={`${title}: calls by pod over time, a row a pod, brighter is more`}
        style={{ height: `${rowsHeight + MARKS_PIXELS}px` }}
        onClick={(event) => {
          const pod = pods[Math.floor(event.offsetY / rowHeight)];
          if (pod) onPod(pod.name);
        }}
      >
        <canvas ref={cells} style={{ height: `${rowsHeight}px` }} />
        <canvas ref={marks} style={{ height: `${rowsHeight + MARKS_PIXELS}px` }} />
      </div>
      <figcaption class="caption">
        <span>a row a pod, time →</span>
        <Scale />
      </figcaption>
    </figure>
  );
}

function Scale() {
  return (
    <span class="heat-scale">
      <span class="idle-sample" style={{ background: IDLE }} />
      none
      <span class="ramp" style={{ background: GRADIENT }}>
        <span class="fair" style={{ left: `${100 / FAIR_SHARES_MAX}%` }} />
      </span>
      {FAIR_SHARES_MAX}× fair
    </span>
  );
}

/** A line for each event; an outcome's is dotted and has no letter. */
function drawMarks(
  context: CanvasRenderingContext2D,
  events: readonly LabEvent[],
  xOf: (event: LabEvent) => number,
  rowsHeight: number,
  { text }: Palette,
): void {
  context.font = "11px ui-monospace, monospace";
  context.textAlign = "center";
  context.lineWidth = 1;
  for (const event of events) {
    const x = Math.round(xOf(event)) + 0.5;
    if (x < 0) continue;
    context.setLineDash(event.isOutcome ? [1, 3] : []);
    context.strokeStyle = "#ffffff";
    context.globalAlpha = event.isOutcome ? 0.6 : 0.9;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, rowsHeight);
    context.stroke();
    context.globalAlpha = 1;
    context.fillStyle = text;
    context.fillText(markOf(event), x, rowsHeight + MARKS_PIXELS - 3);
  }
}
