/** The times of a scenario as they are written: `3s`, `500ms`, `2m`, `40%` of its length, `end`. */
import type { Moment } from "./scenario.ts";

/** For the sentence of what is allowed. */
export const MOMENT_FORMS = "a time of the load, such as 3s, 500ms or 40%, or end";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** Reads one; null when it is none. */
export function parseMoment(text: string): Moment | null {
  if (text === "end") return { kind: "end" };
  const part = /^(\d{1,2}(?:\.\d{1,3})?|100)\s?%$/.exec(text);
  if (part) return { kind: "part", part: Number(part[1]) / 100 };
  const time = /^(\d{1,7}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text);
  return time ? { kind: "ms", ms: Number(time[1]) * UNITS_MS[time[2]!]! } : null;
}

/** Ms of load before it. */
export function momentMs(moment: Moment, seconds: number): number {
  if (moment.kind === "end") return seconds * 1000;
  return moment.kind === "ms" ? moment.ms : Math.round(moment.part * seconds * 1000);
}

/** As it is written. */
export function momentText(moment: Moment): string {
  if (moment.kind === "end") return "end";
  return moment.kind === "part"
    ? `${Number((moment.part * 100).toFixed(3))}%`
    : `${moment.ms / 1000}s`;
}
