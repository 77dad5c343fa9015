/**
 * Latency of a lane over time, p50 and p99 of each second, by uPlot. Its time is that of the heat
 * strip above, and all lanes have one scale, in tenfold steps.
 */

import { computed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clockText } from "../../src/lab/figures/number-words.ts";
import { calm, columns, hello } from "../feed.ts";
import { palette } from "../palette.ts";
import { useDrawing, useWidth } from "../size.ts";
import { stepFor } from "./strip-draw.ts";

const HEIGHT = 104;
/** As wide as the gutter of the strip. */
const AXIS_PIXELS = 34;

/** The scale of all lanes: powers of ten around everything that was seen lately. */
const range = computed<[number, number]>(() => {
  const seen = columns.value.flatMap(({ lanes }) =>
    Object.values(lanes).flatMap(({ p50Ms, p99Ms }) => [p50Ms ?? [], p99Ms ?? []].flat()),
  );
  if (seen.length === 0) return [0.1, 10];
  const low = 10 ** Math.floor(Math.log10(Math.max(0.01, Math.min(...seen))));
  return [low, Math.max(low * 10, 10 ** Math.ceil(Math.log10(Math.max(...seen))))];
});

/** Properties of `Latency`. */
export interface LatencyProps {
  /** The lane's word. */
  readonly name: string;
  readonly title: string;
}

/** Draws the chart. */
export function Latency({ name, title }: LatencyProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const width = useWidth(box);
  const colours = palette.value;
  useEffect(() => {
    if (!box.current || width === 0) return;
    const made = new uPlot(optionsFor(width, colours), [[], [], []], box.current);
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = null;
    };
  }, [width, colours]);
  useDrawing(() => {
    const [start, sample, all] = [hello.value, calm.value, columns.value];
    const [min, max] = range.value;
    if (!chart.current || !start || !sample) return;
    const seconds = start.intervalMs / 1000;
    const end = sample.columnCount * seconds;
    const plot = width - AXIS_PIXELS;
    const shown = Math.ceil(plot / stepFor(sample.columnCount, plot));
    const lane = all.slice(-shown).map(({ lanes }) => lanes[name]);
    chart.current.batch(() => {
      chart.current!.setData(
        [
          lane.map((_, at) => end - (lane.length - 1 - at) * seconds),
          lane.map((each) => each?.p50Ms ?? null),
          lane.map((each) => each?.p99Ms ?? null),
        ],
        false,
      );
      chart.current!.setScale("x", { min: end - shown * seconds, max: end });
      chart.current!.setScale("y", { min, max });
    });
  }, [name, width, colours]);
  return (
    <figure class="latency">
      <div
        ref={box}
        role="img"
        aria-label={`${title}: latency over time, p50 and p99`}
        style={{ height: `${HEIGHT}px` }}
      />
      <figcaption class="caption">
        <span>latency in ms, all lanes alike</span>
        <span>
          ━ p50 <span class="over-word">┅ p99</span>
        </span>
      </figcaption>
    </figure>
  );
}

function optionsFor(width: number, colours: typeof palette.value): uPlot.Options {
  const axis = {
    stroke: colours.quiet,
    font: "11px system-ui, sans-serif",
    grid: { stroke: colours.line, width: 0.5 },
    ticks: { show: false },
  };
  return {
    ...{ width, height: HEIGHT, padding: [6, 0, 0, 0] },
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, auto: false }, y: { distr: 3, auto: false } },
    axes: [
      {
        ...axis,
        size: 20,
        gap: 2,
        space: 60,
        incrs: [5, 10, 15, 20, 30, 60, 120],
        values: (_, splits) => splits.map((second) => (second < 0 ? "" : clockText(second * 1000))),
      },
      {
        ...axis,
        size: AXIS_PIXELS,
        gap: 4,
        values: (_, splits) => splits.map((ms) => (isPowerOfTen(ms) ? shortMs(ms) : "")),
      },
    ],
    series: [
      {},
      { stroke: colours.bar, width: 1.75, points: { show: false } },
      { stroke: colours.over, width: 1.5, dash: [4, 3], points: { show: false } },
    ],
  };
}

/** "0.1", "100", "1s": the axis is narrow. */
function shortMs(ms: number): string {
  return ms >= 1000 ? `${ms / 1000}s` : String(ms);
}

function isPowerOfTen(value: number | null): boolean {
  return value !== null && Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
}
