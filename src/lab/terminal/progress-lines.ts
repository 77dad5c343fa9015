/**
 * How a lab gets on, in single lines: for a log that nobody sees redrawn, as of a CI, and for the
 * line that stands while `--once` runs.
 */

import { clockText } from "../figures/number-words.ts";
import type { LabEvent, LabView } from "../view.ts";
import { eventText } from "./table-head.ts";
import { type OutputStyle, Pen } from "./table-pen.ts";

/** How often there is a line on how the lanes fare. */
const FARE_MS = 5000;
/** How often there is one on what is started, at most. */
const PROGRESS_MS = 1000;

/** Makes the lines, each told once. */
export class ProgressLines {
  readonly #pen: Pen;
  readonly #startedAtMs: number;
  #progress: string | null = null;
  #nextProgressMs = Number.NEGATIVE_INFINITY;
  #isReady = false;
  /** Of load. */
  #nextFareMs = FARE_MS;
  /** The latest event that was told. */
  #told: LabEvent | null = null;

  /** @param nowMs When the lab began to start, of a monotonic clock. */
  constructor(style: OutputStyle, nowMs: number) {
    const columns = Number.POSITIVE_INFINITY;
    this.#pen = new Pen({ ...style, hasColour: false, columns, rows: columns });
    this.#startedAtMs = nowMs;
  }

  /** What there is to say since the last time. */
  take(view: LabView, nowMs: number): string[] {
    const { progress, elapsedMs } = view;
    if (progress !== null) return this.#starting(progress, nowMs);
    const lines: string[] = [];
    if (!this.#isReady) {
      this.#isReady = true;
      const seconds = Math.max(0, nowMs - this.#startedAtMs - elapsedMs) / 1000;
      lines.push(`ready after ${seconds.toFixed(1)} s`);
    }
    const { events } = view;
    const from = this.#told === null ? 0 : events.lastIndexOf(this.#told) + 1;
    lines.push(...events.slice(from).map(eventText));
    this.#told = events.at(-1) ?? null;
    // After a reset the load begins anew.
    if (elapsedMs < this.#nextFareMs - FARE_MS) this.#nextFareMs = FARE_MS;
    if (elapsedMs < this.#nextFareMs) return lines;
    this.#nextFareMs = (Math.floor(elapsedMs / FARE_MS) + 1) * FARE_MS;
    return [...lines, fareLine(view, this.#pen)];
  }

  #starting(progress: string, nowMs: number): string[] {
    if (progress === this.#progress || nowMs < this.#nextProgressMs) return [];
    this.#progress = progress;
    this.#nextProgressMs = nowMs + PROGRESS_MS;
    return [progress];
  }
}

/**
 * "00:05 of 00:10  ✕ clusterip  ✓ client": how far it is, in a line that is drawn over; without "of
 * 00:10" while nobody knows the end.
 */
export function statusLine(view: LabView, endMs: number | null, pen: Pen): string {
  const { progress, elapsedMs, lanes } = view;
  if (progress !== null) return pen.cut(progress, pen.size.columns);
  const signs = lanes.map(({ name, short }) => `${pen.plain(short[0]!)} ${name}`);
  const times = `${clockText(elapsedMs)}${endMs === null ? "" : ` of ${clockText(endMs)}`}`;
  return pen.cut([times, ...signs].join("  "), pen.size.columns);
}

/** "00:05 clusterip ✕ 1 of 12 pods, client ✓ even" */
function fareLine({ elapsedMs, lanes }: LabView, pen: Pen): string {
  const fares = lanes.map(({ name, short }) => `${name} ${pen.plain(short)}`);
  return `${clockText(elapsedMs)} ${fares.join(", ")}`;
}
